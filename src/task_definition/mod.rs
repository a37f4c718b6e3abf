//! `EcsTaskDefinition`: one pass, in the order of [`Kind`].

mod delete;
mod observe;
mod plan;
mod prune;
pub mod rules;
mod status;
mod validate;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

pub use self::{observe::Observed, validate::Desired};
use crate::{
    api::{EcsTaskDefinition, EcsTaskDefinitionStatus},
    ecs::{Key, Pace},
    reconcile::{Context, Deletion, Kind, News, Plan, Refusal, Settings, Step, Story, Verdict},
};

/// The room of `EcsTaskDefinition`.
#[derive(Debug)]
pub struct TaskDefinition;

impl Kind for TaskDefinition {
    const FINALIZER: &'static str = "ecs-operator.dev/task-definition";
    type Object = EcsTaskDefinition;
    type References = ();
    type Desired = Desired;
    type Observed = Observed;

    fn references(_: &Context, _: &EcsTaskDefinition) {}

    fn validate(
        object: &EcsTaskDefinition,
        (): &(),
        status: &EcsTaskDefinitionStatus,
        settings: &Settings,
    ) -> Result<Desired, Refusal> {
        Ok(validate::validate(object, status, settings)?)
    }

    fn region(desired: &Desired) -> &str {
        &desired.region
    }

    async fn observe(
        cx: &Context,
        desired: &Desired,
        status: &EcsTaskDefinitionStatus,
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
        let current = observed.current.iter();
        current.map(|revision| (Key::task_definition(&desired.region, &revision.arn), Pace::Slow)).collect()
    }

    fn plan(desired: &Desired, observed: &Observed, status: &EcsTaskDefinitionStatus) -> Result<Plan, Verdict> {
        plan::plan(desired, observed, &status.common.applied_fields)
    }

    fn absorb(cx: &Context, desired: &Desired, step: &Step, answer: Value, status: &mut EcsTaskDefinitionStatus) {
        observe::absorb(cx, desired, step, answer, status);
    }

    fn report(desired: &Desired, observed: &Observed, status: &mut EcsTaskDefinitionStatus, _: Timestamp) {
        status::report(desired, observed, status);
    }

    fn news(before: &EcsTaskDefinitionStatus, after: &EcsTaskDefinitionStatus, applied: &[Step]) -> Vec<News> {
        status::news(before, after, applied)
    }

    fn verdict(_: &Desired, observed: &Observed, _: &EcsTaskDefinitionStatus, _: &Plan, _: Timestamp) -> Verdict {
        status::verdict(observed)
    }

    fn managed(desired: &Desired) -> Vec<String> {
        desired.managed()
    }

    async fn tidy(
        cx: &Context,
        desired: &Desired,
        observed: &Observed,
        applied: &[Step],
        story: &mut Story,
    ) -> Option<Duration> {
        prune::prune(cx, desired, observed, applied, story).await
    }

    async fn delete(
        cx: &Context,
        object: &EcsTaskDefinition,
        status: &EcsTaskDefinitionStatus,
        story: &mut Story,
    ) -> Result<Deletion, Refusal> {
        delete::delete(cx, object, status, story).await
    }
}
