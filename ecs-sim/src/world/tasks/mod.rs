//! Tasks: their lives and how they end, and the calls about them.

pub mod fate;
pub mod shape;

mod api;
mod life;
pub(super) mod place;
mod run;
mod show;

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Map, Value};

pub(super) use self::{
    api::{change_task, find_mut, in_cluster_of, operation},
    life::{Launch, Outcome},
    show::digest,
};
pub use self::{
    place::{LaunchType, Place},
    run::Used,
    shape::Shape,
};
use super::{Cx, region::Actor, tags::Tags};
use crate::clock::Time;

/// `lastStatus` of a task (ECS developer guide, "Amazon ECS task lifecycle").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskStatus {
    /// Before its containers: a network interface, or an instance to come.
    Provisioning,
    /// Pulling images and starting containers.
    Pending,
    /// Its targets are being registered.
    Activating,
    /// All containers run.
    Running,
    /// Its targets are being drained.
    Deactivating,
    /// Its containers are told to end.
    Stopping,
    /// Its network interface is being detached.
    Deprovisioning,
    /// Over; described for another hour.
    Stopped,
}

impl TaskStatus {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// What container health checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing yet, or there is no check.
    Unknown,
    /// They pass.
    Healthy,
    /// They fail.
    Unhealthy,
}

impl Health {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
        }
    }
}

/// `stopCode` of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCode {
    /// It never ran.
    TaskFailedToStart,
    /// A container ended, and the task with it.
    EssentialContainerExited,
    /// By StopTask.
    UserInitiated,
    /// By the service scheduler.
    ServiceSchedulerInitiated,
    /// FARGATE_SPOT wanted its capacity back.
    SpotInterruption,
    /// Its instance is to be terminated, or the task to be retired.
    TerminationNotice,
    /// What it runs on failed its own checks.
    InfrastructureHealth,
}

impl StopCode {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
            Self::ServiceSchedulerInitiated => "ServiceSchedulerInitiated",
            Self::SpotInterruption => "SpotInterruption",
            Self::TerminationNotice => "TerminationNotice",
            Self::InfrastructureHealth => "InfrastructureHealth",
        }
    }
}

/// Why a task stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// `stopCode`.
    pub code: StopCode,
    /// `stoppedReason`.
    pub reason: String,
}

/// What a container that ended by itself, or never began, left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEnd {
    /// Which one, by its place in the task definition.
    pub container: usize,
    /// Its exit code, where it ran.
    pub exit: Option<i32>,
    /// ECS's words about it.
    pub reason: Option<String>,
}

/// The target groups that a task is registered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balanced {
    /// Their ARNs; a Classic Load Balancer by name.
    pub targets: Vec<String>,
    /// The role that registers and deregisters, where it is not ECS's own.
    pub role: Option<String>,
}

/// When things happened to a task.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // named as the wire names them
pub struct Times {
    pub created: Time,
    pub connectivity: Option<Time>,
    pub pull_started: Option<Time>,
    pub pull_stopped: Option<Time>,
    pub started: Option<Time>,
    pub stopping: Option<Time>,
    pub execution_stopped: Option<Time>,
    pub stopped: Option<Time>,
}

/// One task.
#[derive(Clone, Debug)]
pub struct Task {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The name of its cluster.
    pub cluster: String,
    /// `service:<name>` or what RunTask said.
    pub group: String,
    /// The deployment, or what RunTask said.
    pub started_by: Option<String>,
    /// The number of the service revision or task set that it belongs to; 0 outside of services.
    pub revision: u64,
    /// What it runs.
    pub shape: Arc<Shape>,
    /// Where it runs.
    pub place: Place,
    /// Where it stands in its life.
    pub status: TaskStatus,
    /// Why it stops; `desiredStatus` is STOPPED with it.
    pub stop: Option<Stop>,
    /// The container that made it stop.
    pub end: Option<ContainerEnd>,
    /// Of its container health checks.
    pub health: Health,
    /// Whether it counts as healthy for its service: RUNNING, and all that checks it content.
    pub ready: bool,
    /// Until when scale-in and deployments leave it alone.
    pub protected_until: Option<Time>,
    /// Whether another task has to take its place: its instance is DRAINING, or it is unhealthy.
    pub leaving: bool,
    /// Why it is to be replaced, as its checks say.
    pub unhealthy: Option<String>,
    /// When things happened to it.
    pub times: Times,
    /// Goes up with each change.
    pub version: u32,
    /// Where it is registered.
    pub balanced: Arc<Balanced>,
    /// Its tags.
    pub tags: Tags,
    /// Members that are stored and shown as they came: `overrides`, `enableExecuteCommand`.
    pub extra: Map<String, Value>,
    /// What is to happen to it.
    steps: VecDeque<(Time, life::Step)>,
}

impl Task {
    /// Whether nothing has told it to stop: `desiredStatus` RUNNING.
    pub fn is_wanted(&self) -> bool {
        self.stop.is_none()
    }

    /// Whether it is in one of the states that `pendingCount` counts.
    pub fn is_pending(&self) -> bool {
        self.status < TaskStatus::Running
    }

    /// Whether scale-in and deployments have to leave it alone.
    pub fn is_protected(&self, now: Time) -> bool {
        self.protected_until.is_some_and(|until| until > now)
    }

    /// When something happens to it next.
    pub(super) fn next(&self) -> Option<Time> {
        self.steps.front().map(|(at, _)| *at)
    }
}

/// Ends a task for a reason from outside. Whether there is such a task.
pub(super) fn end(cx: &mut Cx<'_>, cluster: &str, id: &str, stop: Stop) -> bool {
    let ended = change_task(cx, cluster, id, |cx, task| {
        if fails_to_start(task, &stop) {
            task.fail(cx.now, stop);
        } else {
            let region = &mut *cx.region;
            task.begin_stop(cx.now, stop, &region.outside, &mut region.random);
        }
    });
    ended.is_some()
}

/// Whether the end of a service's task counts as a start that failed: it "doesn't transition to a RUNNING state"
/// (Deployment data type, `failedTasks`). What somebody stops on purpose does not count.
fn fails_to_start(task: &Task, stop: &Stop) -> bool {
    let on_purpose = matches!(stop.code, StopCode::UserInitiated | StopCode::ServiceSchedulerInitiated);
    task.revision > 0 && task.is_wanted() && task.times.started.is_none() && !on_purpose
}

/// What is due for a task that belongs to no service.
pub(super) fn step_alone(cx: &mut Cx<'_>, id: &str) {
    let Some(mut task) = cx.region.tasks.remove(id) else { return };
    while task.next().is_some_and(|at| at <= cx.now) {
        let region = &mut *cx.region;
        match task.step(cx.now, &region.outside, &mut region.random) {
            Outcome::Stopped => give_back(cx, &task),
            Outcome::Forgotten => return,
            _ => {}
        }
    }
    cx.region.reschedule(Actor::Task(id.to_owned()), None, task.next());
    cx.region.tasks.insert(id.to_owned(), task);
}

/// The room that a STOPPED task had on its instance is free again.
pub(super) fn give_back(cx: &mut Cx<'_>, task: &Task) {
    let instance = task.place.instance.as_ref();
    if let Some(instance) = instance.and_then(|id| cx.region.instances.get_mut(&task.cluster, id)) {
        instance.release(&place::room(&task.shape));
    }
}
