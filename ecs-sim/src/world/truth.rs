//! What is really so, for checkers in tests that hold against it what others say.

use super::{
    Caller, World,
    deployments::DeploymentStatus,
    services::{Controller, Revision, RolloutState, Service, ServiceStatus},
    task_sets::TaskSetStatus,
};

/// The truth about one service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // they are independent of each other
pub struct Truth {
    /// Where it stands in its life.
    pub status: ServiceStatus,
    /// `ecs-svc/N` of the last deployment that was asked for, whatever became of it; a rollback is not asked for. Of
    /// task sets: the PRIMARY one.
    pub asked: Option<String>,
    /// Whether what was asked for last is all there is at this moment: PRIMARY and COMPLETED (of task sets: steady) and
    /// the only one, and as many of its tasks RUNNING as are desired, and no others. That a task is replaced ends this
    /// for a while, but not `deployed`.
    pub rolled_out: bool,
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
    /// So many tasks of the PRIMARY, or more, ran at once, since it is that and since so many are to run.
    pub all_ran: bool,
    /// RUNNING tasks of all deployments.
    pub running: u32,
    /// RUNNING tasks of other deployments than the last one that was asked for.
    pub strays: u32,
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

    /// The truth about all services of an account in a region, each after the names of its cluster and its own.
    pub fn truths(&self, caller: &Caller) -> impl Iterator<Item = (&str, &str, Truth)> {
        let services = self.regions.get(caller).into_iter().flat_map(|region| region.services.values());
        services.map(|service| (service.cluster.as_str(), service.name.as_str(), Truth::of(service)))
    }
}

impl Truth {
    fn of(service: &Service) -> Self {
        let revision = service.revision(service.primary);
        let newest = service.deployments.last();
        let by_ecs = service.controller == Controller::Ecs;
        let asked = if by_ecs { newest.map(|newest| newest.target) } else { revision.map(|one| one.number) };
        let deployed =
            service.status == ServiceStatus::Active && if by_ecs { completed(service) } else { steady(service) };
        let alone = if by_ecs { listed(service) == 1 } else { service.task_sets.len() == 1 };
        let rolled_back = newest.is_some_and(|newest| newest.target != service.primary && newest.rollback.is_some());
        let (running, pending) = service.counts(None);
        let own = asked.map_or(0, |number| service.counts(Some(number)).0);
        let is_primary = asked == Some(service.primary);
        Self {
            status: service.status,
            asked: asked.and_then(|number| service.revision(number)).map(Revision::deployment_id),
            rolled_out: is_primary && deployed && alone && own == service.desired && own == running,
            primary: revision.map(Revision::deployment_id),
            task_definition: revision.map(|one| one.shape.task_definition.clone()),
            deployed,
            under_way: service.rollout.is_some(),
            rolled_back,
            failed: newest.is_some_and(|newest| {
                newest.rollback.is_some()
                    || matches!(newest.status, DeploymentStatus::StopRequested | DeploymentStatus::Stopped)
            }),
            desired: service.desired,
            all_ran: service.all_ran.is_some_and(|(of, ran)| of == service.primary && ran >= service.desired),
            running,
            strays: running - own,
            pending,
            healthy: service.count_ready(service.primary),
        }
    }
}

/// Whether the PRIMARY deployment is COMPLETED.
fn completed(service: &Service) -> bool {
    let entry = service.revision(service.primary).and_then(|one| one.entry.as_ref());
    entry.is_some_and(|entry| entry.rollout == RolloutState::Completed)
}

/// Whether the PRIMARY task set is in a steady state.
fn steady(service: &Service) -> bool {
    service.task_sets.iter().any(|set| set.status == TaskSetStatus::Primary && set.steady.0)
}

/// How many deployments are listed.
fn listed(service: &Service) -> usize {
    service.revisions.iter().filter(|one| one.entry.is_some()).count()
}
