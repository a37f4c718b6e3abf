//! How much of what runs in a cluster.

use serde_json::{Value, json};

use crate::world::Region;

/// Counts of one cluster, by where things run: EC2, Fargate, External, Managed Instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub instances: usize,
    running_tasks: [usize; 4],
    pending_tasks: [usize; 4],
    active_services: [usize; 4],
    draining_services: [usize; 4],
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

    /// All that hold the cluster.
    pub(super) fn tasks(&self) -> usize {
        self.running_tasks() + self.pending_tasks()
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

pub(super) fn counts(region: &Region, cluster: &str) -> Counts {
    Counts { instances: region.instances.in_cluster(cluster).count(), ..Counts::default() }
}
