//! Services.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Failure, Upstream, drop_empty, each_of, includes_tags, sent, text};
use crate::support::wire::Reply;

/// What MiniStack drops and ECS shows on the service.
const ON_SERVICE: &[&str] = &["placementStrategy", "placementConstraints", "availabilityZoneRebalancing"];
/// What MiniStack drops at an update only.
const ON_SERVICE_AT_UPDATE: &[&str] =
    &["propagateTags", "enableECSManagedTags", "serviceRegistries", "deploymentController"];
/// What MiniStack drops and ECS shows on the PRIMARY deployment, not on the service.
const ON_DEPLOYMENT: &[&str] = &["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];
/// As ECS: an update that changes one of these starts a deployment (so do a new task definition and force, which
/// MiniStack knows).
const DEPLOYS: &[&str] = &["networkConfiguration", "platformVersion", "loadBalancers", "serviceRegistries"];
/// What MiniStack echoes empty where it was not sent.
const EMPTY: &[&str] = &["platformVersion", "platformFamily", "roleArn", "networkConfiguration"];

/// By ARN of the service.
#[derive(Default)]
pub struct Services {
    kept: HashMap<String, Kept>,
}

#[derive(Default)]
struct Kept {
    created_with: Value,
    token: Option<String>,
    on_service: Map<String, Value>,
    on_deployment: Map<String, Value>,
}

/// The service as MiniStack has it, `None` where there is none, or the refusal where there is no such cluster.
async fn look(
    upstream: &Upstream<'_>,
    asked: &Value,
    name: &Value,
) -> Result<Result<Option<Map<String, Value>>, Reply>, Failure> {
    let mut body = json!({ "services": [name], "include": ["TAGS"] });
    if let Some(cluster) = asked.get("cluster") {
        body["cluster"] = cluster.clone();
    }
    let mut reply = upstream.call("DescribeServices", &body).await?;
    if !reply.is_ok() {
        return Ok(Err(reply));
    }
    super::drop_nulls(&mut reply.body);
    Ok(Ok(each_of(&mut reply.body, "service").into_iter().next().map(std::mem::take)))
}

/// As ECS: one to ten names a call.
pub fn before_describe(asked: &Value) -> Option<Reply> {
    let message = match asked["services"].as_array().map_or(0, Vec::len) {
        0 => "Services cannot be empty.",
        1..=10 => return None,
        _ => "Services cannot contain more than 10 elements.",
    };
    Some(Reply::refusal("InvalidParameterException", message))
}

/// As ECS: a service that was deleted can't be deleted again.
pub async fn before_delete(upstream: &Upstream<'_>, asked: &Value) -> Result<Option<Reply>, Failure> {
    Ok(match look(upstream, asked, &asked["service"]).await? {
        Err(refusal) => Some(refusal),
        Ok(Some(service)) if text(&service, "status") == "INACTIVE" => {
            Some(Reply::refusal("ServiceNotFoundException", "Service not found."))
        }
        Ok(_) => None,
    })
}

impl Services {
    /// As ECS: a missing cluster is not made; and of a name that is taken, the same token with the same arguments
    /// (but for tags) answers with the service, anything else is refused.
    pub async fn before_create(&self, upstream: &Upstream<'_>, asked: &Value) -> Result<Option<Reply>, Failure> {
        let existing = match look(upstream, asked, &asked["serviceName"]).await? {
            Err(refusal) => return Ok(Some(refusal)),
            Ok(existing) => existing,
        };
        let refuse = |message| Ok(Some(Reply::refusal("InvalidParameterException", message)));
        let Some(mut service) = existing else { return Ok(None) };
        match text(&service, "status") {
            "DRAINING" => return refuse("Unable to Start a service that is still Draining."),
            "INACTIVE" => return Ok(None),
            _ => {}
        }
        let again = self.kept.get(text(&service, "serviceArn")).is_some_and(|kept| {
            let token = asked["clientToken"].as_str();
            token.is_some() && kept.token.as_deref() == token && kept.created_with == arguments(asked)
        });
        if !again {
            return refuse("Creation of service was not idempotent.");
        }
        self.show(&mut service);
        Ok(Some(Reply::ok(json!({ "service": service }))))
    }

    /// As ECS: what is not ACTIVE is not updated, and a strategy is changed by force only. What ECS does at an
    /// update and MiniStack doesn't goes into the call that it gets.
    pub async fn before_update(
        &self,
        upstream: &Upstream<'_>,
        asked: &Value,
        forwarded: &mut Value,
    ) -> Result<Option<Reply>, Failure> {
        let mut service = match look(upstream, asked, &asked["service"]).await? {
            Err(refusal) => return Ok(Some(refusal)),
            Ok(None) => return Ok(Some(Reply::refusal("ServiceNotFoundException", "Service not found."))),
            Ok(Some(service)) => service,
        };
        if text(&service, "status") != "ACTIVE" {
            return Ok(Some(Reply::refusal("ServiceNotActiveException", "Service was not ACTIVE.")));
        }
        self.show(&mut service);
        if changes_strategy(&service, asked) && asked["forceNewDeployment"] != true {
            let message = "When switching from launch type to capacity provider strategy on an existing service, or \
                           making a change to a capacity provider strategy on a service that is already using one, \
                           you must force a new deployment.";
            return Ok(Some(Reply::refusal("InvalidParameterException", message)));
        }
        if starts_deployment(&service, asked) {
            forwarded["forceNewDeployment"] = true.into();
        }
        merge_deployment_configuration(&service, forwarded);
        Ok(None)
    }

    pub fn after_create(&mut self, asked: &Value, body: &mut Value) {
        let arn = body["service"]["serviceArn"].as_str().unwrap_or_default().to_owned();
        let token = asked["clientToken"].as_str().map(Into::into);
        let (on_service, on_deployment) = (sent(asked, ON_SERVICE), sent(asked, ON_DEPLOYMENT));
        self.kept.insert(arn, Kept { created_with: arguments(asked), token, on_service, on_deployment });
        self.show_all(body);
    }

    pub fn after_update(&mut self, asked: &Value, body: &mut Value) {
        let arn = body["service"]["serviceArn"].as_str().unwrap_or_default().to_owned();
        let kept = self.kept.entry(arn).or_default();
        kept.on_service.extend(sent(asked, ON_SERVICE));
        kept.on_service.extend(sent(asked, ON_SERVICE_AT_UPDATE));
        kept.on_deployment.extend(sent(asked, ON_DEPLOYMENT));
        self.show_all(body);
    }

    pub fn after_others(&self, operation: &str, asked: &Value, body: &mut Value) {
        self.show_all(body);
        // As ECS: tags are shown where they are asked for.
        if operation == "DescribeServices" && !includes_tags(asked) {
            for service in each_of(body, "service") {
                service.remove("tags");
            }
        }
    }

    fn show_all(&self, body: &mut Value) {
        for service in each_of(body, "service") {
            self.show(service);
        }
    }

    /// The service with what MiniStack has dropped.
    fn show(&self, service: &mut Map<String, Value>) {
        drop_empty(service, EMPTY);
        let Some(kept) = self.kept.get(text(service, "serviceArn")) else { return };
        service.extend(kept.on_service.clone());
        let deployments = service.get_mut("deployments").and_then(Value::as_array_mut);
        let primary = deployments.into_iter().flatten().find(|deployment| deployment["status"] == "PRIMARY");
        if let Some(primary) = primary.and_then(Value::as_object_mut) {
            primary.extend(kept.on_deployment.clone());
        }
    }
}

/// What a client token stands for.
fn arguments(asked: &Value) -> Value {
    let mut arguments = asked.clone();
    if let Some(arguments) = arguments.as_object_mut() {
        arguments.retain(|name, value| name != "tags" && name != "clientToken" && !value.is_null());
    }
    arguments
}

/// As ECS: order and written-out zeros don't make another strategy.
fn changes_strategy(service: &Map<String, Value>, asked: &Value) -> bool {
    let level = |strategy: &Value| {
        let number = |item: &Value, name| item[name].as_i64().unwrap_or(0);
        let mut items: Vec<_> = strategy
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| (item["capacityProvider"].to_string(), number(item, "weight"), number(item, "base")))
            .collect();
        items.sort();
        items
    };
    let live = service.get("capacityProviderStrategy").unwrap_or(&Value::Null);
    asked.get("capacityProviderStrategy").is_some_and(|strategy| level(strategy) != level(live))
}

/// As ECS: see `DEPLOYS`; what it shows on the deployment starts one too.
fn starts_deployment(service: &Map<String, Value>, asked: &Value) -> bool {
    let none = Map::new();
    let deployments = service.get("deployments").and_then(Value::as_array);
    let primary = deployments.into_iter().flatten().find(|deployment| deployment["status"] == "PRIMARY");
    let primary = primary.and_then(Value::as_object).unwrap_or(&none);
    let differs = |live: &Map<String, Value>, name: &&str| match (asked.get(*name), live.get(*name)) {
        (None | Some(Value::Null), _) => false,
        (Some(Value::Array(asked)), None) => !asked.is_empty(),
        (asked, live) => asked != live,
    };
    let is_rolling = service.get("deploymentController").is_none_or(|controller| controller["type"] == "ECS");
    is_rolling
        && (DEPLOYS.iter().any(|name| differs(service, name))
            || ON_DEPLOYMENT.iter().any(|name| differs(primary, name)))
}

/// As ECS: a member of deploymentConfiguration that is not sent keeps its value. MiniStack replaces it whole.
fn merge_deployment_configuration(service: &Map<String, Value>, forwarded: &mut Value) {
    let live = service.get("deploymentConfiguration").and_then(Value::as_object);
    let sent = forwarded.get_mut("deploymentConfiguration").and_then(Value::as_object_mut);
    if let (Some(live), Some(sent)) = (live, sent) {
        for (name, value) in live {
            sent.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}
