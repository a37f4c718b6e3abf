//! What to do about a cause, naming the fields of the manifests and their present values.

pub mod image;
pub mod place;
pub mod process;
pub mod setup;

use serde_json::Value;

use super::definition::{Definition, plain};

/// Makes advice of what is known.
pub type Advice = fn(&Scene<'_>) -> String;

/// What is known of a cause.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub definition: Definition<'a>,
    /// The container that it is about.
    pub container: Option<&'a str>,
    /// What that container ran, as the task shows it.
    pub image: Option<&'a str>,
    pub exit_code: Option<i64>,
    /// ECS's whole text.
    pub text: &'a str,
}

impl<'a> Scene<'a> {
    /// Something at a pointer in the container's definition.
    fn of_container(&self, pointer: &str) -> Option<&'a Value> {
        self.definition.container(self.container?)?.pointer(pointer).filter(|value| !value.is_null())
    }

    fn value(&self, pointer: &str) -> Option<String> {
        self.of_container(pointer).and_then(plain)
    }

    fn says(&self, word: &str) -> bool {
        self.text.to_ascii_lowercase().contains(word)
    }

    fn who(&self) -> String {
        self.container.map_or_else(|| "the container".to_owned(), |name| format!("container {name}"))
    }

    fn what(&self) -> String {
        let image = self.value("/image").or_else(|| plain(&Value::from(self.image?)));
        image.map_or_else(|| "the image".to_owned(), |image| format!("image {image}"))
    }

    fn see_log(&self) -> String {
        let group = self.value("/logConfiguration/options/awslogs-group");
        format!("see its log{}", in_brackets(group.map(|group| format!("log group {group}"))))
    }

    /// Who fetches images, secrets and files for the task.
    fn execution_role(&self) -> String {
        let role = self.definition.role("/executionRoleArn").unwrap_or("none is set");
        let known = self.definition.get("/containerDefinitions").is_some();
        format!("the role in `executionRoleArn`{}", in_brackets(known.then_some(role)))
    }

    fn program(&self) -> String {
        let words: Vec<String> = ["entryPoint", "command"]
            .iter()
            .map(|field| format!("`{field}`{}", in_brackets(self.value(&format!("/{field}")))))
            .collect();
        words.join(" and ")
    }
}

/// A value after its field: " (value)", or nothing.
fn in_brackets(value: Option<impl AsRef<str>>) -> String {
    value.map_or_else(String::new, |value| format!(" ({})", value.as_ref()))
}
