//! The emulators, started by the project's test bed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// An emulator that runs as long as this value lives: the test bed ends it when its standard input is closed, which
/// happens whatever becomes of this process.
pub struct Bed {
    process: Child,
    /// `http://host:port`.
    pub address: String,
}

impl Bed {
    /// Starts one of the emulators that the test bed knows.
    pub fn start(emulator: &str) -> Self {
        let mut process = Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/testbed"))
            .args(["up", "--only", emulator])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test bed needs python3");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("{emulator} does not start (see above); what it needs is installed by `make setup`")
        });
        Self { process, address: told["ecs"].as_str().unwrap().into() }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
