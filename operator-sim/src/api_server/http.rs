//! The part of the Kubernetes API that the operator writes through.

use std::{future, io};

use http::{Method, Request, Response, StatusCode};
use kube::{Client, client::Body};
use serde_json::{Value, json};

use super::{ApiServer, Fault, NAMESPACE, Name};
use crate::journal::Who;

/// An answer: the HTTP status, and the body.
type Answer = (StatusCode, Value);

impl ApiServer {
    /// A client of it. Made on the runtime that it is used on.
    pub fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await.map_err(io::Error::other)?;
                let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
                let (status, answer) = server.answer(&parts.method, parts.uri.path(), body).await?;
                let mut response = Response::new(Body::from(answer.to_string().into_bytes()));
                *response.status_mut() = status;
                Ok::<_, io::Error>(response)
            }
        });
        Client::new(service, NAMESPACE)
    }

    async fn answer(&self, method: &Method, path: &str, body: Value) -> io::Result<Answer> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        if *method == Method::GET {
            return Ok(self.read(&parts));
        }
        let fault = self.state().faults.strike();
        let take = || self.write(&parts, &body);
        match fault {
            None => Ok(take()),
            Some(Fault::ServerError) => {
                Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "etcdserver: request timed out"))
            }
            Some(Fault::LoseAnswer) => {
                take();
                Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer"))
            }
            Some(Fault::Hang { took_effect }) => {
                if took_effect {
                    take();
                }
                future::pending().await
            }
        }
    }

    fn read(&self, parts: &[&str]) -> Answer {
        match parts {
            ["apis", _, _, "namespaces", _, plural, name] => {
                let name = (kind(plural), (*name).to_owned());
                self.state()
                    .objects
                    .get(&name)
                    .map_or_else(|| not_found(&name), |object| (StatusCode::OK, object.clone()))
            }
            ["apis", "apiextensions.k8s.io", _, "customresourcedefinitions", name] => (
                StatusCode::OK,
                json!({ "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": { "name": name } }),
            ),
            _ => refusal(StatusCode::NOT_FOUND, "NotFound", "the simulated API server does not know this path"),
        }
    }

    fn write(&self, parts: &[&str], body: &Value) -> Answer {
        self.journal.count_kubernetes_write();
        match parts {
            ["apis", "events.k8s.io", _, "namespaces", _, "events"] => {
                let (name, text) = (body["metadata"]["name"].as_str().unwrap_or_default().to_owned(), event(body));
                self.tell(Who::Event, text.clone());
                self.state().events.insert(name, text);
                (StatusCode::CREATED, body.clone())
            }
            ["apis", "events.k8s.io", _, "namespaces", _, "events", name] => {
                let count = body.pointer("/series/count").and_then(Value::as_i64).unwrap_or_default();
                let text = self.state().events.get(*name).cloned().unwrap_or_default();
                self.tell(Who::Event, format!("{text} (×{count})"));
                (StatusCode::OK, json!({ "metadata": { "name": name, "namespace": NAMESPACE } }))
            }
            ["apis", _, _, "namespaces", _, plural, name, "status"] => self.write_status(plural, name, body),
            ["apis", _, _, "namespaces", _, plural, name] => self.merge(plural, name, body),
            _ => refusal(StatusCode::NOT_FOUND, "NotFound", "the simulated API server does not know this path"),
        }
    }

    /// Server-side apply by the one who owns all of the status.
    fn write_status(&self, plural: &str, name: &str, body: &Value) -> Answer {
        let mut state = self.state();
        let name = (kind(plural), name.to_owned());
        let Some(before) = state.objects.get(&name).cloned() else { return not_found(&name) };
        if is_outdated(&before, body) {
            return conflict();
        }
        let mut object = before.clone();
        object["status"] = body["status"].clone();
        if object == before {
            return (StatusCode::OK, object);
        }
        let object = state.put(&name, object);
        let observer = state.observer.clone();
        drop(state);
        if let Some(observer) = observer {
            observer(&before, &object);
        }
        (StatusCode::OK, object)
    }

    /// A JSON merge patch; a resource version in it must be the object's.
    fn merge(&self, plural: &str, name: &str, body: &Value) -> Answer {
        let mut state = self.state();
        let name = (kind(plural), name.to_owned());
        let Some(mut object) = state.objects.get(&name).cloned() else { return not_found(&name) };
        if is_outdated(&object, body) {
            return conflict();
        }
        json_patch::merge(&mut object, body);
        (StatusCode::OK, state.put(&name, object))
    }
}

fn kind(plural: &str) -> String {
    match plural {
        "ecsclusters" => "EcsCluster",
        "ecstaskdefinitions" => "EcsTaskDefinition",
        _ => "EcsService",
    }
    .to_owned()
}

/// Whether a write is meant for another version of an object.
fn is_outdated(object: &Value, body: &Value) -> bool {
    let asked = &body["metadata"]["resourceVersion"];
    !asked.is_null() && *asked != object["metadata"]["resourceVersion"]
}

fn conflict() -> Answer {
    let message = "the object has been modified; please apply your changes to the latest version and try again";
    refusal(StatusCode::CONFLICT, "Conflict", message)
}

fn not_found((kind, name): &Name) -> Answer {
    refusal(StatusCode::NOT_FOUND, "NotFound", &format!("{kind} {name} not found"))
}

fn refusal(status: StatusCode, reason: &str, message: &str) -> Answer {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason,
        "code": status.as_u16(),
    });
    (status, body)
}

fn event(event: &Value) -> String {
    let text = |place: &str| event.pointer(place).and_then(Value::as_str).unwrap_or_default();
    format!(
        "{} {}: {} {}: {}",
        text("/regarding/kind"),
        text("/regarding/name"),
        text("/type"),
        text("/reason"),
        text("/note")
    )
}
