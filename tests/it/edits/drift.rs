//! Drift: what somebody else changes in ECS.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{concerns, next, reads};
use crate::support::{Call, SOON, Scene, reason, wire::LiveEcs};

/// What somebody else does to an object of its own.
struct Drift {
    /// The field, as the plan and the differences name it.
    field: &'static str,
    /// What its manifest has, beside the base.
    spec: Value,
    operation: &'static str,
    /// What changes. Where it is told by the name or the ARN of the object, that goes in as well.
    change: Value,
}

fn drift(field: &'static str, spec: Value, operation: &'static str, change: Value) -> Drift {
    Drift { field, spec, operation, change }
}

fn of_services() -> Vec<Drift> {
    let update = |field, spec, change| drift(field, spec, "UpdateService", change);
    let network = |group: &str| {
        json!({ "networkConfiguration":
            { "awsvpcConfiguration": { "subnets": ["subnet-0a"], "securityGroups": [group] } } })
    };
    let connect = json!({ "enabled": true, "namespace": "internal", "services": [{ "portName": "http" }] });
    let breaker =
        |on| json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": on, "rollback": on } } });
    let percent = |most| json!({ "deploymentConfiguration": { "maximumPercent": most } });
    let strategy = |provider: &str| json!([{ "capacityProvider": provider, "weight": 1 }]);
    vec![
        update("taskDefinition", json!({}), json!({ "taskDefinition": "other:1" })),
        update("desiredCount", json!({ "desiredCount": 2 }), json!({ "desiredCount": 0 })),
        update("deploymentConfiguration.maximumPercent", percent(150), percent(175)),
        update("deploymentConfiguration.deploymentCircuitBreaker", breaker(true), breaker(false)),
        update("networkConfiguration", network("sg-0a"), network("sg-0b")),
        update(
            "capacityProviderStrategy",
            json!({ "capacityProviderStrategy": strategy("FARGATE"), "launchType": null }),
            json!({ "capacityProviderStrategy": strategy("FARGATE_SPOT"), "forceNewDeployment": true }),
        ),
        update("platformVersion", json!({ "platformVersion": "1.4.0" }), json!({ "platformVersion": "1.3.0" })),
        update(
            "serviceConnectConfiguration",
            json!({ "serviceConnectConfiguration": connect }),
            json!({ "serviceConnectConfiguration": { "enabled": false } }),
        ),
        update(
            "healthCheckGracePeriodSeconds",
            json!({ "healthCheckGracePeriodSeconds": 30 }),
            json!({ "healthCheckGracePeriodSeconds": 0 }),
        ),
        update(
            "availabilityZoneRebalancing",
            json!({ "availabilityZoneRebalancing": "ENABLED" }),
            json!({ "availabilityZoneRebalancing": "DISABLED" }),
        ),
        update(
            "enableExecuteCommand",
            json!({ "enableExecuteCommand": true }),
            json!({ "enableExecuteCommand": false }),
        ),
        update("propagateTags", json!({ "propagateTags": "SERVICE" }), json!({ "propagateTags": "NONE" })),
        drift(
            "tags[Team]",
            json!({ "tags": [{ "key": "Team", "value": "ours" }] }),
            "TagResource",
            json!({ "tags": [{ "key": "Team", "value": "theirs" }, { "key": "Backup", "value": "daily" }] }),
        ),
    ]
}

fn of_clusters() -> Vec<Drift> {
    let update = |field, spec: Value, change| drift(field, spec, "UpdateCluster", change);
    let insights = |value: &str| json!({ "settings": [{ "name": "containerInsights", "value": value }] });
    let logging = |value: &str| json!({ "configuration": { "executeCommandConfiguration": { "logging": value } } });
    let namespace = |name: &str| json!({ "serviceConnectDefaults": { "namespace": name } });
    vec![
        update("settings", insights("enhanced"), insights("disabled")),
        update("configuration.executeCommandConfiguration", logging("NONE"), logging("DEFAULT")),
        update("serviceConnectDefaults", namespace("internal"), namespace("external")),
        drift(
            "capacityProviders",
            json!({ "capacityProviders": ["FARGATE", "FARGATE_SPOT"] }),
            "PutClusterCapacityProviders",
            json!({ "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [] }),
        ),
        drift(
            "tags[Team]",
            json!({ "tags": [{ "key": "Team", "value": "ours" }] }),
            "UntagResource",
            json!({ "tagKeys": ["Team"] }),
        ),
    ]
}

/// An object of the table, with all it takes to change it.
struct Subject {
    drift: Drift,
    kind: &'static str,
    name: String,
}

impl Subject {
    fn key(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    fn manifest(&self, policy: &str) -> Value {
        let mut spec = match self.kind {
            "EcsCluster" => json!({}),
            _ => json!({
                "clusterRef": { "name": "main" }, "taskDefinitionRef": { "name": "web" }, "launchType": "FARGATE",
                "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a"] } },
            }),
        };
        let spec_members = spec.as_object_mut().unwrap();
        spec_members.extend(self.drift.spec.as_object().unwrap().clone());
        spec_members.retain(|_, value| !value.is_null());
        spec_members.insert("managementPolicy".into(), policy.into());
        json!({ "apiVersion": "ecs-operator.dev/v1alpha1", "kind": self.kind,
                "metadata": { "name": self.name }, "spec": spec })
    }

    /// Somebody else changes it. The place of that call among all.
    async fn change(&self, scene: &Scene, arn: &str) -> u64 {
        let mut body = self.drift.change.clone();
        let members = body.as_object_mut().unwrap();
        match (self.drift.operation, self.kind) {
            ("TagResource" | "UntagResource", _) => drop(members.insert("resourceArn".into(), arn.into())),
            (_, "EcsCluster") => drop(members.insert("cluster".into(), self.name.clone().into())),
            _ => members.extend([("cluster".into(), "main".into()), ("service".into(), self.name.clone().into())]),
        }
        let from = next(scene);
        // Through the proxy, or its overlay would go on showing what was before.
        let somebody = LiveEcs { address: scene.proxy.address(), ..scene.ecs() };
        somebody.call(self.drift.operation, body.clone()).await;
        let calls = scene.proxy.calls();
        calls.iter().find(|call| call.seq >= from && call.body == body).expect("our own call").seq
    }

    /// What the operator has written about it since then.
    fn writes(&self, calls: &[Call], since: u64) -> Vec<Call> {
        let ours = |call: &&Call| call.seq > since && call.is_write() && concerns(call, &self.name);
        calls.iter().filter(ours).cloned().collect()
    }
}

/// A scene with an object for each row, all of them ready.
async fn scene(name: &str) -> (Scene, Vec<Subject>) {
    let scene = Scene::start(name).await;
    let container = json!({ "name": "web", "image": "nginx", "memory": 128 });
    scene.ecs().call("RegisterTaskDefinition", json!({ "family": "other", "containerDefinitions": [container] })).await;
    scene
        .apply(
            "{apiVersion: ecs-operator.dev/v1alpha1, kind: EcsCluster, metadata: {name: main}, \
               spec: {capacityProviders: [FARGATE, FARGATE_SPOT]}}\n---\n\
             {apiVersion: ecs-operator.dev/v1alpha1, kind: EcsTaskDefinition, metadata: {name: web}, spec: \
               {requiresCompatibilities: [FARGATE], networkMode: awsvpc, cpu: '256', memory: '512', containerDefinitions: \
               [{name: web, image: nginx, portMappings: [{name: http, containerPort: 80}]}]}}",
        )
        .await;
    let named = |kind: &'static str| {
        move |drift: Drift| {
            let name = format!("{}-{}", kind.trim_start_matches("Ecs"), drift.field).to_lowercase();
            let name = name.trim_end_matches(']').replace(['.', '['], "-");
            Subject { drift, kind, name }
        }
    };
    let services = of_services().into_iter().map(named("EcsService"));
    let subjects: Vec<Subject> = services.chain(of_clusters().into_iter().map(named("EcsCluster"))).collect();
    for subject in &subjects {
        scene.apply(&subject.manifest("Enforce").to_string()).await;
    }
    all_ready(&scene, &subjects).await;
    (scene, subjects)
}

async fn all_ready(scene: &Scene, subjects: &[Subject]) {
    join_all(subjects.iter().map(async |subject| scene.ready(&subject.key()).await)).await;
}

async fn arns(scene: &Scene, subjects: &[Subject]) -> Vec<String> {
    let arn = async |subject: &Subject| {
        let object = scene.get(&subject.key()).await.unwrap();
        let status = &object["status"];
        status["serviceArn"].as_str().or(status["clusterArn"].as_str()).unwrap().to_owned()
    };
    join_all(subjects.iter().map(arn)).await
}

fn names(subjects: &[Subject]) -> Vec<String> {
    subjects.iter().map(|subject| subject.name.clone()).collect()
}

/// The one write for each subject, in the order of the table.
fn log(scene: &Scene, subjects: &[Subject], since: &[u64]) -> String {
    let calls = scene.proxy.calls();
    let lines = subjects.iter().zip(since).map(|(subject, since)| {
        let writes = subject.writes(&calls, *since);
        let lines: Vec<String> = writes.iter().map(|call| scene.proxy.line(call)).collect();
        assert_eq!(writes.len(), 1, "{} takes one call: {lines:#?}", subject.drift.field);
        format!("{} of {}\n  {}", subject.drift.field, subject.kind, lines[0])
    });
    lines.collect()
}

/// A change in the console must not outlive a sweep, nor may its repair touch anything else: every field that
/// differs costs one call with that field alone.
#[tokio::test]
async fn drift_is_corrected_within_one_sweep_by_one_call() {
    let (scene, subjects) = scene("drift").await;
    let arns = arns(&scene, &subjects).await;
    let since = join_all(subjects.iter().zip(&arns).map(|(subject, arn)| subject.change(&scene, arn))).await;
    let calls = scene
        .proxy
        .wait(SOON, |calls| {
            subjects.iter().zip(&since).all(|(subject, since)| !subject.writes(calls, *since).is_empty())
        })
        .await;
    for (subject, since) in subjects.iter().zip(&since) {
        let write = subject.writes(&calls, *since)[0].seq;
        // The sweep that saw it, and the look before the write. One more may have been under way.
        let looks =
            |call: &&Call| (*since..write).contains(&call.seq) && !call.is_write() && concerns(call, &subject.name);
        let looks = calls.iter().filter(looks).count();
        assert!(looks <= 3, "{} was corrected after {looks} looks", subject.drift.field);
    }
    all_ready(&scene, &subjects).await;
    reads(&scene, &names(&subjects), 3).await;
    insta::assert_snapshot!(log(&scene, &subjects, &since));
}

/// Who only wants to be told must be told, and nothing may be touched; and who then says Enforce gets what was
/// shown.
#[tokio::test]
async fn drift_under_observe_is_shown_and_not_touched() {
    let (scene, subjects) = scene("observe").await;
    let arns = arns(&scene, &subjects).await;
    for subject in &subjects {
        scene.apply(&subject.manifest("Observe").to_string()).await;
    }
    join_all(subjects.iter().map(async |subject| scene.reason(&subject.key(), "Observed").await)).await;
    let since = join_all(subjects.iter().zip(&arns).map(|(subject, arn)| subject.change(&scene, arn))).await;
    let differ = async |subject: &Subject| {
        let shown = |object: &Value| reason(object) == "Differs";
        scene.wait(&subject.key(), SOON, shown).await
    };
    let plans = join_all(subjects.iter().map(differ)).await;
    let plans: Vec<String> = subjects
        .iter()
        .zip(plans)
        .map(|(subject, object)| {
            let lines = object["status"]["plan"].as_array().cloned().unwrap_or_default();
            let about_it =
                |line: &Value| line.as_str().is_some_and(|line| line.contains(&format!("({}", subject.drift.field)));
            assert!(lines.len() == 1 && about_it(&lines[0]), "{}: {lines:?}", subject.drift.field);
            format!("{} of {}\n  {}\n", subject.drift.field, subject.kind, lines[0].as_str().unwrap())
        })
        .collect();
    reads(&scene, &names(&subjects), 3).await;
    let calls = scene.proxy.calls();
    for (subject, since) in subjects.iter().zip(&since) {
        assert_eq!(subject.writes(&calls, *since).len(), 0, "{} is only observed", subject.drift.field);
    }
    insta::assert_snapshot!(plans.concat().replace(&scene.account, "ACCOUNT"));

    for subject in &subjects {
        scene.apply(&subject.manifest("Enforce").to_string()).await;
    }
    all_ready(&scene, &subjects).await;
    assert_eq!(log(&scene, &subjects, &since).lines().count(), 2 * subjects.len());
}
