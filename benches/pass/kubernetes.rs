//! An API server in memory, below the Kubernetes client: it holds a few objects, takes the writes that an operator
//! makes to its objects, and counts them.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use hyper::{Request, Response};
use kube::{Client, client::Body};
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Clone, Default)]
pub struct Kubernetes(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    writes: usize,
    /// By kind.
    objects: BTreeMap<String, Value>,
}

impl Kubernetes {
    /// A client of it. Made on the runtime that it is used on.
    pub fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect_bytes().await.unwrap();
                let answer = server.take(&path, serde_json::from_slice(&body).unwrap());
                Ok::<_, Infallible>(Response::new(Body::from(answer.to_string().into_bytes())))
            }
        });
        Client::new(service, "default")
    }

    /// How often it was written to.
    pub fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    /// An object as a user applies it.
    pub fn create(&self, mut object: Value) {
        object["metadata"]["namespace"] = "default".into();
        object["metadata"]["uid"] = "2b7c4d0e-7a55-4c1c-9d53-6a3c1c0f9e11".into();
        object["metadata"]["resourceVersion"] = "1".into();
        object["metadata"]["generation"] = 1.into();
        let kind = object["kind"].as_str().unwrap().to_owned();
        self.0.lock().unwrap().objects.insert(kind, object);
    }

    /// The object of a kind.
    pub fn get<K: DeserializeOwned>(&self, kind: &str) -> Arc<K> {
        let object = self.0.lock().unwrap().objects[kind].clone();
        Arc::new(serde_json::from_value(object).unwrap())
    }

    /// A write of a status or of finalizers to an object, or an Event.
    fn take(&self, path: &str, patch: Value) -> Value {
        let mut held = self.0.lock().unwrap();
        held.writes += 1;
        let version = (held.writes + 1).to_string();
        let is_of = |kind: &String| path.contains(&format!("/{}s/", kind.to_lowercase()));
        let Some((_, object)) = held.objects.iter_mut().find(|(kind, _)| is_of(kind)) else { return patch };
        for place in ["/status", "/metadata/finalizers"] {
            if let Some(value) = patch.pointer(place) {
                let (parent, member) = place.rsplit_once('/').unwrap();
                object.pointer_mut(parent).unwrap()[member] = value.clone();
            }
        }
        object["metadata"]["resourceVersion"] = version.into();
        object.clone()
    }
}
