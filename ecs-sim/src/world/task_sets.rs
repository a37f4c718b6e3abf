//! Task sets, of the controllers CODE_DEPLOY and EXTERNAL (ECS developer guide, "Deploying Amazon ECS services using a
//! third-party controller").

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    ApiError, Caller, Cx, Operation, arn, clusters,
    deployments::{start_tasks, stop_tasks, surplus},
    input::{self, member},
    services::{
        Controller, Entry, EntryStatus, RolloutState, Service, ServiceStatus, change, find, requested, show::show_fixed,
    },
    tags::{self, Tags},
    tasks::{Shape, Stop, StopCode, place::LaunchType},
};
use crate::clock::Time;

/// The operations of this module.
pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateTaskSet" => create,
        "UpdateTaskSet" => update,
        "DeleteTaskSet" => delete,
        "DescribeTaskSets" => describe,
        "UpdateServicePrimaryTaskSet" => make_primary,
        _ => return None,
    })
}

/// `status` of a task set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskSetStatus {
    /// It serves.
    Primary,
    /// It does not, or not yet.
    Active,
    /// It is being deleted.
    Draining,
}

impl TaskSetStatus {
    fn wire(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

/// One task set. What it runs is the service's revision of the same number.
#[derive(Clone, Debug)]
pub struct TaskSet {
    /// The end of its id `ecs-svc/N`.
    pub number: u64,
    /// `externalId`.
    pub external_id: Option<String>,
    /// `status`.
    pub status: TaskSetStatus,
    /// So many percent of the service's desired count.
    pub scale: f64,
    /// `createdAt`.
    pub created: Time,
    /// `updatedAt`.
    pub updated: Time,
    /// Whether it has the tasks that it is to have, and since when it is so.
    pub steady: (bool, Time),
    /// Its tags.
    pub tags: Tags,
    token: Option<String>,
}

impl TaskSet {
    fn id(&self) -> String {
        format!("ecs-svc/{}", self.number)
    }

    /// `computedDesiredCount`.
    pub fn wants(&self, desired: u32) -> u32 {
        if self.status == TaskSetStatus::Draining {
            return 0;
        }
        // Counts and percents are small: nothing is lost on the way.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let wants = (f64::from(desired) * self.scale / 100.0).ceil() as u32;
        wants
    }
}

/// The first task set of a CODE_DEPLOY service, which ECS makes itself.
pub(super) fn first(
    cx: &mut Cx<'_>,
    service: &mut Service,
    spec: Map<String, Value>,
    launch_type: LaunchType,
    shape: Arc<Shape>,
) {
    let number = service.add_revision(cx, spec, launch_type, shape);
    service.task_sets.push(new(cx, number, TaskSetStatus::Primary, 100.0));
    service.primary = number;
}

fn new(cx: &Cx<'_>, number: u64, status: TaskSetStatus, scale: f64) -> TaskSet {
    TaskSet {
        number,
        external_id: None,
        status,
        scale,
        created: cx.now,
        updated: cx.now,
        steady: (false, cx.now),
        tags: BTreeMap::new(),
        token: None,
    }
}

/// The service goes over from ECS's own deployments to task sets, or back: what serves goes on serving.
pub(super) fn hand_over(cx: &mut Cx<'_>, service: &mut Service, to: Controller) {
    if to == Controller::Ecs {
        for set in std::mem::take(&mut service.task_sets) {
            let (id, wants) = (set.id(), set.wants(service.desired));
            let Some(revision) = service.revision_mut(set.number) else { continue };
            revision.succeeded = set.status == TaskSetStatus::Primary;
            revision.entry = Some(Entry {
                status: EntryStatus::Active,
                rollout: RolloutState::Completed,
                reason: format!("ECS deployment {id} completed."),
                wants,
                failed_tasks: 0,
                created_at: set.created,
                updated_at: cx.now,
            });
        }
        return;
    }
    if service.controller != Controller::Ecs {
        return;
    }
    super::deployments::abandon(cx, service);
    for revision in &mut service.revisions {
        revision.entry = None;
    }
    let number = service.primary;
    service.task_sets.push(new(cx, number, TaskSetStatus::Primary, 100.0));
}

/// Keeps the tasks of all task sets at their counts.
pub(super) fn schedule(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    let mut moved = false;
    for place in 0..service.task_sets.len() {
        let set = &service.task_sets[place];
        let (number, wants) = (set.number, set.wants(service.desired));
        let (ids, _) = surplus(cx, service, number, wants);
        let reason = format!("Scaling activity initiated by (deployment ecs-svc/{number})");
        moved |= stop_tasks(cx, service, &ids, &Stop { code: StopCode::ServiceSchedulerInitiated, reason });
        let missing = wants.saturating_sub(service.count_wanted(number));
        moved |= start_tasks(cx, service, number, missing);
        let steady = service.count_ready(number) == wants;
        let set = &mut service.task_sets[place];
        if set.steady.0 != steady {
            set.steady = (steady, cx.now);
            moved = true;
        }
    }
    let before = service.task_sets.len();
    let gone = |number: u64| !service.tasks.iter().any(|task| task.revision == number && task.is_wanted());
    let ended: Vec<u64> = service
        .task_sets
        .iter()
        .filter(|set| {
            set.status == TaskSetStatus::Draining && gone(set.number) && service.counts(Some(set.number)) == (0, 0)
        })
        .map(|set| set.number)
        .collect();
    service.task_sets.retain(|set| !ended.contains(&set.number));
    moved | (service.task_sets.len() < before)
}

/// Whether the service has a primary task set and all are at their counts.
pub(super) fn are_steady(service: &Service) -> bool {
    !service.task_sets.is_empty() && service.task_sets.iter().all(|set| set.steady.0)
}

/// As DescribeTaskSets and DescribeServices show it, with the tags where they are asked for.
pub(super) fn shown(caller: &Caller, service: &Service, set: &TaskSet, with_tags: bool) -> Value {
    let (running, pending) = service.counts(Some(set.number));
    let mut shown = Map::new();
    for (name, value) in [
        ("id", json!(set.id())),
        ("taskSetArn", json!(arn(caller, service, set))),
        ("serviceArn", json!(service.arn)),
        ("clusterArn", json!(arn::cluster(caller, &service.cluster))),
        ("startedBy", json!(if service.controller == Controller::CodeDeploy { "CODE_DEPLOY" } else { "" })),
        ("status", json!(set.status.wire())),
        ("computedDesiredCount", json!(set.wants(service.desired))),
        ("runningCount", json!(running)),
        ("pendingCount", json!(pending)),
        ("createdAt", json!(set.created.seconds())),
        ("updatedAt", json!(set.updated.seconds())),
        ("scale", json!({ "value": set.scale, "unit": "PERCENT" })),
        ("stabilityStatus", json!(if set.steady.0 { "STEADY_STATE" } else { "STABILIZING" })),
        ("stabilityStatusAt", json!(set.steady.1.seconds())),
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
    ] {
        shown.insert(name.to_owned(), value);
    }
    if with_tags {
        shown.insert("tags".to_owned(), tags::shown(&set.tags));
    }
    if let Some(external) = &set.external_id {
        shown.insert("externalId".to_owned(), json!(external));
    }
    if let Some(revision) = service.revision(set.number) {
        let members = ["networkConfiguration", "loadBalancers", "serviceRegistries", "capacityProviderStrategy"];
        show_fixed(&mut shown, revision, &members, super::services::show::PLATFORM);
    }
    Value::Object(shown)
}

fn arn(caller: &Caller, service: &Service, set: &TaskSet) -> String {
    arn::ecs(caller, &format!("task-set/{}/{}/{}", service.cluster, service.name, set.id()))
}

/// The key of the service that a call is about, which has to be ACTIVE and of a controller with task sets.
fn service_of(cx: &Cx<'_>, call: &Value) -> Result<String, ApiError> {
    let cluster = clusters::find(cx, Some(input::required_text(call, "cluster")?))?.name.clone();
    let service = find(cx, &cluster, input::required_text(call, "service")?)?;
    if service.status != ServiceStatus::Active {
        return Err(ApiError::refused("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    if service.controller == Controller::Ecs {
        return Err(ApiError::invalid(
            "Amazon ECS only supports task set management on services with external deployment controllers.",
        ));
    }
    Ok(Service::key(&service.cluster, &service.name))
}

/// The place of the task set that a call names.
fn named(service: &Service, name: &str) -> Result<usize, ApiError> {
    let place = service.task_sets.iter().position(|set| name.ends_with(&set.number.to_string()));
    place.ok_or_else(|| ApiError::refused("TaskSetNotFoundException", "The specified task set was not found."))
}

fn scale(call: &Value) -> Result<Option<f64>, ApiError> {
    let Some(scale) = member(call, "scale") else { return Ok(None) };
    let value = input::number(scale, "value")?.unwrap_or(100.0);
    if !(0.0..=100.0).contains(&value) {
        return Err(ApiError::invalid("The scale of a task set must be between 0 and 100 percent."));
    }
    Ok(Some(value))
}

fn gone() -> ApiError {
    ApiError::refused("ServiceNotFoundException", "Service not found.")
}

/// CreateTaskSet API reference.
fn create(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let key = service_of(cx, call)?;
    let token = input::text(call, "clientToken")?.map(str::to_owned);
    if let Some(service) = cx.region.services.get(&key)
        && let Some(there) = service.task_sets.iter().find(|set| token.is_some() && set.token == token)
    {
        return Ok(json!({ "taskSet": shown(cx.caller, service, there, true) }));
    }
    let shape = requested::task_definition(cx, input::required_text(call, "taskDefinition")?)?;
    let cluster = arn::name(input::required_text(call, "cluster")?).to_owned();
    let spec = requested::fixed(cx, &cluster, call)?;
    if shape.awsvpc && !spec.contains_key("networkConfiguration") {
        return Err(ApiError::invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    let launch_type = input::text(call, "launchType")?.map(LaunchType::read).transpose()?.unwrap_or(LaunchType::Ec2);
    let scale = scale(call)?.unwrap_or(100.0);
    let external_id = input::text(call, "externalId")?.map(str::to_owned);
    let tags = tags::read(call, "InvalidParameterException")?;
    let answer = change(cx, &key, |cx, service| {
        let number = service.add_revision(cx, spec, launch_type, shape);
        let mut set = new(cx, number, TaskSetStatus::Active, scale);
        (set.external_id, set.tags, set.token) = (external_id, tags, token);
        let answer = json!({ "taskSet": shown(cx.caller, service, &set, true) });
        service.task_sets.push(set);
        answer
    });
    answer.ok_or_else(gone)
}

/// Does something to the task set that a call names.
fn change_set(
    cx: &mut Cx<'_>,
    call: &Value,
    member: &str,
    act: impl FnOnce(&mut Cx<'_>, &mut Service, usize) -> Result<(), ApiError>,
) -> Result<Value, ApiError> {
    let key = service_of(cx, call)?;
    let name = input::required_text(call, member)?;
    let answer = change(cx, &key, |cx, service| {
        let place = named(service, name)?;
        act(cx, service, place)?;
        service.task_sets[place].updated = cx.now;
        Ok(json!({ "taskSet": shown(cx.caller, service, &service.task_sets[place], true) }))
    });
    answer.ok_or_else(gone)?
}

/// UpdateTaskSet API reference.
fn update(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let scale = scale(call)?.ok_or_else(|| ApiError::invalid("scale cannot be null."))?;
    change_set(cx, call, "taskSet", |_, service, place| {
        service.task_sets[place].scale = scale;
        Ok(())
    })
}

/// DeleteTaskSet API reference.
fn delete(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let force = input::boolean(call, "force")?.unwrap_or(false);
    change_set(cx, call, "taskSet", |_, service, place| {
        let set = &service.task_sets[place];
        if set.status == TaskSetStatus::Primary {
            return Err(ApiError::invalid("The primary task set can not be deleted."));
        }
        if !force && set.wants(service.desired) > 0 {
            return Err(ApiError::invalid("A task set can not be deleted while it is scaled above 0."));
        }
        service.task_sets[place].status = TaskSetStatus::Draining;
        Ok(())
    })
}

/// UpdateServicePrimaryTaskSet API reference. CodeDeploy's service shows what its PRIMARY task set has.
fn make_primary(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    change_set(cx, call, "primaryTaskSet", |_, service, place| {
        for set in &mut service.task_sets {
            if set.status == TaskSetStatus::Primary {
                set.status = TaskSetStatus::Active;
            }
        }
        service.task_sets[place].status = TaskSetStatus::Primary;
        service.primary = service.task_sets[place].number;
        Ok(())
    })
}

/// DescribeTaskSets API reference.
fn describe(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let key = service_of(cx, call)?;
    let names = input::texts(call, "taskSets")?;
    let with_tags = input::includes(call, "TAGS")?;
    let service = cx.region.services.get(&key).ok_or_else(gone)?;
    let (mut sets, mut failures) = (Vec::new(), Vec::new());
    if names.is_empty() {
        sets.extend(service.task_sets.iter().map(|set| shown(cx.caller, service, set, with_tags)));
    }
    for name in names {
        match named(service, name) {
            Ok(place) => sets.push(shown(cx.caller, service, &service.task_sets[place], with_tags)),
            Err(_) => failures.push(json!({ "arn": name, "reason": "MISSING" })),
        }
    }
    Ok(json!({ "taskSets": sets, "failures": failures }))
}
