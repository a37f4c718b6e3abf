//! Eventual consistency: reads that show what was before a write.
//!
//! Before a write takes effect, the objects it is about are described. Until a time drawn from the seed is over,
//! Describe of such an object answers from that description, and List from whether the object was listed then; so do
//! the reads of its tags and of a service's deployments, revisions and task sets.
//! "The Amazon ECS API follows an eventual consistency model" (CreateCluster and others, API reference); which calls
//! are affected, and with which answers, was observed by tools.

mod details;
mod objects;

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use self::{
    details::Details,
    objects::{Kind, Object},
};
use super::{Request, fault::is_read};
use crate::{ApiError, Caller, Time, World, world::text};

#[derive(Debug, Default)]
pub(super) struct Staleness {
    longest: Duration,
    objects: BTreeMap<Caller, BTreeMap<Object, Vec<View>>>,
}

/// What reads show of an object for some time.
#[derive(Debug)]
struct View {
    until: Time,
    /// Describe of only this object, with everything that it can include.
    answer: Result<Value, ApiError>,
    listed: bool,
    /// Whether the write took it out of the lists.
    unlists: bool,
    /// What else there is to read of a service.
    details: Option<Details>,
}

impl Staleness {
    pub(super) fn set_longest(&mut self, longest: Duration) {
        self.longest = longest;
        if longest.is_zero() {
            self.objects.clear();
        }
    }

    /// A call to ECS as this caller sees it.
    pub(super) fn call(
        &mut self,
        world: &mut World,
        request: &Request,
        now: Time,
        random: &mut fastrand::Rng,
    ) -> Result<String, ApiError> {
        let Request { caller, operation, input, .. } = request;
        if self.longest.is_zero() {
            return world.call_as_text(caller, operation, input);
        }
        self.objects.retain(|_, objects| {
            objects.retain(|_, views| {
                views.retain(|view| view.until > now);
                !views.is_empty()
            });
            !objects.is_empty()
        });
        if let Some(objects) = self.objects.get(caller) {
            if let Some(error) = unseen_dependency(objects, operation, input) {
                return Err(error);
            }
            if is_read(operation) && is_touched(objects, operation, input) {
                return text(&read(objects, world.call(caller, operation, input), operation, input)?);
            }
        }
        if is_read(operation) {
            return world.call_as_text(caller, operation, input);
        }
        text(&self.write(world, request, now, random)?)
    }

    fn write(
        &mut self,
        world: &mut World,
        request: &Request,
        now: Time,
        random: &mut fastrand::Rng,
    ) -> Result<Value, ApiError> {
        let Request { caller, operation, input, .. } = request;
        let lag = Duration::from_millis(random.u64(0..=u64::try_from(self.longest.as_millis()).unwrap_or(u64::MAX)));
        let until = now + lag;
        let unlists = operation.starts_with("Delete") || operation.starts_with("Deregister");
        let mut views: Vec<_> = objects::written(operation, input)
            .into_iter()
            .map(|object| {
                let answer = world.call(caller, object.describe(), &object.describe_input());
                let listed = object.is_listed(answer.as_ref());
                let details = (object.kind() == Kind::Service).then(|| Details::of(world, caller, &object, now));
                (object, View { until, answer, listed, unlists: unlists && listed, details })
            })
            .collect();
        let answer = world.call(caller, operation, input)?;
        for (_, view) in &mut views {
            if let (Some(details), Ok(before)) = (&mut view.details, &view.answer) {
                details.see(before, &answer);
            }
        }
        for (object, missing) in objects::made(operation, &answer) {
            views.push((object, View { until, answer: missing, listed: false, unlists: false, details: None }));
        }
        if !lag.is_zero() {
            let objects = self.objects.entry(caller.clone()).or_default();
            for (object, view) in views {
                objects.entry(object).or_default().push(view);
            }
        }
        Ok(answer)
    }
}

/// The oldest view counts: where several writes are unseen, reads show what was before the first.
fn oldest(views: &[View]) -> Option<&View> {
    views.first()
}

/// Whether a read may show something older than there is.
fn is_touched(objects: &BTreeMap<Object, Vec<View>>, operation: &str, input: &Value) -> bool {
    let any = |kind: Kind| objects.keys().any(|object| object.kind() == kind);
    if let Some(object) = details::service_of(operation, input).or_else(|| tagged(operation, input)) {
        return objects.contains_key(&object);
    }
    match (Kind::described_by(operation), Kind::listed_by(operation)) {
        (Some(Kind::TaskDefinition), _) => any(Kind::TaskDefinition),
        (Some(kind), _) => kind.asked(input).iter().any(|object| objects.contains_key(object)),
        (None, Some((kind, _))) => any(kind),
        (None, None) => false,
    }
}

/// A cluster or a task definition that the place that needs it does not see yet.
fn unseen_dependency(objects: &BTreeMap<Object, Vec<View>>, operation: &str, input: &Value) -> Option<ApiError> {
    let unseen = |object: &Object| objects.get(object).and_then(|views| oldest(views)).is_some_and(|view| !view.listed);
    let about_cluster = objects::written(operation, input).iter().any(|object| object.kind() == Kind::Cluster);
    let names_cluster = input.get("cluster").is_some() || operation == "CreateService" || operation == "RunTask";
    if names_cluster && !about_cluster && unseen(&Object::cluster(&input["cluster"])) {
        return Some(ApiError::refused("ClusterNotFoundException", "Cluster not found."));
    }
    let uses = ["CreateService", "UpdateService", "CreateTaskSet", "RunTask"].contains(&operation);
    if let Some(name) = input["taskDefinition"].as_str().filter(|_| uses)
        && unseen(&Object::task_definition(name))
    {
        return Some(ApiError::refused("ClientException", "TaskDefinition not found."));
    }
    None
}

/// The object whose tags a read is about.
fn tagged(operation: &str, input: &Value) -> Option<Object> {
    let arn = input["resourceArn"].as_str().filter(|_| operation == "ListTagsForResource");
    arn.and_then(Object::of_arn)
}

/// What a read shows of the deployments, revisions and task sets of a service.
fn read_details(
    views: &[View],
    truth: Result<Value, ApiError>,
    operation: &str,
    input: &Value,
) -> Result<Value, ApiError> {
    let all = || views.iter().filter_map(|view| view.details.as_ref());
    let Some(oldest) = all().next() else { return truth };
    match operation {
        "ListServiceDeployments" => oldest.list(truth),
        "DescribeServiceDeployments" => oldest.describe(truth),
        "DescribeServiceRevisions" => details::hide_revisions(truth, |arn| all().any(|one| one.made(arn))),
        "DescribeTaskSets" => oldest.task_sets(input),
        _ => truth,
    }
}

fn read(
    objects: &BTreeMap<Object, Vec<View>>,
    truth: Result<Value, ApiError>,
    operation: &str,
    input: &Value,
) -> Result<Value, ApiError> {
    if let Some(service) = details::service_of(operation, input) {
        return objects.get(&service).map_or(truth.clone(), |views| read_details(views, truth, operation, input));
    }
    if let Some(object) = tagged(operation, input) {
        return objects.get(&object).and_then(|views| oldest(views)).map_or(truth, |view| object.tags_in(&view.answer));
    }
    if operation == "DescribeTaskDefinition" {
        let name = input["taskDefinition"].as_str().unwrap_or_default();
        return match objects.get(&Object::task_definition(name)).and_then(|views| oldest(views)) {
            Some(view) => view.answer.clone().map(|answer| Kind::TaskDefinition.only_included(answer, input)),
            None => truth,
        };
    }
    let mut answer = truth?;
    if let Some(kind) = Kind::described_by(operation) {
        let asked = kind.asked(input);
        for (object, views) in objects.iter().filter(|(object, _)| asked.contains(object)) {
            if let Some(View { answer: Ok(before), .. }) = oldest(views) {
                put_back(&mut answer, before, kind, object, input);
            }
        }
    }
    if let Some((kind, member)) = Kind::listed_by(operation) {
        relist(&mut answer, objects, kind, member, input);
    }
    Ok(answer)
}

/// Shows an object in the answer of a Describe as it was.
fn put_back(answer: &mut Value, before: &Value, kind: Kind, object: &Object, input: &Value) {
    let (items, arn) = (kind.items(), kind.arn());
    let other = |item: &Value, arn: &str| item[arn].as_str().is_none_or(|arn| objects::name_of(arn) != object.name());
    for (member, arn) in [(items, arn), ("failures", "arn")] {
        let before = before[member].as_array().cloned().unwrap_or_default();
        if !answer[member].is_array() {
            answer[member] = json!([]);
        }
        if let Some(shown) = answer[member].as_array_mut() {
            shown.retain(|item| other(item, arn));
            shown.extend(before.into_iter().map(|item| kind.only_included(item, input)));
        }
    }
}

/// Takes what was not there out of a list, and puts what was there back in.
fn relist(answer: &mut Value, objects: &BTreeMap<Object, Vec<View>>, kind: Kind, member: &'static str, input: &Value) {
    let last_page = answer["nextToken"].is_null();
    let Some(listed) = answer[member].as_array_mut() else { return };
    for (object, views) in objects.iter().filter(|(object, _)| object.kind() == kind) {
        let Some(view) = oldest(views) else { continue };
        let is_this = |arn: &Value| arn.as_str().is_some_and(|arn| object.is(arn));
        if !view.listed {
            listed.retain(|arn| !is_this(arn));
        } else if last_page && views.iter().any(|view| view.unlists) && object.is_asked_by_list(input) {
            let arn = view.answer.as_ref().ok().and_then(|before| object.arn_in(before));
            if let Some(arn) = arn.filter(|_| !listed.iter().any(is_this)) {
                listed.push(arn);
            }
        }
    }
}
