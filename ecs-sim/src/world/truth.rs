//! What is really so, for checkers in tests that hold against it what others say.

use super::{
    Caller, World,
    deployments::DeploymentStatus,
    services::{Controller, RolloutState, Service, ServiceStatus},
    task_sets::TaskSetStatus,
};

/// The truth about one service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // they are independent of each other
pub struct Truth {
    /// Where it stands in its life.
    pub status: ServiceStatus,
    /// `ecs-svc/N` of the PRIMARY deployment or task set.
    pub primary: Option<String>,
    /// What that one runs.
    pub task_definition: Option<String>,
    /// Whether the PRIMARY is COMPLETED: it has had all its healthy tasks, and the tasks of all others are gone. Of
    /// task sets: the PRIMARY is in a steady state.
    pub deployed: bool,
    /// Whether a deployment or a rollback is on its way.
    pub under_way: bool,
    /// The PRIMARY is one that was gone back to, or on the way to that.
    pub rolled_back: bool,
    /// The newest deployment was given up: rolled back, or FAILED in place.
    pub failed: bool,
    /// What the PRIMARY is to have.
    pub desired: u32,
    /// RUNNING tasks of all deployments.
    pub running: u32,
    /// Tasks on their way to RUNNING.
    pub pending: u32,
    /// Healthy tasks of the PRIMARY.
    pub healthy: u32,
}

impl World {
    /// The truth about a service, by the names of its cluster and its own; none where ECS never heard of it, or has
    /// forgotten it.
    pub fn truth(&self, caller: &Caller, cluster: &str, service: &str) -> Option<Truth> {
        let services = &self.regions.get(caller)?.services;
        services.get(&Service::key(cluster, service)).map(|service| Truth::of(service))
    }
}

impl Truth {
    fn of(service: &Service) -> Self {
        let revision = service.revision(service.primary);
        let entry = revision.and_then(|one| one.entry.as_ref());
        let newest = service.deployments.last();
        let sets_steady = service.task_sets.iter().any(|set| set.status == TaskSetStatus::Primary && set.steady.0);
        let deployed = match service.controller {
            Controller::Ecs => entry.is_some_and(|entry| entry.rollout == RolloutState::Completed),
            Controller::CodeDeploy | Controller::External => sets_steady,
        };
        let (running, pending) = service.counts(None);
        Self {
            status: service.status,
            primary: revision.map(super::services::Revision::deployment_id),
            task_definition: revision.map(|one| one.shape.task_definition.clone()),
            deployed: deployed && service.status == ServiceStatus::Active,
            under_way: service.rollout.is_some(),
            rolled_back: newest.is_some_and(|newest| newest.target != service.primary && newest.rollback.is_some()),
            failed: newest.is_some_and(|newest| {
                newest.rollback.is_some()
                    || matches!(newest.status, DeploymentStatus::StopRequested | DeploymentStatus::Stopped)
            }),
            desired: service.desired,
            running,
            pending,
            healthy: service.count_ready(service.primary),
        }
    }
}
