//! One pass, the same for every kind: references → validate → observe → plan → apply → status.
//!
//! A pass is a plain async function of the object, the context and the time. At any point the process may die, and
//! the next pass does the right thing: nothing is remembered but what the status and ECS say.

use std::{future::Future, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    context::{Context, Settings, Subject},
    plan::{Plan, Step},
    spec,
    story::Story,
    verdict::{State, Verdict},
};
use crate::{
    api::{AdoptionPolicy, CommonStatus, DeletionPolicy, ManagementPolicy, Origin, PREVENT_DELETION, Reason},
    ecs::{EcsError, Key, Pace},
    runtime::{
        conditions,
        controller::Next,
        memory::Written,
        objects::{self, Object},
    },
};

/// How often a pass looks, plans and applies before it leaves the rest to the next one.
const ROUNDS: usize = 4;

/// How often the mere counts of a rollout are written.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// The policies of an object.
#[derive(Clone, Copy, Debug)]
pub struct Policies {
    /// What deletion does; absent: by origin.
    pub deletion: Option<DeletionPolicy>,
    /// Whether to take over what exists.
    pub adoption: AdoptionPolicy,
    /// Whether to change anything.
    pub management: ManagementPolicy,
}

impl Policies {
    /// Whether deleting the Kubernetes object deletes what it manages in AWS.
    pub fn deletes(&self, origin: Origin) -> bool {
        match self.deletion {
            Some(policy) => policy == DeletionPolicy::Delete,
            None => origin == Origin::Created,
        }
    }
}

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
    /// Something is on its way that decides; saying anything before it is here would only flicker.
    #[error("waits for a change that is on its way")]
    Later,
}

impl From<Verdict> for Refusal {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl Refusal {
    /// Nothing is to be said of it, only the pass made again: somebody else wrote the object in the same moment, or
    /// what it waits for is on its way.
    fn again(&self) -> Option<Next> {
        match self {
            Self::Kubernetes(kube::Error::Api(status)) if status.is_conflict() => {
                Some(Next::After(Duration::from_millis(250)))
            }
            Self::Later => Some(Next::After(Duration::from_secs(5))),
            _ => None,
        }
    }

    /// What the status says of it.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Ecs(what, error) => Verdict::failed(&what, &error),
            Self::Kubernetes(error) => Verdict::retrying(format!("the Kubernetes API server refused: {error}")),
            Self::Verdict(verdict) => verdict,
            Self::Later => Verdict::retrying("waits for a change that is on its way"),
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

/// One kind of object: what differs between the rooms.
pub trait Kind: Sized + Send + Sync + 'static {
    /// The finalizer on its objects.
    const FINALIZER: &'static str;
    /// Whether ECS is read again after a write rather than its answer taken.
    const READS_AFTER_WRITES: bool = false;
    /// The custom resource.
    type Object: Object;
    /// Its status.
    type Status: Clone + Default + PartialEq + Serialize + Send + Sync;
    /// What it refers to, as the stores have it.
    type References: Send + Sync;
    /// The manifest, parsed.
    type Desired: Send + Sync;
    /// What ECS shows.
    type Observed: Send + Sync;

    /// The policies in the spec.
    fn policies(object: &Self::Object) -> Policies;
    /// The status as it stands.
    fn status(object: &Self::Object) -> Option<&Self::Status>;
    /// The part of a status that all kinds share.
    fn common(status: &mut Self::Status) -> &mut CommonStatus;
    /// Reads the stores, no more.
    fn references(cx: &Context, object: &Self::Object) -> Self::References;
    /// From text to typed values, or the reason why not. Pure.
    fn validate(
        object: &Self::Object,
        references: &Self::References,
        status: &Self::Status,
        settings: &Settings,
    ) -> Result<Self::Desired, Refusal>;
    /// The region that the manifest's object is in.
    fn region(desired: &Self::Desired) -> &str;
    /// Reads ECS by way of Live; an observation older than `since` is not good enough.
    fn observe(
        cx: &Context,
        desired: &Self::Desired,
        status: &Self::Status,
        since: Option<Instant>,
    ) -> impl Future<Output = Result<Self::Observed, Refusal>> + Send;
    /// When the oldest part of an observation began.
    fn observed_at(observed: &Self::Observed) -> Instant;
    /// What Live keeps looking at for this object.
    fn keys(desired: &Self::Desired, observed: &Self::Observed) -> Vec<(Key, Pace)>;
    /// The calls that close the difference, or why there can be none. Pure.
    fn plan(desired: &Self::Desired, observed: &Self::Observed, status: &Self::Status) -> Result<Plan, Verdict>;
    /// Takes over the answer of a step, so that it need not be read again.
    fn absorb(cx: &Context, desired: &Self::Desired, step: &Step, answer: Value, status: &mut Self::Status);
    /// Writes what was observed into the status. Pure.
    fn report(desired: &Self::Desired, observed: &Self::Observed, status: &mut Self::Status);
    /// What to say where no call is left to make. Pure.
    fn verdict(desired: &Self::Desired, observed: &Self::Observed, status: &Self::Status) -> Verdict;
    /// Whether two statuses differ in the counts of a rollout only: no reason for a write each. Pure.
    fn is_progress(before: &Self::Status, after: &Self::Status) -> bool {
        let _ = (before, after);
        false
    }
    /// The paths that the manifest manages, for `status.appliedFields`.
    fn managed(desired: &Self::Desired) -> Vec<String>;
    /// Work of low priority once all else is done, such as pruning. What fails is only told.
    fn tidy(
        cx: &Context,
        desired: &Self::Desired,
        observed: &Self::Observed,
        applied: &[Step],
        story: &mut Story,
    ) -> impl Future<Output = ()> + Send {
        let _ = (cx, desired, observed, applied, story);
        std::future::ready(())
    }
    /// One step of a deletion in AWS. Never touches what isn't ours.
    fn delete(
        cx: &Context,
        object: &Self::Object,
        status: &Self::Status,
        story: &mut Story,
    ) -> impl Future<Output = Result<Deletion, Refusal>> + Send;
}

/// One pass over one object.
pub async fn pass<K: Kind>(cx: &Context, written: &Written<K::Object>, seen: Arc<K::Object>) -> Next {
    cx.listed().await;
    let object = written.newest(&seen);
    let subject = Subject::of(&object);
    let before = K::status(&object).cloned().unwrap_or_default();
    let mut status = before.clone();
    let mut story = Story::default();
    let verdict = if object.meta().deletion_timestamp.is_some() {
        match delete::<K>(cx, &object, &status, &mut story).await {
            Ok(None) => {
                cx.forget(&subject);
                story.tell(cx, &object).await;
                written.forget(&object);
                return Next::Change;
            }
            Ok(Some(verdict)) => verdict,
            Err(refusal) => match refusal.again() {
                Some(next) => return next,
                None => refusal.verdict(),
            },
        }
    } else {
        match reconcile::<K>(cx, written, &object, &subject, &mut status, &mut story).await {
            Ok(verdict) => verdict,
            Err(refusal) => match refusal.again() {
                Some(next) => return next,
                None => refusal.verdict(),
            },
        }
    };
    story.conclude(&verdict, K::common(&mut before.clone()));
    let next = conclude::<K>(cx, written, &object, &before, status, &verdict).await.unwrap_or_else(|error| {
        tracing::warn!(object = %subject, %error, "the status could not be written; the pass is made again");
        Next::Backoff(Duration::from_secs(30))
    });
    tracing::debug!(object = %subject, reason = verdict.reason.as_str(), message = verdict.message, "looked at");
    story.tell(cx, &object).await;
    next
}

/// The one status write of a pass; none where nothing changed.
async fn conclude<K: Kind>(
    cx: &Context,
    written: &Written<K::Object>,
    object: &K::Object,
    before: &K::Status,
    mut status: K::Status,
    verdict: &Verdict,
) -> kube::Result<Next> {
    let generation = object.meta().generation;
    let common = K::common(&mut status);
    common.observed_generation = generation;
    common.conditions = conditions::merge(&common.conditions, verdict.conditions(), generation, Timestamp::now());
    if status != *before {
        if K::is_progress(before, &status)
            && let Some(wait) = written.wrote_lately(object, PROGRESS_EVERY)
        {
            return Ok(Next::After(wait));
        }
        match objects::write_status(&cx.client, object, &status).await {
            Ok(object) => written.remember(object),
            // Deleted meanwhile: there is nobody to tell.
            Err(kube::Error::Api(answer)) if answer.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(verdict.next)
}

async fn reconcile<K: Kind>(
    cx: &Context,
    written: &Written<K::Object>,
    object: &K::Object,
    subject: &Subject,
    status: &mut K::Status,
    story: &mut Story,
) -> Result<Verdict, Refusal> {
    let started = Instant::now();
    let policies = K::policies(object);
    let desired = K::validate(object, &K::references(cx, object), status, &cx.settings)?;
    let mut finalized = objects::has_finalizer(object, K::FINALIZER);
    let mut since = None;
    let mut applied: Vec<Step> = Vec::new();
    for _ in 0..ROUNDS {
        let observed = K::observe(cx, &desired, status, since).await?;
        cx.interests.set(&cx.live, subject, K::keys(&desired, &observed));
        let plan = K::plan(&desired, &observed, status).inspect_err(|_| K::report(&desired, &observed, status))?;
        if policies.management == ManagementPolicy::Observe {
            K::report(&desired, &observed, status);
            K::common(status).plan = lines(&plan);
            return Ok(if plan.lines().is_empty() {
                as_asked(K::verdict(&desired, &observed, status))
            } else {
                differs(&plan)
            });
        }
        // A plan that is carried out, or fails, is no longer one to be read.
        K::common(status).plan.clear();
        if plan.is_empty() {
            K::report(&desired, &observed, status);
            K::common(status).applied_fields = with_kept(K::managed(&desired), &plan.kept);
            cx.without_effect.set(subject, Vec::new(), started);
            if let Some(sentence) = plan.refused.first() {
                return Ok(Verdict::refused(Reason::ReplaceRequired, sentence.clone()));
            }
            K::tidy(cx, &desired, &observed, &applied, story).await;
            return Ok(K::verdict(&desired, &observed, status).noting(&plan.notes));
        }
        if plan.steps.iter().all(|step| applied.contains(step)) {
            K::report(&desired, &observed, status);
            cx.without_effect.set(subject, plan.steps.clone(), started);
        }
        if cx.without_effect.holds(subject, &plan.steps, started) {
            K::report(&desired, &observed, status);
            return Ok(without_effect(&plan));
        }
        cx.accounts.check(&cx.live, K::common(status)).await?;
        if !finalized {
            // Nothing is made in AWS that a deletion would not find.
            written.remember(objects::add_finalizer(&cx.client, object, K::FINALIZER).await?);
            finalized = true;
        }
        if K::observed_at(&observed) < since.unwrap_or(started) {
            // What is held may be a minute old: look before writing.
            since = Some(started);
            continue;
        }
        since = Some(Instant::now());
        let managed = K::managed(&desired);
        remember_managed(K::common(status), &managed);
        for step in plan.steps {
            let ecs = cx.live.regions().ecs(K::region(&desired));
            let answer =
                ecs.call(step.operation, &step.input).await.map_err(|error| Refusal::Ecs(step.what.clone(), error));
            let answer = answer.inspect_err(|_| K::report(&desired, &observed, status))?;
            tracing::info!(object = %subject, %step, "applied");
            K::absorb(cx, &desired, &step, answer, status);
            story.did(&step);
            applied.push(step);
        }
        remember_unseen(K::common(status), &managed, &applied);
        if K::READS_AFTER_WRITES {
            since = Some(Instant::now());
        }
    }
    Ok(Verdict::waiting(
        Reason::Retrying,
        "ECS keeps changing under the operator's hands; looking again",
        Duration::from_secs(5),
    ))
}

/// Until a plan is empty, what was managed before and what is managed now are both remembered: a crash between two
/// calls must not forget a field that has to be reset.
fn remember_managed(common: &mut CommonStatus, managed: &[String]) {
    let seen = managed.iter().filter(|path| spec::unseen_unit(path).is_none());
    for path in seen {
        if !common.applied_fields.contains(path) {
            common.applied_fields.push(path.clone());
        }
    }
}

/// The values that ECS never shows are remembered, or forgotten, once they were sent: a call that failed or was
/// held back is still to be made.
fn remember_unseen(common: &mut CommonStatus, managed: &[String], applied: &[Step]) {
    let sent = |path: &&String| {
        spec::unseen_unit(path).is_some_and(|unit| applied.iter().any(|step| step.input.contains_key(unit)))
    };
    common.applied_fields.retain(|path| !sent(&path));
    common.applied_fields.extend(managed.iter().filter(sent).cloned());
}

fn with_kept(mut managed: Vec<String>, kept: &[String]) -> Vec<String> {
    for path in kept {
        if !managed.contains(path) {
            managed.push(path.clone());
        }
    }
    managed
}

/// The longest line of a plan in a status, in bytes, and the most lines; the CRDs take no more.
const LONGEST_LINE: usize = 1024;
const MOST_LINES: usize = 50;

fn lines(plan: &Plan) -> Vec<String> {
    let shortened = plan.lines().into_iter().take(MOST_LINES).map(|mut line| {
        if line.len() > LONGEST_LINE {
            line.truncate(line.floor_char_boundary(LONGEST_LINE - '…'.len_utf8()));
            line.push('…');
        }
        line
    });
    shortened.collect()
}

/// What is only looked at, and is as the manifest asks.
fn as_asked(verdict: Verdict) -> Verdict {
    if verdict.state != State::Ready {
        return verdict;
    }
    let message = format!("{} managementPolicy is Observe: nothing is changed.", verdict.message);
    Verdict { reason: Reason::Observed, message, ..verdict }
}

/// What is only looked at, and differs. Looked at again by the clock too: there may be nothing in ECS to keep an eye on.
fn differs(plan: &Plan) -> Verdict {
    let message = format!("{} (managementPolicy is Observe: nothing is changed)", plan.lines().join("; "));
    let next = Next::After(Duration::from_secs(60));
    Verdict { state: State::Idle, reason: Reason::Differs, message, next, also: Vec::new() }
}

fn without_effect(plan: &Plan) -> Verdict {
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    let message = format!(
        "ECS accepted the change and does not show it: {}; it is not sent again for ten minutes, or until the manifest or ECS \
         changes",
        steps.join("; ")
    );
    Verdict::waiting(Reason::Retrying, message, Duration::from_secs(60))
}

/// `None`: the finalizer is gone and so is our part in the object.
async fn delete<K: Kind>(
    cx: &Context,
    object: &K::Object,
    status: &K::Status,
    story: &mut Story,
) -> Result<Option<Verdict>, Refusal> {
    if !objects::has_finalizer(object, K::FINALIZER) {
        return Ok(None);
    }
    let policies = K::policies(object);
    let retained = policies.deletion == Some(DeletionPolicy::Retain);
    let released = policies.management == ManagementPolicy::Observe
        || retained
        || objects::crd_is_terminating::<K::Object>(&cx.client).await?;
    if !released {
        let held = object.annotations().get(PREVENT_DELETION).is_some_and(|value| value != "false");
        if held {
            return Ok(Some(Verdict::refused(
                Reason::DeletionBlocked,
                format!(
                    "Deletion was asked for and is held back by the annotation {PREVENT_DELETION}; AWS is untouched. Remove the \
                     annotation to go on."
                ),
            )));
        }
        cx.accounts.check(&cx.live, K::common(&mut status.clone())).await?;
        if let Deletion::Waiting(verdict) = K::delete(cx, object, status, story).await? {
            return Ok(Some(verdict));
        }
    }
    objects::remove_finalizer(&cx.client, object, K::FINALIZER).await?;
    tracing::info!(object = %Subject::of(object), retained = released, "let go");
    Ok(None)
}
