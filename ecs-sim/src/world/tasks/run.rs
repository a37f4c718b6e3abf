//! RunTask.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Balanced, Launch, Task,
    place::{Demand, LaunchType, Refused, room},
    show,
};
use crate::{
    clock::Time,
    world::{
        ApiError, Cx, Region, arn,
        capacity_providers::strategy::{self, StrategyItem},
        clusters,
        input::{self, member},
        object,
        region::Actor,
        services::requested,
        tags::{self, Tags},
    },
};

/// A client token is remembered so long at most.
const TOKEN: Duration = Duration::from_hours(24);

/// What a client token was used for.
#[derive(Clone, Debug)]
pub struct Used {
    at: Time,
    arguments: Value,
    /// The ids of the tasks.
    tasks: Vec<String>,
}

impl Used {
    /// Whether the token is still remembered: for 24 hours, or until an hour after the end of its tasks, whichever is
    /// sooner (ECS developer guide, "Ensuring idempotency"). An hour after their end tasks are forgotten, too.
    fn holds(&self, now: Time, tasks: &BTreeMap<String, Task>) -> bool {
        self.at + TOKEN > now && self.tasks.iter().any(|id| tasks.contains_key(id))
    }
}

/// RunTask API reference.
pub(super) fn run(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let count = input::integer(call, "count")?.unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(ApiError::invalid("Number of tasks must be between 1 and 10."));
    }
    let token = input::text(call, "clientToken")?.filter(|token| !token.is_empty());
    if token.is_some_and(|token| token.len() > 64) {
        return Err(ApiError::invalid("idempotency token longer than 64."));
    }
    let key = token.map(|token| format!("{cluster}/{token}"));
    if let Some(used) = key.as_ref().and_then(|key| cx.region.run_tokens.get(key))
        && used.holds(cx.now, &cx.region.tasks)
    {
        return repeated(cx, call, used);
    }
    let shape = requested::task_definition(cx, input::required_text(call, "taskDefinition")?)?;
    let (launch_type, providers) = capacity(cx, call, &cluster)?;
    if shape.awsvpc != member(call, "networkConfiguration").is_some() {
        return Err(ApiError::invalid(if shape.awsvpc {
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        } else {
            "Network Configuration is not valid for the given networkMode of this task definition."
        }));
    }
    let names: Vec<&str> = providers.iter().map(|one| one.capacity_provider.as_str()).collect();
    shape.check_runs_on(launch_type, &names)?;
    requested::platform_version(call)?;
    check_overrides(call, &shape)?;
    let propagated = tags_of(cx, call, &cluster, &shape)?;
    let providers = strategy::shown(&providers);
    let demand = Demand {
        cluster: &cluster,
        shape: &shape,
        providers: providers.as_array().map_or(&[], Vec::as_slice),
        launch_type,
        constraints: input::list(call, "placementConstraints")?,
        fellows: &[],
        instance: None,
    };
    let (mut shown, mut failures, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        match demand.place(cx) {
            Err(why) => failures.push(failure(cx, &demand, &why)?),
            Ok(place) => {
                let mut launch = launch(call, &cluster, &shape, place)?.task(cx);
                launch.tags = propagated.clone();
                for name in ["overrides", "enableExecuteCommand", "referenceId"] {
                    if let Some(value) = member(call, name) {
                        launch.extra.insert(name.to_owned(), value.clone());
                    }
                }
                shown.push(show::task(cx, &launch, true));
                ids.push(launch.id.clone());
                cx.region.reschedule(Actor::Task(launch.id.clone()), None, launch.next());
                cx.region.tasks.insert(launch.id.clone(), launch);
            }
        }
    }
    if let Some(key) = key {
        let Region { run_tokens, tasks, .. } = &mut *cx.region;
        run_tokens.retain(|_, used| used.holds(cx.now, tasks));
        run_tokens.insert(key, Used { at: cx.now, arguments: call.clone(), tasks: ids });
    }
    Ok(object([("tasks", shown.into()), ("failures", failures.into())]))
}

/// Overrides have 8,192 characters at most, and are of containers that are there (TaskOverride data type; messages as
/// observed by tools).
fn check_overrides(call: &Value, shape: &super::Shape) -> Result<(), ApiError> {
    let Some(overrides) = member(call, "overrides") else { return Ok(()) };
    if overrides.to_string().chars().count() > 8192 {
        return Err(ApiError::invalid("Container Overrides length must be at most 8192"));
    }
    for one in input::list(overrides, "containerOverrides")? {
        let name = input::text(one, "name")?.unwrap_or_default();
        if shape.containers.iter().all(|container| container.name != name) {
            return Err(ApiError::invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
    }
    Ok(())
}

/// What the tasks run on: the launch type counts where there are no providers.
fn capacity(cx: &Cx<'_>, call: &Value, cluster: &str) -> Result<(LaunchType, Vec<StrategyItem>), ApiError> {
    let launch_type = input::text(call, "launchType")?.map(LaunchType::read).transpose()?;
    let mut providers = strategy::read(cx.region, call, "capacityProviderStrategy")?;
    if launch_type.is_some() && !providers.is_empty() {
        return Err(ApiError::invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    let home = clusters::active(cx, Some(cluster))?;
    strategy::check_in_cluster(cx.region, home, &providers)?;
    if launch_type.is_none() && providers.is_empty() {
        providers.clone_from(&home.default_strategy);
    }
    Ok((launch_type.unwrap_or(LaunchType::Ec2), providers))
}

/// The tags of the tasks: the call's own, and the task definition's where that is asked for.
fn tags_of(cx: &Cx<'_>, call: &Value, cluster: &str, shape: &super::Shape) -> Result<Tags, ApiError> {
    let mut all = match input::text(call, "propagateTags")? {
        None | Some("NONE") => Tags::new(),
        Some("TASK_DEFINITION") => {
            let definition = cx.region.task_definitions.find(cx.caller, &shape.task_definition);
            definition.map(|one| one.tags.clone()).unwrap_or_default()
        }
        Some(_) => return Err(ApiError::invalid("Tags of a task can only be propagated from its task definition.")),
    };
    if input::boolean(call, "enableECSManagedTags")? == Some(true) {
        all.insert("aws:ecs:clusterName".to_owned(), cluster.to_owned());
    }
    all.extend(tags::read(call, "InvalidParameterException")?);
    Ok(all)
}

fn launch<'a>(
    call: &Value,
    cluster: &'a str,
    shape: &'a Arc<super::Shape>,
    place: super::Place,
) -> Result<Launch<'a>, ApiError> {
    let group = input::text(call, "group")?.map_or_else(|| format!("family:{}", shape.family), str::to_owned);
    Ok(Launch {
        cluster,
        group,
        started_by: input::text(call, "startedBy")?.map(str::to_owned),
        revision: 0,
        shape,
        place,
        balanced: Arc::new(Balanced::default()),
        grace: 0,
        fate: None,
    })
}

/// A token that was used before: the same tasks for the same arguments.
fn repeated(cx: &Cx<'_>, call: &Value, used: &Used) -> Result<Value, ApiError> {
    if used.arguments != *call {
        let cluster = clusters::find(cx, input::text(call, "cluster")?)?;
        return Err(ApiError {
            resource_ids: used.tasks.iter().map(|id| arn::task(cx.caller, &cluster.name, id)).collect(),
            ..ApiError::refused("ConflictException", "The clientToken was used before with other parameters.")
        });
    }
    let tasks = used.tasks.iter().filter_map(|id| cx.region.tasks.get(id));
    let shown: Vec<Value> = tasks.map(|task| show::task(cx, task, true)).collect();
    Ok(json!({ "tasks": shown, "failures": [] }))
}

/// Why a task was not launched, in RunTask's words ("API failure reasons", ECS developer guide).
fn failure(cx: &Cx<'_>, demand: &Demand<'_>, why: &Refused) -> Result<Value, ApiError> {
    if let Refused::Capacity(reason) = why {
        return Ok(json!({ "reason": reason }));
    }
    let needs = room(demand.shape);
    let mut instances = cx.region.instances.in_cluster(demand.cluster);
    let Some(first) = instances.next() else {
        return Err(ApiError::invalid("No Container Instances were found in your cluster."));
    };
    let lacks = if first.remaining.cpu < needs.cpu {
        "RESOURCE:CPU"
    } else if first.remaining.memory < needs.memory {
        "RESOURCE:MEMORY"
    } else if first.remaining.ports.is_disjoint(&needs.ports) {
        "MemberOf placement constraint unsatisfied."
    } else {
        "RESOURCE:PORTS"
    };
    Ok(json!({ "arn": arn::container_instance(cx.caller, demand.cluster, &first.id), "reason": lacks }))
}
