//! Every member of ECS's inputs is in the specs, at any depth, and nothing else is.

use std::collections::BTreeSet;

use ecs_operator::{
    api::{EcsClusterSpec, EcsServiceSpec, EcsTaskDefinitionSpec, mirror_zone::MirrorZone},
    ecs::shapes::{inputs::members_of, properties},
};
use schemars::JsonSchema;

/// Members of ECS that a spec leaves out on purpose, and why.
type Exceptions = &'static [(&'static str, &'static str)];

const CLUSTER: Exceptions = &[(".cluster", "the spec's clusterName names the cluster, in updates as well")];
const TASK_DEFINITION: Exceptions = &[];
const SERVICE: Exceptions = &[
    (".clientToken", "the operator derives it from the object"),
    (".forceNewDeployment", "the plan says when it is needed"),
    (".service", "the spec's serviceName names the service, in updates as well"),
];

#[test]
fn the_cluster_has_every_member_of_ecs() {
    assert_covers::<EcsClusterSpec>(CLUSTER);
}

#[test]
fn the_task_definition_has_every_member_of_ecs() {
    assert_covers::<EcsTaskDefinitionSpec>(TASK_DEFINITION);
}

#[test]
fn the_service_has_every_member_of_ecs() {
    assert_covers::<EcsServiceSpec>(SERVICE);
}

fn assert_covers<S: MirrorZone + JsonSchema>(exceptions: Exceptions) {
    let gaps = gaps::<S>(exceptions);
    assert!(gaps.is_empty(), "{}", gaps.join("\n"));
}

/// What is missing, unknown, or excepted without need; one line each, with the path below the spec.
fn gaps<S: MirrorZone + JsonSchema>(exceptions: Exceptions) -> Vec<String> {
    let own: BTreeSet<String> = S::owner_zone().into_iter().collect();
    let top = properties::<S>();
    let mut found = Vec::new();
    let mut missing = BTreeSet::new();
    found.extend(own.iter().filter(|name| !top.contains(name)).map(|name| format!("no such field: .{name}")));
    let mut compare = |path: &str, ours: Vec<String>, theirs: Vec<String>| {
        let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (ours.into_iter().collect(), theirs.into_iter().collect());
        missing.extend(theirs.difference(&ours).map(|name| format!("{path}.{name}")));
        found.extend(ours.difference(&theirs).map(|name| format!("unknown to ECS: {path}.{name}")));
    };
    compare(
        "",
        top.iter().filter(|name| !own.contains(*name)).cloned().collect(),
        S::OPERATIONS.iter().flat_map(|operation| members_of(*operation)).collect(),
    );
    S::walk(&mut |shape| compare(shape.path, shape.ours, shape.theirs));
    for (path, reason) in exceptions {
        if !missing.remove(*path) {
            found.push(format!("no longer an exception: {path} ({reason})"));
        }
    }
    found.extend(missing.into_iter().map(|path| format!("missing: {path}")));
    found
}

#[test]
fn a_gap_is_reported_with_its_path() {
    let found = gaps::<EcsClusterSpec>(&[(".settings[].name", "is there")]);
    assert_eq!(found, ["no longer an exception: .settings[].name (is there)", "missing: .cluster"]);
}

#[test]
fn the_walk_reaches_the_deepest_shape() {
    let mut paths = Vec::new();
    EcsTaskDefinitionSpec::walk(&mut |shape| paths.push(shape.path.to_owned()));
    assert!(
        paths.iter().any(|path| path == ".containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps"),
        "{paths:#?}"
    );
}
