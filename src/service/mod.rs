//! `EcsService`: one pass, in the order of [`Kind`].

mod acts;
mod availability;
mod call;
mod change;
mod complaint;
mod delete;
mod detail;
mod diagnosis;
mod ending;
mod fields;
mod live_service;
mod news;
mod observe;
mod ours;
mod plan;
mod progress;
mod references;
mod report;
pub mod rules;
#[cfg(test)]
mod tests;
mod together;
mod validate;
mod verdict;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

pub use self::{
    fields::{FIELDS, Field, Reset},
    observe::Observed,
    references::References,
    validate::Desired,
};
use crate::{
    api::{CLUSTER_ARN, EcsService, EcsServiceStatus},
    ecs::{EcsError, Key, Operation, Pace},
    reconcile::{Context, Deletion, Kind, News, Plan, Refusal, Settings, Step, Story, Verdict},
    runtime::conditions,
};

/// What is on its way is looked for again after so long, unless it wakes the service before.
const SHORTLY: Duration = Duration::from_secs(5);

/// The room of `EcsService`.
#[derive(Debug)]
pub struct Service;

impl Kind for Service {
    const FINALIZER: &'static str = "ecs-operator.dev/service";
    type Object = EcsService;
    type References = References;
    type Desired = Desired;
    type Observed = Observed;

    fn references(cx: &Context, object: &EcsService) -> References {
        References::of(cx, object)
    }

    fn is_outdated(cx: &Context, object: &EcsService, references: &References) -> bool {
        references.are_outdated(cx, object)
    }

    fn validate(
        object: &EcsService,
        references: &References,
        status: &EcsServiceStatus,
        settings: &Settings,
    ) -> Result<Desired, Refusal> {
        validate::validate(object, references, status, settings)
    }

    fn region(desired: &Desired) -> &str {
        &desired.region
    }

    fn account(desired: &Desired) -> Option<&str> {
        desired.account.as_deref()
    }

    async fn observe(
        cx: &Context,
        desired: &Desired,
        status: &EcsServiceStatus,
        since: Option<Instant>,
    ) -> Result<Observed, Refusal> {
        observe::observe(cx, desired, status, since).await
    }

    fn observed_at(observed: &Observed) -> Instant {
        observed.at
    }

    fn is_answer(observed: &Observed) -> bool {
        observed.is_answer
    }

    fn keys(desired: &Desired, observed: &Observed) -> Vec<(Key, Pace)> {
        let pace = if observed.is_settled() { Pace::Quiet } else { Pace::Rolling };
        std::iter::once((desired.key.clone(), pace)).chain(observed.looks.iter().cloned()).collect()
    }

    fn plan(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> Result<Plan, Verdict> {
        plan::plan(desired, observed, status)
    }

    fn refusal(cx: &Context, desired: &Desired, step: &Step, error: EcsError) -> Refusal {
        observe::refusal(cx, desired, step, error)
    }

    fn absorb(cx: &Context, desired: &Desired, step: &Step, answer: Value, status: &mut EcsServiceStatus) {
        observe::absorb(cx, desired, step, answer, status);
    }

    fn recall(desired: &Desired, observed: &Observed, status: &mut EcsServiceStatus) {
        ours::recall(desired, observed, status);
    }

    fn report(desired: &Desired, observed: &Observed, status: &mut EcsServiceStatus, now: Timestamp) {
        report::report(desired, observed, status, now);
    }

    fn verdict(
        desired: &Desired,
        observed: &Observed,
        status: &EcsServiceStatus,
        plan: &Plan,
        now: Timestamp,
    ) -> Verdict {
        verdict::verdict(desired, observed, status, plan, now)
    }

    fn available(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> Option<conditions::Desired> {
        availability::available(desired, observed.service.as_ref()?, status)
    }

    fn is_progress(before: &EcsServiceStatus, after: &EcsServiceStatus) -> bool {
        progress::is_progress(before, after)
    }

    fn is_incidental(before: &EcsServiceStatus, after: &EcsServiceStatus) -> bool {
        progress::is_incidental(before, after)
    }

    fn gathers(desired: &Desired, step: &Step) -> bool {
        let deploys = |unit: &str| FIELDS.iter().any(|field| field.deploys && field.unit == unit);
        desired.is_edited && step.operation == Operation::UpdateService && step.input.keys().any(|unit| deploys(unit))
    }

    fn stands_still(status: &EcsServiceStatus, now: Timestamp) -> Duration {
        progress::stands_still(status, now)
    }

    fn was_deployed(before: &EcsServiceStatus, after: &EcsServiceStatus) -> bool {
        news::was_deployed(before, after)
    }

    fn is_overridden(observed: &Observed, status: &EcsServiceStatus) -> bool {
        let service = observed.service.as_ref();
        status.own_deployment.is_some() && service.is_some_and(|service| ours::has_new_primary(service, status))
    }

    fn asks_the_same(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> bool {
        status.own_target.as_ref() == Some(&observed.target(desired))
    }

    fn news(before: &EcsServiceStatus, after: &EcsServiceStatus, applied: &[Step]) -> Vec<News> {
        news::news(before, after, applied)
    }

    fn place(desired: &Desired) -> Option<(&'static str, &str)> {
        desired.cluster_arn.as_deref().map(|arn| (CLUSTER_ARN, arn))
    }

    fn managed(desired: &Desired) -> Vec<String> {
        desired.managed()
    }

    async fn tidy(cx: &Context, desired: &Desired, observed: &Observed, _: &[Step], _: &mut Story) -> Option<Duration> {
        observe::release(cx, desired, observed);
        None
    }

    async fn delete(
        cx: &Context,
        object: &EcsService,
        status: &EcsServiceStatus,
        story: &mut Story,
    ) -> Result<Deletion, Refusal> {
        delete::delete(cx, object, status, story).await
    }
}
