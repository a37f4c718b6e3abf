//! What every status has to be like, whatever the operator is doing, so that kstatus, kubectl, Flux and Argo CD
//! read it right; and what kstatus makes of it.

use ecs_operator::api::Reason;
use serde_json::Value;

/// What kstatus says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kstatus {
    /// It is as its manifest asks.
    Current,
    /// The operator is at work, or waits.
    InProgress,
    /// Somebody must act.
    Failed,
    /// It is being deleted.
    Terminating,
}

/// As kstatus computes it for a kind that it doesn't know.
pub fn kstatus(object: &Value) -> Kstatus {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Kstatus::Terminating;
    }
    let observed = &object["status"]["observedGeneration"];
    if !observed.is_null() && observed != &object["metadata"]["generation"] {
        return Kstatus::InProgress;
    }
    let conditions = || object["status"]["conditions"].as_array().into_iter().flatten();
    for condition in conditions().filter(|condition| condition["status"] == "True") {
        match condition["type"].as_str() {
            Some("Reconciling") => return Kstatus::InProgress,
            Some("Stalled") => return Kstatus::Failed,
            _ => {}
        }
    }
    match conditions().find(|condition| condition["type"] == "Ready") {
        Some(ready) if ready["status"] != "True" => Kstatus::InProgress,
        // Also an object without any status.
        _ => Kstatus::Current,
    }
}

/// The condition of this type.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    conditions(object).find(|condition| condition["type"] == kind)
}

/// The reason of the Ready condition; empty where there is none.
pub fn reason(object: &Value) -> &str {
    condition(object, "Ready").and_then(|ready| ready["reason"].as_str()).unwrap_or_default()
}

/// Whether it is said to be as its manifest asks, and not only looked at.
pub fn is_done(object: &Value) -> bool {
    matches!(reason(object), "Deployed" | "Registered" | "Active" | "NoTaskSet")
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object["status"]["conditions"].as_array().into_iter().flatten()
}

/// The status of the condition of this type; empty where there is none.
fn status<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind).and_then(|condition| condition["status"].as_str()).unwrap_or_default()
}

/// Everything that is wrong with the status of an object, also in comparison with the one before.
pub fn check(previous: Option<&Value>, object: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    together(object, &mut wrong);
    generations(previous, object, &mut wrong);
    for condition in conditions(object) {
        single(condition, &mut wrong);
        if let Some(before) = previous.and_then(|previous| self::condition(previous, type_of(condition))) {
            transition(before, condition, &mut wrong);
        }
    }
    wrong
}

/// No operator has looked at the object: the status is the schema's default.
fn is_default(object: &Value) -> bool {
    object["status"]["observedGeneration"] == -1
}

/// Which conditions go together.
fn together(object: &Value, wrong: &mut Vec<String>) {
    let [ready, reconciling, stalled] = ["Ready", "Reconciling", "Stalled"].map(|kind| status(object, kind));
    let mut expect = |right: bool, sentence: &str| {
        if !right {
            wrong.push(sentence.into());
        }
    };
    expect(!ready.is_empty(), "Ready is not there");
    expect(matches!(reconciling, "" | "True"), "Reconciling is there and not True");
    expect(matches!(stalled, "" | "True"), "Stalled is there and not True");
    expect(reconciling.is_empty() || stalled.is_empty(), "Reconciling and Stalled are both there");
    expect(reconciling != "True" || ready != "True", "Reconciling and Ready are both True");
    expect(stalled != "True" || ready == "False", "Stalled is True and Ready is not False");
    expect(ready != "Unknown" || reconciling == "True" || is_default(object), "Ready is Unknown without Reconciling");
}

fn generations(previous: Option<&Value>, object: &Value, wrong: &mut Vec<String>) {
    let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
    let Some(observed) = object["status"]["observedGeneration"].as_i64() else {
        wrong.push("status.observedGeneration is not there".into());
        return;
    };
    if observed > generation {
        wrong.push(format!("status.observedGeneration {observed} is above the generation {generation}"));
    }
    let before = previous.and_then(|previous| previous["status"]["observedGeneration"].as_i64());
    if before > Some(observed) {
        wrong.push(format!("status.observedGeneration went back from {} to {observed}", before.unwrap_or_default()));
    }
    // The generation may have moved on while the operator worked: what it says, it says of the one it observed.
    let is_ready = status(object, "Ready") == "True";
    for condition in conditions(object) {
        let kind = type_of(condition);
        match condition["observedGeneration"].as_i64() {
            None => wrong.push(format!("{kind} has no observedGeneration")),
            Some(of) if of > generation => {
                wrong.push(format!("{kind} has observedGeneration {of} above the generation {generation}"));
            }
            Some(of) if is_ready && of != observed => {
                wrong.push(format!("Ready is True, {kind} speaks of generation {of} and the status of {observed}"));
            }
            Some(_) => {}
        }
    }
}

/// What holds for every condition by itself.
fn single(condition: &Value, wrong: &mut Vec<String>) {
    let kind = type_of(condition);
    let reason = condition["reason"].as_str().unwrap_or_default();
    if reason.is_empty() || reason.len() > 16 || !reason.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        wrong.push(format!("the reason of {kind} is not a word of at most 16 letters: {reason:?}"));
    }
    if kind == "Ready" && !Reason::ALL.iter().any(|known| known.as_str() == reason) {
        wrong.push(format!("the reason of Ready is not in the list: {reason:?}"));
    }
    if condition["message"].as_str().unwrap_or_default().trim().is_empty() {
        wrong.push(format!("{kind} has no message"));
    }
}

/// `lastTransitionTime` of the condition that an object has by default.
const NEVER: &str = "1970-01-01T00:00:00Z";

fn transition(before: &Value, after: &Value, wrong: &mut Vec<String>) {
    let kind = type_of(after);
    let [earlier, later] =
        [before, after].map(|condition| condition["lastTransitionTime"].as_str().unwrap_or_default());
    // What the API server sets by default is nobody's observation, and from no time.
    if before["status"] == after["status"] && earlier != later && earlier != NEVER {
        wrong.push(format!("lastTransitionTime of {kind} changed from {earlier} to {later} and its status did not"));
    }
    // Written alike, they compare as text.
    if earlier > later {
        wrong.push(format!("lastTransitionTime of {kind} went back from {earlier} to {later}"));
    }
}

fn type_of(condition: &Value) -> &str {
    condition["type"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    /// Generation, observed generation, and conditions as "Type=Status Reason".
    fn object(generation: i64, observed: i64, conditions: &[&str]) -> Value {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|text| {
                let (kind, rest) = text.split_once('=').unwrap();
                let (status, reason) = rest.split_once(' ').unwrap();
                json!({ "type": kind, "status": status, "reason": reason, "message": "A sentence.",
                        "observedGeneration": observed, "lastTransitionTime": "2026-01-01T00:00:00Z" })
            })
            .collect();
        json!({ "metadata": { "generation": generation },
                "status": { "observedGeneration": observed, "conditions": conditions } })
    }

    /// An object with something at a place changed.
    fn but(mut object: Value, place: &str, value: Value) -> Value {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent: &mut Map<_, _> = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(name)
        } else {
            parent.insert(name.into(), value)
        };
        object
    }

    #[test]
    fn good_statuses_pass() {
        for good in [
            object(1, -1, &["Ready=Unknown Pending"]),
            object(1, 1, &["Ready=Unknown Deploying", "Reconciling=True Deploying"]),
            object(2, 1, &["Ready=False Throttled", "Reconciling=True Throttled"]),
            object(1, 1, &["Ready=True Deployed"]),
            object(2, 1, &["Ready=True Deployed", "Available=True Available"]),
            object(1, 1, &["Ready=False RolledBack", "Stalled=True RolledBack"]),
        ] {
            assert_eq!(check(None, &good), [""; 0], "{good}");
            assert_eq!(check(Some(&good), &good), [""; 0], "{good}");
        }
    }

    #[test]
    fn bad_statuses_are_named() {
        let ready = || object(3, 3, &["Ready=True Deployed"]);
        let first = "/status/conditions/0";
        for (bad, says) in [
            (json!({ "metadata": { "generation": 1 } }), "Ready is not there"),
            (object(1, 1, &["Available=True Available"]), "Ready is not there"),
            (object(1, 1, &["Ready=True Deployed", "Reconciling=False Deployed"]), "Reconciling is there and not True"),
            (object(1, 1, &["Ready=True Deployed", "Stalled=False Deployed"]), "Stalled is there and not True"),
            (object(1, 1, &["Ready=False A", "Reconciling=True A", "Stalled=True A"]), "both there"),
            (object(1, 1, &["Ready=True Deployed", "Reconciling=True Deploying"]), "both True"),
            (object(1, 1, &["Ready=Unknown Deploying", "Stalled=True RolledBack"]), "Ready is not False"),
            (object(1, 1, &["Ready=Unknown Deploying"]), "without Reconciling"),
            (object(1, 2, &["Ready=True Deployed"]), "above the generation"),
            (but(ready(), "/status/observedGeneration", Value::Null), "observedGeneration is not there"),
            (but(ready(), &format!("{first}/observedGeneration"), Value::Null), "has no observedGeneration"),
            (but(ready(), &format!("{first}/observedGeneration"), json!(2)), "speaks of generation 2"),
            (but(ready(), &format!("{first}/message"), json!(" ")), "has no message"),
            (object(1, 1, &["Ready=True Fine"]), "not in the list"),
            (object(1, 1, &["Ready=True Deployed", "Available=True NotAtAllAvailable"]), "at most 16 letters"),
        ] {
            let wrong = check(None, &bad);
            assert!(wrong.iter().any(|sentence| sentence.contains(says)), "{bad}: {wrong:?}");
        }
    }

    #[test]
    fn transitions_are_compared_with_the_status_before() {
        let time = "/status/conditions/0/lastTransitionTime";
        let before = object(2, 2, &["Ready=True Deployed"]);
        let later = but(before.clone(), time, json!("2026-01-01T00:00:05Z"));
        assert!(check(Some(&before), &later)[0].contains("its status did not"));
        let failed = object(2, 2, &["Ready=False Retrying", "Reconciling=True Retrying"]);
        assert_eq!(check(Some(&before), &but(failed.clone(), time, json!("2026-01-01T00:00:05Z"))), [""; 0]);
        // Within one second.
        assert_eq!(check(Some(&before), &failed), [""; 0]);
        assert!(check(Some(&later), &failed)[0].contains("went back"));
        let older = object(2, 1, &["Ready=True Deployed"]);
        assert!(check(Some(&before), &older)[0].contains("went back from 2 to 1"));
    }

    #[test]
    fn kstatus_reads_objects_as_the_library_does() {
        let reconciling = object(1, 1, &["Ready=Unknown Deploying", "Reconciling=True Deploying"]);
        let stalled = object(1, 1, &["Ready=False RolledBack", "Stalled=True RolledBack"]);
        for (object, expected) in [
            (json!({ "metadata": { "generation": 1 } }), Kstatus::Current),
            (object(1, -1, &["Ready=Unknown Pending"]), Kstatus::InProgress),
            (object(2, 1, &["Ready=True Deployed"]), Kstatus::InProgress),
            (object(2, 2, &["Ready=True Deployed"]), Kstatus::Current),
            (object(2, 2, &["Ready=False Retrying"]), Kstatus::InProgress),
            (reconciling, Kstatus::InProgress),
            (but(stalled.clone(), "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z")), Kstatus::Terminating),
            (stalled, Kstatus::Failed),
        ] {
            assert_eq!(kstatus(&object), expected, "{object}");
        }
    }
}
