//! The few writes that an operator makes to its objects: finalizer and status.

use std::fmt::Debug;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, CustomResourceExt, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

/// The field manager of everything the operator writes.
pub const FIELD_MANAGER: &str = "ecs-operator";

/// What these functions ask of an object.
pub trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + CustomResourceExt
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<K> Object for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + CustomResourceExt
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

fn api<K: Object>(client: &Client, object: &K) -> Api<K> {
    Api::namespaced(client.clone(), &object.namespace().unwrap_or_default())
}

/// Whether `object` carries `finalizer`.
pub fn has_finalizer<K: Object>(object: &K, finalizer: &str) -> bool {
    object.finalizers().iter().any(|held| held == finalizer)
}

/// Adds `finalizer`, and in the same write an annotation that the finalizer's work needs. The object's resourceVersion
/// goes along, so that a list that somebody else changed is not lost.
pub async fn add_finalizer<K: Object>(
    client: &Client,
    object: &K,
    finalizer: &str,
    annotation: Option<(&str, &str)>,
) -> kube::Result<K> {
    let mut finalizers = object.finalizers().to_vec();
    finalizers.push(finalizer.to_owned());
    write_finalizers(client, object, &finalizers, annotation).await
}

/// Removes `finalizer`; an object that is gone is fine.
pub async fn remove_finalizer<K: Object>(client: &Client, object: &K, finalizer: &str) -> kube::Result<()> {
    let finalizers: Vec<String> = object.finalizers().iter().filter(|held| *held != finalizer).cloned().collect();
    match write_finalizers(client, object, &finalizers, None).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}

async fn write_finalizers<K: Object>(
    client: &Client,
    object: &K,
    finalizers: &[String],
    annotation: Option<(&str, &str)>,
) -> kube::Result<K> {
    let mut metadata = json!({ "resourceVersion": object.resource_version(), "finalizers": finalizers });
    if let Some((key, value)) = annotation {
        metadata["annotations"] = json!({ key: value });
    }
    let patch = json!({ "metadata": metadata });
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    api(client, object).patch(&object.name_any(), &params, &Patch::Merge(patch)).await
}

/// The object as the API server has it, which the store may not show yet; `None` where it is gone.
pub async fn look<K: Object>(client: &Client, object: &K) -> kube::Result<Option<K>> {
    api(client, object).get_opt(&object.name_any()).await
}

/// How often a status is written again that somebody else's write came before.
const TRIES: usize = 5;

/// Writes the whole status by server-side apply: what it no longer holds is removed. `None` where the object is gone, also
/// where another has its name by now. The API server compares no UID when a status is written, only the version: where
/// that is another, whose it is is looked up.
pub async fn write_status<K: Object>(client: &Client, object: &K, status: &impl Serialize) -> kube::Result<Option<K>> {
    let (api, name) = (api(client, object), object.name_any());
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let mut version = object.resource_version();
    let mut tries = 0;
    loop {
        let patch = json!({
            "apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": { "resourceVersion": version },
            "status": status,
        });
        match api.patch_status(&name, &params, &Patch::Apply(patch)).await {
            Ok(written) => return Ok(Some(written)),
            Err(kube::Error::Api(answer)) if answer.is_not_found() => return Ok(None),
            Err(kube::Error::Api(answer)) if answer.is_conflict() && tries < TRIES => {
                tries += 1;
                match look(client, object).await? {
                    Some(now) if now.uid() == object.uid() => version = now.resource_version(),
                    _ => return Ok(None),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether the CRD of `K` is being deleted: then every object of it is marked, and nobody asked for that.
pub async fn crd_is_terminating<K: Object>(client: &Client) -> kube::Result<bool> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crd = crds.get_metadata_opt(K::crd_name()).await?;
    Ok(crd.is_none_or(|crd| crd.metadata.deletion_timestamp.is_some()))
}
