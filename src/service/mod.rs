//! `EcsService`: one pass, in the order of [`Kind`].

mod delete;
mod fields;
mod observe;
mod plan;
mod references;
pub mod rules;
mod status;
#[cfg(test)]
mod tests;
mod together;
mod validate;

use serde_json::Value;
use tokio::time::Instant;

pub use self::{
    fields::{FIELDS, Field, Reset},
    observe::Observed,
    references::References,
    validate::Desired,
};
use crate::{
    api::{CommonStatus, EcsService, EcsServiceStatus},
    ecs::{Key, Pace},
    reconcile::{Context, Deletion, Kind, Plan, Policies, Refusal, Settings, Step, Story, Verdict},
};

/// The room of `EcsService`.
#[derive(Debug)]
pub struct Service;

impl Kind for Service {
    const FINALIZER: &'static str = "ecs-operator.dev/service";
    type Object = EcsService;
    type Status = EcsServiceStatus;
    type References = References;
    type Desired = Desired;
    type Observed = Observed;

    fn policies(object: &EcsService) -> Policies {
        Policies {
            deletion: object.spec.deletion_policy,
            adoption: object.spec.adoption_policy.unwrap_or_default(),
            management: object.spec.management_policy.unwrap_or_default(),
        }
    }

    fn status(object: &EcsService) -> Option<&EcsServiceStatus> {
        object.status.as_ref()
    }

    fn common(status: &mut EcsServiceStatus) -> &mut CommonStatus {
        &mut status.common
    }

    fn references(cx: &Context, object: &EcsService) -> References {
        References::of(cx, object)
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

    async fn observe(
        cx: &Context,
        desired: &Desired,
        _: &EcsServiceStatus,
        since: Option<Instant>,
    ) -> Result<Observed, Refusal> {
        observe::observe(cx, desired, since).await
    }

    fn observed_at(observed: &Observed) -> Instant {
        observed.at
    }

    fn keys(desired: &Desired, observed: &Observed) -> Vec<(Key, Pace)> {
        let pace = if observed.is_settled() { Pace::Quiet } else { Pace::Rolling };
        vec![(desired.key.clone(), pace)]
    }

    fn plan(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> Result<Plan, Verdict> {
        plan::plan(desired, observed, status)
    }

    fn absorb(cx: &Context, desired: &Desired, step: &Step, answer: Value, status: &mut EcsServiceStatus) {
        observe::absorb(cx, desired, step, answer, status);
    }

    fn report(desired: &Desired, observed: &Observed, status: &mut EcsServiceStatus) {
        status::report(desired, observed, status);
    }

    fn verdict(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> Verdict {
        status::verdict(desired, observed, status)
    }

    fn is_progress(before: &EcsServiceStatus, after: &EcsServiceStatus) -> bool {
        status::is_progress(before, after)
    }

    fn managed(desired: &Desired) -> Vec<String> {
        desired.managed()
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
