//! CreateService.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use super::{Configuration, Controller, Service, ServiceStatus, change, requested, validate::Intended};
use crate::world::{
    ApiError, Cx, arn,
    capacity_providers::strategy,
    clusters::{self, ClusterStatus},
    deployments, input, tags, task_sets,
    tasks::{LaunchType, Shape},
};

/// CreateService API reference.
pub(super) fn create(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let name = input::required_text(call, "serviceName")?;
    if name.len() > 255 || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter)) {
        return Err(ApiError::invalid("Invalid service name: letters, digits, hyphens and underscores, at most 255."));
    }
    let cluster = active_cluster(cx, call)?;
    let key = Service::key(&cluster, name);
    let creation = (token(call)?, arguments(call));
    if let Some(there) = existing(cx, &cluster, &key, &creation)? {
        return Ok(there);
    }
    let service = new(cx, call, cluster, name, creation)?;
    let (spec, launch_type, shape) = parts(cx, call, &service)?;
    let mut service = service;
    check_and_complete(cx, call, &mut service, &spec, launch_type, shape.as_deref())?;
    cx.region.services.insert(key.clone(), Box::new(service));
    let answer = change(cx, &key, |cx, service| {
        match shape {
            Some(shape) if service.controller == Controller::Ecs => {
                let number = service.add_revision(cx, spec, launch_type, shape);
                deployments::begin(cx, service, number);
            }
            Some(shape) => task_sets::first(cx, service, spec, launch_type, shape),
            None => {}
        }
        json!({ "service": service.shown(cx.caller, true) })
    });
    answer.ok_or_else(|| ApiError::refused("ServiceNotFoundException", "Service not found."))
}

fn active_cluster(cx: &Cx<'_>, call: &Value) -> Result<String, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?;
    match cluster.status(cx.now) {
        ClusterStatus::Inactive => Err(ApiError::refused("ClusterNotFoundException", "Cluster not found.")),
        // The strictest reading: no source tells whether ECS takes services already.
        ClusterStatus::Provisioning | ClusterStatus::Deprovisioning => Err(ApiError::client("Cluster was not ACTIVE.")),
        ClusterStatus::Active | ClusterStatus::Failed => Ok(cluster.name.clone()),
    }
}

fn token(call: &Value) -> Result<Option<String>, ApiError> {
    let token = input::text(call, "clientToken")?.filter(|token| !token.is_empty());
    if token.is_some_and(|token| token.len() > 36) {
        return Err(ApiError::invalid("idempotency token longer than 36."));
    }
    Ok(token.map(str::to_owned))
}

/// What a token is bound to: everything but the tags.
fn arguments(call: &Value) -> Value {
    let mut arguments = call.clone();
    if let Some(members) = arguments.as_object_mut() {
        members.remove("tags");
        members.remove("clientToken");
    }
    arguments
}

fn existing(
    cx: &mut Cx<'_>,
    cluster: &str,
    key: &str,
    creation: &(Option<String>, Value),
) -> Result<Option<Value>, ApiError> {
    let other = || ApiError::invalid("Creation of service was not idempotent.");
    if creation.0.is_some() {
        let prefix = format!("{cluster}/");
        let others = cx.region.services.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
        let mut bound = others.map(|(_, one)| one).filter(|one| one.status == ServiceStatus::Active);
        if bound.any(|one| one.creation.0 == creation.0 && one.creation.1 != creation.1) {
            return Err(other());
        }
    }
    match cx.region.services.get(key).map(|service| service.status) {
        None | Some(ServiceStatus::Inactive) => Ok(None),
        Some(ServiceStatus::Draining) => Err(ApiError::invalid("Unable to Start a service that is still Draining.")),
        Some(ServiceStatus::Active) => {
            let same = |service: &&Service| creation.0.is_some() && service.creation.0 == creation.0;
            let service = cx.region.services.get(key).map(|one| &**one).filter(same).ok_or_else(other)?;
            Ok(Some(json!({ "service": service.shown(cx.caller, true) })))
        }
    }
}

fn new(
    cx: &mut Cx<'_>,
    call: &Value,
    cluster: String,
    name: &str,
    creation: (Option<String>, Value),
) -> Result<Service, ApiError> {
    let controller = match call["deploymentController"]["type"].as_str() {
        None | Some("ECS") => Controller::Ecs,
        Some("CODE_DEPLOY") => Controller::CodeDeploy,
        Some("EXTERNAL") => Controller::External,
        Some(other) => return Err(ApiError::invalid(format!("Invalid deployment controller type {other}."))),
    };
    let daemon = match input::text(call, "schedulingStrategy")? {
        None | Some("REPLICA") => false,
        Some("DAEMON") => true,
        Some(other) => return Err(ApiError::invalid(format!("Invalid scheduling strategy {other}."))),
    };
    let desired = requested::desired(call)?;
    if desired.is_none() && !daemon && controller != Controller::External {
        return Err(ApiError::invalid("DesiredCount cannot be null for the REPLICA scheduling strategy."));
    }
    let mut configuration = Configuration::new(daemon);
    configuration.merge(&call["deploymentConfiguration"], controller)?;
    Ok(Service {
        arn: arn::service(cx.caller, &cluster, name),
        cluster,
        name: name.to_owned(),
        status: ServiceStatus::Active,
        controller,
        daemon,
        desired: desired.unwrap_or(0),
        configuration,
        members: members(cx, call)?,
        created_at: cx.now,
        tags: tags::read(call, "InvalidParameterException")?,
        creation,
        revisions: Vec::new(),
        primary: 0,
        deployments: Vec::new(),
        stopping: Vec::new(),
        rollout: None,
        task_sets: Vec::new(),
        tasks: Vec::new(),
        ended: VecDeque::new(),
        events: VecDeque::new(),
        steady: None,
        all_ran: None,
        ends: None,
        quiet: BTreeMap::new(),
        due: None,
    })
}

fn members(cx: &Cx<'_>, call: &Value) -> Result<Map<String, Value>, ApiError> {
    let account = &cx.caller.account;
    let role = match input::text(call, "role")? {
        None => {
            format!("arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")
        }
        Some(role) if !cx.region.outside.has_role(role) => {
            return Err(ApiError::invalid(
                "Unable to assume role and validate the listeners configured on your load balancer. Please verify that \
                 the ECS service role being passed has the proper permissions.",
            ));
        }
        Some(role) if role.starts_with("arn:") => role.to_owned(),
        Some(role) => format!("arn:aws:iam::{account}:role/{role}"),
    };
    let defaults = json!({
        "roleArn": role,
        "createdBy": format!("arn:aws:iam::{account}:root"),
        "healthCheckGracePeriodSeconds": 0,
        "placementConstraints": [],
        "placementStrategy": [],
        "propagateTags": "NONE",
        "enableECSManagedTags": false,
        "enableExecuteCommand": false,
    });
    let mut members = Map::new();
    if let Value::Object(defaults) = defaults {
        members = defaults;
    }
    members.extend(requested::members(call)?);
    if let Some(controller) = input::member(call, "deploymentController") {
        members.insert("deploymentController".to_owned(), controller.clone());
    }
    Ok(members)
}

type Parts = (Map<String, Value>, LaunchType, Option<std::sync::Arc<Shape>>);

/// What the first revision fixes.
fn parts(cx: &mut Cx<'_>, call: &Value, service: &Service) -> Result<Parts, ApiError> {
    let launch_type = input::text(call, "launchType")?.map(LaunchType::read).transpose()?;
    let mut spec = requested::fixed(cx, &service.cluster, call)?;
    let by_strategy = spec.get("capacityProviderStrategy").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    if launch_type.is_some() && by_strategy {
        return Err(ApiError::invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    if launch_type.is_none() && !by_strategy && service.controller != Controller::External {
        let default =
            cx.region.clusters.get(&service.cluster).map(|cluster| strategy::shown(&cluster.default_strategy));
        spec.extend(default.map(|default| ("capacityProviderStrategy".to_owned(), default)));
    }
    let shape = match (input::text(call, "taskDefinition")?, service.controller) {
        (Some(named), _) => Some(requested::task_definition(cx, named)?),
        (None, Controller::External) => None,
        (None, _) => return Err(ApiError::client("TaskDefinition can not be blank.")),
    };
    Ok((spec, launch_type.unwrap_or(LaunchType::Ec2), shape))
}

/// Refuses what ECS refuses, and chooses what it chooses where nothing was said.
fn check_and_complete(
    cx: &mut Cx<'_>,
    call: &Value,
    service: &mut Service,
    spec: &Map<String, Value>,
    launch_type: LaunchType,
    shape: Option<&Shape>,
) -> Result<(), ApiError> {
    let mut members = std::mem::take(&mut service.members);
    let sent = |name: &str| input::member(call, name).is_some();
    let intended = Intended {
        controller: service.controller,
        daemon: service.daemon,
        configuration: &service.configuration,
        members: &members,
        spec,
        launch_type,
        shape,
        sent: &sent,
    };
    intended.check(cx)?;
    // Since 2025-09 creation enables it wherever it can be.
    let rebalancing = if intended.obstacle_to_rebalancing().is_some() { "DISABLED" } else { "ENABLED" };
    members.entry("availabilityZoneRebalancing").or_insert_with(|| json!(rebalancing));
    service.members = members;
    Ok(())
}
