//! From the manifest's text to what is asked of ECS. Pure.

use kube::ResourceExt;
use serde_json::{Map, Value};

use super::{observe::LiveCluster, plan::CAPACITY, rules};
use crate::{
    api::{EcsCluster, EcsClusterStatus, Reason},
    ecs::{
        Key,
        canon::{self, Units},
    },
    reconcile::{Settings, Verdict, owner::Stake, spec},
};

/// What a manifest asks.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The cluster in ECS.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// CreateCluster's input as the manifest has it, without name and tags.
    pub input: Map<String, Value>,
    /// The same in canonical form, unit by unit.
    pub units: Units,
    /// What we have to do with it.
    pub stake: Stake,
    /// The annotation `reconcileAt` has a new value: what failed is to be tried again.
    pub is_asked_again: bool,
}

impl Desired {
    /// Whether ECS could not attach or detach what the manifest asks for.
    pub fn has_failed(&self, cluster: &LiveCluster) -> bool {
        let is_managed = CAPACITY.iter().any(|unit| self.units.contains_key(*unit));
        cluster.failure.is_some() && (is_managed || cluster.status == "FAILED")
    }

    /// The paths that the manifest manages.
    pub fn managed(&self) -> Vec<String> {
        // A namespace given by name is shown by its ARN, which holds an id.
        let unseen = self.units.iter().filter(|(unit, _)| *unit == "serviceConnectDefaults");
        let unseen = unseen.map(|(unit, value)| spec::unseen_path(unit, value));
        self.units.keys().cloned().chain(unseen).chain(self.stake.applied_tags()).collect()
    }
}

/// Members of the spec that are ours, not CreateCluster's, or that are handled on their own.
const APART: &[&str] = &["region", "deletionPolicy", "adoptionPolicy", "managementPolicy", "clusterName", "tags"];

/// The only door from a manifest into typed values.
pub fn validate(object: &EcsCluster, status: &EcsClusterStatus, settings: &Settings) -> Result<Desired, Verdict> {
    if let Some(violation) = rules::violations(object, None).into_iter().find(|found| found.field != "metadata.name") {
        return Err(Verdict::refused(Reason::InvalidParameter, violation.to_string()));
    }
    let region = spec::region(object.spec.region.as_deref(), status.common.region.as_deref(), settings)?;
    let name = object.spec.cluster_name.clone().unwrap_or_else(|| object.name_any());
    let input = spec::mirror_zone(&object.spec, APART)?;
    let units = canon::desired_cluster(&Value::Object(input.clone())).map_err(|error| {
        Verdict::refused(Reason::InvalidParameter, format!("spec can't be read as an ECS cluster: {error}"))
    })?;
    Ok(Desired {
        key: Key::cluster(&region, &name),
        stake: Stake::of(object, object.spec.tags.as_ref(), &status.common, settings),
        name,
        region,
        input,
        units,
        is_asked_again: spec::asked_to_look(object, &status.common).is_some(),
    })
}
