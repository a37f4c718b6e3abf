//! From the manifest's text to what is asked of ECS. Pure.

use kube::ResourceExt;
use serde_json::{Map, Value};

use super::rules;
use crate::{
    api::{EcsTaskDefinition, EcsTaskDefinitionStatus, Reason},
    ecs::canon,
    reconcile::{Settings, Subject, Verdict, owner::Stake, spec},
};

/// How many revisions are kept where the manifest doesn't say.
const REVISIONS_KEPT: usize = 5;
/// The most that ECS takes as the JSON of a task definition, in bytes.
const LARGEST: usize = 64 * 1024;

/// What a manifest asks.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The family.
    pub family: String,
    /// Its region.
    pub region: String,
    /// RegisterTaskDefinition's input as the manifest has it, without tags.
    pub input: Map<String, Value>,
    /// The canonical content.
    pub canonical: Value,
    /// The hash tag of that content: `v<canon version>:<hash>`.
    pub hash: String,
    /// What we have to do with it.
    pub stake: Stake,
    /// Who we are among our own.
    pub subject: Subject,
    /// The generation of the manifest.
    pub generation: Option<i64>,
    /// How many of our own revisions are kept.
    pub revisions_kept: usize,
}

impl Desired {
    /// The paths that the manifest manages. The content is one unit: ECS never changes a revision.
    pub fn managed(&self) -> Vec<String> {
        std::iter::once("containerDefinitions".to_owned()).chain(self.stake.applied_tags()).collect()
    }
}

/// Members of the spec that are ours, not RegisterTaskDefinition's, or that are handled on their own.
const APART: &[&str] =
    &["region", "deletionPolicy", "adoptionPolicy", "managementPolicy", "revisionHistoryLimit", "family", "tags"];

/// The only door from a manifest into typed values.
pub fn validate(
    object: &EcsTaskDefinition,
    status: &EcsTaskDefinitionStatus,
    settings: &Settings,
) -> Result<Desired, Verdict> {
    let refused = |message: String| Verdict::refused(Reason::InvalidParameter, message);
    if let Some(violation) = rules::violations(object, None).into_iter().find(|found| found.field != "metadata.name") {
        return Err(refused(violation.to_string()));
    }
    let region = spec::region(object.spec.region.as_deref(), status.common.region.as_deref(), settings)?;
    let family = object.spec.family.clone().unwrap_or_else(|| object.name_any());
    let mut input = spec::mirror_zone(&object.spec, APART)?;
    for quantity in ["cpu", "memory"] {
        if let Some(value) = input.get_mut(quantity) {
            *value = canon::quantity(value);
        }
    }
    let size = Value::Object(input.clone()).to_string().len();
    if size > LARGEST {
        return Err(refused(format!(
            "spec: the task definition has {size} bytes of JSON; ECS takes at most {LARGEST}"
        )));
    }
    let canonical = canon::task_definition(&Value::Object(input.clone()))
        .map_err(|error| refused(format!("spec can't be read as an ECS task definition: {error}")))?;
    input.insert("family".into(), Value::from(family.as_str()));
    let limit = object.spec.revision_history_limit.and_then(|limit| usize::try_from(limit).ok());
    Ok(Desired {
        hash: format!("v{}:{}", canon::VERSION, canon::hash(&canonical)),
        stake: Stake::of(object, object.spec.tags.as_ref(), &status.common, settings),
        subject: Subject::of(object),
        generation: object.metadata.generation,
        revisions_kept: limit.unwrap_or(REVISIONS_KEPT),
        family,
        region,
        input,
        canonical,
    })
}
