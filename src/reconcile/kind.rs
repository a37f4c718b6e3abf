//! What differs from kind to kind, and what a pass may end with.

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    context::{Context, Settings},
    plan::{Plan, Step},
    story::{News, Story},
    verdict::Verdict,
};
use crate::{
    api::Managed,
    ecs::{EcsError, Key, Pace},
    runtime::{conditions, controller::Next, objects::Object},
};

/// Why a pass could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A call to ECS failed.
    #[error("{0}: {1}")]
    Ecs(String, EcsError),
    /// A call to the API server failed.
    #[error("the Kubernetes API server refused: {0}")]
    Kubernetes(#[from] kube::Error),
    /// The object can't be reconciled as it stands.
    #[error("{}", .0.message)]
    Verdict(Verdict),
    /// The user must act, unless another object cures it that is being applied at this moment: for so long it counts as a
    /// reference that is not ready.
    #[error("{}", .0.message)]
    NotYet(Verdict, Duration),
    /// Something is on its way that decides; saying anything before it is here would only flicker.
    #[error("waits for a change that is on its way")]
    Later(Duration),
}

impl From<Verdict> for Refusal {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl Refusal {
    /// Nothing is to be said of it, only the pass made again: somebody else wrote the object in the same moment, or
    /// what it waits for is on its way.
    pub fn again(&self) -> Option<Next> {
        match self {
            Self::Kubernetes(kube::Error::Api(status)) if status.is_conflict() => {
                Some(Next::After(Duration::from_millis(250)))
            }
            Self::Later(delay) => Some(Next::After(*delay)),
            _ => None,
        }
    }

    /// What the status says of it.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Ecs(what, error) => Verdict::failed(&what, &error),
            Self::Kubernetes(error) => Verdict::retrying(format!("the Kubernetes API server refused: {error}")),
            Self::Verdict(verdict) | Self::NotYet(verdict, _) => verdict,
            Self::Later(_) => Verdict::retrying("waits for a change that is on its way"),
        }
    }
}

/// How far a deletion is.
#[derive(Debug)]
pub enum Deletion {
    /// Nothing of ours is left in AWS.
    Done,
    /// It goes on, or waits for somebody.
    Waiting(Verdict),
}

/// The status of a kind.
pub type Status<K> = <<K as Kind>::Object as Managed>::Status;

/// One kind of object: what differs between the rooms.
pub trait Kind: Sized + Send + Sync + 'static {
    /// The finalizer on its objects.
    const FINALIZER: &'static str;
    /// Whether ECS is read again after a write rather than its answer taken.
    const READS_AFTER_WRITES: bool = false;
    /// The custom resource.
    type Object: Object + Managed;
    /// What it refers to, as the stores have it.
    type References: Send + Sync;
    /// The manifest, parsed.
    type Desired: Send + Sync;
    /// What ECS shows.
    type Observed: Send + Sync;

    /// Reads the stores, no more.
    fn references(cx: &Context, object: &Self::Object) -> Self::References;
    /// Whether it, or what it refers to, asks for something else by now. Reads the stores, no more.
    fn is_outdated(cx: &Context, object: &Self::Object, references: &Self::References) -> bool {
        let _ = (cx, object, references);
        false
    }
    /// From text to typed values, or the reason why not. Pure.
    fn validate(
        object: &Self::Object,
        references: &Self::References,
        status: &Status<Self>,
        settings: &Settings,
    ) -> Result<Self::Desired, Refusal>;
    /// The region that the manifest's object is in.
    fn region(desired: &Self::Desired) -> &str;
    /// The AWS account that the manifest names, if it does.
    fn account(desired: &Self::Desired) -> Option<&str> {
        let _ = desired;
        None
    }
    /// Reads ECS by way of Live; an observation older than `since` is not good enough.
    fn observe(
        cx: &Context,
        desired: &Self::Desired,
        status: &Status<Self>,
        since: Option<Instant>,
    ) -> impl Future<Output = Result<Self::Observed, Refusal>> + Send;
    /// When the oldest part of an observation began.
    fn observed_at(observed: &Self::Observed) -> Instant;
    /// Whether an observation is but the answer of a write, which no read has shown yet.
    fn is_answer(observed: &Self::Observed) -> bool;
    /// What Live keeps looking at for this object.
    fn keys(desired: &Self::Desired, observed: &Self::Observed) -> Vec<(Key, Pace)>;
    /// The calls that close the difference, or why there can be none. Pure.
    fn plan(desired: &Self::Desired, observed: &Self::Observed, status: &Status<Self>) -> Result<Plan, Verdict>;
    /// What it means that a step failed.
    fn refusal(cx: &Context, desired: &Self::Desired, step: &Step, error: EcsError) -> Refusal {
        let _ = (cx, desired);
        Refusal::Ecs(step.what.clone(), error)
    }
    /// Takes over the answer of a step, so that it need not be read again.
    fn absorb(cx: &Context, desired: &Self::Desired, step: &Step, answer: Value, status: &mut Status<Self>);
    /// Puts into the status what it has lost and ECS still knows. Pure.
    fn recall(desired: &Self::Desired, observed: &Self::Observed, status: &mut Status<Self>) {
        let _ = (desired, observed, status);
    }
    /// Writes what was observed into the status. Pure.
    fn report(desired: &Self::Desired, observed: &Self::Observed, status: &mut Status<Self>, now: Timestamp);
    /// What to say where `plan` leaves no call to make. Pure.
    fn verdict(
        desired: &Self::Desired,
        observed: &Self::Observed,
        status: &Status<Self>,
        plan: &Plan,
        now: Timestamp,
    ) -> Verdict;
    /// The condition `Available`, where the kind has it. Pure.
    fn available(
        desired: &Self::Desired,
        observed: &Self::Observed,
        status: &Status<Self>,
    ) -> Option<conditions::Desired> {
        let _ = (desired, observed, status);
        None
    }
    /// Whether two statuses differ in the counts of a rollout only: no reason for a write each. Pure.
    fn is_progress(before: &Status<Self>, after: &Status<Self>) -> bool {
        let _ = (before, after);
        false
    }
    /// Whether two statuses differ only in what is written with the next thing that somebody looks for. Pure.
    fn is_incidental(before: &Status<Self>, after: &Status<Self>) -> bool {
        let _ = (before, after);
        false
    }
    /// Whether a step waits a moment for edits of other objects that may come with the object's own. Pure.
    fn gathers(desired: &Self::Desired, step: &Step) -> bool {
        let _ = (desired, step);
        false
    }
    /// For how long nothing has got further that should: the longer, the rarer its mere counts are written. Pure.
    fn stands_still(status: &Status<Self>, now: Timestamp) -> Duration {
        let _ = (status, now);
        Duration::ZERO
    }
    /// Whether what is deployed now was said to be deployed before. Pure.
    fn was_deployed(before: &Status<Self>, after: &Status<Self>) -> bool {
        let _ = (before, after);
        false
    }
    /// Whether ECS shows a deployment that somebody else began over ours. Pure.
    fn is_overridden(observed: &Self::Observed, status: &Status<Self>) -> bool {
        let _ = (observed, status);
        false
    }
    /// Whether what the manifest refers to is what was deployed last, so that a difference is drift. Pure.
    fn asks_the_same(desired: &Self::Desired, observed: &Self::Observed, status: &Status<Self>) -> bool {
        let _ = (desired, observed, status);
        true
    }
    /// What a person should hear of, told by what is new in a status and by the calls that led to it. Pure.
    fn news(before: &Status<Self>, after: &Status<Self>, applied: &[Step]) -> Vec<News> {
        let _ = (before, after, applied);
        Vec::new()
    }
    /// Where the object will be in AWS, as an annotation that a deletion finds although no status was ever written.
    fn place(desired: &Self::Desired) -> Option<(&'static str, &str)> {
        let _ = desired;
        None
    }
    /// The paths that the manifest manages, for `status.appliedFields`.
    fn managed(desired: &Self::Desired) -> Vec<String>;
    /// Work of low priority once all else is done, such as pruning. What fails is only told. Answers in what time there is
    /// more to do.
    fn tidy(
        cx: &Context,
        desired: &Self::Desired,
        observed: &Self::Observed,
        applied: &[Step],
        story: &mut Story,
    ) -> impl Future<Output = Option<Duration>> + Send {
        let _ = (cx, desired, observed, applied, story);
        std::future::ready(None)
    }
    /// One step of a deletion in AWS. Never touches what isn't ours.
    fn delete(
        cx: &Context,
        object: &Self::Object,
        status: &Status<Self>,
        story: &mut Story,
    ) -> impl Future<Output = Result<Deletion, Refusal>> + Send;
}
