//! The API server asked plainly: JSON in, its answer or its refusal out.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::Request;
use kube::{Client, core::Status};
use serde_json::{Value, json};

use super::bed::bed;

/// What the API server refuses, as it says it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusal {
    /// 422 for what the schema or a rule refuses, 400 for an unknown field.
    pub code: u16,
    pub message: String,
    /// A field and what is wrong with it, for each cause.
    pub causes: Vec<(String, String)>,
}

/// The API server, asked by a user who may do everything, with strict field validation.
#[derive(Clone)]
pub struct Raw {
    pub client: Client,
}

impl Raw {
    /// Talks to the bed's API server.
    pub async fn new() -> Self {
        Self { client: bed().client().await.expect("a client of the test bed") }
    }

    /// Makes a namespace that no other test has.
    pub async fn namespace(&self, name: &str) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("{name}-raw-{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.post("/api/v1/namespaces", &body).await.expect("a new namespace");
        name
    }

    pub async fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.ask("GET", path, "application/json", None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.ask("POST", path, "application/json", Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.ask("PUT", path, "application/json", Some(body)).await
    }

    /// A merge patch.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.ask("PATCH", path, "application/merge-patch+json", Some(body)).await
    }

    /// A server-side apply by the manager "test".
    pub async fn apply(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        let path = format!("{path}{}fieldManager=test", if path.contains('?') { '&' } else { '?' });
        self.ask("PATCH", &path, "application/apply-patch+yaml", Some(body)).await
    }

    async fn ask(&self, verb: &str, path: &str, kind: &str, body: Option<&Value>) -> Result<Value, Refusal> {
        let strict = match body {
            None => path.to_owned(),
            Some(_) => format!("{path}{}fieldValidation=Strict", if path.contains('?') { '&' } else { '?' }),
        };
        let body = body.map(|body| serde_json::to_vec(body).expect("JSON")).unwrap_or_default();
        let request = Request::builder().method(verb).uri(strict).header("content-type", kind).body(body).unwrap();
        match self.client.request::<Value>(request).await {
            Ok(answer) => Ok(answer),
            Err(kube::Error::Api(status)) => Err(refusal(&status)),
            Err(error) => panic!("{verb} {path}: {error}"),
        }
    }
}

fn refusal(status: &Status) -> Refusal {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    Refusal {
        code: status.code,
        message: status.message.clone(),
        causes: causes.map(|cause| (cause.field.clone(), cause.message.clone())).collect(),
    }
}
