//! Whether enough tasks of a deployed service run. Pure.

use jiff::{SignedDuration, Timestamp};

use super::{
    Desired,
    complaint::complaint,
    live_service::LiveService,
    verdict::{diagnosed, sentence, tasks},
};
use crate::{
    api::{EcsServiceStatus, Reason, status::AVAILABLE},
    reconcile::Verdict,
    runtime::{
        conditions::{self, Truth},
        controller::Next,
    },
};

/// How long too few tasks may run before a deployed service is Ready no more: ECS replaces what stops within a minute.
const DIP: SignedDuration = SignedDuration::from_secs(60);

/// The condition `Available`. Where another controller has made no PRIMARY task set, ECS does not say how many tasks there
/// must be; nor of a service that drains or is gone.
pub fn available(desired: &Desired, service: &LiveService, status: &EcsServiceStatus) -> Option<conditions::Desired> {
    if service.status != "ACTIVE" || desired.controller() != "ECS" && service.task_set.is_none() {
        return None;
    }
    let (status, reason, message) = told(desired, service, service.least_running(status.most_running));
    Some(conditions::Desired { type_: AVAILABLE, status, reason: reason.into(), message })
}

fn told(desired: &Desired, service: &LiveService, least: i64) -> (Truth, &'static str, String) {
    let (running, wanted) = service.counts();
    let counts = tasks(running, wanted, "");
    let run = if running == 1 { "1 task runs".to_owned() } else { format!("{running} tasks run") };
    match () {
        () if is_uncounted(desired, service) => {
            (Truth::Unknown, "NotCounted", "ECS has not counted the instances yet.".to_owned())
        }
        () if running < least => {
            (Truth::False, "TooFewTasks", format!("{counts}; minimumHealthyPercent asks for {least}."))
        }
        () if running == 0 && wanted > 0 => (Truth::False, "NoTasks", format!("{counts}.")),
        () if running == 0 => (Truth::True, "NoTasksWanted", "No tasks are wanted.".to_owned()),
        () if wanted == 0 => (Truth::True, "NoTasksWanted", format!("{run}, none is wanted.")),
        () if running < wanted => (Truth::True, "TasksMissing", format!("{counts}; ECS starts the others.")),
        () if wanted == 1 => (Truth::True, "TasksRun", format!("{run}, 1 is wanted.")),
        () => (Truth::True, "TasksRun", format!("{run}, {wanted} are wanted.")),
    }
}

/// A daemon runs a task on each instance, and ECS counts these only a while after a deployment began.
pub fn is_uncounted(desired: &Desired, service: &LiveService) -> bool {
    desired.is_daemon() && service.is_deploying() && service.desired_count == 0 && service.running_count == 0
}

/// The verdict on a deployed service where too few tasks of it may run: it is looked at again when the dip is over, and then
/// that is said.
pub fn despite_dips(rollout: Verdict, service: &LiveService, status: &EcsServiceStatus, now: Timestamp) -> Verdict {
    let least = service.least_running(status.most_running);
    let (running, wanted) = service.counts();
    if running >= least {
        return rollout;
    }
    let mut conditions = status.common.conditions.iter();
    let since = conditions.find(|condition| condition.type_ == AVAILABLE && condition.status == "False");
    let lasts = since.map_or(SignedDuration::ZERO, |since| now.duration_since(since.last_transition_time.0));
    if lasts < DIP {
        let left = (DIP - lasts).max(SignedDuration::from_secs(1)).unsigned_abs();
        return Verdict { next: rollout.next.min(Next::After(left)), ..rollout };
    }
    let lately = since.map(|since| since.last_transition_time.0 - DIP);
    let why = diagnosed(&status.task_failures)
        .or_else(|| Some(sentence(&complaint(service, lately, None)?.to_string())))
        .unwrap_or_else(|| "See why the tasks stopped; ECS starts others.".to_owned());
    let message = format!(
        "{}, fewer than the {least} that minimumHealthyPercent asks for, for more than a minute. {why}",
        tasks(running, wanted, ""),
    );
    Verdict { next: rollout.next, also: rollout.also, ..Verdict::waiting_for_change(Reason::Unavailable, message) }
}
