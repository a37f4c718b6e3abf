//! Kubernetes Events: one for every step that changed something in AWS and for every new failure, none per pass.

use k8s_controller::events::{Event, EventType};

use super::{
    context::Context,
    plan::{Difference, Step},
    tags,
    verdict::{State, Verdict},
};
use crate::{
    api::{
        CommonStatus, Reason,
        status::{READY, STALLED},
        tags as own,
    },
    ecs::Operation,
    runtime::objects::Object,
};

/// Something to tell that is no call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    is_warning: bool,
    reason: String,
    note: String,
}

impl News {
    /// Something that goes as it should.
    pub fn normal(reason: &str, note: impl Into<String>) -> Self {
        Self { is_warning: false, reason: reason.to_owned(), note: note.into() }
    }

    /// Something that a person should look at.
    pub fn warning(reason: &str, note: impl Into<String>) -> Self {
        Self { is_warning: true, reason: reason.to_owned(), note: note.into() }
    }
}

/// The reason of Events about what a deletion leaves in ECS.
const LEFT: &str = "LeftInEcs";

/// What a pass has to tell, in order.
#[derive(Debug, Default)]
pub struct Story {
    events: Vec<Event>,
    /// The last Event of a call that starts a deployment.
    begun: Option<usize>,
}

impl Story {
    /// A call that changed something.
    pub fn did(&mut self, step: &Step) {
        self.carried_out(step, None, false);
    }

    /// A call that changed something: what it made, and whether it puts right what somebody else changed in ECS.
    pub fn carried_out(&mut self, step: &Step, made: Option<&str>, corrects: bool) {
        let (word, why) = if corrects && is_of_the_manifest(step) {
            ("Corrected", DRIFT)
        } else if adopts(step) {
            ("Adopted", "Adopted")
        } else {
            (done(step.operation), reason(step.operation))
        };
        let made = made.map_or_else(String::new, |made| format!(": {made}"));
        let mut note = format!("{word} {}{made}", step.what);
        if !step.because.is_empty() {
            let because: Vec<String> = step.because.iter().map(ToString::to_string).collect();
            note = format!("{note} ({})", because.join(", "));
        }
        if step.deploys {
            self.begun = Some(self.events.len());
        }
        self.push(EventType::Normal, why, step.operation.as_str(), note);
    }

    /// A deletion leaves something in ECS, as it should.
    pub fn left_behind(&mut self, what: &str, because: &str) {
        self.hear(News::normal(LEFT, format!("Left in ECS: {what}; {because}")));
    }

    /// A deletion leaves something in ECS that bears the tag of somebody else, or none.
    pub fn left_to_others(&mut self, what: &str) {
        self.hear(News::warning(LEFT, format!("Left in ECS: {what}; its owner tag does not name this object")));
    }

    /// What a status newly says.
    pub fn hear(&mut self, news: News) {
        let type_ = if news.is_warning { EventType::Warning } else { EventType::Normal };
        self.push(type_, &news.reason, "Reconcile", news.note);
    }

    /// The end of a pass: a failure is told when it is new, a rollout when it ends. `was_deployed` tells that what is deployed
    /// now was said to be deployed before: other tasks run of it, or it was not to be seen for a while.
    pub fn conclude(&mut self, verdict: &Verdict, before: &CommonStatus, was_deployed: bool) {
        let old = before.conditions.iter().find(|condition| condition.type_ == READY);
        let was = |reason: Reason| old.is_some_and(|old| old.reason == reason.as_str());
        let same = was(verdict.reason) && old.is_some_and(|old| old.message == verdict.message);
        // How deployments end is told by what is new in the status; these change their words as they go on.
        let is_told = match verdict.reason {
            Reason::RolledBack | Reason::DeploymentFailed => true,
            Reason::DeadlineExceeded | Reason::Unavailable => was(verdict.reason),
            _ => same,
        };
        if verdict.is_failure() && !is_told {
            self.hear(News::warning(verdict.reason.as_str(), verdict.message.clone()));
        }
        // That something waits for another object, or is only looked at and differs, is no failure; that its deletion is
        // held back by what others have in it is the user's matter.
        if !same {
            match verdict.reason {
                Reason::Deleting if verdict.state == State::Waiting && !was(Reason::Deleting) => {
                    self.hear(News::normal(verdict.reason.as_str(), verdict.message.clone()));
                }
                Reason::RefNotReady if was(Reason::RefNotReady) => {}
                Reason::RefNotReady | Reason::Differs => {
                    self.hear(News::normal(verdict.reason.as_str(), verdict.message.clone()));
                }
                Reason::DeletionBlocked if !was(Reason::DeletionBlocked) && !verdict.is_failure() => {
                    self.hear(News::warning(verdict.reason.as_str(), verdict.message.clone()));
                }
                _ => {}
            }
        }
        if verdict.state != State::Ready {
            return;
        }
        // What was begun and ended in one pass is told in one Event.
        if let Some(note) = self.begun.and_then(|index| self.events.get_mut(index)?.note.as_mut()) {
            note.push_str(": ");
            note.push_str(&verdict.message);
        } else if had_failed(before) && was_deployed {
            self.push(EventType::Normal, "Recovered", "Reconcile", verdict.message.clone());
        } else if (was(Reason::Deploying) || was(Reason::AwaitingHook) || had_failed(before))
            && !was_deployed
            && !self.events.iter().any(|event| event.action == Operation::RegisterTaskDefinition.as_str())
        {
            self.push(EventType::Normal, verdict.reason.as_str(), "Reconcile", verdict.message.clone());
        }
    }

    /// Publishes. An Event that can't be written is lost and said in the log: nothing depends on it.
    pub async fn tell<K: Object>(self, cx: &Context, object: &K) {
        for event in self.events {
            if let Err(error) = cx.events.publish(object, &event).await {
                tracing::warn!(reason = event.reason, %error, "an Event could not be written");
            }
        }
    }

    fn push(&mut self, type_: EventType, reason: &str, action: &str, note: String) {
        let (reason, action) = (reason.to_owned(), action.to_owned());
        self.events.push(Event { type_, reason, action, note: Some(note), related: None });
    }
}

/// The reason of an Event that tells of a correction.
const DRIFT: &str = "DriftCorrected";

/// It changes what is there, and no annotation asked for it.
fn is_of_the_manifest(step: &Step) -> bool {
    let is_asked = |difference: &Difference| difference.path.starts_with("metadata.");
    matches!(reason(step.operation), "Updated" | "Tagged") && !step.because.iter().any(is_asked)
}

/// It makes an object ours that was there before.
fn adopts(step: &Step) -> bool {
    let origin = tags::applied_path(own::ORIGIN);
    step.operation == Operation::TagResource
        && step.because.iter().any(|difference| difference.path == origin && difference.want == "adopted")
}

/// A person was told by a Warning, and waits to hear that it is over.
fn had_failed(before: &CommonStatus) -> bool {
    let warned = [Reason::Retrying.as_str(), Reason::Unavailable.as_str()];
    before.conditions.iter().any(|condition| {
        condition.type_ == STALLED || condition.type_ == READY && warned.contains(&condition.reason.as_str())
    })
}

const fn done(operation: Operation) -> &'static str {
    match operation {
        Operation::CreateCluster | Operation::CreateService => "Created",
        Operation::RegisterTaskDefinition => "Registered",
        Operation::DeregisterTaskDefinition => "Deregistered",
        // ECS takes its time.
        Operation::DeleteCluster | Operation::DeleteService => "Deleting",
        Operation::TagResource => "Tagged",
        Operation::UntagResource => "Untagged",
        Operation::ContinueServiceDeployment => "Answered",
        Operation::StopServiceDeployment => "Stopping",
        _ => "Updated",
    }
}

const fn reason(operation: Operation) -> &'static str {
    match operation {
        Operation::UntagResource => "Tagged",
        other => done(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Scaling a service deploys nothing: an Event that says so would be read as a rollout.
    #[test]
    fn only_a_call_that_deploys_is_told_together_with_its_end() {
        let note = |deploys: bool| {
            let step = Step::new(Operation::UpdateService, "service web", json!({ "desiredCount": 2 }), Vec::new());
            let mut story = Story::default();
            story.did(&Step { deploys, ..step });
            story.conclude(&Verdict::ready(Reason::Deployed, "web:2 is deployed."), &CommonStatus::default(), false);
            story.events.remove(0).note.unwrap_or_default()
        };
        assert_eq!(note(false), "Updated service web");
        assert_eq!(note(true), "Updated service web: web:2 is deployed.");
    }
}
