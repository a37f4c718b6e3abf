//! What ECS shows of a cluster.

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Desired;
use crate::{
    ecs::{Key, Operation, Seen},
    reconcile::{
        Context, Refusal, Step,
        tags::{self, Tags},
    },
};

/// A cluster as ECS shows it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The cluster that is there, if any; one that is INACTIVE is not.
    pub cluster: Option<LiveCluster>,
    /// What the account does with Container Insights; read only where the manifest gives its own setting back.
    pub account_insights: Option<String>,
    /// When the observation began.
    pub at: Instant,
    /// It is the answer of a write; no read has shown it yet.
    pub is_answer: bool,
}

/// A cluster that is there.
#[derive(Clone, Debug)]
pub struct LiveCluster {
    /// Its ARN.
    pub arn: String,
    /// ACTIVE, PROVISIONING, DEPROVISIONING or FAILED.
    pub status: String,
    /// Whether capacity providers are being attached or detached.
    pub is_busy: bool,
    /// Why they could not be attached or detached, in ECS's words.
    pub failure: Option<String>,
    /// Its tags, without those of AWS.
    pub tags: Tags,
    /// The whole answer.
    pub json: Value,
}

impl Observed {
    /// Nothing is going on.
    pub fn is_settled(&self) -> bool {
        self.cluster.as_ref().is_some_and(|cluster| cluster.status == "ACTIVE" && !cluster.is_busy)
    }
}

/// Reads the cluster.
pub async fn observe(
    cx: &Context,
    desired: &Desired,
    applied: &[String],
    since: Option<Instant>,
) -> Result<Observed, Refusal> {
    let seen = cx
        .live
        .get(&desired.key, since)
        .await
        .map_err(|error| Refusal::Ecs(format!("reading cluster {}", desired.name), error))?;
    let given_back = !desired.units.contains_key("settings") && applied.iter().any(|path| path == "settings");
    let account_insights = if given_back { account_insights(cx, desired).await? } else { None };
    Ok(Observed { cluster: live_cluster(&seen), account_insights, at: seen.at, is_answer: seen.is_answer })
}

async fn account_insights(cx: &Context, desired: &Desired) -> Result<Option<String>, Refusal> {
    let input = Map::from_iter([
        ("name".to_owned(), json!("containerInsights")),
        ("effectiveSettings".to_owned(), json!(true)),
    ]);
    let ecs = cx.live.regions().ecs(&desired.region);
    let answer = ecs
        .call(Operation::ListAccountSettings, &input)
        .await
        .map_err(|error| Refusal::Ecs("reading the account's containerInsights setting".into(), error))?;
    let mut settings = answer.get("settings").and_then(Value::as_array).into_iter().flatten();
    let found = settings.find(|setting| setting.get("name").is_some_and(|name| name == "containerInsights"));
    Ok(found.and_then(|setting| setting.get("value")?.as_str()).map(str::to_owned))
}

/// The cluster in an observation.
pub fn live_cluster(seen: &Seen) -> Option<LiveCluster> {
    read(seen.json()?)
}

/// A cluster as DescribeClusters shows it.
pub fn read(json: Value) -> Option<LiveCluster> {
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("status") == "INACTIVE" {
        return None;
    }
    Some(LiveCluster {
        arn: text("clusterArn"),
        status: text("status"),
        is_busy: text("attachmentsStatus") == "UPDATE_IN_PROGRESS",
        failure: failure(&json),
        tags: tags::from_json(json.get("tags")),
        json,
    })
}

/// What ECS says of the attachments that failed.
fn failure(cluster: &Value) -> Option<String> {
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let has_failed = text(cluster, "attachmentsStatus") == "UPDATE_FAILED" || text(cluster, "status") == "FAILED";
    if !has_failed {
        return None;
    }
    let attachments = cluster.get("attachments").and_then(Value::as_array).into_iter().flatten();
    let told: Vec<String> = attachments
        .filter(|one| text(one, "status").contains("FAILED"))
        .map(|one| {
            let details = one.get("details").and_then(Value::as_array).into_iter().flatten();
            let details: Vec<String> =
                details.map(|detail| format!("{} {}", text(detail, "name"), text(detail, "value"))).collect();
            format!("{} is {} ({})", text(one, "type"), text(one, "status"), details.join(", "))
        })
        .collect();
    Some(if told.is_empty() { "ECS gives no reason".to_owned() } else { told.join("; ") })
}

/// Takes over the answer of a step. What was written is read again all the same: UpdateCluster was seen to change what
/// it was not asked to. The answer is for the moments in which a read may still come from before the write.
pub fn absorb(cx: &Context, key: &Key, step: &Step, mut answer: Value, applied: &[String]) {
    let tags = match step.operation {
        Operation::CreateCluster => Some(tags::of_created(step, applied)),
        Operation::TagResource | Operation::UntagResource => return tags::absorb(cx, key, step),
        _ => cx.live.peek(key).and_then(|seen| seen.json()).and_then(|mut held| Some(held.get_mut("tags")?.take())),
    };
    if let Some(mut cluster) = answer.get_mut("cluster").map(Value::take)
        && let Some(members) = cluster.as_object_mut()
    {
        members.insert("tags".into(), tags.unwrap_or_else(|| json!([])));
        cx.absorb(key, cluster);
    }
}
