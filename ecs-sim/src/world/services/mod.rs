//! Services: what is stored of one, and the calls about them.

pub mod configuration;
pub mod revision;

mod create;
mod delete;
mod events;
mod read;
pub(super) mod requested;
pub(super) mod show;
mod update;
mod validate;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde_json::{Map, Value};

pub use self::{
    configuration::{Configuration, Strategy},
    events::Event,
    revision::{Entry, EntryStatus, Revision, RolloutState},
};
pub(super) use self::{
    delete::drain,
    events::tasks as tasks_in_words,
    read::{describe_as_text, find, find_mut, in_cluster, with_token},
};
use super::{
    Cx, Operation,
    deployments::{self, Rollout, ServiceDeployment},
    region::Actor,
    tags::Tags,
    task_sets::TaskSet,
    tasks::{Task, TaskStatus},
};
use crate::clock::Time;

/// INACTIVE services are described for some hours ("observed by tools"; ECS documents no time).
const INACTIVE_VISIBLE: Duration = Duration::from_hours(6);

/// The operations of this module.
pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateService" => create::create,
        "UpdateService" => update::update,
        "DeleteService" => delete::delete,
        "DescribeServices" => read::describe,
        "ListServices" => read::list,
        "ListServicesByNamespace" => read::list_by_namespace,
        _ => return None,
    })
}

/// `status` of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceStatus {
    /// In use.
    Active,
    /// Deleted, with tasks left.
    Draining,
    /// Deleted.
    Inactive,
}

impl ServiceStatus {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// `deploymentController.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// ECS deploys.
    Ecs,
    /// CodeDeploy does, by task sets.
    CodeDeploy,
    /// Somebody else does, by task sets.
    External,
}

impl Controller {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Ecs => "ECS",
            Self::CodeDeploy => "CODE_DEPLOY",
            Self::External => "EXTERNAL",
        }
    }
}

/// One service.
#[derive(Clone, Debug)]
pub struct Service {
    /// The name of its cluster.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Where it stands in its life.
    pub status: ServiceStatus,
    /// Who deploys.
    pub controller: Controller,
    /// Whether the scheduling strategy is DAEMON.
    pub daemon: bool,
    /// `desiredCount`; of a DAEMON the number of instances.
    pub desired: u32,
    /// `deploymentConfiguration`.
    pub configuration: Configuration,
    /// The members that start no deployment and are shown as they were set, defaults filled in.
    pub members: Map<String, Value>,
    /// When it was created.
    pub created_at: Time,
    /// Its tags.
    pub tags: Tags,
    /// The arguments that it was created with, without the tags, and the client token if there was one.
    pub creation: (Option<String>, Value),
    /// All revisions that it ever had, the oldest first; task sets have theirs among them.
    pub revisions: Vec<Revision>,
    /// The number of the PRIMARY deployment's revision.
    pub primary: u64,
    /// All service deployments, the oldest first.
    pub deployments: Vec<ServiceDeployment>,
    /// Service deployments (by place) in STOP_REQUESTED, and when each is STOPPED.
    pub stopping: Vec<(usize, Time)>,
    /// The deployment that is being carried out.
    pub rollout: Option<Rollout>,
    /// Its task sets, the oldest first.
    pub task_sets: Vec<TaskSet>,
    /// Its tasks that are not STOPPED, in the order of their launch.
    pub tasks: Vec<Task>,
    /// Its tasks that are STOPPED, which are seen for an hour, the oldest first.
    pub ended: VecDeque<Task>,
    /// What it did, the newest first.
    pub events: VecDeque<Event>,
    /// When it says next that it is in a steady state; none while it is not.
    pub steady: Option<Time>,
    /// With which PRIMARY and which desired count all tasks ran last. Fewer of them ran, too.
    pub all_ran: Option<(u64, u32)>,
    /// When it stops draining at the earliest, or is forgotten.
    pub ends: Option<Time>,
    /// What was said last of some kinds, and until when it is not repeated.
    pub quiet: BTreeMap<&'static str, (Time, String)>,
    /// When something happens to it next.
    pub due: Option<Time>,
}

impl Service {
    /// The key of [`Region::services`](super::Region::services).
    pub fn key(cluster: &str, name: &str) -> String {
        format!("{cluster}/{name}")
    }

    /// The revision of that number.
    pub fn revision(&self, number: u64) -> Option<&Revision> {
        self.revisions.iter().rev().find(|one| one.number == number)
    }

    /// The same, to change it.
    pub fn revision_mut(&mut self, number: u64) -> Option<&mut Revision> {
        self.revisions.iter_mut().rev().find(|one| one.number == number)
    }

    /// The deployment in `deployments[]` of that revision.
    pub fn entry_mut(&mut self, number: u64) -> Option<&mut Entry> {
        self.revision_mut(number)?.entry.as_mut()
    }

    /// All its tasks that can be seen.
    pub fn all_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().chain(&self.ended)
    }

    /// The task of that id, to change it.
    pub fn task_mut(&mut self, id: &str) -> Option<&mut Task> {
        self.tasks.iter_mut().chain(&mut self.ended).find(|task| task.id == id)
    }

    /// The tasks of a revision that are wanted where they are.
    pub fn wanted(&self, number: u64) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| task.revision == number && task.is_wanted() && !task.leaving)
    }

    /// How many tasks of a revision are wanted where they are.
    pub fn count_wanted(&self, number: u64) -> u32 {
        count(self.wanted(number))
    }

    /// How many tasks of a revision are healthy.
    pub fn count_ready(&self, number: u64) -> u32 {
        count(self.tasks.iter().filter(|task| task.revision == number && task.ready))
    }

    /// `runningCount` and `pendingCount`, of one revision or of all.
    pub fn counts(&self, number: Option<u64>) -> (u32, u32) {
        let mut counts = (0, 0);
        for task in self.tasks.iter().filter(|task| number.is_none_or(|number| task.revision == number)) {
            if task.status == TaskStatus::Running {
                counts.0 += 1;
            } else if task.is_pending() {
                counts.1 += 1;
            }
        }
        counts
    }

    /// Whether a task of a revision other than `number` is not STOPPED yet.
    pub fn has_others(&self, number: u64) -> bool {
        self.tasks.iter().any(|task| task.revision != number)
    }

    /// Whether any task is not STOPPED yet.
    pub fn has_tasks(&self) -> bool {
        self.has_others(0)
    }
}

/// How many there are.
pub(super) fn count<'a>(tasks: impl Iterator<Item = &'a Task>) -> u32 {
    u32::try_from(tasks.count()).unwrap_or(u32::MAX)
}

/// So many percent of a count, rounded up.
pub(super) fn percent_up(percent: u32, of: u32) -> u32 {
    u32::try_from((u64::from(percent) * u64::from(of)).div_ceil(100)).unwrap_or(u32::MAX)
}

/// So many percent of a count, rounded down.
pub(super) fn percent_down(percent: u32, of: u32) -> u32 {
    u32::try_from(u64::from(percent) * u64::from(of) / 100).unwrap_or(u32::MAX)
}

/// Does something to a service with the rest of the region at hand, and then all that follows from it at once.
pub(super) fn change<T>(cx: &mut Cx<'_>, key: &str, act: impl FnOnce(&mut Cx<'_>, &mut Service) -> T) -> Option<T> {
    let (key, mut service) = cx.region.services.remove_entry(key)?;
    let answer = act(cx, &mut service);
    deployments::settle(cx, &mut service);
    if service.status == ServiceStatus::Inactive && service.ends.is_none_or(|ends| ends <= cx.now) {
        return Some(answer);
    }
    let due = deployments::next(cx.now, &service);
    if due != service.due {
        cx.region.reschedule(Actor::Service(key.clone()), service.due, due);
        service.due = due;
    }
    cx.region.services.insert(key, service);
    Some(answer)
}
