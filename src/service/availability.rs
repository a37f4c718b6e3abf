//! Whether enough tasks of a deployed service run. Pure.

use jiff::{SignedDuration, Timestamp};

use super::{
    Desired,
    complaint::complaint,
    live_service::LiveService,
    observe::most_running,
    verdict::{deployed, diagnosed, sentence},
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

/// How many tasks must run. Before its first deployment is rolled out, a service was never available with fewer.
fn least(service: &LiveService, status: &EcsServiceStatus) -> i64 {
    let has_run = status.rolled_out.is_some() || !status.deployments.is_empty() || !status.known_deployments.is_empty();
    service.least_running(most_running(status).filter(|_| has_run))
}

/// The condition `Available`. Under another controller, ECS does not say how many tasks there must be.
pub fn available(desired: &Desired, service: &LiveService, status: &EcsServiceStatus) -> Option<conditions::Desired> {
    if desired.controller() != "ECS" {
        return None;
    }
    let (running, wanted, least) = (service.running_count, service.desired_count, least(service, status));
    let counts = format!("{running} of {wanted} tasks run");
    let (status, reason, message) = if running < least {
        (Truth::False, "TooFewTasks", format!("{counts}; minimumHealthyPercent asks for {least}."))
    } else if running == 0 && wanted > 0 {
        (Truth::False, "NoTasks", format!("{counts}."))
    } else if wanted == 0 && running == 0 {
        (Truth::True, "TasksRun", "No tasks are wanted.".to_owned())
    } else if running < wanted {
        (Truth::True, "TasksMissing", format!("{counts}; ECS starts the others."))
    } else {
        (Truth::True, "TasksRun", "All tasks run.".to_owned())
    };
    Some(conditions::Desired { type_: AVAILABLE, status, reason: reason.into(), message })
}

/// A deployed service of which too few tasks run: looked at again when the dip is over, and then said.
pub fn unavailable(service: &LiveService, status: &EcsServiceStatus, now: Timestamp) -> Option<Verdict> {
    let least = least(service, status);
    if service.running_count >= least {
        return None;
    }
    let mut conditions = status.common.conditions.iter();
    let since = conditions.find(|condition| condition.type_ == AVAILABLE && condition.status == "False");
    let lasts = since.map_or(SignedDuration::ZERO, |since| now.duration_since(since.last_transition_time.0));
    if lasts < DIP {
        let left = (DIP - lasts).max(SignedDuration::from_secs(1)).unsigned_abs();
        let message = deployed(service.primary()?);
        return Some(Verdict { next: Next::After(left), ..Verdict::ready(Reason::Deployed, message) });
    }
    let lately = since.map(|since| since.last_transition_time.0 - DIP);
    let why = diagnosed(&status.task_failures)
        .or_else(|| Some(sentence(&complaint(service, lately, None)?.to_string())))
        .unwrap_or_else(|| "See why the tasks stopped; ECS starts others.".to_owned());
    let message = format!(
        "{} of {} tasks run, fewer than the {least} that minimumHealthyPercent asks for, for more than a minute. {why}",
        service.running_count, service.desired_count,
    );
    Some(Verdict::waiting_for_change(Reason::Unavailable, message))
}
