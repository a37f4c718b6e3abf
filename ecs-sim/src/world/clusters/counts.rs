//! How much of what runs in a cluster.

use serde_json::{Value, json};

use crate::world::{
    Region,
    services::{self, Revision, Service, ServiceStatus},
    tasks::{self, LaunchType, TaskStatus},
};

/// Counts of one cluster, by where things run: EC2, Fargate, External, Managed Instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub instances: usize,
    running_tasks: [usize; 4],
    pending_tasks: [usize; 4],
    active_services: [usize; 4],
    draining_services: [usize; 4],
    /// All tasks that are not STOPPED.
    pub tasks: usize,
}

/// What ECS calls the places in the statistics.
const PLACES: [&str; 4] = ["EC2", "Fargate", "External", "ManagedInstances"];

impl Counts {
    pub(super) fn running_tasks(&self) -> usize {
        self.running_tasks.iter().sum()
    }

    pub(super) fn pending_tasks(&self) -> usize {
        self.pending_tasks.iter().sum()
    }

    pub(super) fn active_services(&self) -> usize {
        self.active_services.iter().sum()
    }

    /// All that hold the cluster.
    pub(super) fn services(&self) -> usize {
        self.active_services() + self.draining_services.iter().sum::<usize>()
    }

    /// As `statistics` has them (Cluster API reference).
    pub(super) fn statistics(&self) -> Value {
        let group = |before: &'static str, after: &'static str, counts: [usize; 4]| {
            PLACES.into_iter().zip(counts).map(
                move |(place, count)| json!({ "name": format!("{before}{place}{after}"), "value": count.to_string() }),
            )
        };
        group("running", "TasksCount", self.running_tasks)
            .chain(group("pending", "TasksCount", self.pending_tasks))
            .chain(group("active", "ServiceCount", self.active_services))
            .chain(group("draining", "ServiceCount", self.draining_services))
            .collect()
    }
}

fn place(launch_type: LaunchType) -> usize {
    match launch_type {
        LaunchType::Ec2 => 0,
        LaunchType::Fargate => 1,
        LaunchType::External => 2,
        LaunchType::ManagedInstances => 3,
    }
}

pub(super) fn counts(region: &Region, cluster: &str) -> Counts {
    let mut counts = Counts { instances: region.instances.in_cluster(cluster).count(), ..Counts::default() };
    for task in tasks::in_cluster_of(region, cluster) {
        let place = place(task.place.launch_type);
        counts.running_tasks[place] += usize::from(task.status == TaskStatus::Running);
        counts.pending_tasks[place] += usize::from(task.is_pending());
        counts.tasks += usize::from(task.status < TaskStatus::Stopped);
    }
    for service in services::in_cluster(region, cluster) {
        let launch_type = service.revision(service.primary).map(|revision| revision.launch_type);
        let place = place(launch_type.unwrap_or(LaunchType::Ec2));
        counts.active_services[place] += usize::from(service.status == ServiceStatus::Active);
        counts.draining_services[place] += usize::from(service.status == ServiceStatus::Draining);
    }
    counts
}

/// Whether a service or task of the cluster runs on the capacity provider, or may.
pub(in crate::world) fn uses_capacity_provider(region: &Region, cluster: &str, provider: &str) -> bool {
    let names = |service: &Service| {
        let deployed = service.revisions.iter().filter(|one| one.entry.is_some() || one.number == service.primary);
        deployed.flat_map(Revision::providers).any(|item| item["capacityProvider"] == provider)
    };
    services::in_cluster(region, cluster).any(|service| service.status != ServiceStatus::Inactive && names(service))
        || tasks::in_cluster_of(region, cluster)
            .any(|task| task.status < TaskStatus::Stopped && task.place.provider.as_deref() == Some(provider))
}
