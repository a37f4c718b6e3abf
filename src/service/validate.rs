//! From the manifest's text and what it refers to, to what is asked of ECS. Pure.

use std::sync::Arc;

use jiff::SignedDuration;
use kube::ResourceExt;
use serde_json::{Map, Value, json};

use super::{
    acts::Acts,
    fields::FIELDS,
    references::{ClusterPlace, References},
    rules,
};
use crate::{
    api::{EcsService, EcsServiceStatus, EcsTaskDefinition, Reason},
    ecs::{
        Key, arn,
        canon::{self, Units},
    },
    reconcile::{Refusal, Settings, Subject, Verdict, owner::Stake, spec},
};

/// What a manifest asks.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The service in ECS.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// The ARN of its cluster, where `spec.clusterRef` tells it.
    pub cluster_arn: Option<String>,
    /// Its region.
    pub region: String,
    /// Its AWS account, where `spec.cluster` is an ARN.
    pub account: Option<String>,
    /// CreateService's input as the manifest has it, without tags and token; the task definition as an ARN or
    /// `family:revision`.
    pub input: Map<String, Value>,
    /// The same in canonical form, unit by unit.
    pub units: Units,
    /// A family whose newest revision is still to be found: `spec.taskDefinition` without a revision.
    pub family: Option<String>,
    /// The manifest but for `desiredCount`, and the restart, as a hash: a family is resolved once for each.
    pub asked: String,
    /// What we have to do with it.
    pub stake: Stake,
    /// UID of the object: what is made for it carries a token of it.
    pub uid: String,
    /// Who we are among our own.
    pub subject: Subject,
    /// The generation of the manifest.
    pub generation: Option<i64>,
    /// The manifest was edited since the last look.
    pub is_edited: bool,
    /// Somebody else moves `desiredCount` as often as we do, and we give way.
    pub is_contested: bool,
    /// The referred task definition, for advice on what it asks for.
    pub definition: Option<Arc<EcsTaskDefinition>>,
    /// What the annotations ask.
    pub acts: Acts,
    /// The restart that is asked for, or was made last: part of what a deployment deploys.
    pub restart: Option<String>,
    /// How long a deployment may go without progress.
    pub progress_deadline: Option<SignedDuration>,
    /// Why nothing new is made with what is referred to.
    pub leaving: Option<String>,
    /// Why the referred task definition's revision may not be the last word.
    pub unready: Option<String>,
}

impl Desired {
    /// The paths that the manifest manages. Where what ECS shows of a unit does not tell, a hash of its value goes along:
    /// only then can an edit be told from no edit.
    pub fn managed(&self) -> Vec<String> {
        let units = self.units.iter().filter(|(unit, _)| *unit != "cluster").flat_map(|(unit, value)| {
            let unseen = canon::UNSEEN.contains(&unit.as_str());
            // `LATEST` may be shown as a number: that a number was asked for has to be remembered too.
            let pinned = unit == "platformVersion" && value != "LATEST" && !value.is_null();
            // What another controller moves: only an edit of the manifest is ours to refuse.
            let moved = FIELDS.iter().any(|field| field.unit == unit && !field.is_compared(self));
            std::iter::once(unit.clone()).chain((unseen || pinned || moved).then(|| spec::unseen_path(unit, value)))
        });
        units.chain(self.stake.applied_tags()).collect()
    }

    /// What a deployment of this manifest deploys, as a hash: after a rollback the same is not sent again.
    /// `task_definition` is the revision where the manifest names a family only.
    pub fn target(&self, task_definition: Option<&str>) -> String {
        let units = FIELDS.iter().filter(|field| field.deploys);
        let mut deployed: Map<String, Value> =
            units.filter_map(|field| Some((field.unit.to_owned(), self.units.get(field.unit)?.clone()))).collect();
        if let Some(task_definition) = task_definition {
            deployed.insert("taskDefinition".into(), json!(task_definition));
        }
        canon::hash(&json!([deployed, self.restart]))
    }

    /// Tasks run once on each instance.
    pub fn is_daemon(&self) -> bool {
        self.input.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON")
    }

    /// The deployment controller's type.
    pub fn controller(&self) -> &str {
        self.input.get("deploymentController").and_then(|controller| controller.get("type")?.as_str()).unwrap_or("ECS")
    }
}

/// Members of the spec that are ours, not CreateService's, or that are handled on their own.
const APART: &[&str] = &[
    "region",
    "clusterRef",
    "cluster",
    "taskDefinitionRef",
    "taskDefinition",
    "serviceName",
    "tags",
    "progressDeadlineSeconds",
    "deletionPolicy",
    "adoptionPolicy",
    "managementPolicy",
];

/// The only door from a manifest into typed values.
pub fn validate(
    object: &EcsService,
    references: &References,
    status: &EcsServiceStatus,
    settings: &Settings,
) -> Result<Desired, Refusal> {
    let refused = |message: String| Refusal::Verdict(Verdict::refused(Reason::InvalidParameter, message));
    if let Some(violation) = rules::violations(object, None).into_iter().find(|found| found.field != "metadata.name") {
        return Err(refused(violation.to_string()));
    }
    let place = cluster(object, references, status, settings)?;
    let (cluster, region) = (place.name, place.region);
    let name = object.spec.service_name.clone().unwrap_or_else(|| object.name_any());
    let mut input = spec::mirror_zone(&object.spec, APART)?;
    let acts = Acts::of(object.annotations());
    let handled = status.handled.as_ref().and_then(|handled| handled.restarted_at.clone());
    let restart = acts.restarted_at.clone().or(handled);
    let asked = asked(object, restart.as_deref());
    let (task_definition, family) = task_definition(object, references, status, &asked)?;
    references.contradiction(&input)?;
    input.insert("cluster".into(), json!(cluster));
    if let Some(task_definition) = &task_definition {
        input.insert("taskDefinition".into(), json!(task_definition));
    }
    let units = canon::desired_service(&Value::Object(input.clone()))
        .map_err(|error| refused(format!("spec can't be read as an ECS service: {error}")))?;
    Ok(Desired {
        key: Key::service(&region, &cluster, &name),
        stake: Stake::of(object, object.spec.tags.as_ref(), &status.common, settings),
        subject: Subject::of(object),
        is_edited: status.common.observed_generation != object.metadata.generation,
        generation: object.metadata.generation,
        is_contested: references.is_contested,
        uid: object.uid().unwrap_or_default(),
        definition: references.task_definition.clone(),
        restart,
        asked,
        acts,
        progress_deadline: object
            .spec
            .progress_deadline_seconds
            .map(|seconds| SignedDuration::from_secs(seconds.into())),
        leaving: references.leaving(),
        unready: references.unready_task_definition(),
        name,
        cluster,
        cluster_arn: place.arn,
        account: object.spec.cluster.as_deref().and_then(account),
        region,
        input,
        units,
        family,
    })
}

/// Where the cluster is. What the object is bound to wins over the operator's flags.
fn cluster(
    object: &EcsService,
    references: &References,
    status: &EcsServiceStatus,
    settings: &Settings,
) -> Result<ClusterPlace, Refusal> {
    let place = match (&object.spec.cluster_ref, &object.spec.cluster) {
        (Some(reference), _) => references.cluster(&reference.name)?,
        (None, Some(text)) => {
            let mut parts = text.split(':');
            let of_arn = text.starts_with("arn:").then(|| parts.nth(3)).flatten();
            let region = match of_arn {
                Some(region) => region.to_owned(),
                None => spec::region(object.spec.region.as_deref(), status.common.region.as_deref(), settings)?,
            };
            ClusterPlace { arn: None, name: arn::named(text).to_owned(), region }
        }
        (None, None) => {
            return Err(Verdict::refused(
                Reason::InvalidParameter,
                "spec: exactly one of clusterRef and cluster must be set",
            )
            .into());
        }
    };
    let ClusterPlace { name, region, .. } = &place;
    let named = object.spec.cluster.as_deref().and_then(account);
    if let Some(bound) = &status.cluster_arn
        && (!bound.ends_with(&format!(":cluster/{name}"))
            || status.common.region.as_deref().is_some_and(|bound| bound != *region)
            || named.is_some_and(|named| spec::account(bound).is_some_and(|bound| bound != named)))
    {
        let message = format!(
            "spec.clusterRef: the service is bound to {bound} and now refers to cluster '{name}' in {region}; a service can't \
             move. Refer to its own cluster again, or delete this object and create another"
        );
        return Err(Verdict::refused(Reason::InvalidReference, message).into());
    }
    Ok(place)
}

/// The account in an ARN; a name has none.
fn account(cluster: &str) -> Option<String> {
    cluster.starts_with("arn:").then(|| spec::account(cluster)).flatten()
}

/// Whoever scales the service asks for no other revision.
fn asked(object: &EcsService, restart: Option<&str>) -> String {
    let mut spec = serde_json::to_value(&object.spec).unwrap_or_default();
    if let Some(members) = spec.as_object_mut() {
        members.remove("desiredCount");
    }
    canon::hash(&json!([spec, restart]))
}

/// The revision to run, and the family that is still to be resolved to one.
fn task_definition(
    object: &EcsService,
    references: &References,
    status: &EcsServiceStatus,
    asked: &str,
) -> Result<(Option<String>, Option<String>), Refusal> {
    if let Some(reference) = &object.spec.task_definition_ref {
        return Ok((Some(references.task_definition(&reference.name)?), None));
    }
    let Some(text) = &object.spec.task_definition else { return Ok((None, None)) };
    if arn::named(text).contains(':') {
        return Ok((Some(text.clone()), None));
    }
    match &status.resolved_task_definition {
        // A status of an earlier version does not tell what was asked for; an upgrade deploys nothing.
        Some(resolved) if resolved.from == *text && resolved.asked.as_deref().is_none_or(|known| known == asked) => {
            Ok((Some(resolved.arn.clone()), None))
        }
        _ => Ok((None, Some(text.clone()))),
    }
}
