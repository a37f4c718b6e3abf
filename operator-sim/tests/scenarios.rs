//! Every story of `tests/scenarios`, played and compared with its golden log.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use operator_sim::scenario::{Script, Stage, play};
use similar::{ChangeTag, TextDiff};

/// So many stories are played at once.
const THREADS: usize = 2;
/// So many changed lines of a log are shown.
const SHOWN: usize = 20;
/// A line of a log is cut after so many characters.
const WIDTH: usize = 300;

fn stage() -> Stage {
    Stage::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios"))).unwrap()
}

#[test]
fn every_story_goes_as_its_log_tells() {
    let stage = stage();
    let scripts = stage.scripts().unwrap();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(failure) = failure(&stage, script) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {} scripts failed. Where a log is right as it is now: operator-sim scenario --write\n\n{}",
        failures.len(),
        scripts.len(),
        failures.join("\n"),
    );
}

#[test]
fn every_story_has_a_log_for_each_strategy_and_no_other() {
    let stage = stage();
    let expected: BTreeSet<_> = stage.scripts().unwrap().iter().map(|script| stage.log(script)).collect();
    let folders: BTreeSet<_> = expected.iter().filter_map(|log| log.parent()).collect();
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let there: BTreeSet<_> = files.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    let missing: Vec<_> = expected.difference(&there).collect();
    let strange: Vec<_> = there.difference(&expected).collect();
    assert!(missing.is_empty() && strange.is_empty(), "missing: {missing:#?}, of no story: {strange:#?}");
}

/// What is wrong with a script, if anything is.
fn failure(stage: &Stage, script: &Script) -> Option<String> {
    let played = play(script).unwrap();
    let golden = fs::read_to_string(stage.log(script)).unwrap_or_default();
    if played.wrong.is_empty() && played.log == golden {
        return None;
    }
    let mut text = format!("=== {}/{}\n", script.name, script.strategy);
    for wrong in &played.wrong {
        let _ = writeln!(text, "wrong: {wrong}");
    }
    let diff = TextDiff::from_lines(&golden, &played.log);
    let mut changes = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal);
    for change in changes.by_ref().take(SHOWN) {
        let line: String = change.value().trim_end().chars().take(WIDTH).collect();
        let _ = writeln!(text, "{}{line}", change.tag());
    }
    let more = changes.count();
    if more > 0 {
        let _ = writeln!(text, "and {more} more lines");
    }
    Some(text)
}
