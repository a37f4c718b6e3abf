//! Twins of the CEL rules on [`EcsService`]: the same verdicts, offline.

mod capacity;
mod deployment;
mod identity;
mod storage;
mod traffic;

use crate::{
    api::{EcsService, EcsServiceSpec, rules::Violation, service_rules::When},
    ecs::shapes::{Enum, ServiceConnectConfiguration},
};

/// Every rule of the CRD that `new` breaks; `old` is the stored object, absent at creation.
pub fn violations(new: &EcsService, old: Option<&EcsService>) -> Vec<Violation> {
    let mut found = Found::default();
    identity::check(new, old, &mut found);
    capacity::check(&new.spec, &mut found);
    deployment::check(&new.spec, &mut found);
    traffic::check(&new.spec, &mut found);
    storage::check(&new.spec, &mut found);
    found.0
}

/// What has been found so far.
#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    /// Where a rule doesn't hold, `field` breaks it.
    fn rule(&mut self, holds: bool, field: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.0.push(Violation::new(field, message));
        }
    }

    /// `field` of the spec must not be there under a state that holds.
    fn absent(&mut self, when: When, field: &str, present: bool) {
        self.rule(!present, format!("spec.{field}"), format!("{field} must be absent where {}", when.words()));
    }
}

/// The value of an enum that is set.
fn text<T>(value: Option<&Enum<T>>) -> Option<&str> {
    value.map(Enum::as_str)
}

/// The items of a list; an absent one has none.
fn items<T>(list: Option<&Vec<T>>) -> &[T] {
    list.map(Vec::as_slice).unwrap_or_default()
}

/// Who replaces tasks.
fn controller(spec: &EcsServiceSpec) -> &str {
    spec.deployment_controller.as_ref().map_or("ECS", |controller| controller.r#type.as_str())
}

/// How tasks are replaced.
fn strategy(spec: &EcsServiceSpec) -> &str {
    spec.deployment_configuration
        .as_ref()
        .and_then(|deployment| text(deployment.strategy.as_ref()))
        .unwrap_or("ROLLING")
}

fn daemon(spec: &EcsServiceSpec) -> bool {
    text(spec.scheduling_strategy.as_ref()) == Some("DAEMON")
}

fn fargate(spec: &EcsServiceSpec) -> bool {
    let providers = items(spec.capacity_provider_strategy.as_ref());
    text(spec.launch_type.as_ref()) == Some("FARGATE")
        || !providers.is_empty() && providers.iter().all(|item| crate::api::rules::on_fargate(&item.capacity_provider))
}

fn external_instances(spec: &EcsServiceSpec) -> bool {
    text(spec.launch_type.as_ref()) == Some("EXTERNAL")
}

fn connected(spec: &EcsServiceSpec) -> bool {
    spec.service_connect_configuration.as_ref().is_some_and(|ServiceConnectConfiguration { enabled, .. }| *enabled)
}
