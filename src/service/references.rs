//! What a service refers to, as the stores have it. No calls.

use std::sync::Arc;

use kube::{
    Resource, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};

use tokio::time::Instant;

use crate::{
    api::{EcsCluster, EcsService, EcsTaskDefinition, LocalReference, status::READY},
    reconcile::{Context, Refusal, Subject, Verdict},
    runtime::objects::Object,
};

/// The objects that `clusterRef` and `taskDefinitionRef` name, `None` where there is no such object (or no reference).
#[derive(Clone, Debug, Default)]
pub struct References {
    /// The cluster.
    pub cluster: Option<Arc<EcsCluster>>,
    /// The task definition.
    pub task_definition: Option<Arc<EcsTaskDefinition>>,
    /// Somebody else moves `desiredCount` as often as we do.
    pub is_contested: bool,
}

/// Where a referred cluster is in ECS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterPlace {
    /// Its ARN, where it is known.
    pub arn: Option<String>,
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
}

impl References {
    /// Reads the stores.
    pub fn of(cx: &Context, object: &EcsService) -> Self {
        let namespace = object.namespace().unwrap_or_default();
        Self {
            cluster: lookup(&cx.stores.clusters, object.spec.cluster_ref.as_ref(), &namespace),
            task_definition: lookup(&cx.stores.task_definitions, object.spec.task_definition_ref.as_ref(), &namespace),
            is_contested: cx.contests.is_on(&Subject::of(object), Instant::now()),
        }
    }

    /// Where the referred cluster is, once it is ACTIVE.
    pub fn cluster(&self, name: &str) -> Result<ClusterPlace, Refusal> {
        let cluster = self.cluster.as_ref().ok_or_else(|| missing("spec.clusterRef", "EcsCluster", name))?;
        let status = cluster.status.as_ref();
        let arn = status.and_then(|status| status.cluster_arn.clone());
        let region = status.and_then(|status| status.common.region.clone());
        match (arn, region) {
            (Some(arn), Some(region)) => {
                let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
                Ok(ClusterPlace { arn: Some(arn), name, region })
            }
            _ => Err(not_ready("spec.clusterRef", &**cluster, status.map(|status| &status.common))),
        }
    }

    /// The current revision of the referred task definition.
    pub fn task_definition(&self, name: &str) -> Result<String, Refusal> {
        let object = self
            .task_definition
            .as_ref()
            .ok_or_else(|| missing("spec.taskDefinitionRef", "EcsTaskDefinition", name))?;
        let status = object.status.as_ref();
        let Some(arn) = status.and_then(|status| status.task_definition_arn.clone()) else {
            return Err(not_ready("spec.taskDefinitionRef", &**object, status.map(|status| &status.common)));
        };
        // An edit that was not looked at yet: deploying the old revision now would be one deployment too many.
        if status.and_then(|status| status.common.observed_generation) != object.meta().generation {
            return Err(Refusal::Later);
        }
        Ok(arn)
    }

    /// Why the revision in use may not be what the referred task definition asks for.
    pub fn unready_task_definition(&self) -> Option<String> {
        let object = self.task_definition.as_ref()?;
        let common = object.status.as_ref().map(|status| &status.common)?;
        let ready = common.conditions.iter().find(|condition| condition.type_ == READY)?;
        (ready.status != "True").then(|| {
            format!(
                "EcsTaskDefinition '{}' is not ready ({}), so the service stays on its last revision: {}",
                object.name_any(),
                ready.reason,
                ready.message
            )
        })
    }
}

fn lookup<K: Object>(store: &Store<K>, reference: Option<&LocalReference>, namespace: &str) -> Option<Arc<K>> {
    store.get(&ObjectRef::new(&reference?.name).within(namespace))
}

fn missing(field: &str, kind: &str, name: &str) -> Refusal {
    Refusal::Verdict(Verdict::waiting_for_change(
        crate::api::Reason::RefNotReady,
        format!("{field}: there is no {kind} '{name}' in this namespace yet; waiting for it"),
    ))
}

fn not_ready<K: Object>(field: &str, object: &K, status: Option<&crate::api::CommonStatus>) -> Refusal {
    let ready = status.and_then(|status| status.conditions.iter().find(|condition| condition.type_ == READY));
    let why = ready.map_or_else(String::new, |ready| format!(" ({})", ready.reason));
    Refusal::Verdict(Verdict::waiting_for_change(
        crate::api::Reason::RefNotReady,
        format!("{field}: {} '{}' is not ready yet{why}", K::kind(&()), object.name_any()),
    ))
}
