//! The support tried by itself: no operator runs here.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Action, Fault, KubeEvent, Scene, kstatus,
    scene::{REGION, SOON},
    wire::{Reply, authorization, post},
};

/// Calls ECS as the operator does: through the proxy.
async fn ask(scene: &Scene, operation: &str, body: Value) -> Result<Reply, String> {
    let authorization = authorization(&scene.account, REGION);
    post(&scene.proxy.address(), &authorization, operation, &body).await.map_err(|error| error.to_string())
}

async fn call(scene: &Scene, operation: &str, body: Value) -> Value {
    let reply = ask(scene, operation, body).await.unwrap();
    assert!(reply.is_ok(), "{operation}: {reply:?}");
    reply.body
}

async fn refused(scene: &Scene, operation: &str, body: Value) -> String {
    ask(scene, operation, body).await.unwrap().code().to_owned()
}

async fn with_web(scene: &Scene, more: Value) -> Value {
    call(scene, "CreateCluster", json!({ "clusterName": "main" })).await;
    let container = json!({ "name": "web", "image": "nginx", "memory": 128 });
    call(scene, "RegisterTaskDefinition", json!({ "family": "web", "containerDefinitions": [container] })).await;
    let mut body = json!({ "cluster": "main", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 1 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(scene, "CreateService", body).await["service"].clone()
}

async fn describe(scene: &Scene) -> Value {
    let body = json!({ "cluster": "main", "services": ["web"], "include": ["TAGS"] });
    call(scene, "DescribeServices", body).await["services"][0].clone()
}

#[tokio::test]
async fn the_proxy_records_and_loses_answers() {
    let scene = Scene::new("proxy").await;
    let lost = scene.proxy.fault(Fault::on("CreateCluster", Action::LoseAnswer).once());
    let throttled = scene.proxy.fault(Fault::on("DescribeClusters", Action::throttled()).nth(2));
    ask(&scene, "CreateCluster", json!({ "clusterName": "main" })).await.unwrap_err();
    assert_eq!(lost.count(), 1);
    assert_eq!(scene.ecs().cluster("main").await.unwrap()["status"], "ACTIVE", "ECS has done it");
    let look = json!({ "clusters": ["main"] });
    assert!(ask(&scene, "DescribeClusters", look.clone()).await.unwrap().is_ok());
    assert_eq!(refused(&scene, "DescribeClusters", look.clone()).await, "ThrottlingException");
    assert_eq!(throttled.count(), 1);

    let calls = scene.proxy.calls();
    assert_eq!(calls.iter().map(|call| call.seq).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((&*calls[0].account, &*calls[0].region), (&*scene.account, REGION));
    assert_eq!((calls[0].reached_ecs, calls[0].answered, calls[0].status()), (true, false, Some(200)));
    assert_eq!((calls[2].reached_ecs, calls[2].answered, calls[2].status()), (false, true, Some(400)));
    assert_eq!(scene.proxy.log(), "CreateCluster {\"clusterName\":\"main\"} -> no answer\n");
    assert_eq!((scene.proxy.writes().len(), scene.proxy.count("DescribeClusters")), (1, 2));

    scene.proxy.clear();
    scene.proxy.fault(Fault::on("*", Action::RefuseConnection));
    ask(&scene, "DescribeClusters", look.clone()).await.unwrap_err();
    scene.proxy.mend();
    scene.proxy.fault(Fault::on("DescribeClusters", Action::Hang));
    // The caller stays until the proxy has its call, however long that takes on a busy machine.
    let calls = tokio::select! {
        answer = ask(&scene, "DescribeClusters", look) => panic!("a call that hangs was answered: {answer:?}"),
        calls = scene.proxy.wait(SOON, |calls| calls.len() == 2) => calls,
    };
    assert!(calls.iter().all(|call| !call.reached_ecs && call.reply.is_none()));
    scene.proxy.fault(Fault::on("CreateCluster", Action::HoldAnswer));
    tokio::select! {
        answer = ask(&scene, "CreateCluster", json!({ "clusterName": "b" })) => panic!("it was answered: {answer:?}"),
        _ = scene.proxy.wait(SOON, |calls| calls.iter().any(|call| call.reached_ecs && !call.answered)) => {}
    }
    assert!(scene.ecs().cluster("b").await.is_some());
    assert!(scene.ecs().in_region("us-east-1").cluster("main").await.is_none());
}

#[tokio::test]
async fn what_ministack_drops_is_shown_where_ecs_shows_it() {
    let scene = Scene::new("overlay").await;
    let spread = json!([{ "type": "spread", "field": "attribute:ecs.availability-zone" }]);
    let connect = json!({ "enabled": true, "namespace": "internal" });
    let more = json!({ "placementStrategy": spread, "serviceConnectConfiguration": connect, "clientToken": "t",
                       "tags": [{ "key": "a", "value": "1" }] });
    let created = with_web(&scene, more.clone()).await;
    for service in [created, describe(&scene).await] {
        assert_eq!(service["placementStrategy"], spread);
        assert_eq!(service["deployments"][0]["serviceConnectConfiguration"], connect);
        assert_eq!(service.get("serviceConnectConfiguration"), None);
        assert_eq!(service["runningCount"], 1);
    }
    let plain = call(&scene, "DescribeServices", json!({ "cluster": "main", "services": ["web"] })).await;
    assert_eq!(plain["services"][0].get("tags"), None);

    // The same token with the same arguments is the same service, anything else is refused.
    let arn = describe(&scene).await["serviceArn"].clone();
    let mut same = more;
    let base = json!({ "cluster": "main", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 1 });
    same.as_object_mut().unwrap().extend(base.as_object().unwrap().clone());
    assert_eq!(call(&scene, "CreateService", same.clone()).await["service"]["serviceArn"], arn);
    same["desiredCount"] = 2.into();
    assert_eq!(refused(&scene, "CreateService", same).await, "InvalidParameterException");
}

#[tokio::test]
async fn updates_merge_and_deploy_as_ecs_does() {
    let scene = Scene::new("updates").await;
    let configuration = json!({ "maximumPercent": 150, "minimumHealthyPercent": 50 });
    let before = with_web(&scene, json!({ "deploymentConfiguration": configuration })).await;
    let web = |more: Value| {
        let mut body = json!({ "cluster": "main", "service": "web" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let update = web(json!({ "deploymentConfiguration": { "maximumPercent": 200 }, "propagateTags": "SERVICE" }));
    call(&scene, "UpdateService", update).await;
    let service = describe(&scene).await;
    assert_eq!(service["deploymentConfiguration"], json!({ "maximumPercent": 200, "minimumHealthyPercent": 50 }));
    assert_eq!(service["propagateTags"], "SERVICE");
    assert_eq!(service["deployments"][0]["id"], before["deployments"][0]["id"], "nothing that deploys");

    let network = json!({ "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } } });
    call(&scene, "UpdateService", web(network.clone())).await;
    let deployed = describe(&scene).await;
    assert_ne!(deployed["deployments"][0]["id"], before["deployments"][0]["id"]);
    assert_eq!(deployed["deployments"][0]["rolloutState"], "COMPLETED");
    call(&scene, "UpdateService", web(network)).await;
    assert_eq!(describe(&scene).await["deployments"][0]["id"], deployed["deployments"][0]["id"], "nothing changed");

    let strategy = json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1 }] });
    assert_eq!(refused(&scene, "UpdateService", web(strategy.clone())).await, "InvalidParameterException");
    let mut forced = web(strategy);
    forced["forceNewDeployment"] = true.into();
    call(&scene, "UpdateService", forced).await;
}

#[tokio::test]
async fn what_ecs_refuses_is_refused() {
    let scene = Scene::new("refusals").await;
    let create = json!({ "cluster": "main", "serviceName": "web", "taskDefinition": "web:1" });
    assert_eq!(refused(&scene, "CreateService", create).await, "ClusterNotFoundException");
    assert!(scene.ecs().cluster("main").await.is_none());
    with_web(&scene, json!({ "desiredCount": 0 })).await;
    let names: Vec<_> = (0..11).map(|number| format!("s{number}")).collect();
    let eleven = json!({ "cluster": "main", "services": names });
    assert_eq!(refused(&scene, "DescribeServices", eleven).await, "InvalidParameterException");
    let main = json!({ "cluster": "main" });
    assert_eq!(refused(&scene, "DeleteCluster", main.clone()).await, "ClusterContainsServicesException");
    let web = json!({ "cluster": "main", "service": "web" });
    call(&scene, "DeleteService", web.clone()).await;
    assert_eq!(refused(&scene, "DeleteService", web.clone()).await, "ServiceNotFoundException");
    assert_eq!(refused(&scene, "UpdateService", web).await, "ServiceNotActiveException");
    call(&scene, "DeleteCluster", main).await;

    let defaults = json!({ "clusterName": "sc", "serviceConnectDefaults": { "namespace": "internal" } });
    call(&scene, "CreateCluster", defaults.clone()).await;
    let look = json!({ "clusters": ["sc"] });
    let cluster = call(&scene, "DescribeClusters", look.clone()).await["clusters"][0].clone();
    assert_eq!(cluster["serviceConnectDefaults"]["namespace"], "internal");
    let remove = json!({ "cluster": "sc", "serviceConnectDefaults": { "namespace": "" } });
    call(&scene, "UpdateCluster", remove).await;
    let cluster = call(&scene, "DescribeClusters", look).await["clusters"][0].clone();
    assert_eq!(cluster.get("serviceConnectDefaults"), None);
    let again = call(&scene, "CreateCluster", defaults).await;
    assert_eq!(again["cluster"]["serviceConnectDefaults"]["namespace"], "internal", "as it was answered at first");
    let other = json!({ "clusterName": "sc" });
    assert_eq!(refused(&scene, "CreateCluster", other).await, "InvalidParameterException");

    let container = json!({ "name": "web", "image": "nginx" });
    let body = json!({ "family": "fis", "containerDefinitions": [container], "enableFaultInjection": true,
                       "tags": [{ "key": "a", "value": "1" }] });
    call(&scene, "RegisterTaskDefinition", body).await;
    let found = call(&scene, "DescribeTaskDefinition", json!({ "taskDefinition": "fis:1" })).await;
    assert_eq!(found["taskDefinition"]["enableFaultInjection"], true);
    assert_eq!((found.get("tags"), found["taskDefinition"].get("pidMode")), (None, None));
    assert_eq!(scene.ecs().revisions("fis", "ACTIVE").await.len(), 1);
}

#[tokio::test]
async fn the_bed_has_our_kinds_and_the_watch_sees_statuses() {
    let mut scene = Scene::new("bed").await;
    let manifest = "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsCluster\nmetadata: {name: main}\n\
                    spec: {clusterName: main}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n";
    scene.apply(manifest).await;
    let fresh = scene.wait("ecscl/main", SOON, |object| kstatus::reason(object) == "Pending").await;
    assert_eq!(kstatus::kstatus(&fresh), kstatus::Kstatus::InProgress);
    let status = json!({ "status": { "observedGeneration": 1, "conditions": [{
        "type": "Ready", "status": "True", "reason": "Deployed", "message": "There.", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z" }] } });
    let patch = |status: &Value| {
        let patch = ["patch", "ecscl/main", "--subresource=status", "--type=merge", "-p", &status.to_string()]
            .map(str::to_owned);
        scene.kubectl(&patch.each_ref().map(String::as_str));
    };
    patch(&status);
    scene.ready("EcsCluster/main").await;
    assert_eq!(scene.kubectl(&["get", "cm/other", "-o", "name"]).trim(), "configmap/other");
    assert!(scene.try_kubectl(&["get", "ecscl/other"]).unwrap_err().contains("not found"));
    assert!(scene.try_apply(&manifest.replace("spec: {", "spec: {bogus: 1, ")).await.is_err());

    // What the operator's user writes is told from what a test writes.
    assert_eq!((scene.audit().0.len(), scene.events("ecscl/main").await.len()), (0, 0));
    let operator = scene.bed.operator_kubeconfig.display().to_string();
    scene.kubectl(&["annotate", "ecscl/main", "a=b", "--kubeconfig", &operator]);
    let audit = scene.audit();
    assert_eq!((audit.count("ecsclusters"), audit.count("ecsclusters/status")), (1, 0));
    assert_eq!(audit.of_objects(), audit.of("ecsclusters", "main"));
    let event = format!(
        "apiVersion: events.k8s.io/v1\nkind: Event\nmetadata: {{name: made}}\ntype: Normal\nreason: Created\n\
         note: Made it.\naction: Create\nreportingController: test\nreportingInstance: test\n\
         eventTime: 2026-01-01T00:00:00.000000Z\n\
         regarding: {{apiVersion: ecs-operator.dev/v1alpha1, kind: EcsCluster, name: main, namespace: {}}}\n",
        scene.namespace
    );
    scene.apply(&event).await;
    let events = scene.events("ecscl/main").await;
    let made = KubeEvent { kind: "Normal".into(), reason: "Created".into(), message: "Made it.".into(), count: 1 };
    assert_eq!(events, [made]);

    // A write that breaks the conventions is seen, also one that was overwritten at once.
    let mut bad = status.clone();
    bad["status"]["conditions"][0]["reason"] = "Fine".into();
    patch(&bad);
    patch(&status);
    scene.kubectl(&["delete", "ecscl/main"]);
    scene.gone("ecscl/main", SOON).await;
    let violations = scene.statuses.finish();
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].starts_with("EcsCluster/main: the reason of Ready is not in the list"), "{violations:?}");
    assert_eq!(scene.statuses.history("EcsCluster/main").len(), 4);
}

/// Somebody else's parser of ECS's protocol takes the proxy's answers for ECS's.
#[tokio::test]
async fn boto3_understands_the_proxy() {
    const PROGRAM: &str = r#"
import boto3, botocore, datetime, sys
config = botocore.config.Config(retries={"total_max_attempts": 1})
ecs = boto3.client("ecs", endpoint_url=sys.argv[1], region_name=sys.argv[2], aws_access_key_id=sys.argv[3],
                   aws_secret_access_key="test", config=config)
ecs.create_cluster(clusterName="main")
ecs.register_task_definition(family="web", containerDefinitions=[{"name": "web", "image": "nginx", "memory": 128}])
ecs.create_service(cluster="main", serviceName="web", taskDefinition="web:1", desiredCount=1,
                   volumeConfigurations=[{"name": "data"}])
service = ecs.describe_services(cluster="main", services=["web"])["services"][0]
assert isinstance(service["createdAt"], datetime.datetime), service
assert service["deployments"][0]["volumeConfigurations"] == [{"name": "data"}], service
for call in (lambda: ecs.delete_cluster(cluster="main"), lambda: ecs.list_clusters()):
    try:
        call()
    except botocore.exceptions.ClientError as error:
        print(type(error).__name__, error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
"#;
    let scene = Scene::new("boto3").await;
    scene.proxy.fault(Fault::on("ListClusters", Action::server_error()));
    let output = std::process::Command::new(&scene.bed.python)
        .args(["-c", PROGRAM, &scene.proxy.url(), REGION, &scene.account])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected =
        "ClusterContainsServicesException ClusterContainsServicesException 400\nServerException ServerException 500\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
