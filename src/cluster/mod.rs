//! `EcsCluster`: one pass, in the order of [`Kind`].

mod delete;
mod observe;
mod plan;
pub mod rules;
mod status;
mod validate;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

pub use self::{observe::Observed, validate::Desired};
use crate::{
    api::{EcsCluster, EcsClusterStatus},
    ecs::{Key, Pace},
    reconcile::{Context, Deletion, Kind, News, Plan, Refusal, Settings, Step, Story, Verdict},
};

/// The room of `EcsCluster`.
#[derive(Debug)]
pub struct Cluster;

impl Kind for Cluster {
    const FINALIZER: &'static str = "ecs-operator.dev/cluster";
    const READS_AFTER_WRITES: bool = true;
    type Object = EcsCluster;
    type References = ();
    type Desired = Desired;
    type Observed = Observed;

    fn references(_: &Context, _: &EcsCluster) {}

    fn validate(
        object: &EcsCluster,
        (): &(),
        status: &EcsClusterStatus,
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
        status: &EcsClusterStatus,
        since: Option<Instant>,
    ) -> Result<Observed, Refusal> {
        observe::observe(cx, desired, &status.common.applied_fields, since).await
    }

    fn observed_at(observed: &Observed) -> Instant {
        observed.at
    }

    fn is_answer(observed: &Observed) -> bool {
        observed.is_answer
    }

    fn keys(desired: &Desired, observed: &Observed) -> Vec<(Key, Pace)> {
        let pace = if observed.is_settled() { Pace::Quiet } else { Pace::Rolling };
        vec![(desired.key.clone(), pace)]
    }

    fn plan(desired: &Desired, observed: &Observed, status: &EcsClusterStatus) -> Result<Plan, Verdict> {
        plan::plan(desired, observed, &status.common.applied_fields)
    }

    fn absorb(cx: &Context, desired: &Desired, step: &Step, answer: Value, status: &mut EcsClusterStatus) {
        observe::absorb(cx, &desired.key, step, answer, &status.common.applied_fields);
    }

    fn report(desired: &Desired, observed: &Observed, status: &mut EcsClusterStatus, _: Timestamp) {
        status::report(desired, observed, status);
    }

    fn verdict(desired: &Desired, observed: &Observed, _: &EcsClusterStatus, _: &Plan, _: Timestamp) -> Verdict {
        status::verdict(desired, observed)
    }

    fn news(before: &EcsClusterStatus, after: &EcsClusterStatus, _: &[Step]) -> Vec<News> {
        status::news(before, after)
    }

    fn managed(desired: &Desired) -> Vec<String> {
        desired.managed()
    }

    async fn delete(
        cx: &Context,
        object: &EcsCluster,
        status: &EcsClusterStatus,
        story: &mut Story,
    ) -> Result<Deletion, Refusal> {
        delete::delete(cx, object, status, story).await
    }
}
