//! One pass, the same for every kind: references → validate → observe → plan → apply → status.
//!
//! A pass is a plain async function of the object, the context and the time. At any point the process may die, and
//! the next pass does the right thing: nothing is remembered but what the status and ECS say.

mod apply;
mod deletion;
mod ending;

use std::{sync::Arc, time::Duration};

use kube::Resource;
use tokio::time::Instant;

use super::{
    applied::{forgotten, with_kept},
    context::{Context, Subject},
    doubt::Call,
    kind::{Deletion, Kind, Refusal, Status},
    observe_only::{self, Held},
    plan::{Plan, Step},
    spec,
    story::Story,
    verdict::{State, Verdict},
};
use crate::{
    api::{Managed, Reason, status::AVAILABLE},
    runtime::{
        backoff::Delays,
        conditions::{self, Truth},
        controller::Next,
        memory::Written,
        objects,
    },
};

/// How often a pass looks, plans and applies before it leaves the rest to the next one.
const ROUNDS: usize = 4;

/// What is to be made is made by a look that is not older, where it can be had: a pass may have slept with its machine.
const FRESH: Duration = Duration::from_secs(15);

/// When the watch of the API server has caught up.
const CAUGHT_UP: Duration = Duration::from_millis(250);

/// Between tries to write a status.
const UNWRITTEN: Delays = Delays { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// One pass over one object.
pub async fn pass<K: Kind>(cx: &Context, written: &Written<K::Object>, seen: Arc<K::Object>) -> Next {
    cx.listed().await;
    if written.is_doubtful(&*seen) {
        match objects::look(&cx.client, &*seen).await {
            Ok(Some(object)) if object.meta().uid == seen.meta().uid => written.remember(object),
            // The watch tells that it is gone.
            Ok(_) => return Next::Change,
            Err(error) => {
                tracing::warn!(object = %Subject::of(&*seen), %error, "the object can't be read; tried again");
                return Next::Backoff(UNWRITTEN);
            }
        }
    }
    let object = written.newest(&seen);
    let run = Pass::<K> {
        cx,
        written,
        subject: Subject::of(&object),
        status: object.status().cloned().unwrap_or_default(),
        is_held: objects::has_finalizer(&object, K::FINALIZER),
        available: available::<K>(&object),
        object,
        story: Story::default(),
        applied: Vec::new(),
        untold: None,
        held: None,
        started: Instant::now(),
    };
    run.run().await
}

/// A pass under way.
struct Pass<'a, K: Kind> {
    cx: &'a Context,
    written: &'a Written<K::Object>,
    object: K::Object,
    subject: Subject,
    /// The status as it will be written.
    status: Status<K>,
    story: Story,
    /// What was called so far.
    applied: Vec<Step>,
    /// A call of this pass made something that no status tells of yet, and ECS's lists may not show it: in doubt where the
    /// pass ends so.
    untold: Option<Call<'a>>,
    /// What is to be said of a call that ECS refused, or took without effect, a moment ago, and that is not made now.
    held: Option<Verdict>,
    /// Whether enough tasks run: as it was said last, until this pass has looked. That a call failed, or can't be made, says
    /// nothing of it.
    available: Option<conditions::Desired>,
    /// It carries our finalizer.
    is_held: bool,
    started: Instant,
}

/// The condition `Available` as the status has it, unless the object is to go.
fn available<K: Kind>(object: &K::Object) -> Option<conditions::Desired> {
    let mut status = object.status().cloned().filter(|_| object.meta().deletion_timestamp.is_none())?;
    let told = &K::Object::common(&mut status).conditions;
    let known = told.iter().find(|condition| condition.type_ == AVAILABLE)?;
    let (reason, message) = (known.reason.clone(), known.message.clone());
    Some(conditions::Desired { type_: AVAILABLE, status: Truth::read(&known.status)?, reason, message })
}

/// A pass that left nothing to call: what was asked, and what was seen.
type Settled<K> = Option<(<K as Kind>::Desired, <K as Kind>::Observed)>;

impl<K: Kind> Pass<'_, K> {
    async fn run(mut self) -> Next {
        let outcome = if self.object.meta().deletion_timestamp.is_some() {
            self.delete().await.map(|deletion| match deletion {
                Deletion::Done => None,
                Deletion::Waiting(verdict) => Some((verdict, None)),
            })
        } else {
            self.reconcile().await.map(Some)
        };
        let before = self.object.status().cloned().unwrap_or_default();
        let (verdict, settled) = match outcome {
            Ok(Some(done)) => done,
            Ok(None) => {
                self.cx.forget(&self.subject);
                self.written.forget(&self.object);
                self.story.tell(self.cx, &self.object).await;
                return Next::Change;
            }
            Err(refusal) => match self.judge(refusal) {
                Ok(verdict) => {
                    self.ask_on(&verdict);
                    (verdict, None)
                }
                Err(next) => return self.leave(next).await,
            },
        };
        let was_deployed = K::was_deployed(&before, &self.status);
        self.story.conclude(&verdict, K::Object::common(&mut before.clone()), was_deployed);
        let written = self.conclude(&before, &verdict).await;
        let next = self.after_writing(written);
        tracing::debug!(object = %self.subject, reason = verdict.reason.as_str(), message = verdict.message, "looked at");
        self.story.tell(self.cx, &self.object).await;
        if let Some((desired, observed)) = settled {
            let mut story = Story::default();
            let more = K::tidy(self.cx, &desired, &observed, &self.applied, &mut story).await;
            story.tell(self.cx, &self.object).await;
            if let (Next::Change, Some(more)) = (next, more) {
                return Next::After(more);
            }
        }
        next
    }

    /// What to say of a pass that could not go on; an error where nothing is to be said, and when the next one is due.
    fn judge(&mut self, refusal: Refusal) -> Result<Verdict, Next> {
        if let Some(next) = refusal.again() {
            return Err(next);
        }
        let (patience, generation) = (&self.cx.patience, self.object.meta().generation);
        let refusal = patience.judge(&self.subject, generation, refusal, Instant::now());
        let is_known = self.was_in_line() && self.applied.is_empty();
        if is_known && patience.overlooks(&self.subject, &refusal, Instant::now()) {
            tracing::warn!(object = %self.subject, error = %refusal, "ECS can't be read; what is known stands for a while");
            return Err(refusal.verdict().next);
        }
        let verdict = refusal.verdict().with(self.available.clone());
        Ok(self.told(verdict))
    }

    async fn reconcile(&mut self) -> Result<(Verdict, Settled<K>), Refusal> {
        let (cx, now) = (self.cx, self.cx.clock.now());
        let held = observe_only::held(&self.object);
        let references = K::references(cx, &self.object);
        let desired = K::validate(&self.object, &references, &self.status, &cx.settings)?;
        if let Some(account) = K::account(&desired)
            && K::Object::common(&mut self.status).account_id.as_deref() != Some(account)
        {
            cx.accounts.check_named(&cx.live, K::region(&desired), account).await?;
        }
        let was_ours = self.is_held;
        let mut has_slept = false;
        let mut since = self.asked_to_look().then_some(self.started);
        for _ in 0..ROUNDS {
            let observed = self.look(&desired, &references, since).await?;
            let mut plan = K::plan(&desired, &observed, &self.status)
                .inspect_err(|_| K::report(&desired, &observed, &mut self.status, now))?;
            if plan.is_empty()
                && let Some(newer) = self.must_look_since(&desired, &observed, &plan)?
            {
                since = Some(newer);
                continue;
            }
            if let Some(held) = held {
                return Ok((self.only_looked_at(held, &desired, &observed, &plan), None));
            }
            // A plan that is carried out, or fails, is no longer one to be read.
            K::Object::common(&mut self.status).plan.clear();
            if plan.is_empty() {
                // Nothing to write, and it is ours all the same: it was kept, or its object is made anew.
                if !self.is_held {
                    self.hold(&desired).await?;
                }
                return Ok(self.nothing_left(desired, observed, &plan));
            }
            // What an annotation asks for is done once, whatever came of it.
            plan.steps.retain(|step| !(step.is_asked_for() && self.applied.contains(step)));
            if let Some(refused) = self.take_out_refused(&desired, &observed, &mut plan) {
                self.ask_on(&refused);
                return Ok((refused, None));
            }
            if plan.steps.iter().all(|step| self.applied.contains(step)) {
                if K::is_answer(&observed) {
                    // The answer of the write shows nothing of it: a read must tell before it is made again.
                    since = Some(Instant::now());
                    continue;
                }
                cx.brake.without_effect(&self.subject, &plan.steps, self.started);
            }
            if let Some(verdict) = self.held_back(&desired, &observed, &mut plan, was_ours)? {
                return Ok((self.told(verdict), None));
            }
            self.hold(&desired).await?;
            if K::observed_at(&observed) < since.unwrap_or(self.started) {
                // What is held may be a minute old: look before writing.
                since = Some(self.started);
                continue;
            }
            if plan.makes_twins() && K::observed_at(&observed).elapsed() > FRESH && !has_slept {
                has_slept = true;
                continue;
            }
            let before = Instant::now();
            if self.apply(&desired, &observed, plan.steps).await? {
                since = Some(if K::READS_AFTER_WRITES { Instant::now() } else { before });
            }
        }
        let verdict = Verdict::waiting(
            Reason::Retrying,
            "ECS keeps changing under the operator's hands; looking again",
            Duration::from_secs(5),
        );
        Ok((self.told(verdict), None))
    }

    /// What ECS shows. What it tells of the past is taken over, and from now on is looked at.
    async fn look(
        &mut self,
        desired: &K::Desired,
        references: &K::References,
        since: Option<Instant>,
    ) -> Result<K::Observed, Refusal> {
        let cx = self.cx;
        let observed = K::observe(cx, desired, &self.status, since).await?;
        if K::is_outdated(cx, &self.object, references) {
            // ECS took its time, or the machine slept: what was asked for then would be deployed, or told, too late.
            return Err(Refusal::Later(CAUGHT_UP));
        }
        cx.patience.was_read(&self.subject);
        K::recall(desired, &observed, &mut self.status);
        self.available = K::available(desired, &observed, &self.status);
        cx.interests.set(&cx.live, &self.subject, K::keys(desired, &observed));
        Ok(observed)
    }

    /// Writes nothing: what the status says of a plan that is held back.
    fn only_looked_at(&mut self, held: Held, desired: &K::Desired, observed: &K::Observed, plan: &Plan) -> Verdict {
        let now = self.cx.clock.now();
        K::report(desired, observed, &mut self.status, now);
        K::Object::common(&mut self.status).plan = observe_only::lines(plan);
        if !K::is_answer(observed) {
            self.cx.doubt.tell(&self.subject);
        }
        let verdict = K::verdict(desired, observed, &self.status, plan, now).noting(&plan.notes);
        observe_only::verdict(held, plan, verdict)
    }

    /// Since when ECS must have been looked at for the object to be called Ready from now on, where this look is from before:
    /// the sweep is late, or ECS may have answered from before a call of which no status tells. [`Refusal::Later`] while it
    /// may still answer so.
    fn must_look_since(
        &self,
        desired: &K::Desired,
        observed: &K::Observed,
        plan: &Plan,
    ) -> Result<Option<Instant>, Refusal> {
        if self.was_in_line() {
            return Ok(None);
        }
        let (at, now) = (K::observed_at(observed), Instant::now());
        let left = |at| self.cx.doubt.left(&self.subject, self.is_held, at);
        let is_late = self.started.saturating_duration_since(at) > self.cx.live.quiet();
        if !is_late && left(at).is_none() {
            return Ok(None);
        }
        let (mut status, date) = (self.status.clone(), self.cx.clock.now());
        K::report(desired, observed, &mut status, date);
        if K::verdict(desired, observed, &status, plan, date).state != State::Ready {
            return Ok(None);
        }
        left(now).map_or(Ok(Some(now)), |left| Err(Refusal::Later(left)))
    }

    /// A new value of the annotation `reconcileAt` asks for a fresh look, and for patience to begin anew.
    fn asked_to_look(&mut self) -> bool {
        let common = K::Object::common(&mut self.status);
        let Some(asked) = spec::asked_to_look(&self.object, common) else { return false };
        if self.cx.patience.begins_anew(&self.subject, &asked) {
            self.cx.brake.release(&self.subject);
            self.cx.refusals.forget(&self.subject);
            self.cx.contests.forget(&self.subject);
        }
        common.reconciled_at = Some(asked);
        true
    }

    /// What `reconcileAt` asks for is still to be done where ECS has to be waited for.
    fn ask_on(&mut self, verdict: &Verdict) {
        if verdict.state == State::Waiting {
            let before = self
                .object
                .status()
                .cloned()
                .as_mut()
                .and_then(|before| K::Object::common(before).reconciled_at.take());
            K::Object::common(&mut self.status).reconciled_at = before;
        }
    }

    /// What to say where no call is left to make.
    fn nothing_left(&mut self, desired: K::Desired, observed: K::Observed, plan: &Plan) -> (Verdict, Settled<K>) {
        let now = self.cx.clock.now();
        K::report(&desired, &observed, &mut self.status, now);
        let doubt = self.cx.doubt.left(&self.subject, self.is_held, Instant::now());
        let common = K::Object::common(&mut self.status);
        let now_managed = with_kept(K::managed(&desired), &plan.kept);
        // What the process before this one was about to take away may only seem to be gone: ECS may answer from the past.
        let not_sure = doubt.map(|left| (left, forgotten(&common.applied_fields, &now_managed)));
        let not_sure = not_sure.filter(|(_, forgotten)| !forgotten.is_empty());
        common.applied_fields = match &not_sure {
            Some((_, forgotten)) => with_kept(now_managed, forgotten),
            None => now_managed,
        };
        if !K::is_answer(&observed) {
            self.cx.brake.release(&self.subject);
            if not_sure.is_none() {
                self.cx.doubt.settle(&self.subject);
            }
        }
        self.cx.patience.forget(&self.subject);
        self.cx.refusals.forget(&self.subject);
        let mut verdict = K::verdict(&desired, &observed, &self.status, plan, now).noting(&plan.notes);
        if let Some((left, _)) = not_sure {
            verdict.next = verdict.next.min(Next::After(left));
        }
        if let Some((reason, sentence)) = plan.refused.first() {
            return (verdict.but_refused(*reason, sentence), None);
        }
        (verdict, Some((desired, observed)))
    }
}
