//! How a pass ends: with one status write at most, and what that tells.

use std::time::Duration;

use kube::Resource;

use super::{
    super::{
        kind::{Kind, Status},
        verdict::Verdict,
    },
    Pass, UNWRITTEN,
};
use crate::{
    api::{Managed, Reason},
    runtime::{conditions, controller::Next, objects},
};

/// The mere counts of a rollout are written once in so many sweeps of what is rolling…
const PROGRESS_EVERY: u32 = 2;
/// …and once in such a part of the time for which it has got no further…
const STANDSTILL: u32 = 10;
/// …and at least once in this long.
const PROGRESS_AT_LEAST: Duration = Duration::from_mins(5);

impl<K: Kind> Pass<'_, K> {
    /// Ends a pass that has nothing to say, but may have done something.
    pub(super) async fn leave(mut self, next: Next) -> Next {
        if self.applied.is_empty() {
            return next;
        }
        let generation = self.object.meta().generation;
        let common = K::Object::common(&mut self.status);
        // What was Ready is no more, or a status was lost.
        let begins = self.applied.iter().any(|step| step.deploys || step.scales_out());
        if begins || common.conditions.is_empty() {
            let sent = Verdict::progressing(Reason::Deploying, "A change was sent to ECS, and another is on its way.");
            let sent = sent.with(self.available.clone());
            common.observed_generation = generation;
            common.conditions =
                conditions::merge(&common.conditions, sent.conditions(), generation, self.cx.clock.now());
        }
        let written = self.write_status().await.map(|_| next);
        let next = self.after_writing(written);
        self.story.tell(self.cx, &self.object).await;
        next
    }

    /// The status tells all that this pass did; or it could not be written, and the pass is made again.
    pub(super) fn after_writing(&mut self, written: kube::Result<Next>) -> Next {
        match written {
            Ok(next) => {
                if let Some(call) = self.untold.take() {
                    call.answered();
                }
                next
            }
            Err(error) => {
                tracing::warn!(object = %self.subject, %error, "the status could not be written; the pass is made again");
                Next::Backoff(UNWRITTEN)
            }
        }
    }

    /// The one status write of a pass; none where nothing changed.
    pub(super) async fn conclude(&mut self, before: &Status<K>, verdict: &Verdict) -> kube::Result<Next> {
        let generation = self.object.meta().generation;
        let common = K::Object::common(&mut self.status);
        common.observed_generation = generation;
        common.conditions =
            conditions::merge(&common.conditions, verdict.conditions(), generation, self.cx.clock.now());
        if self.status == *before || K::is_incidental(before, &self.status) {
            return Ok(verdict.next);
        }
        let standstill = K::stands_still(&self.status, self.cx.clock.now()) / STANDSTILL;
        let pause = standstill.min(PROGRESS_AT_LEAST).max(self.cx.live.rolling() * PROGRESS_EVERY);
        if K::is_progress(before, &self.status)
            && let Some(wait) = self.written.wrote_lately(&self.object, pause)
        {
            return Ok(match verdict.next {
                Next::After(next) => Next::After(next.min(wait)),
                _ => Next::After(wait),
            });
        }
        for news in K::news(before, &self.status, &self.applied) {
            self.story.hear(news);
        }
        // Where it was deleted meanwhile, there is nobody to tell.
        self.write_status().await?;
        Ok(verdict.next)
    }

    /// Whether the object was still there to be written to.
    pub(super) async fn write_status(&self) -> kube::Result<bool> {
        // The finalizer may have been written just now.
        let newest = self.written.newest(&self.object);
        // Also where the pass is dropped before the answer is here.
        self.written.doubt(&self.object);
        let written = objects::write_status(&self.cx.client, &newest, &self.status).await?;
        let is_there = written.is_some();
        written.map_or_else(|| self.written.forget(&self.object), |object| self.written.remember(object));
        Ok(is_there)
    }
}
