//! Stories with a golden log: what is given, what happens step by step, and how it ends.
//!
//! A story is told once and played with every deployment strategy that it names. Its folder holds `story.yaml` and one
//! log for each strategy.

mod play;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

pub use self::play::{Played, play};

/// Why a story can't be played.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// A file that can't be read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A file that is no story.
    #[error("{0}: {1}")]
    Yaml(PathBuf, Box<serde_saphyr::Error>),
}

/// A story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// What it is about.
    pub about: String,
    /// With which strategies it is played; all where it names none.
    #[serde(default)]
    pub strategies: Vec<String>,
    /// Changes of the product's manifests, as JSON merge patches of the specs, by `Kind/name`. Those that are not of the
    /// product are added.
    #[serde(default)]
    pub given: BTreeMap<String, Value>,
    /// What happens.
    pub steps: Vec<Step>,
    /// The reason of `Ready` in the end, by `Kind/name`.
    #[serde(default)]
    pub then: BTreeMap<String, String>,
    /// Whether it ends with half an hour without a write; not where it ends in the middle of something.
    #[serde(default = "yes")]
    pub ends_quietly: bool,
}

fn yes() -> bool {
    true
}

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Step {
    /// All manifests are applied at once, in this or that order.
    Apply(Vec<String>),
    /// Time passes until `Ready` has a reason for the present generation: `Kind/name Reason`.
    Until(String),
    /// Time passes until the service deployment under way is at a stage of its life cycle: `BAKE_TIME`.
    UntilStage(String),
    /// Seconds pass.
    Wait(u64),
    /// The user changes specs: JSON merge patches, by `Kind/name`.
    Edit(BTreeMap<String, Value>),
    /// The user changes the image of the first container of the task definition `web`.
    Image(String),
    /// The user sets annotations, or with null takes them away: by `Kind/name`. `HOOK` stands for the id of the hook that
    /// waits, `DEPLOYMENT` for that of the deployment under way.
    Annotate(BTreeMap<String, BTreeMap<String, Option<String>>>),
    /// The user deletes objects.
    Delete(Vec<String>),
    /// Somebody else calls ECS: one operation and its input. `DEPLOYMENT` stands for the ARN of the newest service
    /// deployment, `TASK` for that of a running task, `TASK_SET` for the id of the newest task set.
    Call(BTreeMap<String, Value>),
    /// The simulator's control: an endpoint and its body.
    Control(BTreeMap<String, Value>),
    /// The operator is killed and starts again so many seconds later.
    Restart(u64),
    /// The status of an object is lost: `Kind/name`.
    LoseStatus(String),
}

/// A story with what it is played on.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its folder's name.
    pub name: String,
    /// The strategy.
    pub strategy: String,
    /// The story.
    pub story: Story,
    /// The manifests.
    pub manifests: Vec<Value>,
}

/// The product that stories are about, and the strategies.
#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    product: Vec<Value>,
    strategies: BTreeMap<String, Value>,
}

impl Stage {
    /// Reads `product.yaml` and `strategies.yaml` of a folder.
    pub fn read(folder: &Path) -> Result<Self, StoryError> {
        let product = folder.join("product.yaml");
        let manifests = serde_saphyr::from_multiple(&text(&product)?).map_err(|error| wrong(&product, error))?;
        let strategies = folder.join("strategies.yaml");
        let strategies = serde_saphyr::from_str(&text(&strategies)?).map_err(|error| wrong(&strategies, error))?;
        Ok(Self { folder: folder.into(), product: manifests, strategies })
    }

    /// All stories with all their strategies, by name.
    pub fn scripts(&self) -> Result<Vec<Script>, StoryError> {
        let failed = |error| StoryError::File(self.folder.clone(), error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.path().is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        let scripts: Result<Vec<_>, _> = names.iter().map(|name| self.script(name)).collect();
        Ok(scripts?.into_iter().flatten().collect())
    }

    /// One story with all its strategies.
    pub fn script(&self, name: &str) -> Result<Vec<Script>, StoryError> {
        let path = self.folder.join(name).join("story.yaml");
        let story: Story = serde_saphyr::from_str(&text(&path)?).map_err(|error| wrong(&path, error))?;
        let all: Vec<String> = self.strategies.keys().cloned().collect();
        let strategies = if story.strategies.is_empty() { all } else { story.strategies.clone() };
        let scripts = strategies.into_iter().map(|strategy| {
            let manifests = self.manifests(&story, &strategy);
            Script { name: name.into(), strategy, story: story.clone(), manifests }
        });
        Ok(scripts.collect())
    }

    /// Where the log of a script is.
    pub fn log(&self, script: &Script) -> PathBuf {
        self.folder.join(&script.name).join(format!("{}.log", script.strategy))
    }

    fn manifests(&self, story: &Story, strategy: &str) -> Vec<Value> {
        let mut manifests = self.product.clone();
        let strategy = self.strategies.get(strategy).cloned().unwrap_or_default();
        for service in manifests.iter_mut().filter(|manifest| manifest["kind"] == "EcsService") {
            json_patch::merge(&mut service["spec"], &strategy);
        }
        for (key, patch) in &story.given {
            let (kind, name) = key.split_once('/').unwrap_or((key, ""));
            let is_it = |one: &&mut Value| one["kind"] == kind && one["metadata"]["name"] == name;
            match manifests.iter_mut().find(is_it) {
                Some(manifest) => json_patch::merge(&mut manifest["spec"], patch),
                None => manifests.push(manifest(kind, name, patch)),
            }
        }
        manifests
    }
}

fn manifest(kind: &str, name: &str, spec: &Value) -> Value {
    Value::Object(Map::from_iter([
        ("kind".into(), kind.into()),
        ("metadata".into(), serde_json::json!({ "name": name })),
        ("spec".into(), spec.clone()),
    ]))
}

fn text(path: &Path) -> Result<String, StoryError> {
    fs::read_to_string(path).map_err(|error| StoryError::File(path.into(), error))
}

fn wrong(path: &Path, error: serde_saphyr::Error) -> StoryError {
    StoryError::Yaml(path.into(), Box::new(error))
}
