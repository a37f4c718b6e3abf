//! ListServiceDeployments, DescribeServiceDeployments, DescribeServiceRevisions, StopServiceDeployment and
//! ContinueServiceDeployment.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::{DeploymentStatus as S, Phase, ServiceDeployment, begin::soon, hooks, show};
use crate::world::{
    ApiError, Cx, Operation,
    arn::EcsArn,
    clusters,
    input::{self, member},
    object, page,
    services::{Service, change, find, with_token},
};

/// How long deployments are kept.
const HISTORY: Duration = Duration::from_hours(90 * 24);

/// The operations of this module.
pub(in crate::world) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "ListServiceDeployments" => list,
        "DescribeServiceDeployments" => describe,
        "DescribeServiceRevisions" => describe_revisions,
        "StopServiceDeployment" => stop,
        "ContinueServiceDeployment" => go_on,
        _ => return None,
    })
}

fn is_kept(cx: &Cx<'_>, deployment: &ServiceDeployment) -> bool {
    deployment.listed && deployment.created + HISTORY > cx.now
}

/// ListServiceDeployments API reference: the newest first.
fn list(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let service = find(cx, &cluster, input::required_text(call, "service")?)?;
    let statuses = input::texts(call, "status")?;
    let created = member(call, "createdAt");
    let bound = |name: &str| created.and_then(|created| created[name].as_f64());
    let (after, before) = (bound("after"), bound("before"));
    let all: Vec<Value> = service
        .deployments
        .iter()
        .rev()
        .filter(|one| is_kept(cx, one))
        .filter(|one| statuses.is_empty() || statuses.contains(&one.status.wire()))
        .filter(|one| after.is_none_or(|after| one.created.seconds() >= after))
        .filter(|one| before.is_none_or(|before| one.created.seconds() <= before))
        .map(|one| show::brief(cx, service, one))
        .collect();
    let (deployments, token) = page::of(all, call, 20, 100)?;
    Ok(with_token(object([("serviceDeployments", deployments.into())]), token))
}

/// What an ARN of a service deployment or revision names: the service's key and the last part.
fn named<'a>(arn: &'a str, kind: &str) -> Result<(String, &'a str), ApiError> {
    let read = EcsArn::read(arn).filter(|read| read.kind == kind && read.path.len() == 3);
    let read = read.ok_or_else(|| ApiError::invalid(format!("Invalid {kind} ARN: {arn}")))?;
    Ok((Service::key(read.path[0], read.path[1]), read.path[2]))
}

/// ARNs with their last parts.
type Ids<'a> = Vec<(&'a str, &'a str)>;

/// The named things of one call, which all have to be of one service.
fn of_one_service<'a>(arns: &[&'a str], kind: &str, what: &str) -> Result<(String, Ids<'a>), ApiError> {
    if arns.is_empty() || arns.len() > 20 {
        return Err(ApiError::invalid(format!("Between 1 and 20 {what} must be given.")));
    }
    let mut keys = BTreeSet::new();
    let mut ids = Vec::with_capacity(arns.len());
    for arn in arns {
        let (key, id) = named(arn, kind)?;
        keys.insert(key);
        ids.push((*arn, id));
    }
    let first = keys.pop_first().unwrap_or_default();
    if !keys.is_empty() {
        return Err(ApiError::invalid(format!(
            "Cross service requests are not allowed. All requested {what} must be for a single service"
        )));
    }
    Ok((first, ids))
}

/// DescribeServiceDeployments API reference.
fn describe(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let arns = input::texts(call, "serviceDeploymentArns")?;
    let (key, ids) = of_one_service(&arns, "service-deployment", "service deployments")?;
    let service = cx.region.services.get(&key);
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for (arn, id) in ids {
        let deployment = service.and_then(|service| {
            service.deployments.iter().find(|one| one.id == id && is_kept(cx, one)).map(|one| (service, one))
        });
        match deployment {
            Some((service, deployment)) => found.push(show::whole(cx, service, deployment)),
            None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
        }
    }
    Ok(object([("serviceDeployments", found.into()), ("failures", failures.into())]))
}

/// DescribeServiceRevisions API reference.
fn describe_revisions(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let arns = input::texts(call, "serviceRevisionArns")?;
    let (key, ids) = of_one_service(&arns, "service-revision", "service revisions")?;
    if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
        // Observed: duplicates are not refused, they break something.
        return Err(ApiError { status: 500, ..ApiError::refused("ServerException", "Service Unavailable.") });
    }
    let service = cx.region.services.get(&key);
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for (arn, id) in ids {
        let number = id.parse().unwrap_or(0);
        match service.and_then(|service| Some((service, service.revision(number)?))) {
            Some((service, revision)) => found.push(show::revision(cx, service, revision)),
            None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
        }
    }
    Ok(object([("serviceRevisions", found.into()), ("failures", failures.into())]))
}

/// The place of a service deployment that a call names, and its service's key.
fn place(cx: &Cx<'_>, call: &Value) -> Result<(String, usize), ApiError> {
    let (key, id) = named(input::required_text(call, "serviceDeploymentArn")?, "service-deployment")?;
    let service = cx.region.services.get(&key);
    let place = service.and_then(|service| service.deployments.iter().position(|one| one.id == id && one.listed));
    let place = place.ok_or_else(|| {
        ApiError::refused("ServiceDeploymentNotFoundException", "The service deployment was not found.")
    })?;
    Ok((key, place))
}

/// StopServiceDeployment API reference; legal states by the ECS developer guide, "Stopping Amazon ECS service
/// deployments".
fn stop(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    if let Some(kind) = input::text(call, "stopType")?.filter(|kind| *kind != "ROLLBACK") {
        return Err(ApiError::invalid(format!("The stop type {kind} is not supported. Use ROLLBACK.")));
    }
    let (key, place) = place(cx, call)?;
    let status = cx.region.services.get(&key).and_then(|service| service.deployments.get(place)).map(|one| one.status);
    if status.is_none_or(|status| matches!(status, S::Successful | S::Stopped)) {
        return Err(ApiError::refused(
            "ConflictException",
            "The service deployment can not be stopped because it has ended.",
        ));
    }
    change(cx, &key, |cx, service| {
        let phase = Phase::RollbackRequested(soon(cx, 2_000..6_000));
        let rollout = service.rollout.as_mut().filter(|rollout| rollout.deployment == place && !rollout.rolling_back);
        if let Some(rollout) = rollout
            && matches!(status, Some(S::Pending | S::InProgress))
        {
            rollout.phase = phase;
            service.move_deployment(cx.now, place, S::RollbackRequested, None);
        }
    });
    Ok(json!({ "serviceDeploymentArn": call["serviceDeploymentArn"] }))
}

/// ContinueServiceDeployment API reference.
fn go_on(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let id = input::required_text(call, "hookId")?;
    let rolls_back = match input::text(call, "action")? {
        None | Some("CONTINUE") => false,
        Some("ROLLBACK") => true,
        Some(other) => return Err(ApiError::invalid(format!("Invalid action {other}."))),
    };
    let (key, place) = place(cx, call)?;
    let answered = change(cx, &key, |_, service| hooks::answer(service, place, id, rolls_back));
    if answered != Some(true) {
        return Err(ApiError::invalid(format!("No lifecycle hook {id} is awaiting an action.")));
    }
    Ok(json!({ "serviceDeploymentArn": call["serviceDeploymentArn"] }))
}
