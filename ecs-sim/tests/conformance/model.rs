//! Judging what was said by AWS's own model of ECS, which moto's environment has.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::http::Answer;

/// Calls with their answers, as `model.py` reads them.
#[derive(Default)]
pub struct Exchanges(Vec<Value>);

impl Exchanges {
    /// Another call.
    pub fn add(&mut self, operation: &str, input: &Value, answer: &Answer) {
        self.0.push(json!({ "operation": operation, "input": input, "answer": answer.body, "error": answer.code }));
    }

    /// Panics with what does not fit the model.
    pub fn fit_the_model(&self) {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let testbed = Command::new("python3").arg(here.join("../tools/testbed")).arg("where").output();
        let places: Value = serde_json::from_slice(&testbed.expect("the test bed needs python3").stdout).unwrap();
        let python = places["moto-python"].as_str().expect("moto is not there: run `make setup` first");
        let mut judge = Command::new(python)
            .arg(here.join("tests/conformance/model.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines: Vec<String> = self.0.iter().map(Value::to_string).collect();
        judge.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
        let judged = judge.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&judged.stdout);
        assert!(judged.status.success() && words.is_empty(), "what was said does not fit AWS's model:\n{words}");
    }
}
