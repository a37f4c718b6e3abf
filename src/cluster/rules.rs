//! Twins of the CEL rules on [`EcsCluster`]: the same verdicts, offline.

use kube::ResourceExt;

use crate::api::{
    EcsCluster,
    rules::{self, Identity, Violation},
};

/// Every rule of the CRD that `new` breaks; `old` is the stored object, absent at creation.
pub fn violations(new: &EcsCluster, old: Option<&EcsCluster>) -> Vec<Violation> {
    let (name, old_name) = (new.name_any(), old.map(ResourceExt::name_any).unwrap_or_default());
    let spec = &new.spec;
    let mut found =
        rules::identity("clusterName", &identity(new, &name), old.map(|old| identity(old, &old_name)).as_ref());
    if let Some(strategy) = &spec.default_capacity_provider_strategy {
        found.extend(rules::capacity_strategy("spec.defaultCapacityProviderStrategy", strategy));
    }
    if let Some(tags) = &spec.tags {
        found.extend(rules::tag_keys("spec.tags", tags));
    }
    let exec =
        spec.configuration.as_ref().and_then(|configuration| configuration.execute_command_configuration.as_ref());
    if exec.is_some_and(|exec| {
        exec.logging.as_ref().is_some_and(|logging| logging.as_str() == "OVERRIDE") && exec.log_configuration.is_none()
    }) {
        found.push(Violation::new(
            "spec.configuration.executeCommandConfiguration.logConfiguration",
            "logConfiguration is required where logging is OVERRIDE",
        ));
    }
    found
}

fn identity<'a>(object: &'a EcsCluster, metadata_name: &'a str) -> Identity<'a> {
    Identity {
        metadata_name,
        spec_name: object.spec.cluster_name.as_deref(),
        spec_region: object.spec.region.as_deref(),
        status_region: object.status.as_ref().and_then(|status| status.common.region.as_deref()),
    }
}
