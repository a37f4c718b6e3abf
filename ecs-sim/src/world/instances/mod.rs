//! Container instances. Tests register them, as agents do outside of a simulation.

mod describe;
mod registration;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeBounds,
};

use serde_json::{Value, json};

pub use self::registration::{Registration, register};
use super::{
    ApiError, Caller, Cx, Operation, Region, arn, clusters, input,
    tags::Tags,
    tasks::{self, Stop, StopCode, Task, TaskStatus},
};
use crate::clock::Time;

/// The operations of this module.
pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "ListContainerInstances" => describe::list,
        "DescribeContainerInstances" => describe::describe,
        "UpdateContainerInstancesState" => update_state,
        "DeregisterContainerInstance" => deregister,
        _ => return None,
    })
}

/// The container instances of a region, by cluster and id.
#[derive(Clone, Debug, Default)]
pub struct Instances(BTreeMap<(String, String), ContainerInstance>);

/// One container instance.
#[derive(Clone, Debug)]
pub struct ContainerInstance {
    /// The last part of its ARN.
    pub id: String,
    /// Its cluster's name.
    pub cluster: String,
    /// Whether it takes tasks, and whether it is a machine outside of AWS.
    pub status: InstanceStatus,
    /// Whether it is outside of AWS: the launch type EXTERNAL.
    pub external: bool,
    /// Whether its agent answers.
    pub agent_connected: bool,
    /// Of which capacity provider it is.
    pub capacity_provider: Option<String>,
    /// All that it has.
    pub registered: Resources,
    /// What tasks have not taken.
    pub remaining: Resources,
    /// What placement constraints and strategies may ask for, such as `ecs.availability-zone`.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
    ec2_instance_id: String,
    registered_at: Time,
    version: u64,
}

/// Where a container instance stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceStatus {
    /// It takes tasks.
    Active,
    /// It takes no new tasks, and services replace theirs.
    Draining,
}

impl InstanceStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

/// What tasks take of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// CPU units, 1024 a vCPU.
    pub cpu: u64,
    /// MiB.
    pub memory: u64,
    /// Ports that are taken, TCP.
    pub ports: BTreeSet<u16>,
    /// Ports that are taken, UDP.
    pub ports_udp: BTreeSet<u16>,
}

impl ContainerInstance {
    /// Takes room for a task. Whether there is enough is for the caller to see to.
    pub fn reserve(&mut self, room: &Resources) {
        self.remaining.cpu = self.remaining.cpu.saturating_sub(room.cpu);
        self.remaining.memory = self.remaining.memory.saturating_sub(room.memory);
        self.remaining.ports.extend(&room.ports);
        self.remaining.ports_udp.extend(&room.ports_udp);
    }

    /// Gives a task's room back.
    pub fn release(&mut self, room: &Resources) {
        self.remaining.cpu += room.cpu;
        self.remaining.memory += room.memory;
        self.remaining.ports.retain(|port| !room.ports.contains(port));
        self.remaining.ports_udp.retain(|port| !room.ports_udp.contains(port));
    }

    /// Its ARN.
    pub fn arn(&self, caller: &Caller) -> String {
        arn::container_instance(caller, &self.cluster, &self.id)
    }
}

impl Instances {
    /// Those of a cluster, in a fixed order.
    pub fn in_cluster(&self, cluster: &str) -> impl Iterator<Item = &ContainerInstance> {
        self.0.range(of(cluster)).take_while(move |((of, _), _)| of == cluster).map(|(_, instance)| instance)
    }

    /// The one with that id or ARN.
    pub fn get(&self, cluster: &str, named: &str) -> Option<&ContainerInstance> {
        self.0.get(&(cluster.to_owned(), arn::name(named).to_owned()))
    }

    /// The same, to change.
    pub fn get_mut(&mut self, cluster: &str, named: &str) -> Option<&mut ContainerInstance> {
        self.0.get_mut(&(cluster.to_owned(), arn::name(named).to_owned()))
    }

    fn remove(&mut self, cluster: &str, named: &str) -> Option<ContainerInstance> {
        self.0.remove(&(cluster.to_owned(), arn::name(named).to_owned()))
    }
}

fn of(cluster: &str) -> impl RangeBounds<(String, String)> {
    (cluster.to_owned(), String::new())..
}

fn missing(cx: &Cx<'_>, cluster: &str, named: &str) -> Value {
    json!({ "arn": arn::container_instance(cx.caller, cluster, arn::name(named)), "reason": "MISSING" })
}

fn update_state(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let named = input::texts(call, "containerInstances")?;
    if named.is_empty() || named.len() > 10 {
        return Err(ApiError::invalid("containerInstances must contain between 1 and 10 entries."));
    }
    let status = match input::required_text(call, "status")? {
        "ACTIVE" => InstanceStatus::Active,
        "DRAINING" => InstanceStatus::Draining,
        _ => return Err(ApiError::invalid("Container instance status must be one of [ACTIVE,DRAINING]")),
    };
    let (mut changed, mut failures) = (vec![], vec![]);
    for named in named {
        match cx.region.instances.get_mut(&cluster, named) {
            Some(instance) => {
                instance.status = status;
                instance.version += 1;
                changed.push(instance.id.clone());
            }
            None => failures.push(missing(cx, &cluster, named)),
        }
    }
    let shown: Vec<Value> = changed
        .iter()
        .filter_map(|id| Some(describe::shown(cx, cx.region.instances.get(&cluster, id)?, false)))
        .collect();
    Ok(json!({ "containerInstances": shown, "failures": failures }))
}

/// RUNNING and PENDING tasks on an instance.
fn tasks_on(region: &Region, instance: &ContainerInstance) -> (usize, usize) {
    let here = |task: &&Task| task.place.instance.as_ref() == Some(&instance.id);
    let there: Vec<&Task> = tasks::in_cluster_of(region, &instance.cluster).filter(here).collect();
    let running = there.iter().filter(|task| task.status == TaskStatus::Running).count();
    (running, there.iter().filter(|task| task.is_pending()).count())
}

fn deregister(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let named = input::required_text(call, "containerInstance")?;
    let not_found = || ApiError::invalid("Referenced container instance was not found.");
    let instance = cx.region.instances.get(&cluster, named).ok_or_else(not_found)?;
    let force = input::boolean(call, "force")? == Some(true);
    if !force && tasks_on(cx.region, instance) != (0, 0) {
        return Err(ApiError::invalid("Found running tasks on the instance."));
    }
    let mut shown = describe::shown(cx, instance, false);
    shown["status"] = json!("INACTIVE");
    terminate(cx, &cluster, named);
    Ok(json!({ "containerInstance": shown }))
}

/// Takes an instance away with the tasks on it, as when its machine is terminated ("Stopped tasks error messages", ECS
/// developer guide). Whether there was one.
pub fn terminate(cx: &mut Cx<'_>, cluster: &str, named: &str) -> bool {
    let Some(instance) = cx.region.instances.remove(cluster, named) else { return false };
    let here = |task: &&Task| task.place.instance.as_ref() == Some(&instance.id) && task.is_wanted();
    let lost: Vec<String> = tasks::in_cluster_of(cx.region, cluster).filter(here).map(|task| task.id.clone()).collect();
    for id in lost {
        let reason = format!("Host EC2 (instance {}) terminated.", instance.ec2_instance_id);
        tasks::end(cx, cluster, &id, Stop { code: StopCode::TerminationNotice, reason });
    }
    true
}
