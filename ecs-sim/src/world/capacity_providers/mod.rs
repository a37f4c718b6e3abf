//! Capacity providers, as objects: they have a life and settings, and start no instances.

mod create;
pub mod strategy;
mod update;

use std::time::Duration;

use serde_json::{Value, json};

use super::{ApiError, Caller, Cx, Operation, Region, arn, clusters, input, page, tags::Tags};
use crate::clock::Time;

/// The operations of this module.
pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateCapacityProvider" => create::create,
        "UpdateCapacityProvider" => update::update,
        "DeleteCapacityProvider" => update::delete,
        "DescribeCapacityProviders" => describe,
        _ => return None,
    })
}

/// One capacity provider that an account made.
#[derive(Clone, Debug)]
pub struct CapacityProvider {
    /// Its name.
    pub name: String,
    /// What stands behind it.
    pub kind: ProviderKind,
    /// The cluster of one with Managed Instances.
    pub cluster: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// The block `autoScalingGroupProvider` or `managedInstancesProvider`.
    settings: Value,
    change: Option<(Change, Time)>,
}

/// What stands behind a capacity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// FARGATE.
    Fargate,
    /// FARGATE_SPOT.
    FargateSpot,
    /// Instances of an Auto Scaling group.
    AutoScalingGroup,
    /// Instances that ECS manages.
    ManagedInstances,
}

/// The newest change of a capacity provider, which takes until a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Create,
    Update,
    Delete,
}

/// How long a change takes. AWS says nothing but that it is asynchronous.
const CHANGE: Duration = Duration::from_secs(5);

/// Names that every account has.
const BUILT_IN: [(&str, ProviderKind); 2] =
    [("FARGATE", ProviderKind::Fargate), ("FARGATE_SPOT", ProviderKind::FargateSpot)];

impl ProviderKind {
    /// The member `type`, and the member with the settings.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Fargate => ("FARGATE", ""),
            Self::FargateSpot => ("FARGATE_SPOT", ""),
            Self::AutoScalingGroup => ("EC2_AUTOSCALING", "autoScalingGroupProvider"),
            Self::ManagedInstances => ("MANAGED_INSTANCES", "managedInstancesProvider"),
        }
    }
}

impl CapacityProvider {
    /// Whether it was deleted, and is only described still.
    pub(super) fn is_inactive(&self, now: Time) -> bool {
        matches!(self.change, Some((Change::Delete, until)) if now >= until)
    }

    fn shown(&self, caller: &Caller, now: Time, with_tags: bool) -> Value {
        let (kind, settings) = self.kind.names();
        let busy = self.change.is_some_and(|(_, until)| now < until);
        let managed = self.kind == ProviderKind::ManagedInstances;
        let status = match self.change {
            Some((Change::Create, _)) if busy => "PROVISIONING",
            Some((Change::Delete, _)) if !busy => "INACTIVE",
            Some((Change::Delete, _)) if managed => "DEPROVISIONING",
            _ => "ACTIVE",
        };
        let mut shown = json!({
            "capacityProviderArn": arn::capacity_provider(caller, &self.name), "name": self.name, "status": status,
            "type": kind, settings: self.settings, "tags": [],
        });
        if with_tags {
            shown["tags"] = super::tags::shown(&self.tags);
        }
        if let Some(cluster) = &self.cluster {
            shown["cluster"] = json!(arn::cluster(caller, cluster));
        }
        if let Some((change, _)) = self.change {
            let change = match change {
                Change::Create => "CREATE",
                Change::Update => "UPDATE",
                Change::Delete => "DELETE",
            };
            shown["updateStatus"] = json!(format!("{change}_{}", if busy { "IN_PROGRESS" } else { "COMPLETE" }));
        }
        shown
    }
}

/// What stands behind the provider of that name, which must be in use.
pub fn kind_of(region: &Region, name: &str) -> Result<ProviderKind, ApiError> {
    BUILT_IN
        .iter()
        .find(|(built_in, _)| *built_in == name)
        .map(|(_, kind)| *kind)
        .or_else(|| {
            let provider = region.capacity_providers.get(name)?;
            (!matches!(provider.change, Some((Change::Delete, _)))).then_some(provider.kind)
        })
        .ok_or_else(|| {
            ApiError::invalid(
                "The specified capacity provider does not exist. Specify a valid name or ARN and try again.",
            )
        })
}

/// Most providers on one page, whatever is asked for.
const PAGE: usize = 10;

fn describe(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let asked = input::texts(call, "capacityProviders")?;
    if asked.len() > 100 {
        return Err(ApiError::invalid("capacityProviders can have at most 100 entries."));
    }
    let cluster = match input::text(call, "cluster")? {
        Some(named) => Some(clusters::find(cx, Some(named))?.name.clone()),
        None => None,
    };
    let with_tags = input::includes(call, "TAGS")?;
    let (caller, now) = (cx.caller, cx.now);
    let own = cx.region.capacity_providers.values().filter(|one| match &cluster {
        Some(cluster) => one.cluster.as_ref() == Some(cluster),
        None => true,
    });
    let (mut found, mut failures) = (vec![], vec![]);
    if asked.is_empty() {
        if cluster.is_none() {
            found.extend(BUILT_IN.iter().map(|(name, _)| built_in(caller, name)));
        }
        found.extend(own.filter(|one| !one.is_inactive(now)).map(|one| one.shown(caller, now, with_tags)));
    } else {
        let own: Vec<_> = own.collect();
        for name in asked.into_iter().map(arn::name) {
            if BUILT_IN.iter().any(|(built_in, _)| *built_in == name) {
                found.push(built_in(caller, name));
            } else if let Some(one) = own.iter().find(|one| one.name == name) {
                found.push(one.shown(caller, now, with_tags));
            } else {
                failures.push(json!({ "arn": arn::capacity_provider(caller, name), "reason": "MISSING" }));
            }
        }
    }
    let (found, token) = page::of(found, call, PAGE, PAGE)?;
    let mut answer = json!({ "capacityProviders": found, "failures": failures });
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    Ok(answer)
}

fn built_in(caller: &Caller, name: &str) -> Value {
    json!({
        "capacityProviderArn": arn::capacity_provider(caller, name), "name": name, "status": "ACTIVE", "type": name,
        "tags": [],
    })
}
