//! What ECS attaches to a cluster for its capacity providers and its namespace (DescribeClusters API reference and
//! its examples).

use serde_json::{Value, json};

use super::{ATTACHING, Cluster};
use crate::world::{Cx, Region, capacity_providers::ProviderKind};

/// One attachment.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    id: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// The scaling policy of an Auto Scaling group's provider.
    ScalingPolicy { provider: String, policy: String },
    /// The namespace of Service Connect.
    ServiceConnect { namespace: String },
}

impl Attachment {
    fn is_kept(&self, cluster: &Cluster) -> bool {
        match &self.kind {
            Kind::ScalingPolicy { provider, .. } => cluster.capacity_providers.contains(provider),
            Kind::ServiceConnect { namespace } => cluster.namespace.as_ref() == Some(namespace),
        }
    }

    fn shown(&self, busy: bool) -> Value {
        let pair = |name: &str, value: &str| json!({ "name": name, "value": value });
        let (kind, status, details) = match &self.kind {
            Kind::ScalingPolicy { provider, policy } => (
                "as_policy",
                if busy { "PRECREATED" } else { "CREATED" },
                json!([pair("capacityProviderName", provider), pair("scalingPolicyName", policy)]),
            ),
            Kind::ServiceConnect { .. } => ("sc", if busy { "ATTACHING" } else { "ATTACHED" }, json!([])),
        };
        json!({ "id": self.id, "type": kind, "status": status, "details": details })
    }
}

/// Begins to attach what the cluster needs now and to detach what it no longer needs, and says when that is done.
pub(super) fn begin(cx: &mut Cx<'_>, cluster: &mut Cluster) {
    let mut attachments = std::mem::take(&mut cluster.attachments);
    attachments.retain(|one| one.is_kept(cluster));
    let is_group = |region: &Region, name: &String| {
        region.capacity_providers.get(name).is_some_and(|one| one.kind == ProviderKind::AutoScalingGroup)
    };
    let groups: Vec<String> =
        cluster.capacity_providers.iter().filter(|name| is_group(cx.region, name)).cloned().collect();
    for provider in &groups {
        let there = |one: &Attachment| matches!(&one.kind, Kind::ScalingPolicy { provider: of, .. } if of == provider);
        if !attachments.iter().any(there) {
            let policy = format!("ECSManagedAutoScalingPolicy-{}", uuid(cx));
            attachments
                .push(Attachment { id: uuid(cx), kind: Kind::ScalingPolicy { provider: provider.clone(), policy } });
        }
    }
    if let Some(namespace) = &cluster.namespace {
        let kind = Kind::ServiceConnect { namespace: namespace.clone() };
        if !attachments.iter().any(|one| one.kind == kind) {
            attachments.push(Attachment { id: uuid(cx), kind });
        }
    }
    cluster.attachments = attachments;
    cluster.attachments_failed = false;
    cluster.attached = Some(cx.now + if groups.is_empty() { ATTACHING.1 } else { ATTACHING.0 });
}

/// The members of a cluster that tell of its attachments.
pub(super) fn show(cluster: &Cluster, busy: bool, shown: &mut Value) {
    shown["attachments"] = cluster.attachments.iter().map(|one| one.shown(busy)).collect();
    if cluster.attached.is_some() {
        shown["attachmentsStatus"] = json!(match (busy, cluster.attachments_failed) {
            (true, _) => "UPDATE_IN_PROGRESS",
            (false, true) => "UPDATE_FAILED",
            (false, false) => "UPDATE_COMPLETE",
        });
    }
}

fn uuid(cx: &mut Cx<'_>) -> String {
    [8, 4, 4, 4, 12].map(|digits| cx.hex(digits)).join("-")
}
