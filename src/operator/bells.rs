//! Who is woken when something changed elsewhere.

use std::sync::Arc;

use kube::{
    ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::{
    api::{
        EcsCluster, EcsService, EcsTaskDefinition, Reason,
        reference::{names_cluster, names_task_definition, refers_to_cluster, refers_to_task_definition},
        status::READY,
    },
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
        self.wake_services(|service| {
            let waits = waits_for_another(service);
            let is_news = waits || matches!(event, Touched::Deleted(_)) || !knows_cluster(service, cluster);
            (refers_to_cluster(service, cluster) && is_news) || (waits && names_cluster(service, cluster))
        });
    }

    /// A new revision reaches the services that refer to it.
    pub fn task_definition_touched(&self, event: &Touched<'_, EcsTaskDefinition>) {
        let (Touched::Applied(object) | Touched::Deleted(object)) = event;
        if matches!(event, Touched::Applied(_)) && is_being_looked_at(object) {
            return;
        }
        self.wake_services(|service| {
            refers_to_task_definition(service, object)
                || (waits_for_another(service) && names_task_definition(service, object))
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

    fn wake_services(&self, concerns: impl Fn(&EcsService) -> bool) {
        let mut concerned: Vec<_> = self.services_store.state();
        concerned.retain(|service| concerns(service));
        // In order, so that the same history makes the same passes.
        concerned.sort_by_key(|service| (service.namespace(), service.name_any()));
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

/// A service that cannot go on, perhaps for want of what it refers to.
fn waits_for_another(service: &EcsService) -> bool {
    let conditions = service.status.iter().flat_map(|status| &status.common.conditions);
    let waits = [Reason::RefNotReady, Reason::Retrying, Reason::InvalidReference].map(Reason::as_str);
    conditions.into_iter().any(|one| one.type_ == READY && waits.contains(&one.reason.as_str()))
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
