//! Who is woken when something changed elsewhere.

use std::sync::Arc;

use kube::{
    ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::{
    api::{EcsCluster, EcsService, EcsTaskDefinition},
    ecs::Key,
    reconcile::{Context, Subject},
    runtime::controller::Touched,
};

/// Who is woken when something changed elsewhere.
#[derive(Debug)]
pub struct Bells {
    /// Wakes a cluster.
    pub clusters: UnboundedSender<ObjectRef<EcsCluster>>,
    /// Wakes a task definition.
    pub task_definitions: UnboundedSender<ObjectRef<EcsTaskDefinition>>,
    /// Wakes a service.
    pub services: UnboundedSender<ObjectRef<EcsService>>,
    /// All services, to find those concerned.
    pub services_store: Store<EcsService>,
}

impl Bells {
    /// A cluster that becomes ACTIVE releases the services that wait for it.
    pub fn cluster_touched(&self, event: &Touched<'_, EcsCluster>) {
        let (Touched::Applied(cluster) | Touched::Deleted(cluster)) = event;
        self.wake_services(cluster.namespace().as_deref(), |service| {
            service.spec.cluster_ref.as_ref().is_some_and(|reference| reference.name == cluster.name_any())
                && !knows_cluster(service, cluster)
        });
    }

    /// A new revision reaches the services that refer to it.
    pub fn task_definition_touched(&self, event: &Touched<'_, EcsTaskDefinition>) {
        let (Touched::Applied(object) | Touched::Deleted(object)) = event;
        self.wake_services(object.namespace().as_deref(), |service| {
            service.spec.task_definition_ref.as_ref().is_some_and(|reference| reference.name == object.name_any())
                && !is_being_looked_at(object)
        });
    }

    /// What a service refers to waits for it when it is deleted.
    pub fn service_touched(&self, event: &Touched<'_, EcsService>) {
        let Touched::Deleted(service) = event else { return };
        let namespace = service.namespace().unwrap_or_default();
        // Nobody listens while the operator shuts down.
        if let Some(reference) = &service.spec.cluster_ref {
            let _ = self.clusters.send(ObjectRef::new(&reference.name).within(&namespace));
        }
        if let Some(reference) = &service.spec.task_definition_ref {
            let _ = self.task_definitions.send(ObjectRef::new(&reference.name).within(&namespace));
        }
    }

    fn wake_services(&self, namespace: Option<&str>, concerns: impl Fn(&EcsService) -> bool) {
        let mut concerned: Vec<_> = self.services_store.state();
        concerned.retain(|service| service.namespace().as_deref() == namespace && concerns(service));
        // In order, so that the same history makes the same passes.
        concerned.sort_by_key(|service| service.name_any());
        for service in concerned {
            let _ = self.services.send(ObjectRef::from_obj(&*service));
        }
    }
}

/// A service that is bound to the cluster learns nothing from its status changing again.
fn knows_cluster(service: &EcsService, cluster: &EcsCluster) -> bool {
    let bound = service.status.as_ref().and_then(|status| status.cluster_arn.as_ref());
    bound.is_some() && bound == cluster.status.as_ref().and_then(|status| status.cluster_arn.as_ref())
}

/// An edit that has no revision yet: its services are woken when it has.
fn is_being_looked_at(object: &EcsTaskDefinition) -> bool {
    let observed = object.status.as_ref().and_then(|status| status.common.observed_generation);
    observed.is_some() && observed != object.metadata.generation
}

/// Wakes those who look at what changed in ECS.
pub async fn wake(mut changes: UnboundedReceiver<Key>, context: Arc<Context>, bells: Arc<Bells>) {
    while let Some(key) = changes.recv().await {
        for Subject { kind, namespace, name } in context.interests.of(&key) {
            tracing::debug!(kind, namespace, name, "ECS shows something else than before");
            // Nobody listens while the operator shuts down.
            let _ = match kind.as_str() {
                "EcsCluster" => bells.clusters.send(ObjectRef::new(&name).within(&namespace)).is_ok(),
                "EcsTaskDefinition" => bells.task_definitions.send(ObjectRef::new(&name).within(&namespace)).is_ok(),
                _ => bells.services.send(ObjectRef::new(&name).within(&namespace)).is_ok(),
            };
        }
    }
}
