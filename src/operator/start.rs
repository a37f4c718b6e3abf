//! What must be there before the operator starts, and the sentence that says what is missing.

use std::{error::Error, time::Duration};

use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, CustomResourceExt, ResourceExt,
    config::{InferConfigError, KubeconfigError},
    runtime::wait::{Condition, conditions::is_crd_established},
};

use crate::api::{EcsCluster, EcsService, EcsTaskDefinition};

/// Waiting longer than this between tries of what is needed to start helps nobody.
const SLOWEST_START: Duration = Duration::from_secs(15);

/// Waits for the API server and the CRDs, saying what it waits for; answers the installation id.
pub(super) async fn ready_to_start(client: &Client, server: &str, installation: Option<&str>) -> String {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in [EcsCluster::crd_name(), EcsTaskDefinition::crd_name(), EcsService::crd_name()] {
        until(async || match crds.get_opt(name).await {
            Ok(crd) if is_crd_established().matches_object(crd.as_ref()) => Ok(()),
            Ok(_) => Err(format!("the CRD {name} is not installed; run: ecs-operator crds | kubectl apply -f -")),
            Err(error) => Err(no_answer(server, &error)),
        })
        .await;
    }
    if let Some(id) = installation {
        return id.to_owned();
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    until(async || {
        let found = namespaces.get("kube-system").await;
        found.map(|found| found.uid().unwrap_or_default()).map_err(|error| {
            let because = no_answer(server, &error);
            format!("the UID of the namespace kube-system can't be read ({because}); --installation-id replaces it")
        })
    })
    .await
}

/// Why a kubeconfig is of no use.
pub(super) fn unusable(error: &InferConfigError) -> String {
    match error.source().and_then(|cause| cause.downcast_ref()) {
        Some(KubeconfigError::ReadConfig(cause, path)) => {
            format!("no kubeconfig can be read at {}: {cause}", path.display())
        }
        Some(KubeconfigError::Parse(cause)) => {
            format!("the kubeconfig can't be parsed: {}", cause.to_string().lines().next().unwrap_or_default())
        }
        Some(other) => other.to_string(),
        None => error.to_string(),
    }
}

/// Why the API server gave no answer, in its own words or those of the deepest cause: the others only wrap it.
fn no_answer(server: &str, error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return format!("the Kubernetes API server at {server} refuses: {}", status.message);
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("the Kubernetes API server at {server} can't be reached: {cause}")
}

async fn until<T>(attempt: impl AsyncFn() -> Result<T, String>) -> T {
    let mut wait = Duration::from_millis(500);
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(sentence) => tracing::warn!("{sentence}; trying again in {} s", wait.as_secs_f32()),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(SLOWEST_START);
    }
}
