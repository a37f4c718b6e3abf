//! What a service is called, where it lives, what it runs, and what of it never changes.

use kube::ResourceExt;

use super::{Found, controller, items, text};
use crate::api::{
    EcsService, EcsServiceSpec,
    rules::{self, Identity},
};

pub(super) fn check(new: &EcsService, old: Option<&EcsService>, found: &mut Found) {
    let (name, old_name) = (new.name_any(), old.map(ResourceExt::name_any).unwrap_or_default());
    let spec = &new.spec;
    // A reference to the cluster may take the region's place.
    let region = match old.and_then(|old| old.spec.region.as_deref()) {
        Some(before) if spec.region.is_none() && spec.cluster_ref.is_some() => Some(before),
        _ => spec.region.as_deref(),
    };
    found.0.extend(rules::identity(
        "serviceName",
        &Identity { spec_region: region, ..identity(new, &name) },
        old.map(|old| identity(old, &old_name)).as_ref(),
    ));
    found.rule(
        spec.cluster_ref.is_some() != spec.cluster.is_some(),
        "spec.cluster",
        "exactly one of clusterRef and cluster must be set",
    );
    if let Some(region) = &spec.region {
        found.rule(
            spec.cluster_ref.is_none(),
            "spec.region",
            "region must be absent where clusterRef is set: the cluster's region is used",
        );
        found.rule(
            spec.cluster
                .as_ref()
                .is_none_or(|cluster| !cluster.starts_with("arn:") || cluster.contains(&format!(":ecs:{region}:"))),
            "spec.region",
            format!("region '{region}' must be the region in the ARN of cluster"),
        );
    }
    found.rule(
        controller(spec) == "EXTERNAL" || spec.task_definition_ref.is_some() != spec.task_definition.is_some(),
        "spec.taskDefinition",
        "exactly one of taskDefinitionRef and taskDefinition must be set",
    );
    found.rule(
        spec.role.is_none() || role_used(spec),
        "spec.role",
        "role is allowed only with loadBalancers and without networkConfiguration: else ECS uses its service-linked role",
    );
    if let Some(tags) = &spec.tags {
        found.0.extend(rules::tag_keys("spec.tags", tags));
    }
    if let Some(old) = old {
        unchanged_cluster(spec, old, found);
        unchanged(spec, &old.spec, found);
    }
}

fn identity<'a>(object: &'a EcsService, metadata_name: &'a str) -> Identity<'a> {
    Identity {
        metadata_name,
        spec_name: object.spec.service_name.as_deref(),
        spec_region: object.spec.region.as_deref(),
        status_region: object.status.as_ref().and_then(|status| status.common.region.as_deref()),
    }
}

fn unchanged_cluster(new: &EcsServiceSpec, old: &EcsService, found: &mut Found) {
    let bound = old.status.as_ref().and_then(|status| status.cluster_arn.as_deref());
    let before = old.spec.cluster.as_deref();
    if let Some(cluster) = new.cluster.as_deref() {
        let same = before == Some(cluster)
            || match bound {
                Some(arn) => cluster == arn || arn.ends_with(&format!(":cluster/{cluster}")),
                None => before.is_none(),
            };
        let was = before.or(bound).unwrap_or_default();
        found.rule(same, "spec.cluster", format!("spec.cluster is immutable: it is '{was}'"));
    }
    if let (Some(new), Some(old)) = (&new.cluster_ref, &old.spec.cluster_ref) {
        found.rule(new == old, "spec.clusterRef", format!("clusterRef is immutable: it is '{}'", old.name));
    }
}

fn unchanged(new: &EcsServiceSpec, old: &EcsServiceSpec, found: &mut Found) {
    if let Some(was) = text(old.launch_type.as_ref()) {
        let kept = match text(new.launch_type.as_ref()) {
            Some(now) => now == was,
            None => !items(new.capacity_provider_strategy.as_ref()).is_empty() || controller(new) == "EXTERNAL",
        };
        found.rule(
            kept,
            "spec.launchType",
            format!("launchType is immutable: it is '{was}', and only a capacityProviderStrategy may take its place"),
        );
    }
    let was = text(old.scheduling_strategy.as_ref()).unwrap_or("REPLICA");
    found.rule(
        text(new.scheduling_strategy.as_ref()).unwrap_or("REPLICA") == was,
        "spec.schedulingStrategy",
        format!("schedulingStrategy is immutable: it is '{was}'"),
    );
    found.rule(
        new.role == old.role || new.role.is_none() && !role_used(new),
        "spec.role",
        format!("role is immutable: it is '{}'", old.role.as_deref().unwrap_or_default()),
    );
    found.rule(
        controller(new) != "CODE_DEPLOY" || controller(old) == "CODE_DEPLOY",
        "spec.deploymentController",
        "deploymentController can't be changed to CODE_DEPLOY: ECS takes it at creation only",
    );
}

/// ECS registers tasks with a role of the user's only then.
fn role_used(spec: &EcsServiceSpec) -> bool {
    !items(spec.load_balancers.as_ref()).is_empty() && spec.network_configuration.is_none()
}
