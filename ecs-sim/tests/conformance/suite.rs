//! The cases: what a file of them says.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

/// Something that ECS does, as calls and what must be seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// One sentence that is true of ECS.
    pub name: String,
    /// Where that is written: the AWS document's name, or "observed by tools".
    pub source: String,
    /// The targets that don't do so, with what they do instead.
    #[serde(default)]
    pub skip: BTreeMap<String, String>,
    /// What is there at the beginning: names of entries in `given.yaml`.
    #[serde(default)]
    pub given: Vec<Value>,
    /// What is done, in this order: each a [`Step`], or the name of an entry in `given.yaml`.
    pub steps: Vec<Value>,
    /// The file that it is in.
    #[serde(skip)]
    pub topic: String,
}

/// One call, made once, or again and again while time passes. Texts may hold `$(variables)`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The operation.
    pub call: String,
    /// Its input.
    #[serde(default)]
    pub with: Value,
    /// So many calls, in which `$(n)` counts from 1.
    #[serde(default = "once")]
    pub times: u32,
    /// Seconds that pass before the call.
    #[serde(default)]
    pub after: u32,
    /// A part of the answer; see [`crate::expect`].
    pub expect: Option<Value>,
    /// The call is refused.
    pub error: Option<Refusal>,
    /// The call is made each second until the answer is so.
    pub wait: Option<Wait>,
    /// Seconds for which the call is made each second and must answer as expected each time.
    #[serde(default)]
    pub hold: u32,
    /// What is remembered of the answer: the variable's name, and a JSON pointer. After a blank, a regular expression
    /// may follow, whose group is the part to remember.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

/// How a call is refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The exception; any, where no document tells which.
    pub code: Option<String>,
    /// A part of the message.
    #[serde(default)]
    pub message: String,
    /// The HTTP status.
    #[serde(default = "bad_request")]
    pub status: u16,
}

fn once() -> u32 {
    1
}

fn bad_request() -> u16 {
    400
}

/// What is waited for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// A part of the answer that comes.
    pub until: Value,
    /// In so many seconds.
    pub within: u32,
    /// A part of every answer until then.
    pub meanwhile: Option<Value>,
}

impl Case {
    fn is_asked_for(&self, words: &str) -> bool {
        format!("{} {}", self.topic, self.name).contains(words)
    }
}

/// All cases.
pub struct Suite {
    /// In the order of the files.
    pub cases: Vec<Case>,
    given: BTreeMap<String, Vec<Value>>,
}

impl Suite {
    /// Reads the files.
    pub fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder.join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut cases: Vec<Case> = files.iter().flat_map(|file| read_cases(file)).collect();
        let words = env::var("CONFORMANCE").unwrap_or_default();
        cases.retain(|case| case.is_asked_for(&words));
        Self { cases, given: parse(&folder.join("given.yaml")) }
    }

    /// All steps of a case, those that make what is given first.
    pub fn steps(&self, case: &Case) -> Vec<Step> {
        case.given.iter().chain(&case.steps).flat_map(|step| self.expanded(case, step)).collect()
    }

    fn expanded(&self, case: &Case, step: &Value) -> Vec<Step> {
        if let Some(name) = step.as_str() {
            let given = self.given.get(name).unwrap_or_else(|| panic!("{}: nothing is given as {name}", case.name));
            return given.iter().flat_map(|step| self.expanded(case, step)).collect();
        }
        vec![serde_json::from_value(step.clone()).unwrap_or_else(|error| panic!("{}: {error} in {step}", case.name))]
    }
}

fn read_cases(file: &Path) -> Vec<Case> {
    let mut cases: Vec<Case> = parse(file);
    for case in &mut cases {
        case.topic = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!case.source.is_empty(), "{}: no source", case.name);
    }
    cases
}

fn parse<T: serde::de::DeserializeOwned>(file: &Path) -> T {
    let text = fs::read_to_string(file).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
