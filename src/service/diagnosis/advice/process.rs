//! What to do about a container that ran and ended.

use super::{Scene, in_brackets};
use crate::service::diagnosis::definition::memory as mebibytes;

pub fn memory(scene: &Scene<'_>) -> String {
    let own = scene.of_container("/memory").and_then(mebibytes);
    let task = scene.definition.get("/memory").and_then(mebibytes);
    let who = scene.who();
    match (own, task) {
        (Some(own), Some(task)) if own == task => {
            format!("raise `memory` of {who} and of the task (both {own}), or lower what it uses")
        }
        (None, Some(task)) => format!("raise `memory` of the task ({task}), or lower what {who} uses"),
        (own, _) => format!("raise `memory` of {who}{}, or lower what it uses", in_brackets(own)),
    }
}

pub fn killed(scene: &Scene<'_>) -> String {
    let timeout = scene.value("/stopTimeout").map_or_else(|| "30 s unless set".to_owned(), |time| format!("{time} s"));
    format!(
        "SIGKILL, and ECS does not say it was for memory: either it went on for longer than `stopTimeout` ({timeout}) after \
         SIGTERM, or something killed it, {}",
        scene.see_log()
    )
}

pub fn terminated(scene: &Scene<'_>) -> String {
    format!("SIGTERM that ECS gives no reason for: something asked {} to stop, {}", scene.who(), scene.see_log())
}

pub fn exited(scene: &Scene<'_>) -> String {
    let log = scene.see_log();
    match scene.exit_code {
        Some(0) => format!(
            "the command of {} ended without an error, but a service's must go on: let {} run in the foreground, or set \
             `essential: false`",
            scene.who(),
            scene.program()
        ),
        Some(code @ 129..=192) => format!("signal {} ended {}, {log}", code - 128, scene.who()),
        Some(_) => format!("an error of the program itself, {log}"),
        None => format!("ECS knows no exit code, {log}"),
    }
}

pub fn command(scene: &Scene<'_>) -> String {
    format!("check {} of {} against what is in {}", scene.program(), scene.who(), scene.what())
}

pub fn executable(scene: &Scene<'_>) -> String {
    let user = in_brackets(scene.value("/user"));
    format!(
        "the file in {} of {} must be executable for `user`{user}, and be a program or a script that names one (in {})",
        scene.program(),
        scene.who(),
        scene.what()
    )
}

pub fn crash(scene: &Scene<'_>) -> String {
    format!(
        "the program crashed (SIGSEGV), {}, and check that its native libraries fit {}",
        scene.see_log(),
        scene.what()
    )
}

pub fn health_check(scene: &Scene<'_>) -> String {
    let check = scene.value("/healthCheck/command");
    let check = check.map(|check| check.trim_start_matches("CMD-SHELL ").trim_start_matches("CMD ").to_owned());
    let start = scene.value("/healthCheck/startPeriod").map_or_else(|| "none".to_owned(), |start| format!("{start} s"));
    let known = scene.of_container("/healthCheck").is_some();
    format!(
        "`healthCheck.command`{} of {} fails: check that {} has what it calls, or raise `startPeriod`{}",
        in_brackets(check),
        scene.who(),
        scene.what(),
        in_brackets(known.then_some(start))
    )
}

pub fn runtime(scene: &Scene<'_>) -> String {
    if scene.says("timeout") || scene.says("timed out") || scene.says("internalerror") {
        return "the runtime did not keep up: ECS replaces the task, on EC2 look at the load of the instance"
            .to_owned();
    }
    format!("check `mountPoints`, `user`, `linuxParameters`, {} of {}", scene.program(), scene.who())
}

pub fn unknown(scene: &Scene<'_>) -> String {
    if scene.container.is_some() { scene.see_log() } else { "that is all it tells".to_owned() }
}
