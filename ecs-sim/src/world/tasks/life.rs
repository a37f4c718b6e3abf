//! The life of a task: PROVISIONING → PENDING → (ACTIVATING →) RUNNING → (DEACTIVATING →) STOPPING → (DEPROVISIONING →)
//! STOPPED (ECS developer guide, "Amazon ECS task lifecycle"), and the ways in which it ends early ("Stopped tasks
//! error messages").

use std::{collections::VecDeque, sync::Arc, time::Duration};

use serde_json::Map;

use super::{
    Balanced, ContainerEnd, Health, Place, Shape, Stop, StopCode, Task, TaskStatus, Times,
    fate::{End, Fate, after},
    place::LaunchType,
};
use crate::{
    clock::Time,
    world::{Cx, outside::Outside},
};

/// STOPPED tasks are described so long (DescribeTasks API reference).
const VISIBLE: Duration = Duration::from_hours(1);
/// A task without a container health check counts as healthy so long after it is RUNNING (DeploymentConfiguration API
/// reference, `minimumHealthyPercent`).
const UNCHECKED: Duration = Duration::from_secs(40);
/// How often a target that can't be deregistered is tried again.
const DRAIN_RETRY: Duration = Duration::from_mins(1);

/// What happens to a task.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Pending,
    Pulled,
    Activating,
    Running,
    Ready,
    /// A check fails, with the reason for which a service stops the task.
    Unhealthy(String),
    /// It ends by itself, or by what is under it, which leaves the containers out.
    Dies(Stop, Option<ContainerEnd>),
    Stopping,
    Deprovisioning,
    Stopped,
    Forgotten,
}

/// What a step means to the task's service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::world) enum Outcome {
    /// Nothing of note.
    Moved,
    /// Its targets are registered.
    Registered,
    /// It is RUNNING.
    Running,
    /// It is healthy.
    Ready,
    /// It ended before it was RUNNING.
    NotStarted,
    /// It ended by itself after it was RUNNING.
    Died,
    /// It is not healthy; a service replaces it for that reason.
    Unhealthy(String),
    /// Its targets are not registered any more.
    Deregistered,
    /// Its targets can't be deregistered, as the role is not there.
    DrainBlocked,
    /// It is STOPPED.
    Stopped,
    /// Nobody can see it any more.
    Forgotten,
}

/// What is to be launched.
pub(in crate::world) struct Launch<'a> {
    pub cluster: &'a str,
    pub group: String,
    pub started_by: Option<String>,
    pub revision: u64,
    pub shape: &'a Arc<Shape>,
    pub place: Place,
    pub balanced: Arc<Balanced>,
    /// In which failing checks do not count, in seconds.
    pub grace: u64,
    /// Instead of what the image tells.
    pub fate: Option<Fate>,
}

impl Launch<'_> {
    /// A new task with its life before it.
    pub fn task(self, cx: &mut Cx<'_>) -> Task {
        let id = cx.hex(32);
        let (random, outside) = (&mut cx.region.random, &cx.region.outside);
        let steps = self.plan(cx.now, outside, random);
        let provisions = self.has_interface();
        Task {
            id,
            cluster: self.cluster.to_owned(),
            group: self.group,
            started_by: self.started_by,
            revision: self.revision,
            shape: Arc::clone(self.shape),
            place: self.place,
            status: if provisions { TaskStatus::Provisioning } else { TaskStatus::Pending },
            stop: None,
            end: None,
            health: Health::Unknown,
            ready: false,
            protected_until: None,
            leaving: false,
            unhealthy: None,
            times: Times { created: cx.now, ..Times::default() },
            version: 1,
            balanced: self.balanced,
            tags: std::collections::BTreeMap::new(),
            extra: Map::new(),
            steps,
        }
    }

    fn has_interface(&self) -> bool {
        self.shape.awsvpc || self.place.launch_type == LaunchType::Fargate
    }

    fn fate(&self, outside: &Outside) -> (Fate, usize) {
        let mut all = self.shape.containers.iter().enumerate();
        let set = all.find_map(|(place, one)| outside.images.get(&one.image).map(|fate| (*fate, place)));
        self.fate.map(|fate| (fate, 0)).or(set).unwrap_or_else(|| self.shape.fate())
    }

    fn plan(&self, now: Time, outside: &Outside, random: &mut fastrand::Rng) -> VecDeque<(Time, Step)> {
        let (fate, container) = self.fate(outside);
        let fate = fate.drawn(random);
        let fargate = self.place.launch_type == LaunchType::Fargate;
        let mut steps = VecDeque::with_capacity(6);
        let pending = match (self.has_interface(), fargate) {
            (true, true) => after(now, 5..14, random),
            (true, false) => after(now, 1..4, random),
            (false, _) => now,
        };
        steps.push_back((pending, Step::Pending));
        let name = self.shape.containers.get(container);
        let image = name.map_or("", |one| one.image.as_str());
        if let Some(role) = self.shape.roles.iter().find(|role| !outside.has_role(role)) {
            steps.push_back(fails(after(pending, 2..6, random), container, unassumable(role)));
            return steps;
        }
        match fate {
            Fate::SecretDenied => {
                steps.push_back(fails(after(pending, 20..50, random), container, SECRET_DENIED.to_owned()));
                return steps;
            }
            Fate::PullFails => {
                steps.push_back(fails(after(pending, 120..200, random), container, not_pulled(image)));
                return steps;
            }
            Fate::FailsToStart(reason) => {
                steps.push_back(fails(after(pending, 20..50, random), container, reason.to_owned()));
                return steps;
            }
            _ => {}
        }
        let slow = if let Fate::Slow(seconds) = fate { Duration::from_secs(seconds.into()) } else { Duration::ZERO };
        let pulled = after(pending, if fargate { 3..18 } else { 1..6 }, random) + slow;
        steps.push_back((pulled, Step::Pulled));
        match fate {
            Fate::ExecFails => {
                steps.push_back(fails(after(pulled, 1..3, random), container, exec_failed(image)));
                return steps;
            }
            Fate::OutOfMemory(End::AtOnce) => {
                steps.push_back(dies(after(pulled, 1..6, random), container, 137, true));
                return steps;
            }
            Fate::Crashes(code, End::AtOnce) => {
                steps.push_back(dies(after(pulled, 1..6, random), container, code, false));
                return steps;
            }
            _ => {}
        }
        let mut running = after(pulled, 1..3, random);
        if !self.balanced.targets.is_empty() {
            steps.push_back((running, Step::Activating));
            running = after(running, 2..5, random);
        }
        steps.push_back((running, Step::Running));
        self.plan_health(fate, running, random, &mut steps);
        match fate {
            Fate::OutOfMemory(End::After(seconds)) => {
                steps.push_back(dies(running + Duration::from_secs(seconds.into()), container, 137, true));
            }
            Fate::Crashes(code, End::After(seconds)) => {
                steps.push_back(dies(running + Duration::from_secs(seconds.into()), container, code, false));
            }
            _ => {}
        }
        steps.make_contiguous().sort_by_key(|(at, _)| *at);
        steps
    }

    fn plan_health(&self, fate: Fate, running: Time, random: &mut fastrand::Rng, steps: &mut VecDeque<(Time, Step)>) {
        let check = self.shape.health();
        let target = self.balanced.targets.first();
        if fate == Fate::Unhealthy && (check.is_some() || target.is_some()) {
            let (seconds, reason) = match (target, check) {
                (Some(target), _) => (
                    self.grace + random.u64(60..120),
                    format!("Task failed ELB health checks in (target-group {target})"),
                ),
                (None, Some(check)) => (
                    self.grace.max(check.start_period) + check.interval * check.retries + random.u64(1..5),
                    "Task failed container health checks".to_owned(),
                ),
                (None, None) => return,
            };
            steps.push_back((running + Duration::from_secs(seconds), Step::Unhealthy(reason)));
            return;
        }
        let checked = running + check.map_or(UNCHECKED, |check| Duration::from_secs(check.interval.min(30)));
        let balanced = if target.is_some() { after(running, 10..30, random) } else { running };
        steps.push_back((checked.max(balanced), Step::Ready));
    }
}

impl Task {
    /// Takes the next step, which is due.
    pub(in crate::world) fn step(&mut self, now: Time, outside: &Outside, random: &mut fastrand::Rng) -> Outcome {
        let Some((_, due)) = self.steps.pop_front() else {
            return Outcome::Moved;
        };
        self.version += 1;
        match due {
            Step::Pending => {
                self.status = TaskStatus::Pending;
                self.times.connectivity = Some(now);
                self.times.pull_started = Some(now);
                Outcome::Moved
            }
            Step::Pulled => {
                self.times.pull_stopped = Some(now);
                Outcome::Moved
            }
            Step::Activating => {
                self.status = TaskStatus::Activating;
                Outcome::Registered
            }
            Step::Running => {
                self.status = TaskStatus::Running;
                self.times.started = Some(now);
                Outcome::Running
            }
            Step::Ready => {
                self.ready = true;
                if self.shape.health().is_some() {
                    self.health = Health::Healthy;
                }
                Outcome::Ready
            }
            Step::Unhealthy(reason) => {
                self.ready = false;
                if self.shape.health().is_some() {
                    self.health = Health::Unhealthy;
                }
                Outcome::Unhealthy(reason)
            }
            Step::Dies(stop, container) => {
                let started = self.times.started.is_some();
                self.end = container;
                self.begin_stop(now, stop, outside, random);
                if started { Outcome::Died } else { Outcome::NotStarted }
            }
            Step::Stopping => self.end_drain(now, outside, random),
            Step::Deprovisioning => {
                self.status = TaskStatus::Deprovisioning;
                self.times.execution_stopped.get_or_insert(now);
                Outcome::Moved
            }
            Step::Stopped => {
                self.status = TaskStatus::Stopped;
                self.times.stopped = Some(now);
                self.times.execution_stopped.get_or_insert(now);
                Outcome::Stopped
            }
            Step::Forgotten => Outcome::Forgotten,
        }
    }

    /// Lets it end now, before it is RUNNING, as its next step: so its service counts it.
    pub(super) fn fail(&mut self, now: Time, stop: Stop) {
        let end = match stop.code {
            StopCode::TaskFailedToStart => fails(now, 0, stop.reason),
            _ => (now, Step::Dies(stop, None)),
        };
        self.steps.push_front(end);
    }

    /// Tells it to stop, for this reason, unless it is stopping already.
    pub(in crate::world) fn begin_stop(
        &mut self,
        now: Time,
        stop: Stop,
        outside: &Outside,
        random: &mut fastrand::Rng,
    ) {
        if self.stop.is_some() {
            return;
        }
        let runs = self.end.is_none() && self.times.pull_stopped.is_some();
        let registered = matches!(self.status, TaskStatus::Activating | TaskStatus::Running);
        self.stop = Some(stop);
        self.ready = false;
        self.version += 1;
        self.times.stopping = Some(now);
        self.steps.clear();
        if registered && runs && !self.balanced.targets.is_empty() {
            self.status = TaskStatus::Deactivating;
            self.steps.push_back((now + outside.deregistration_delay, Step::Stopping));
        } else {
            self.plan_end(now, runs, random);
        }
    }

    fn end_drain(&mut self, now: Time, outside: &Outside, random: &mut fastrand::Rng) -> Outcome {
        if self.balanced.role.as_ref().is_some_and(|role| !outside.has_role(role)) {
            self.steps.push_front((now + DRAIN_RETRY, Step::Stopping));
            return Outcome::DrainBlocked;
        }
        self.plan_end(now, true, random);
        Outcome::Deregistered
    }

    /// The containers end, in so far as they run, and then what the task had is given back.
    fn plan_end(&mut self, now: Time, runs: bool, random: &mut fastrand::Rng) {
        let ended = if runs { after(now, 1..6, random) } else { now };
        if runs {
            self.status = TaskStatus::Stopping;
        }
        let stopped = if self.shape.awsvpc || self.place.launch_type == LaunchType::Fargate {
            if runs {
                self.steps.push_back((ended, Step::Deprovisioning));
            } else {
                self.status = TaskStatus::Deprovisioning;
                self.times.execution_stopped = Some(now);
            }
            after(ended, 4..12, random)
        } else {
            self.status = TaskStatus::Stopping;
            after(ended, 0..1, random)
        };
        self.steps.push_back((stopped, Step::Stopped));
        self.steps.push_back((stopped + VISIBLE, Step::Forgotten));
    }
}

const SECRET_DENIED: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
    retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch \
    secret from secrets manager: AccessDeniedException: the execution role is not authorized to perform: \
    secretsmanager:GetSecretValue";

fn unassumable(role: &str) -> String {
    format!(
        "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role being \
         passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this \
         role."
    )
}

fn not_pulled(image: &str) -> String {
    format!(
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {image}: \
         {image}: not found"
    )
}

fn exec_failed(image: &str) -> String {
    format!(
        "CannotStartContainerError: failed to create new container runtime task: failed to create shim task: exec \
         format error: {image}: unknown"
    )
}

/// A task that never runs: the reason is the task's and the container's.
fn fails(at: Time, container: usize, reason: String) -> (Time, Step) {
    let end = ContainerEnd { container, exit: None, reason: Some(reason.clone()) };
    (at, Step::Dies(Stop { code: StopCode::TaskFailedToStart, reason }, Some(end)))
}

/// A container that ran and ended.
fn dies(at: Time, container: usize, exit: i32, out_of_memory: bool) -> (Time, Step) {
    let reason = out_of_memory.then(|| "OutOfMemoryError: Container killed due to memory usage".to_owned());
    let stop =
        Stop { code: StopCode::EssentialContainerExited, reason: "Essential container in task exited".to_owned() };
    (at, Step::Dies(stop, Some(ContainerEnd { container, exit: Some(exit), reason })))
}
