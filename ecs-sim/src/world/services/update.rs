//! UpdateService: what starts a deployment and what doesn't.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    Configuration, Controller, Service, ServiceStatus, Strategy, change, requested, revision::FIXED, validate::Intended,
};
use crate::world::{
    ApiError, Cx, clusters, deployments,
    input::{self, member},
    services::find,
    task_sets,
    tasks::{LaunchType, Shape},
};

/// A capacity provider strategy is never changed without force (observed by tools; the API reference says otherwise).
const MUST_FORCE: &str = "When switching from launch type to capacity provider strategy on an existing service, or \
    making a change to a capacity provider strategy on a service that is already using one, you must force a new \
    deployment.";

/// All that an update comes to, before any of it is done.
struct Changes {
    configuration: Configuration,
    controller: Controller,
    members: Map<String, Value>,
    desired: Option<u32>,
    /// The members and the task definition of a new revision.
    deploys: Option<Parts>,
}

/// What a revision fixes, and its task definition.
type Parts = (Map<String, Value>, Arc<Shape>);

/// UpdateService API reference.
pub(super) fn update(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?;
    if cluster.status(cx.now) == clusters::ClusterStatus::Inactive {
        return Err(ApiError::client("Cluster was not ACTIVE."));
    }
    let cluster = cluster.name.clone();
    let key = {
        let service = find(cx, &cluster, input::required_text(call, "service")?)?;
        if service.status != ServiceStatus::Active {
            return Err(ApiError::refused("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        Service::key(&service.cluster, &service.name)
    };
    let sent = requested::fixed(cx, &cluster, call)?;
    let service = find(cx, &cluster, &key)?;
    let changes = changes(cx, call, service, sent)?;
    let answer = change(cx, &key, |cx, service| {
        apply(cx, service, changes);
        json!({ "service": service.shown(cx.caller, true) })
    });
    answer.ok_or_else(|| ApiError::refused("ServiceNotFoundException", "Service not found."))
}

fn changes(cx: &Cx<'_>, call: &Value, service: &Service, sent: Map<String, Value>) -> Result<Changes, ApiError> {
    refuse_for_controller(call, service)?;
    if member(call, "monitoring").is_some_and(|monitoring| *monitoring == json!({})) {
        return Err(ApiError { status: 500, ..ApiError::refused("ServerException", "Service Unavailable.") });
    }
    let controller = moved_controller(call, service)?;
    let mut configuration = service.configuration.clone();
    if let Some(sent) = member(call, "deploymentConfiguration") {
        configuration.merge(sent, controller)?;
    }
    if (configuration.strategy != service.configuration.strategy || controller != service.controller)
        && service.is_deploying()
    {
        return Err(ApiError::invalid(
            "The deployment strategy or controller can not be changed while a service deployment is in progress.",
        ));
    }
    let mut members = service.members.clone();
    members.extend(requested::members(call)?);
    if controller != service.controller {
        members.insert("deploymentController".to_owned(), json!({ "type": controller.wire() }));
    }
    let desired = requested::desired(call)?;
    let deploys = deploys(cx, call, service, controller, sent)?;
    let present = service.revision(service.primary);
    let nothing = Map::new();
    let spec = deploys.as_ref().map(|(spec, _)| spec).or(present.map(|one| &one.spec)).unwrap_or(&nothing);
    let shape = deploys.as_ref().map(|(_, shape)| shape).or(present.map(|one| &one.shape));
    let is_sent = |name: &str| member(call, name).is_some();
    let intended = Intended {
        controller,
        daemon: service.daemon,
        configuration: &configuration,
        members: &members,
        spec,
        launch_type: present.map_or(LaunchType::Ec2, |one| one.launch_type),
        shape: if controller == Controller::Ecs { shape.map(|shape| &**shape) } else { None },
        sent: &is_sent,
    };
    intended.check(cx)?;
    Ok(Changes { configuration, controller, members, desired, deploys })
}

/// The parts of a new revision, where the call asks for one: by force, or because something that a revision fixes is
/// not as it was.
fn deploys(
    cx: &Cx<'_>,
    call: &Value,
    service: &Service,
    controller: Controller,
    sent: Map<String, Value>,
) -> Result<Option<Parts>, ApiError> {
    let force = input::boolean(call, "forceNewDeployment")?.unwrap_or(false);
    let named = input::text(call, "taskDefinition")?.map(|named| requested::task_definition(cx, named)).transpose()?;
    let Some(present) = service.revision(service.primary) else {
        return match named {
            Some(shape) if controller == Controller::Ecs => Ok(Some((sent, shape))),
            _ => Ok(None),
        };
    };
    let changed: Vec<&str> = FIXED
        .into_iter()
        .filter(|name| sent.contains_key(*name) && !requested::same(name, sent.get(*name), present.spec.get(*name)))
        .collect();
    if changed.contains(&"capacityProviderStrategy") && !force {
        return Err(ApiError::invalid(MUST_FORCE));
    }
    let other = named.as_ref().is_some_and(|shape| shape.task_definition != present.shape.task_definition);
    let moved = controller == Controller::Ecs && service.controller != Controller::Ecs;
    if !force && !other && !moved && changed.is_empty() {
        return Ok(None);
    }
    let mut spec = present.spec.clone();
    spec.extend(sent);
    Ok(Some((spec, named.unwrap_or_else(|| Arc::clone(&present.shape)))))
}

/// Services that somebody else deploys take only what is not theirs to change.
fn refuse_for_controller(call: &Value, service: &Service) -> Result<(), ApiError> {
    if service.controller == Controller::Ecs || member(call, "deploymentController").is_some() {
        return Ok(());
    }
    let name = service.controller.wire();
    for (sent, words) in [
        ("taskDefinition", "task definition"),
        ("networkConfiguration", "network configuration"),
        ("platformVersion", "platform version"),
        ("loadBalancers", "load balancers"),
        ("serviceRegistries", "service registries"),
        ("capacityProviderStrategy", "capacity provider strategy"),
        ("serviceConnectConfiguration", "service connect configuration"),
        ("volumeConfigurations", "volume configurations"),
    ] {
        if member(call, sent).is_some() {
            return Err(ApiError::invalid(format!(
                "Unable to update {words} on services with a {name} deployment controller. Use AWS CodeDeploy to \
                 trigger a new deployment."
            )));
        }
    }
    if input::boolean(call, "forceNewDeployment")? == Some(true) {
        return Err(ApiError::invalid(format!(
            "Cannot force a new deployment on services with a {name} deployment controller. Use AWS CodeDeploy to \
             trigger a new deployment."
        )));
    }
    if service.controller == Controller::External {
        for sent in ["deploymentConfiguration", "enableExecuteCommand"] {
            if member(call, sent).is_some() {
                return Err(ApiError::invalid(format!(
                    "Unable to update {sent} on services with an EXTERNAL deployment controller."
                )));
            }
        }
    }
    Ok(())
}

/// The controller after the call: CODE_DEPLOY → ECS or EXTERNAL, ECS ↔ EXTERNAL (ECS developer guide, "Updating an
/// Amazon ECS service to use a different deployment controller").
fn moved_controller(call: &Value, service: &Service) -> Result<Controller, ApiError> {
    let to = match call["deploymentController"]["type"].as_str() {
        None => return Ok(service.controller),
        Some("ECS") => Controller::Ecs,
        Some("EXTERNAL") => Controller::External,
        Some("CODE_DEPLOY") => Controller::CodeDeploy,
        Some(other) => return Err(ApiError::invalid(format!("Invalid deployment controller type {other}."))),
    };
    let legal = match (service.controller, to) {
        (from, to) if from == to => true,
        (Controller::Ecs, Controller::External) => {
            let configuration = &service.configuration;
            let connect = service.revision(service.primary).is_some_and(|revision| {
                !revision.list("vpcLatticeConfigurations").is_empty()
                    || revision.spec.get("serviceConnectConfiguration").is_some_and(|one| one["enabled"] == true)
            });
            !connect
                && configuration.strategy == Strategy::Rolling
                && !configuration.breaker.enable
                && configuration.alarms.as_ref().is_none_or(|alarms| !alarms.enable)
        }
        (_, to) => to != Controller::CodeDeploy,
    };
    if legal {
        return Ok(to);
    }
    Err(ApiError::invalid(format!(
        "Unable to change the deployment controller from {} to {}.",
        service.controller.wire(),
        to.wire()
    )))
}

fn apply(cx: &mut Cx<'_>, service: &mut Service, changes: Changes) {
    let Changes { configuration, controller, members, desired, deploys } = changes;
    let from = service.desired;
    service.configuration = configuration;
    if controller != service.controller {
        task_sets::hand_over(cx, service, controller);
    }
    service.controller = controller;
    service.members = members;
    if let Some(desired) = desired {
        service.desired = desired;
        deployments::rescale(service, from, desired);
    }
    if let Some((spec, shape)) = deploys {
        let present = service.revision(service.primary);
        let launch_type = match present {
            // Back from Fargate's capacity providers is to Fargate.
            Some(present) if present.on_fargate() => LaunchType::Fargate,
            present => present.map_or(LaunchType::Ec2, |present| present.launch_type),
        };
        let number = service.add_revision(cx, spec, launch_type, shape);
        deployments::begin(cx, service, number);
    }
}
