//! Why one task failed: where ECS says it, and which container it is about.

use super::{
    advice::Scene,
    definition::Definition,
    kind::{CauseKind, Scope},
    table::{self, Meaning},
    tasks::{StopCode, StoppedContainer, StoppedTask},
};

/// What is found out about one task.
#[derive(Debug)]
pub struct Finding<'a> {
    pub meaning: Meaning,
    pub container: Option<&'a StoppedContainer>,
    pub exit_code: Option<i64>,
    /// ECS's whole text.
    pub text: &'a str,
}

impl Finding<'_> {
    pub fn advice(&self, definition: Definition<'_>) -> String {
        let container = self.container;
        (self.meaning.advice)(&Scene {
            definition,
            container: container.map(|container| container.name.as_str()),
            image: container.and_then(|container| container.image.as_deref()),
            exit_code: self.exit_code,
            text: self.text,
        })
    }
}

/// Why a task failed. None for one that was stopped on purpose.
pub fn finding<'a>(task: &'a StoppedTask, definition: Definition<'_>) -> Option<Finding<'a>> {
    if is_on_purpose(task) {
        return None;
    }
    let stopped = task.stopped_reason.as_deref().unwrap_or_default();
    // What ECS says of the task comes before what its stop did to the containers.
    let of_task = table::of_text(stopped).or_else(|| task.stop_code.as_ref().and_then(table::of_stop_code));
    Some(match of_task {
        Some(meaning) => about(task, definition, meaning, stopped),
        None => of_containers(task, definition).unwrap_or(Finding {
            meaning: table::UNKNOWN,
            container: None,
            exit_code: None,
            text: stopped,
        }),
    })
}

/// The scheduler also stops what is unhealthy, and then says so; people who stop a task need no reason.
fn is_on_purpose(task: &StoppedTask) -> bool {
    let reason = task.stopped_reason.as_deref().unwrap_or_default();
    let meaning = table::of_text(reason).map(|meaning| meaning.kind);
    match task.stop_code {
        Some(StopCode::UserInitiated) => meaning != Some(CauseKind::InstanceTerminated),
        Some(StopCode::ServiceSchedulerInitiated) => {
            let is_failure = ["fail", "unhealthy"].iter().any(|word| reason.to_lowercase().contains(word));
            meaning.is_none() && (table::is_on_purpose(reason) || !is_failure)
        }
        _ => meaning.is_none() && table::is_on_purpose(reason),
    }
}

/// What the task's reason says, with the container that it is about.
fn about<'a>(task: &'a StoppedTask, definition: Definition<'_>, meaning: Meaning, text: &'a str) -> Finding<'a> {
    let kind = meaning.kind;
    let container = match kind.scope() {
        Scope::Task => None,
        Scope::Health => unhealthy(task, definition),
        Scope::Image => saying(task, kind).or_else(|| by_image(task, text)).or_else(|| only(task)),
        Scope::Container => saying(task, kind).or_else(|| configured(task, definition, kind)).or_else(|| only(task)),
    };
    let exit_code = (kind.scope() == Scope::Container).then(|| container?.exit_code).flatten();
    Finding { meaning, container, exit_code, text }
}

/// What the containers say or how they ended: the essential ones, and the others if it is none of those.
fn of_containers<'a>(task: &'a StoppedTask, definition: Definition<'_>) -> Option<Finding<'a>> {
    let is_essential = |container: &&StoppedContainer| definition.is_essential(&container.name);
    let (essential, others): (Vec<_>, Vec<_>) = task.containers.iter().partition(is_essential);
    [essential, others].iter().find_map(|containers| said(containers).or_else(|| ended(containers)))
}

fn said<'a>(containers: &[&'a StoppedContainer]) -> Option<Finding<'a>> {
    containers.iter().find_map(|container| {
        let text = container.reason.as_deref()?;
        let meaning = table::of_text(text)?;
        let scope = meaning.kind.scope();
        let exit_code = container.exit_code.filter(|_| scope == Scope::Container);
        Some(Finding { meaning, container: (scope != Scope::Task).then_some(*container), exit_code, text })
    })
}

/// The container that ended first, as far as can be told: what ends by itself rarely ends like what ECS stops.
fn ended<'a>(containers: &[&'a StoppedContainer]) -> Option<Finding<'a>> {
    let rank = |container: &StoppedContainer| match (container.exit_code, &container.reason) {
        (None, None) => None,
        (None, Some(_)) => Some(1),
        (Some(137), _) => Some(2),
        (Some(0), _) => Some(3),
        (Some(143), _) => Some(4),
        (Some(_), _) => Some(0),
    };
    let ranked = containers.iter().filter_map(|container| Some((rank(container)?, *container)));
    let (_, container) = ranked.min_by_key(|(rank, _)| *rank)?;
    let exit_code = container.exit_code;
    let text = container.reason.as_deref().unwrap_or_default();
    Some(Finding {
        meaning: exit_code.map_or(table::UNKNOWN, table::of_exit),
        container: Some(container),
        exit_code,
        text,
    })
}

/// The container whose own reason says the same.
fn saying(task: &StoppedTask, kind: CauseKind) -> Option<&StoppedContainer> {
    task.containers.iter().find(|container| {
        container.reason.as_deref().and_then(table::of_text).is_some_and(|meaning| meaning.kind == kind)
    })
}

fn only(task: &StoppedTask) -> Option<&StoppedContainer> {
    match task.containers.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

fn named<'a>(task: &'a StoppedTask, name: &str) -> Option<&'a StoppedContainer> {
    task.containers.iter().find(|container| container.name == name)
}

/// The container whose image the text names; the longest, as one may begin like another.
fn by_image<'a>(task: &'a StoppedTask, text: &str) -> Option<&'a StoppedContainer> {
    let has = |container: &&StoppedContainer| {
        container.image.as_deref().is_some_and(|image| !image.is_empty() && text.contains(image))
    };
    task.containers.iter().filter(has).max_by_key(|container| container.image.as_ref().map(String::len))
}

fn unhealthy<'a>(task: &'a StoppedTask, definition: Definition<'_>) -> Option<&'a StoppedContainer> {
    let checked = || definition.only_with("/healthCheck").and_then(|name| named(task, name));
    task.containers.iter().find(|container| container.is_unhealthy).or_else(checked)
}

/// The only container that has what could not be had.
fn configured<'a>(task: &'a StoppedTask, definition: Definition<'_>, kind: CauseKind) -> Option<&'a StoppedContainer> {
    let pointer = match kind {
        CauseKind::SecretsUnavailable => "/secrets",
        CauseKind::EnvFileUnavailable => "/environmentFiles",
        CauseKind::LogGroupMissing | CauseKind::LogDriverFailed => "/logConfiguration",
        // Only one was killed for it.
        CauseKind::OutOfMemory => return task.containers.iter().find(|container| container.exit_code == Some(137)),
        _ => return None,
    };
    named(task, definition.only_with(pointer)?)
}
