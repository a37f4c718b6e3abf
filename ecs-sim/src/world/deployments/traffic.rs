//! Shifting traffic between the revisions of a service, and the listener rules that show it (ECS developer guide,
//! "Amazon ECS blue/green deployments", "linear deployments" and "canary deployments").

use std::time::Duration;

use serde_json::Value;

use super::{Rollout, Stage, begin::soon};
use crate::{
    clock::Time,
    world::{
        Cx,
        services::{Configuration, Revision, Service, Strategy, configuration::Shift},
    },
};

/// A Network Load Balancer takes so much longer over a shift.
const NLB: Duration = Duration::from_mins(10);

/// Shifts test traffic, or the next share of production traffic. Until when the stage lasts; an error names what is
/// not there.
pub(super) fn shift(cx: &mut Cx<'_>, service: &mut Service, rollout: &Rollout) -> Result<Time, String> {
    if let Some(missing) = missing(cx, service, rollout.target) {
        return Err(missing);
    }
    // How long a shift takes otherwise is ours.
    let mut until = soon(cx, 5_000..15_000);
    if uses_nlb(service, rollout.target) {
        until = until + NLB;
    }
    if rollout.stage == Stage::TestTrafficShift {
        give(service, rollout.target, 100.0, |revision| &mut revision.test);
    } else {
        let (share, bake) = step(service, rollout);
        give(service, rollout.target, share, |revision| &mut revision.production);
        until = until + bake;
    }
    write_rules(cx, service, rollout.target, rollout.stage);
    Ok(until)
}

/// The share of production traffic that this step gives, and how long it bakes.
fn step(service: &Service, rollout: &Rollout) -> (f64, Duration) {
    let configuration = service.deployments.get(rollout.deployment).map(|one| &one.configuration);
    let alone = service.revisions.iter().all(|one| one.number == rollout.target || one.entry.is_none());
    match configuration {
        Some(Configuration { shift: Some(Shift { percent, bake }), strategy, .. })
            if !rollout.rolling_back && !alone =>
        {
            let share = match strategy {
                Strategy::Linear => percent * f64::from(rollout.step + 1),
                _ if rollout.step == 0 => *percent,
                _ => 100.0,
            };
            // No bake follows the last step: BAKE_TIME does.
            if share < 100.0 { (share, Duration::from_mins((*bake).into())) } else { (100.0, Duration::ZERO) }
        }
        _ => (100.0, Duration::ZERO),
    }
}

/// Whether the target has all of the production traffic.
pub(super) fn is_complete(service: &Service, rollout: &Rollout) -> bool {
    service.revision(rollout.target).is_some_and(|one| one.production >= 100.0)
}

/// Whether another revision has the test traffic.
pub(super) fn is_tested_elsewhere(service: &Service, rollout: &Rollout) -> bool {
    service.revision(rollout.target).is_some_and(|one| one.test < 100.0)
        && service.revisions.iter().any(|one| one.test > 0.0)
}

type Weight = fn(&mut Revision) -> &mut f64;

/// Gives the target a share; the others share the rest as before.
fn give(service: &mut Service, target: u64, share: f64, weight: Weight) {
    let mut rest = 0.0;
    for revision in service.revisions.iter_mut().filter(|one| one.number != target) {
        rest += *weight(revision);
    }
    // Before the first shift traffic goes to whatever runs, which a rolling deployment leaves alone.
    if rest == 0.0
        && let Some(serving) = service.revisions.iter_mut().rfind(|one| one.number != target && one.entry.is_some())
    {
        rest = 100.0;
        *weight(serving) = rest;
    }
    for revision in &mut service.revisions {
        let others = *weight(revision);
        *weight(revision) = match revision.number {
            number if number == target => share,
            _ if rest > 0.0 => others * (100.0 - share) / rest,
            _ => 0.0,
        };
    }
}

fn balancers(service: &Service, target: u64) -> &[Value] {
    service.revision(target).map_or(&[], |one| one.list("loadBalancers"))
}

fn missing(cx: &Cx<'_>, service: &Service, target: u64) -> Option<String> {
    let gone = &cx.region.outside.missing_networking;
    balancers(service, target).iter().find_map(|one| {
        let extra = &one["advancedConfiguration"];
        let named = [
            &one["targetGroupArn"],
            &extra["alternateTargetGroupArn"],
            &extra["productionListenerRule"],
            &extra["testListenerRule"],
        ];
        named.into_iter().filter_map(Value::as_str).find(|arn| gone.contains(*arn)).map(str::to_owned)
    })
}

fn uses_nlb(service: &Service, target: u64) -> bool {
    balancers(service, target).iter().any(|one| {
        one["advancedConfiguration"]["productionListenerRule"]
            .as_str()
            .is_some_and(|arn| arn.contains(":listener/net/"))
    })
}

/// Listener rules get a weighted forward to both target groups of a pair, whatever they were before: one has the shares
/// of all revisions behind it, of which there can be two while a superseded one still serves, and the other the rest.
fn write_rules(cx: &mut Cx<'_>, service: &Service, target: u64, stage: Stage) {
    let Some(revision) = service.revision(target) else { return };
    let tests = stage == Stage::TestTrafficShift;
    let rule = if tests { "testListenerRule" } else { "productionListenerRule" };
    for balancer in revision.list("loadBalancers") {
        let Some(rule) = balancer["advancedConfiguration"][rule].as_str() else { continue };
        let groups = (group(balancer, revision.alternate), group(balancer, !revision.alternate));
        let (Some(to), Some(from)) = groups else { continue };
        let behind = service.revisions.iter().filter(|one| is_behind(one, to));
        let share: f64 = behind.map(|one| if tests { one.test } else { one.production }).sum();
        let weights = cx.region.outside.weights.entry(rule.to_owned()).or_default();
        weights.insert(to.to_owned(), share);
        weights.insert(from.to_owned(), 100.0 - share);
    }
}

/// One of the pair of target groups.
fn group(balancer: &Value, alternate: bool) -> Option<&str> {
    let one = if alternate {
        &balancer["advancedConfiguration"]["alternateTargetGroupArn"]
    } else {
        &balancer["targetGroupArn"]
    };
    one.as_str()
}

/// Whether the tasks of a revision are behind a target group.
fn is_behind(revision: &Revision, target_group: &str) -> bool {
    revision.list("loadBalancers").iter().any(|one| group(one, revision.alternate) == Some(target_group))
}
