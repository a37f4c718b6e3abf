//! What a service refers to, as the stores have it. No calls.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use kube::{
    Resource, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{SHORTLY, together};
use crate::{
    api::{EcsCluster, EcsService, EcsTaskDefinition, EcsTaskDefinitionSpec, LocalReference, Reason, status::READY},
    ecs::{Key, arn},
    reconcile::{Context, Refusal, Subject, Verdict, is_paused},
    runtime::objects::Object,
};

/// Manifests of one commit are all there after so long.
const APPLIED_TOGETHER: Duration = Duration::from_secs(10);

/// A service that was created so short a time ago says nothing of what is not there yet.
const TOGETHER: SignedDuration = SignedDuration::from_secs(2);
/// And looks again after so long.
const MOMENT: Duration = Duration::from_secs(1);

/// The objects that `clusterRef` and `taskDefinitionRef` name, `None` where there is no such object (or no reference).
#[derive(Clone, Debug, Default)]
pub struct References {
    /// The cluster.
    pub cluster: Option<Arc<EcsCluster>>,
    /// The task definition.
    pub task_definition: Option<Arc<EcsTaskDefinition>>,
    /// Its registered revision, where Live holds it.
    pub registered: Option<EcsTaskDefinitionSpec>,
    /// The service was created just now: what it refers to may be applied at this moment.
    pub is_new: bool,
    /// The service has been made.
    pub is_made: bool,
    /// Somebody else moves `desiredCount` as often as we do.
    pub is_contested: bool,
}

/// Where a referred cluster is in ECS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterPlace {
    /// Its ARN, where it is known.
    pub arn: Option<String>,
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
}

impl References {
    /// Reads the stores.
    pub fn of(cx: &Context, object: &EcsService) -> Self {
        let namespace = object.namespace().unwrap_or_default();
        let created = object.metadata.creation_timestamp.as_ref();
        let task_definition = lookup(&cx.stores.task_definitions, object.spec.task_definition_ref.as_ref(), &namespace);
        Self {
            cluster: lookup(&cx.stores.clusters, object.spec.cluster_ref.as_ref(), &namespace),
            registered: task_definition.as_ref().and_then(|object| registered(cx, object)),
            task_definition,
            is_new: created.is_some_and(|created| {
                let age = cx.clock.now().duration_since(created.0);
                age >= SignedDuration::ZERO && age < TOGETHER
            }),
            is_made: object.status.as_ref().is_some_and(|status| status.service_arn.is_some()),
            is_contested: cx.contests.is_on(&Subject::of(object), object.metadata.generation, Instant::now()),
        }
    }

    /// Whether the service was edited or paused, or its task definition edited or registered anew, since this was looked up.
    pub fn are_outdated(&self, cx: &Context, object: &EcsService) -> bool {
        let namespace = object.namespace().unwrap_or_default();
        let service = cx.stores.services.get(&ObjectRef::from_obj(object));
        let is_paused_now = |now: &EcsService| is_paused(now) && !is_paused(object);
        if service.is_some_and(|now| now.metadata.generation > object.metadata.generation || is_paused_now(&now)) {
            return true;
        }
        let now = lookup(&cx.stores.task_definitions, object.spec.task_definition_ref.as_ref(), &namespace);
        let asked = |object: &Option<Arc<EcsTaskDefinition>>| {
            let object = object.as_ref()?;
            let arn = object.status.as_ref().and_then(|status| status.task_definition_arn.clone());
            Some((object.metadata.uid.clone(), object.metadata.generation, arn))
        };
        asked(&now) != asked(&self.task_definition)
    }

    /// Where the referred cluster is, once it is ACTIVE.
    pub fn cluster(&self, name: &str) -> Result<ClusterPlace, Refusal> {
        let missing = || self.patiently(missing("spec.clusterRef", "EcsCluster", name));
        let cluster = self.cluster.as_ref().ok_or_else(missing)?;
        let status = cluster.status.as_ref();
        let arn = status.and_then(|status| status.cluster_arn.clone());
        let region = status.and_then(|status| status.common.region.clone());
        match (arn, region) {
            (Some(arn), Some(region)) => {
                let name = arn::named(&arn).to_owned();
                Ok(ClusterPlace { arn: Some(arn), name, region })
            }
            // Its status was lost, or it is made anew: nothing is wrong with what runs.
            _ if self.is_made && status.is_none_or(|status| status.common.observed_generation.is_none()) => {
                Err(Refusal::Later(SHORTLY))
            }
            _ => Err(self.patiently(not_ready("spec.clusterRef", &**cluster, status.map(|status| &status.common)))),
        }
    }

    /// The current revision of the referred task definition.
    pub fn task_definition(&self, name: &str) -> Result<String, Refusal> {
        let missing = || self.patiently(missing("spec.taskDefinitionRef", "EcsTaskDefinition", name));
        let object = self.task_definition.as_ref().ok_or_else(missing)?;
        let status = object.status.as_ref();
        let is_observed = status.is_some_and(|status| status.common.observed_generation >= Some(0));
        let Some(arn) = status.and_then(|status| status.task_definition_arn.clone()) else {
            // Its status was lost, or it is made anew: nothing is wrong with what runs.
            if self.is_made && !is_observed {
                return Err(Refusal::Later(SHORTLY));
            }
            return Err(self.patiently(not_ready(
                "spec.taskDefinitionRef",
                &**object,
                status.map(|status| &status.common),
            )));
        };
        // An edit that was not looked at yet: deploying the old revision now would be one deployment too many.
        if status.and_then(|status| status.common.observed_generation) != object.meta().generation {
            return Err(Refusal::Later(SHORTLY));
        }
        Ok(arn)
    }

    /// The same, but nothing at all as long as all may be applied at this moment.
    fn patiently(&self, refusal: Refusal) -> Refusal {
        if self.is_new { Refusal::Later(MOMENT) } else { refusal }
    }

    /// What does not go together in the service and the revision that it would run. Where the task definition is not ready,
    /// its next revision may cure it; where it is, so may its next manifest, if that is applied at this moment.
    pub fn contradiction(&self, service: &Map<String, Value>) -> Result<(), Refusal> {
        let Some(object) = &self.task_definition else { return Ok(()) };
        let revision = self.registered.as_ref().unwrap_or(&object.spec);
        let Some(violation) = together::violations(revision, service).into_iter().next() else { return Ok(()) };
        match self.unready_task_definition() {
            Some(unready) => {
                Err(Verdict::waiting_for_change(Reason::RefNotReady, format!("{violation}. {unready}")).into())
            }
            None => Err(Refusal::NotYet(
                Verdict::refused(Reason::InvalidParameter, violation.to_string()),
                APPLIED_TOGETHER,
            )),
        }
    }

    /// Why nothing new is made with what is referred to: it is being deleted, and waits for all that refers to it.
    pub fn leaving(&self) -> Option<String> {
        fn of<K: Object>(field: &str, object: Option<&Arc<K>>) -> Option<String> {
            let object = object.filter(|object| object.meta().deletion_timestamp.is_some())?;
            let (kind, name) = (K::kind(&()), object.name_any());
            Some(format!("{field}: {kind} '{name}' is being deleted; name another, or apply it anew once it is gone"))
        }
        of("spec.clusterRef", self.cluster.as_ref())
            .or_else(|| of("spec.taskDefinitionRef", self.task_definition.as_ref()))
    }

    /// Why the revision in use may not be what the referred task definition asks for.
    pub fn unready_task_definition(&self) -> Option<String> {
        let object = self.task_definition.as_ref()?;
        let common = object.status.as_ref().map(|status| &status.common)?;
        let ready = common.conditions.iter().find(|condition| condition.type_ == READY)?;
        (ready.status != "True").then(|| {
            format!(
                "EcsTaskDefinition '{}' is not ready ({}), so the service stays on its last revision: {}",
                object.name_any(),
                ready.reason,
                ready.message
            )
        })
    }
}

/// The registered revision of a task definition whose manifest asks for another, as a spec; without a call.
fn registered(cx: &Context, object: &EcsTaskDefinition) -> Option<EcsTaskDefinitionSpec> {
    if is_ready(object) {
        return None;
    }
    let status = object.status.as_ref()?;
    let key = Key::task_definition(status.common.region.as_deref()?, status.task_definition_arn.as_deref()?);
    serde_json::from_value(cx.live.peek(&key)?.json()?).ok()
}

/// What its manifest asks for is registered.
fn is_ready(object: &EcsTaskDefinition) -> bool {
    let Some(status) = &object.status else { return false };
    status.common.observed_generation == object.meta().generation
        && status.common.conditions.iter().any(|condition| condition.type_ == READY && condition.status == "True")
}

fn lookup<K: Object>(store: &Store<K>, reference: Option<&LocalReference>, namespace: &str) -> Option<Arc<K>> {
    store.get(&ObjectRef::new(&reference?.name).within(namespace))
}

fn missing(field: &str, kind: &str, name: &str) -> Refusal {
    Refusal::Verdict(Verdict::waiting_for_change(
        Reason::RefNotReady,
        format!("{field}: there is no {kind} '{name}' in this namespace yet; waiting for it"),
    ))
}

fn not_ready<K: Object>(field: &str, object: &K, status: Option<&crate::api::CommonStatus>) -> Refusal {
    let ready = status.and_then(|status| status.conditions.iter().find(|condition| condition.type_ == READY));
    // That it is on its way is no news.
    let failed = ready.filter(|ready| ready.status == "False");
    let why = failed.map_or_else(String::new, |ready| format!(" ({})", ready.reason));
    Refusal::Verdict(Verdict::waiting_for_change(
        Reason::RefNotReady,
        format!("{field}: {} '{}' is not ready yet{why}", K::kind(&()), object.name_any()),
    ))
}
