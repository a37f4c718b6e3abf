//! What there is to read of a service beside the service itself: its deployments, revisions and task sets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::objects::{Kind, Object, name_of};
use crate::{ApiError, Caller, Time, World};

/// The deployments and task sets of a service before a write, and the revisions that the write made.
#[derive(Debug)]
pub(super) struct Details {
    /// When the write was, in seconds.
    since: f64,
    /// The ARNs of the deployments that were listed; older ones may have been, too.
    known: BTreeSet<String>,
    /// As ListServiceDeployments showed those that had not ended. The others do not change any more.
    briefs: Result<Vec<Value>, ApiError>,
    /// The same as DescribeServiceDeployments showed them.
    wholes: Vec<Value>,
    /// The numbers of the revisions that the write made.
    made: BTreeSet<String>,
    task_sets: Result<Vec<Value>, ApiError>,
}

/// The service that a read of such things is about.
pub(super) fn service_of(operation: &str, input: &Value) -> Option<Object> {
    let first = |list: &str| input[list][0].as_str().and_then(Object::of_arn);
    match operation {
        "ListServiceDeployments" | "DescribeTaskSets" => Some(Object::service(input)),
        "DescribeServiceDeployments" => first("serviceDeploymentArns"),
        "DescribeServiceRevisions" => first("serviceRevisionArns"),
        _ => None,
    }
}

impl Details {
    /// As they are now, just before a write.
    pub(super) fn of(world: &mut World, caller: &Caller, service: &Object, now: Time) -> Self {
        let mut input = service.as_service_input();
        let listed =
            world.call(caller, "ListServiceDeployments", &input).map(|answer| list(&answer, "serviceDeployments"));
        let known = listed.iter().flatten().filter_map(|one| text(one, "serviceDeploymentArn")).collect();
        let open = |all: Vec<Value>| all.into_iter().filter(|one| one["finishedAt"].is_null()).collect();
        let briefs: Result<Vec<Value>, ApiError> = listed.map(open);
        let arns: Vec<&Value> = briefs.iter().flatten().map(|one| &one["serviceDeploymentArn"]).collect();
        let wholes = world.call(caller, "DescribeServiceDeployments", &json!({ "serviceDeploymentArns": arns }));
        let wholes = wholes.map(|answer| list(&answer, "serviceDeployments")).unwrap_or_default();
        input["include"] = json!(["TAGS"]);
        let task_sets = world.call(caller, "DescribeTaskSets", &input).map(|answer| list(&answer, "taskSets"));
        Self { since: now.seconds(), known, briefs, wholes, made: BTreeSet::new(), task_sets }
    }

    /// Remembers which revisions the write made: those whose deployments were not there before it.
    pub(super) fn see(&mut self, before: &Value, answer: &Value) {
        let ids = |service: &Value| -> BTreeSet<String> {
            list(service, "deployments")
                .iter()
                .filter_map(|one| text(one, "id"))
                .map(|id| name_of(&id).to_owned())
                .collect()
        };
        self.made = &ids(&answer["service"]) - &ids(&before["services"][0]);
    }

    /// Whether the write made a revision.
    pub(super) fn made(&self, revision: &Value) -> bool {
        revision.as_str().is_some_and(|arn| self.made.contains(name_of(arn)))
    }

    /// Whether a deployment began with the write, or later.
    fn is_new(&self, deployment: &Value) -> bool {
        let known = deployment["serviceDeploymentArn"].as_str().is_some_and(|arn| self.known.contains(arn));
        !known && deployment["createdAt"].as_f64().is_some_and(|created| created >= self.since)
    }

    /// ListServiceDeployments as it was.
    pub(super) fn list(&self, truth: Result<Value, ApiError>) -> Result<Value, ApiError> {
        let before = self.briefs.as_ref().map_err(Clone::clone)?;
        let mut answer = truth?;
        self.put_back(&mut answer, before);
        Ok(answer)
    }

    /// DescribeServiceDeployments as it was.
    pub(super) fn describe(&self, truth: Result<Value, ApiError>) -> Result<Value, ApiError> {
        let mut answer = truth?;
        let new = self.put_back(&mut answer, &self.wholes);
        miss(&mut answer, new);
        Ok(answer)
    }

    /// Shows deployments as they were, and leaves out those that were not there, whose ARNs it gives.
    fn put_back(&self, answer: &mut Value, before: &[Value]) -> Vec<Value> {
        let arn = |one: &Value| one["serviceDeploymentArn"].clone();
        let Some(shown) = answer["serviceDeployments"].as_array_mut() else { return Vec::new() };
        let new: Vec<Value> = shown.extract_if(.., |one| self.is_new(one)).map(|one| arn(&one)).collect();
        for one in shown {
            if let Some(before) = before.iter().find(|before| arn(before) == arn(one)) {
                one.clone_from(before);
            }
        }
        new
    }

    /// DescribeTaskSets as it was.
    pub(super) fn task_sets(&self, input: &Value) -> Result<Value, ApiError> {
        let sets = self.task_sets.as_ref().map_err(Clone::clone)?;
        let asked = list(input, "taskSets");
        let is = |set: &Value, name: &Value| set["id"] == *name || set["taskSetArn"] == *name;
        let shown = sets.iter().filter(|set| asked.is_empty() || asked.iter().any(|name| is(set, name)));
        let shown: Vec<Value> = shown.map(|set| Kind::Service.only_included(set.clone(), input)).collect();
        let gone = asked.into_iter().filter(|name| !sets.iter().any(|set| is(set, name))).collect();
        let mut answer = json!({ "taskSets": shown, "failures": [] });
        miss(&mut answer, gone);
        Ok(answer)
    }
}

/// DescribeServiceRevisions without those that are not seen yet.
pub(super) fn hide_revisions(
    truth: Result<Value, ApiError>,
    is_unseen: impl Fn(&Value) -> bool,
) -> Result<Value, ApiError> {
    let mut answer = truth?;
    let shown = answer["serviceRevisions"].as_array_mut();
    let hidden = shown.into_iter().flat_map(|all| all.extract_if(.., |one| is_unseen(&one["serviceRevisionArn"])));
    let hidden = hidden.map(|one| one["serviceRevisionArn"].clone()).collect();
    miss(&mut answer, hidden);
    Ok(answer)
}

fn miss(answer: &mut Value, arns: Vec<Value>) {
    if let Some(failures) = answer["failures"].as_array_mut() {
        failures.extend(arns.into_iter().map(|arn| json!({ "arn": arn, "reason": "MISSING" })));
    }
}

fn list(answer: &Value, member: &str) -> Vec<Value> {
    answer[member].as_array().cloned().unwrap_or_default()
}

fn text(one: &Value, member: &str) -> Option<String> {
    one[member].as_str().map(str::to_owned)
}
