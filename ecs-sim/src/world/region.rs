//! What one account has in one region.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    Caller, capacity_providers::CapacityProvider, clusters::Cluster, instances::Instances,
    task_definitions::TaskDefinitions,
};

/// One account in one region.
#[derive(Debug)]
pub struct Region {
    /// Where everything random in it comes from. A region has its own, so that what happens in one is not changed by
    /// calls to another; reads must not draw from it.
    pub random: fastrand::Rng,
    /// By name.
    pub clusters: BTreeMap<String, Cluster>,
    /// By name; FARGATE and FARGATE_SPOT are always there and not among them.
    pub capacity_providers: BTreeMap<String, CapacityProvider>,
    /// Of all clusters.
    pub instances: Instances,
    /// Account settings by name, where somebody set them.
    pub settings: BTreeMap<String, String>,
    /// All families.
    pub task_definitions: TaskDefinitions,
}

impl Region {
    /// An empty one, whose randomness is the world's seed and its own name.
    pub fn new(seed: u64, caller: &Caller) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, caller).hash(&mut hasher);
        Self {
            random: fastrand::Rng::with_seed(hasher.finish()),
            clusters: BTreeMap::new(),
            capacity_providers: BTreeMap::new(),
            instances: Instances::default(),
            settings: BTreeMap::new(),
            task_definitions: TaskDefinitions::default(),
        }
    }
}
