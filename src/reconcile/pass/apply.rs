//! Carrying out a plan, or holding it back.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    super::{
        applied::{forget_done, remember_managed, remember_unseen, with_kept},
        brake::without_effect,
        doubt::in_doubt,
        kind::{Kind, Refusal},
        plan::{Plan, Step},
        verdict::{State, Verdict},
    },
    Pass,
};
use crate::{
    api::{Managed, status::READY},
    ecs::{Class, Ecs, EcsError},
    runtime::objects,
};

/// When the store shows that an object is gone.
const GONE: Duration = Duration::from_millis(250);

impl<K: Kind> Pass<'_, K> {
    /// Why a plan is not carried out now: it had no effect, may have been carried out already, or waits a moment for more
    /// edits. `was_ours` tells that the process before this one may have called for the object.
    pub(super) fn held_back(
        &mut self,
        desired: &K::Desired,
        observed: &K::Observed,
        plan: &mut Plan,
        was_ours: bool,
    ) -> Result<Option<Verdict>, Refusal> {
        let cx = self.cx;
        if let Some((steps, pause)) = cx.brake.take_out(&self.subject, &mut plan.steps, self.started) {
            let verdict = without_effect(&steps, pause).with(self.available.clone());
            if plan.steps.is_empty() {
                K::report(desired, observed, &mut self.status, cx.clock.now());
                return Ok(Some(verdict));
            }
            self.held.get_or_insert(verdict);
        }
        // What was looked at before the end of the doubt may not show yet what is in doubt. (What is held is read anew first.)
        let looked = Some(K::observed_at(observed)).filter(|at| *at >= self.started).unwrap_or_else(Instant::now);
        // Nor may ECS show yet what the status tells of, and then it would be said to be gone, and made anew.
        let is_made = K::Object::common(&mut self.status).account_id.is_some();
        let is_risky = plan.makes_twins() || is_made && plan.creates();
        let doubt = is_risky.then(|| cx.doubt.left(&self.subject, was_ours, looked)).flatten();
        if let Some(left) = doubt {
            return Ok(Some(in_doubt(plan, left).with(self.available.clone())));
        }
        if plan.steps.iter().any(|step| K::gathers(desired, step)) {
            let generation = self.object.meta().generation.unwrap_or_default();
            if let Some(left) = cx.gather.left(&self.subject, generation, Instant::now()) {
                return Err(Refusal::Later(left));
            }
        }
        Ok(None)
    }

    /// Takes out of a plan what ECS refused a moment ago. A verdict where nothing else is left.
    pub(super) fn take_out_refused(
        &mut self,
        desired: &K::Desired,
        observed: &K::Observed,
        plan: &mut Plan,
    ) -> Option<Verdict> {
        let (cx, generation) = (self.cx, self.object.meta().generation);
        self.held = None;
        let planned = plan.steps.clone();
        let refused = cx.refusals.take_out(&self.subject, generation, &mut plan.steps, Instant::now())?;
        let refused = Verdict { also: self.available.clone().into_iter().collect(), ..refused };
        if !plan.steps.is_empty() {
            self.held = Some(refused);
            return None;
        }
        K::report(desired, observed, &mut self.status, cx.clock.now());
        if !K::is_answer(observed) {
            // All else was seen to be as it is asked for.
            cx.brake.release(&self.subject);
            cx.doubt.tell(&self.subject);
            if cx.doubt.left(&self.subject, self.is_held, Instant::now()).is_none() {
                let managed = with_kept(K::managed(desired), &plan.kept);
                forget_done(K::Object::common(&mut self.status), &managed, &planned);
            }
        }
        Some(refused)
    }

    /// Nothing of ours is in AWS, or is made there, that a deletion would not find; and nothing in another account.
    pub(super) async fn hold(&mut self, desired: &K::Desired) -> Result<(), Refusal> {
        let cx = self.cx;
        cx.accounts.check(&cx.live, K::Object::common(&mut self.status)).await?;
        if !self.is_held {
            let place = K::place(desired);
            self.written.doubt(&self.object);
            self.written.remember(objects::add_finalizer(&cx.client, &self.object, K::FINALIZER, place).await?);
            // Nobody can have called for it before.
            cx.doubt.is_new(&self.subject);
            self.is_held = true;
        }
        Ok(())
    }

    /// ECS was as this generation asks, so what differs now was changed there.
    pub(super) fn was_in_line(&self) -> bool {
        self.was_ready().is_some_and(|ready| ready.observed_generation == self.object.meta().generation)
    }

    /// Ready as the status had it, where it was True.
    pub(super) fn was_ready(&self) -> Option<Condition> {
        let mut before = self.object.status().cloned()?;
        let mut conditions = std::mem::take(&mut K::Object::common(&mut before).conditions).into_iter();
        conditions.find(|condition| condition.type_ == READY && condition.status == "True")
    }

    /// Makes the calls of a plan, in order, and takes over what each is answered. Whether ECS accepted any of them.
    pub(super) async fn apply(
        &mut self,
        desired: &K::Desired,
        observed: &K::Observed,
        steps: Vec<Step>,
    ) -> Result<bool, Refusal> {
        let cx = self.cx;
        let managed = K::managed(desired);
        let is_drift = self.was_in_line() || K::is_overridden(observed, &self.status);
        let corrects = is_drift && K::asks_the_same(desired, observed, &self.status);
        let common = K::Object::common(&mut self.status);
        let is_made = !common.applied_fields.is_empty();
        if remember_managed(common, &managed) && is_made {
            // What is managed for the first time and then no more has to be reset, also if the operator dies in between.
            if !self.write_status().await? {
                return Err(Refusal::Later(GONE));
            }
        }
        let ecs = cx.live.regions().ecs(K::region(desired));
        let mut accepted = Vec::new();
        for step in &steps {
            let answer = match self.call(&ecs, step).await {
                Ok(answer) => answer,
                Err(error) => {
                    if error.class == Class::Transient {
                        // It may have taken effect, and then what is held is of the past.
                        for (key, _) in K::keys(desired, observed) {
                            cx.live.distrust(&key);
                        }
                    }
                    // After a step, what was observed is of the past: it would tell of a rollback where a deployment began.
                    if accepted.is_empty() {
                        K::report(desired, observed, &mut self.status, cx.clock.now());
                    }
                    if let Err(refusal) = self.refused(step, K::refusal(cx, desired, step, error)) {
                        cx.brake.sent(&self.subject, &accepted, self.started);
                        return Err(refusal);
                    }
                    continue;
                }
            };
            tracing::info!(object = %self.subject, %step, "applied");
            cx.patience.is_over(&self.subject, step.operation);
            if step.operation.makes() {
                self.untold.get_or_insert_with(|| cx.doubt.call(&self.subject));
            }
            let made = step.made(&answer);
            K::absorb(cx, desired, step, answer, &mut self.status);
            self.story.carried_out(step, made.as_deref(), corrects);
            self.applied.push(step.clone());
            accepted.push(step.clone());
            remember_unseen(K::Object::common(&mut self.status), &managed, &self.applied);
        }
        cx.brake.sent(&self.subject, &accepted, self.started);
        Ok(!accepted.is_empty())
    }

    /// What ECS says of one call alone holds up no other: it is told once the rest of the plan is carried out, and the call
    /// is made again in a while.
    fn refused(&mut self, step: &Step, refusal: Refusal) -> Result<(), Refusal> {
        let (generation, now) = (self.object.meta().generation, Instant::now());
        let refusal = self.cx.patience.judge(&self.subject, generation, refusal, now);
        if !matches!(&refusal, Refusal::Ecs(_, error) if error.is_of_its_call()) {
            return Err(refusal);
        }
        tracing::warn!(object = %self.subject, %refusal, "refused");
        let verdict = refusal.verdict();
        self.cx.refusals.note(&self.subject, generation, step.clone(), verdict.clone(), (now, fastrand::f64()));
        self.held.get_or_insert(verdict.with(self.available.clone()));
        Ok(())
    }

    /// What is to be acted upon already is told on, whatever comes of the rest of the plan.
    pub(super) fn told(&mut self, verdict: Verdict) -> Verdict {
        match self.held.take() {
            Some(held) if held.state == State::Stalled || verdict.state != State::Stalled => {
                Verdict { next: verdict.next.min(held.next), ..held }
            }
            _ => verdict,
        }
    }

    async fn call(&self, ecs: &Ecs, step: &Step) -> Result<Value, EcsError> {
        let call = step.operation.makes().then(|| self.cx.doubt.call(&self.subject));
        let answer = ecs.call(step.operation, &step.input).await;
        if let Some(call) = call
            && answer.as_ref().err().is_none_or(|error| error.class != Class::Transient)
        {
            call.answered();
        }
        answer
    }
}
