//! What ECS shows of a family: the revision that has the manifest's content, if there is one.

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Desired;
use crate::{
    api::{EcsTaskDefinitionStatus, tags as own},
    ecs::{Class, Ecs, Key, Operation, Target, arn, canon},
    reconcile::{
        Context, Refusal, Step,
        owner::Claim,
        tags::{self, Tags},
    },
};

/// How many of the newest revisions are looked at for one with the manifest's content.
const LOOKED_AT: usize = 20;

/// One revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Its ARN.
    pub arn: String,
    /// Its number.
    pub number: i64,
    /// Whether it is ACTIVE.
    pub is_active: bool,
    /// Its tags, without those of AWS.
    pub tags: Tags,
    /// The whole answer.
    pub json: Value,
}

/// A family as far as it matters to one object.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The ACTIVE revision with the manifest's content.
    pub current: Option<Revision>,
    /// The revision that the object is bound to, where that is not the current one.
    pub before: Option<Revision>,
    /// Whose the newest ACTIVE revision is, where none of those looked at is ours.
    pub foreign: Option<Claim>,
    /// When the observation began.
    pub at: Instant,
    /// It is the answer of a write; no read has shown it yet.
    pub is_answer: bool,
}

impl Revision {
    fn read(json: Value) -> Option<Self> {
        Some(Self {
            arn: json.get("taskDefinitionArn")?.as_str()?.to_owned(),
            number: json.get("revision").and_then(Value::as_i64).unwrap_or_default(),
            is_active: json.get("status").and_then(Value::as_str) == Some("ACTIVE"),
            tags: tags::from_json(json.get("tags")),
            json,
        })
    }

    /// Whether it has the manifest's content: by its hash tag where that is of our version, else by looking.
    pub fn has_content_of(&self, desired: &Desired) -> bool {
        let version = format!("v{}:", canon::VERSION);
        match self.tags.get(own::HASH) {
            Some(hash) if hash.starts_with(&version) => *hash == desired.hash,
            _ => canon::task_definition(&self.json).is_ok_and(|canonical| canonical == desired.canonical),
        }
    }
}

/// The bound revision where it still has the manifest's content, else the newest that has.
pub async fn observe(
    cx: &Context,
    desired: &Desired,
    status: &EcsTaskDefinitionStatus,
    since: Option<Instant>,
) -> Result<Observed, Refusal> {
    let mut bound_to_ours = false;
    let mut before = None;
    if let Some(arn) = &status.task_definition_arn {
        let key = Key::task_definition(&desired.region, arn);
        let seen = cx.live.get(&key, since).await.map_err(|error| reading(desired, error))?;
        if let Some(revision) = seen.json().and_then(Revision::read) {
            let ours = matches!(desired.stake.claim(&revision.tags), Claim::Ours(_));
            bound_to_ours = ours;
            if ours && revision.is_active && revision.has_content_of(desired) {
                return Ok(Observed {
                    current: Some(revision),
                    before: None,
                    foreign: None,
                    at: seen.at,
                    is_answer: seen.is_answer,
                });
            }
            before = Some(revision);
        }
    }
    let at = Instant::now();
    let ecs = cx.live.regions().ecs(&desired.region);
    let listed = active_revisions(&ecs, &desired.family).await.map_err(|error| reading(desired, error))?;
    let newest = with_unlisted(cx, &desired.region, &desired.family, &listed);
    let mut claim_of_newest = None;
    for (index, arn) in newest.iter().take(LOOKED_AT).enumerate() {
        // What is held of one that is not listed may be long past.
        let since = if listed.contains(arn) { since } else { Some(at) };
        let Some(revision) = revision(cx, &desired.region, arn, since).await? else { continue };
        let claim = desired.stake.claim(&revision.tags);
        let is_ours = matches!(claim, Claim::Ours(_));
        bound_to_ours |= is_ours;
        // A foreign revision can be taken over, but only the newest: anything older was replaced on purpose.
        // Tags can be copied onto another content: what is not bound yet is looked into.
        let same = canon::task_definition(&revision.json).is_ok_and(|canonical| canonical == desired.canonical);
        if revision.is_active && (is_ours || index == 0) && same {
            // It is read alone, and seldom: that it was deregistered just before would be seen late.
            cx.live.look_later(&Key::task_definition(&desired.region, arn));
            return Ok(Observed { current: Some(revision), before, foreign: None, at, is_answer: false });
        }
        if index == 0 {
            claim_of_newest = Some(claim);
        }
    }
    Ok(Observed { current: None, before, foreign: claim_of_newest.filter(|_| !bound_to_ours), at, is_answer: false })
}

/// The number of a revision of that family.
fn number_in(family: &str, arn: &str) -> Option<i64> {
    let (of, number) = arn::named(arn).rsplit_once(':')?;
    (of == family).then(|| number.parse().ok()).flatten()
}

/// The ACTIVE revisions of a family, newest first: those listed, and those that were registered just now, which ECS may not
/// list yet; it may list a newer one before.
pub fn with_unlisted(cx: &Context, region: &str, family: &str, listed: &[String]) -> Vec<String> {
    let number = |arn: &str| number_in(family, arn);
    let held = cx.live.held(Target::TaskDefinition).into_iter();
    let registered = held
        .filter(|(key, seen)| *key.group.region == *region && seen.is_answer && number(&key.name).is_some())
        .filter(|(_, seen)| seen.json().and_then(Revision::read).is_some_and(|revision| revision.is_active))
        .map(|(key, _)| key.name.to_string())
        .filter(|arn| !listed.contains(arn));
    let mut all: Vec<String> = listed.iter().cloned().chain(registered).collect();
    all.sort_by_cached_key(|arn| std::cmp::Reverse(number(arn)));
    all
}

fn reading(desired: &Desired, error: crate::ecs::EcsError) -> Refusal {
    Refusal::Ecs(format!("reading family {}", desired.family), error)
}

/// A revision by way of Live. Its content never changes; whose it is may, so who is about to write names `since`.
pub async fn revision(
    cx: &Context,
    region: &str,
    arn: &str,
    since: Option<Instant>,
) -> Result<Option<Revision>, Refusal> {
    let key = Key::task_definition(region, arn);
    let failed = |error| Refusal::Ecs(format!("reading {arn}"), error);
    let seen = cx.live.get(&key, since).await.map_err(failed)?;
    if let Some(found) = seen.json().and_then(Revision::read) {
        return Ok(Some(found));
    }
    // It was listed, so a look that did not find it was too early.
    let again = cx.live.get(&key, Some(Instant::now())).await.map_err(failed)?;
    Ok(again.json().and_then(Revision::read))
}

/// A revision as Live holds it, without a call.
pub fn held(cx: &Context, region: &str, arn: &str) -> Option<Revision> {
    cx.live.peek(&Key::task_definition(region, arn))?.json().and_then(Revision::read)
}

/// Tells Live that a revision was deregistered: ECS may show it ACTIVE for a moment longer.
pub fn deregistered_now(cx: &Context, region: &str, arn: &str) {
    let key = Key::task_definition(region, arn);
    if let Some(mut json) = cx.live.peek(&key).and_then(|seen| seen.json()) {
        json["status"] = json!("INACTIVE");
        cx.live.absorb(&key, json);
    }
}

/// The ARNs of all ACTIVE revisions of a family, newest first.
pub async fn active_revisions(ecs: &Ecs, family: &str) -> Result<Vec<String>, crate::ecs::EcsError> {
    let mut found: Vec<(i64, String)> = Vec::new();
    let mut next: Option<Value> = None;
    loop {
        let mut input: Map<String, Value> = Map::from_iter([
            ("familyPrefix".to_owned(), json!(family)),
            ("status".to_owned(), json!("ACTIVE")),
            ("sort".to_owned(), json!("DESC")),
        ]);
        if let Some(token) = next.take() {
            input.insert("nextToken".into(), token);
        }
        let answer = match ecs.call(Operation::ListTaskDefinitions, &input).await {
            Ok(answer) => answer,
            Err(error) if error.class == Class::Absent => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let arns = answer.get("taskDefinitionArns").and_then(Value::as_array).into_iter().flatten();
        // Some take the prefix for a prefix.
        let arns = arns.filter_map(Value::as_str);
        found.extend(arns.filter_map(|arn| Some((number_in(family, arn)?, arn.to_owned()))));
        match answer.get("nextToken").filter(|token| token.is_string()) {
            Some(token) => next = Some(token.clone()),
            None => break,
        }
    }
    found.sort_unstable_by_key(|(revision, _)| std::cmp::Reverse(*revision));
    Ok(found.into_iter().map(|(_, arn)| arn).collect())
}

/// Takes over the answer of a step.
pub fn absorb(cx: &Context, desired: &Desired, step: &Step, mut answer: Value, status: &mut EcsTaskDefinitionStatus) {
    if step.operation == Operation::RegisterTaskDefinition {
        let tags = step.input.get("tags").cloned().unwrap_or_default();
        let Some(mut revision) = answer.get_mut("taskDefinition").map(Value::take) else { return };
        let Some(members) = revision.as_object_mut() else { return };
        members.insert("tags".into(), tags);
        let Some(arn) = members.get("taskDefinitionArn").and_then(Value::as_str).map(str::to_owned) else { return };
        cx.absorb(&Key::task_definition(&desired.region, &arn), revision);
        status.task_definition_arn = Some(arn);
    } else if let Some(arn) = step.input.get("resourceArn").and_then(Value::as_str) {
        tags::absorb(cx, &Key::task_definition(&desired.region, arn), step);
        status.task_definition_arn = Some(arn.to_owned());
    }
}
