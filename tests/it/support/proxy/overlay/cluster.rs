//! Clusters.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Failure, Upstream, drop_empty, each_of, sent, text};
use crate::support::wire::Reply;

/// By ARN of the cluster.
#[derive(Default)]
pub struct Clusters {
    kept: HashMap<String, Kept>,
}

struct Kept {
    asked: Value,
    answered: Value,
    /// MiniStack drops `serviceConnectDefaults` at creation, and keeps it at an update.
    dropped: Map<String, Value>,
}

/// The cluster as it is, `None` where there is none.
async fn look(upstream: &Upstream<'_>, name: &Value) -> Result<Option<Map<String, Value>>, Failure> {
    let name = if name.is_null() { json!("default") } else { name.clone() };
    let mut reply = upstream.call("DescribeClusters", &json!({ "clusters": [name] })).await?;
    let found = each_of(&mut reply.body, "cluster").into_iter().next().map(std::mem::take);
    Ok(found.filter(|cluster| text(cluster, "status") == "ACTIVE"))
}

/// As ECS: a cluster with active services is not deleted.
pub async fn before_delete(upstream: &Upstream<'_>, asked: &Value) -> Result<Option<Reply>, Failure> {
    let services = look(upstream, &asked["cluster"]).await?.and_then(|cluster| cluster["activeServicesCount"].as_i64());
    let message = "The Cluster cannot be deleted while Services are active.";
    Ok((services > Some(0)).then(|| Reply::refusal("ClusterContainsServicesException", message)))
}

impl Clusters {
    /// As ECS: repeated with the arguments of the creation, CreateCluster answers as it did then, whatever has
    /// changed since; with others it is refused. (Created past the proxy: MiniStack's answer.)
    pub async fn before_create(&self, upstream: &Upstream<'_>, asked: &Value) -> Result<Option<Reply>, Failure> {
        let Some(existing) = look(upstream, &asked["clusterName"]).await? else { return Ok(None) };
        let message =
            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
        Ok(self.kept.get(text(&existing, "clusterArn")).map(|kept| {
            let same = kept.asked == *asked;
            if same { Reply::ok(kept.answered.clone()) } else { Reply::refusal("InvalidParameterException", message) }
        }))
    }

    pub fn after_create(&mut self, asked: &Value, body: &mut Value) {
        let arn = body["cluster"]["clusterArn"].as_str().unwrap_or_default().to_owned();
        let dropped = sent(asked, &["serviceConnectDefaults"]);
        // One that was there already keeps what it has.
        if !self.kept.contains_key(&arn) {
            self.kept.insert(arn.clone(), Kept { asked: asked.clone(), answered: Value::Null, dropped });
        }
        self.after_others(body);
        if let Some(kept) = self.kept.get_mut(&arn) {
            kept.answered = body.clone();
        }
    }

    pub fn after_update(&mut self, asked: &Value, body: &mut Value) {
        let arn = body["cluster"]["clusterArn"].as_str().unwrap_or_default();
        if let (Some(kept), true) = (self.kept.get_mut(arn), asked.get("serviceConnectDefaults").is_some()) {
            kept.dropped.remove("serviceConnectDefaults");
        }
        self.after_others(body);
    }

    pub fn after_delete(&mut self, body: &mut Value) {
        self.after_others(body);
        self.kept.remove(body["cluster"]["clusterArn"].as_str().unwrap_or_default());
    }

    pub fn after_others(&self, body: &mut Value) {
        for cluster in each_of(body, "cluster") {
            if let Some(kept) = self.kept.get(text(cluster, "clusterArn")) {
                cluster.extend(kept.dropped.clone());
            }
            drop_empty(cluster, &["attachmentsStatus"]);
            // As ECS: an empty namespace removes the default.
            if cluster.get("serviceConnectDefaults").is_some_and(|defaults| defaults["namespace"] == "") {
                cluster.remove("serviceConnectDefaults");
            }
        }
    }
}
