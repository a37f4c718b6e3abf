//! Where MiniStack's answers differ from ECS's and our tests would notice: fields that it drops, calls that it
//! doesn't refuse. Not a simulator: each rule is one small function, and the comment says what ECS does. The rest
//! passes through.

mod cluster;
mod service;
mod task_definition;

use serde_json::{Map, Value};

use self::{cluster::Clusters, service::Services, task_definition::TaskDefinitions};
use super::super::wire::{Reply, post};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// MiniStack, called as the one who called us.
pub struct Upstream<'a> {
    pub address: &'a str,
    pub authorization: &'a str,
}

impl Upstream<'_> {
    async fn call(&self, operation: &str, body: &Value) -> Result<Reply, Failure> {
        post(self.address, self.authorization, operation, body).await
    }
}

/// What MiniStack forgets. Everything is kept by ARN, which has account and region in it.
#[derive(Default)]
pub struct Overlay {
    clusters: Clusters,
    services: Services,
    task_definitions: TaskDefinitions,
}

impl Overlay {
    /// The answer to a call, as ECS would give it.
    pub async fn answer(&mut self, upstream: &Upstream<'_>, operation: &str, asked: Value) -> Result<Reply, Failure> {
        // What is forwarded may differ from what was asked.
        let mut forwarded = asked.clone();
        let refusal = match operation {
            "CreateCluster" => self.clusters.before_create(upstream, &asked).await?,
            "DeleteCluster" => cluster::before_delete(upstream, &asked).await?,
            "CreateService" => self.services.before_create(upstream, &asked).await?,
            "UpdateService" => self.services.before_update(upstream, &asked, &mut forwarded).await?,
            "DeleteService" => service::before_delete(upstream, &asked).await?,
            "DescribeServices" => service::before_describe(&asked),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Ok(refusal);
        }
        let mut reply = upstream.call(operation, &forwarded).await?;
        if reply.is_ok() {
            drop_nulls(&mut reply.body);
            match operation {
                "CreateCluster" => self.clusters.after_create(&asked, &mut reply.body),
                "UpdateCluster" => self.clusters.after_update(&asked, &mut reply.body),
                "DeleteCluster" => self.clusters.after_delete(&mut reply.body),
                "DescribeClusters" | "PutClusterCapacityProviders" | "UpdateClusterSettings" => {
                    self.clusters.after_others(&mut reply.body);
                }
                "CreateService" => self.services.after_create(&asked, &mut reply.body),
                "UpdateService" => self.services.after_update(&asked, &mut reply.body),
                "DeleteService" | "DescribeServices" => self.services.after_others(operation, &asked, &mut reply.body),
                "RegisterTaskDefinition" => self.task_definitions.after_register(&asked, &mut reply.body),
                "DescribeTaskDefinition" | "DeregisterTaskDefinition" | "DeleteTaskDefinitions" => {
                    self.task_definitions.after_others(operation, &asked, &mut reply.body);
                }
                _ => {}
            }
        }
        Ok(reply)
    }
}

/// Whether the call asked for the tags.
fn includes_tags(asked: &Value) -> bool {
    asked["include"].as_array().is_some_and(|include| include.iter().any(|item| item == "TAGS"))
}

/// The objects of an answer, whether it has one (`name`) or a list of them (`name` + `s`).
fn each_of<'a>(body: &'a mut Value, name: &str) -> Vec<&'a mut Map<String, Value>> {
    let plural = format!("{name}s");
    let Some(body) = body.as_object_mut() else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in body.iter_mut() {
        match value {
            Value::Object(object) if key == name => found.push(object),
            Value::Array(items) if *key == plural => found.extend(items.iter_mut().filter_map(Value::as_object_mut)),
            _ => {}
        }
    }
    found
}

/// The text of a member; empty where there is none.
fn text<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Those of the members named that were sent.
fn sent(asked: &Value, names: &[&str]) -> Map<String, Value> {
    let members = names.iter().filter_map(|name| Some(((*name).to_owned(), asked.get(name)?.clone())));
    members.filter(|(_, value)| !value.is_null()).collect()
}

/// As ECS: a member without a value is left out, not written as null.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// As ECS: nor as an empty text or structure.
fn drop_empty(object: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        if object.get(*name).is_some_and(|value| value == "" || value.as_object().is_some_and(Map::is_empty)) {
            object.remove(*name);
        }
    }
}
