//! An ECS in memory, below the AWS SDK: it keeps what it is given, is done with everything at once, and counts calls.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

pub const REGION: &str = "eu-west-1";
const ARN: &str = "arn:aws:ecs:eu-west-1:111122223333";

#[derive(Clone, Default)]
pub struct Ecs(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    calls: usize,
    clusters: BTreeMap<String, Value>,
    services: BTreeMap<String, Value>,
    /// By ARN, with the tags beside it.
    revisions: BTreeMap<String, Value>,
}

impl Ecs {
    /// How an SDK client gets here.
    pub fn config(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "bench")))
            .http_client(SharedHttpClient::new(self.clone()))
            .build()
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }
}

impl Held {
    fn answer(&mut self, operation: &str, asked: Value) -> Value {
        self.calls += 1;
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        match operation {
            "CreateCluster" => {
                let name = text("clusterName");
                let arn = format!("{ARN}:cluster/{name}");
                let cluster = with(asked, json!({ "clusterArn": arn, "status": "ACTIVE" }));
                self.clusters.insert(name, cluster.clone());
                json!({ "cluster": cluster })
            }
            "RegisterTaskDefinition" => {
                let arn = format!("{ARN}:task-definition/{}:1", text("family"));
                let tags = asked["tags"].clone();
                let more = json!({ "taskDefinitionArn": arn, "revision": 1, "status": "ACTIVE", "tags": null });
                let answer = json!({ "taskDefinition": with(asked, more), "tags": tags });
                self.revisions.insert(arn, answer.clone());
                answer
            }
            "CreateService" => {
                let name = text("serviceName");
                let service = service(&name, asked);
                self.services.insert(name, service.clone());
                json!({ "service": service })
            }
            "DescribeClusters" => json!({ "clusters": named(&self.clusters, &asked["clusters"]), "failures": [] }),
            "DescribeServices" => json!({ "services": named(&self.services, &asked["services"]), "failures": [] }),
            "DescribeTaskDefinition" => self.revisions.get(&text("taskDefinition")).cloned().unwrap(),
            "ListTaskDefinitions" => json!({ "taskDefinitionArns": self.revisions.keys().collect::<Vec<_>>() }),
            other => panic!("nothing here should need {other}"),
        }
    }
}

fn service(name: &str, asked: Value) -> Value {
    let cluster = asked["cluster"].as_str().unwrap_or_default().to_owned();
    let (count, revision) = (asked["desiredCount"].clone(), asked["taskDefinition"].clone());
    let mut deployment = json!({
        "id": "ecs-svc/1234567890123456789", "status": "PRIMARY", "rolloutState": "COMPLETED",
        "rolloutStateReason": "ECS deployment ecs-svc/1234567890123456789 completed.", "taskDefinition": revision,
        "desiredCount": count, "runningCount": count, "pendingCount": 0, "failedTasks": 0, "createdAt": 1.75e9,
        "updatedAt": 1.75e9, "platformVersion": "1.4.0", "platformFamily": "Linux",
    });
    for name in ["networkConfiguration", "capacityProviderStrategy"] {
        deployment[name] = asked[name].clone();
    }
    let more = json!({
        "serviceArn": format!("{ARN}:service/{cluster}/{name}"), "clusterArn": format!("{ARN}:cluster/{cluster}"),
        "status": "ACTIVE", "runningCount": count, "pendingCount": 0, "createdAt": 1.75e9, "events": [],
        "deployments": [deployment], "schedulingStrategy": "REPLICA", "deploymentController": { "type": "ECS" },
        "placementConstraints": [], "placementStrategy": [], "serviceRegistries": [], "platformFamily": "Linux",
        "platformVersion": "LATEST", "availabilityZoneRebalancing": "ENABLED", "clientToken": null, "cluster": null,
    });
    with(asked, more)
}

/// With more members; a null takes one away.
fn with(mut object: Value, more: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    object
}

fn named(held: &BTreeMap<String, Value>, names: &Value) -> Vec<Value> {
    names.as_array().unwrap().iter().filter_map(|name| held.get(name.as_str()?).cloned()).collect()
}

impl HttpConnector for Ecs {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").unwrap().rsplit('.').next().unwrap().to_owned();
        let asked = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let answer = self.0.lock().unwrap().answer(&operation, asked).to_string();
        let mut response = HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from(answer));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for Ecs {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl fmt::Debug for Ecs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ecs")
    }
}
