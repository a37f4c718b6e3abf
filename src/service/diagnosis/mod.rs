//! Why tasks stop or don't start, told without an AWS login: the stopped tasks of DescribeTasks and the events of
//! DescribeServices in, causes and advice out. Pure.

mod advice;
mod classify;
mod definition;
mod events;
mod kind;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod text;

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::Value;

use self::{classify::finding, definition::Definition};
pub use self::{
    events::{Trouble, TroubleKind, trouble},
    kind::CauseKind,
    tasks::{StopCode, StoppedTask},
};

/// How many tasks are looked at.
const NEWEST: usize = 10;

/// How long ECS's text may be.
const REASON: usize = 300;

/// How many causes a sentence tells.
const TOLD: usize = 3;

/// Why some tasks failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What it is.
    pub kind: CauseKind,
    /// The container that it is about, if it is about one.
    pub container: Option<String>,
    /// The code that this container ended with, if that is what the cause is about.
    pub exit_code: Option<i64>,
    /// ECS's code for why the newest of the tasks stopped.
    pub stop_code: Option<StopCode>,
    /// ECS's own text, without what differs from task to task. Empty if there is none.
    pub reason: String,
    /// How many of the tasks failed so.
    pub count: usize,
    /// How many failed tasks were looked at.
    pub of: usize,
    /// When the newest of the tasks stopped.
    pub last_seen: Timestamp,
    /// What to do about it, as the rest of a sentence.
    pub advice: String,
}

impl Cause {
    /// Whether two causes are one seen at two times: an Event is due only where none of before is the same.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.container, self.exit_code) == (other.kind, &other.container, other.exit_code)
    }
}

impl Cause {
    /// What to do, and ECS's own words where the kind alone says little.
    pub fn what_to_do(&self) -> String {
        if self.kind.is_vague() && !self.reason.is_empty() {
            return format!("ECS says \"{}\": {}", self.reason, self.advice);
        }
        self.advice.clone()
    }
}

/// What failed and where: "OutOfMemory in container web (exit 137)".
pub fn what_failed(cause: &str, container: Option<&str>, exit_code: Option<i64>) -> String {
    let container = container.map_or_else(String::new, |name| format!(" in container {name}"));
    let code = exit_code.map_or_else(String::new, |code| format!(" (exit {code})"));
    format!("{cause}{container}{code}")
}

/// Why the newest failed tasks failed, what failed most first. Tasks that were stopped on purpose don't count; with a
/// deployment, those of others don't either. The task definition, of RegisterTaskDefinition's or
/// DescribeTaskDefinition's shape, is that of the tasks: advice names its values.
pub fn causes(tasks: &[StoppedTask], task_definition: Option<&Value>, deployment: Option<&str>) -> Vec<Cause> {
    let definition = Definition::new(task_definition);
    let mut newest: Vec<&StoppedTask> = of_deployment(tasks, deployment).collect();
    newest.sort_by_key(|task| (Reverse(task.stopped_at), &task.arn));
    let failed = newest.into_iter().filter_map(|task| Some((task, finding(task, definition)?)));
    let failed: Vec<_> = failed.take(NEWEST).collect();
    let mut causes: Vec<Cause> = Vec::new();
    for (task, found) in &failed {
        let cause = Cause {
            kind: found.meaning.kind,
            container: found.container.map(|container| container.name.clone()),
            exit_code: found.exit_code,
            stop_code: task.stop_code.clone(),
            reason: reason(found.text, task),
            count: 1,
            of: failed.len(),
            last_seen: task.stopped_at,
            advice: found.advice(definition),
        };
        match causes.iter_mut().find(|known| known.is_same(&cause)) {
            Some(known) => known.count += 1,
            None => causes.push(cause),
        }
    }
    causes.sort_by_key(|cause| Reverse((cause.count, cause.last_seen)));
    causes
}

/// The revision (ARN) that the newest stopped task of a deployment ran; without one, of any.
pub fn revision<'t>(tasks: &'t [StoppedTask], deployment: Option<&str>) -> Option<&'t str> {
    of_deployment(tasks, deployment).max_by_key(|task| task.stopped_at)?.task_definition.as_deref()
}

/// The tasks of a deployment; without one, all.
fn of_deployment<'t>(tasks: &'t [StoppedTask], deployment: Option<&str>) -> impl Iterator<Item = &'t StoppedTask> {
    tasks.iter().filter(move |task| deployment.is_none_or(|id| task.started_by.as_deref() == Some(id)))
}

/// The text that a cause was found in, or what ECS says of the whole task.
fn reason(text: &str, task: &StoppedTask) -> String {
    let text = if text.is_empty() { task.stopped_reason.as_deref().unwrap_or_default() } else { text };
    text::shortened(&text::normalized(text), REASON)
}

/// Causes as a sentence for a condition: how many of how many tasks, and what. `None` if there is nothing to tell.
pub fn summary(causes: &[(i32, i32, String)]) -> Option<String> {
    let ((count, of, first), others) = causes.split_first()?;
    let tasks = match (count, of) {
        (_, 1) => "The last failed task".to_owned(),
        (count, of) if count == of => format!("All of the last {of} failed tasks"),
        (count, of) => format!("{count} of the last {of} failed tasks"),
    };
    let others = others.iter().take(TOLD - 1).map(|(count, of, cause)| format!("; {count} of {of}: {cause}"));
    Some(format!("{tasks}: {first}{}.", others.collect::<String>()))
}
