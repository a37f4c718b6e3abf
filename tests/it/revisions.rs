//! Revisions over time: made when the content changes, reused, pruned, named by number, lost and made anew.

use serde_json::{Value, json};

use crate::support::{
    SOON, Scene,
    product::{PRODUCT, cluster, product, refers, service, task_definition},
};

async fn follows(scene: &Scene, service: &str, revision: &str) {
    scene.wait(&format!("EcsService/{service}"), SOON, |object| object["status"]["taskDefinition"] == revision).await;
    scene.ready(&format!("EcsService/{service}")).await;
}

/// The numbers of the ACTIVE revisions of `web`.
async fn active(scene: &Scene) -> Vec<u32> {
    let arns = scene.ecs().revisions("web", "ACTIVE").await;
    let mut numbers: Vec<u32> = arns.iter().map(|arn| arn.rsplit(':').next().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// Without it, going back and forth between two releases would fill the family with copies, and pruning would take
/// away the ones that matter.
#[tokio::test]
async fn an_edit_back_reuses_the_earlier_revision_while_it_is_active() {
    let scene = Scene::start("back").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    scene.apply(&task_definition("web", "nginx:2", "")).await;
    follows(&scene, "web", "web:2").await;
    scene.proxy.clear();
    scene.apply(&task_definition("web", "nginx:1", "")).await;
    follows(&scene, "web", "web:1").await;
    assert_eq!(scene.proxy.count("RegisterTaskDefinition"), 0, "{}", scene.proxy.log());
    assert_eq!(scene.proxy.count("UpdateService"), 1, "{}", scene.proxy.log());

    // INACTIVE, it can't come back.
    scene.ecs().call("DeregisterTaskDefinition", json!({ "taskDefinition": "web:2" })).await;
    scene.apply(&task_definition("web", "nginx:2", "")).await;
    follows(&scene, "web", "web:3").await;
    assert_eq!(active(&scene).await, [1, 3]);
}

/// Without it, families would grow for ever, or an old revision would be taken away under a service that runs it.
#[tokio::test]
async fn pruning_keeps_the_newest_and_whatever_is_in_use() {
    let scene = Scene::start("prune").await;
    let web = |image: &str| task_definition("web", image, "revisionHistoryLimit: 2");
    scene.apply(&(cluster("main", "") + &web("nginx:1"))).await;
    scene.ready("EcsTaskDefinition/web").await;
    let pinned = service("pinned", "clusterRef: {name: main}, taskDefinition: 'web:1', desiredCount: 1");
    scene.apply(&(pinned + &service("web", &format!("{}, desiredCount: 1", refers("main", "web"))))).await;
    scene.ready("EcsService/pinned").await;
    scene.ready("EcsService/web").await;
    // Somebody else's revision in the family is nobody's to prune.
    let container = json!({ "name": "app", "image": "busybox:1", "memory": 128 });
    let foreign = json!({ "family": "web", "containerDefinitions": [container] });
    scene.ecs().call("RegisterTaskDefinition", foreign).await;
    for revision in 3..=6 {
        scene.apply(&web(&format!("nginx:{revision}"))).await;
        follows(&scene, "web", &format!("web:{revision}")).await;
        assert_eq!(scene.ecs().runs("main", "pinned").await, "web:1");
    }
    // 1 is pinned, 2 is foreign, 5 and 6 are the newest two.
    scene.ecs_becomes("only those revisions", async |_| active(&scene).await == [1, 2, 5, 6]).await;
    scene.ready("EcsService/pinned").await;
}

/// Without it, the limit of a finished product could never be lowered, and what was in use at the last edit would stay
/// until the next.
#[tokio::test]
async fn a_lower_limit_prunes_and_so_does_a_service_that_moves_on() {
    let scene = Scene::start("lower").await;
    let web = |image: &str, limit: u8| task_definition("web", image, &format!("revisionHistoryLimit: {limit}"));
    let number =
        |revision: u8| format!("clusterRef: {{name: main}}, taskDefinition: 'web:{revision}', desiredCount: 1");
    scene.apply(&cluster("main", "")).await;
    for revision in 1..=4 {
        scene.apply(&web(&format!("nginx:{revision}"), 5)).await;
        scene.ecs_becomes("the next revision", async |_| active(&scene).await.len() == revision).await;
    }
    scene.apply(&service("pinned", &number(2))).await;
    scene.ready("EcsService/pinned").await;
    scene.apply(&web("nginx:4", 1)).await;
    scene.ecs_becomes("the newest and the one in use", async |_| active(&scene).await == [2, 4]).await;
    scene.apply(&service("pinned", &format!("{}, desiredCount: 1", refers("main", "web")))).await;
    scene.ecs_becomes("the newest", async |_| active(&scene).await == [4]).await;
}

/// Without it, a service that somebody deleted by mistake would stay away until the next edit.
#[tokio::test]
async fn what_somebody_deletes_in_ecs_is_made_anew() {
    let scene = Scene::start("anew").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    let before = scene.ecs().active_service("main", "web").await.unwrap();
    scene.proxy.clear();
    scene.ecs().delete_service("main", "web").await;
    let back = async |ecs: &crate::support::wire::LiveEcs| ecs.active_service("main", "web").await.is_some();
    scene.ecs_becomes("the service again", back).await;
    scene.ready("EcsService/web").await;
    let after = scene.ecs().active_service("main", "web").await.unwrap();
    assert_ne!(after["deployments"][0]["id"], before["deployments"][0]["id"]);
    assert_eq!((scene.proxy.count("CreateService"), scene.proxy.writes().len()), (1, 1), "{}", scene.proxy.log());

    // The revision too, and then the service gets the new one.
    scene.ecs().call("DeregisterTaskDefinition", json!({ "taskDefinition": "web:1" })).await;
    follows(&scene, "web", "web:2").await;
    assert_eq!(active(&scene).await, [2]);

    // And the cluster with everything in it.
    scene.ecs().delete_service("main", "web").await;
    scene.ecs().call("DeleteCluster", json!({ "cluster": "main" })).await;
    scene.ecs_becomes("the service again", back).await;
    scene.all_ready(&PRODUCT).await;
    assert_eq!(scene.ecs().cluster("main").await.unwrap()["status"], "ACTIVE");
}

/// Without it, services that name what they use by ECS's own names would not work, or would jump to a revision that
/// nobody asked for.
#[tokio::test]
async fn a_service_may_name_cluster_and_revision() {
    let mut scene = Scene::new("names").await;
    let ecs = scene.ecs();
    let register = async |image: &str| {
        let container = json!({ "name": "app", "image": image, "memory": 128 });
        ecs.call("RegisterTaskDefinition", json!({ "family": "web", "containerDefinitions": [container] })).await
    };
    let shared = ecs.call("CreateCluster", json!({ "clusterName": "shared" })).await;
    register("nginx:1").await;
    let newest = register("nginx:2").await["taskDefinition"]["taskDefinitionArn"].clone();
    scene.operator.start();
    let arn = |value: &Value| value.as_str().unwrap().to_owned();
    scene.apply(&service("number", "cluster: shared, taskDefinition: 'web:1', desiredCount: 1")).await;
    scene.apply(&service("family", "cluster: shared, taskDefinition: web, desiredCount: 1")).await;
    let by_arn = format!(
        "cluster: '{}', taskDefinition: '{}', desiredCount: 1",
        arn(&shared["cluster"]["clusterArn"]),
        arn(&newest)
    );
    scene.apply(&service("arn", &by_arn)).await;
    for (service, revision) in [("number", "web:1"), ("family", "web:2"), ("arn", "web:2")] {
        follows(&scene, service, revision).await;
    }
    let resolved = &scene.get("EcsService/family").await.unwrap()["status"]["resolvedTaskDefinition"];
    assert_eq!((&resolved["from"], &resolved["arn"]), (&json!("web"), &json!(newest)));

    // A newer revision is not followed: neither when the service is scaled, nor after a restart of the operator.
    register("nginx:3").await;
    scene.proxy.clear();
    scene.operator.restart();
    scene.apply(&service("family", "cluster: shared, taskDefinition: web, desiredCount: 2")).await;
    scene.ready("EcsService/family").await;
    assert_eq!(
        scene.proxy.log(),
        r#"UpdateService {"cluster":"shared","desiredCount":2,"service":"family"}"#.to_owned() + "\n"
    );
    assert_eq!(ecs.runs("shared", "family").await, "web:2");
    // An edit of anything else resolves it anew, and so does a restart of the service.
    let edited = "cluster: shared, taskDefinition: web, desiredCount: 2, enableExecuteCommand: true";
    scene.apply(&service("family", edited)).await;
    follows(&scene, "family", "web:3").await;
    register("nginx:4").await;
    scene.kubectl(&["annotate", "EcsService/family", "ecs-operator.dev/restartedAt=now"]);
    follows(&scene, "family", "web:4").await;
    scene.kubectl(&["annotate", "EcsService/family", "ecs-operator.dev/restartedAt-"]);
    scene.ready("EcsService/family").await;
    assert_eq!(scene.proxy.count("UpdateService"), 3, "{}", scene.proxy.log());
}

/// Without it, a family that does not exist would be an error without an end or without a word.
#[tokio::test]
async fn a_family_without_a_revision_is_said_and_cured() {
    let mut scene = Scene::new("nofamily").await;
    let ecs = scene.ecs();
    ecs.call("CreateCluster", json!({ "clusterName": "shared" })).await;
    scene.operator.start();
    scene.apply(&service("web", "cluster: shared, taskDefinition: web, desiredCount: 1")).await;
    scene.reason("EcsService/web", "RefNotReady").await;
    let container = json!({ "name": "app", "image": "nginx:1", "memory": 128 });
    ecs.call("RegisterTaskDefinition", json!({ "family": "web", "containerDefinitions": [container] })).await;
    follows(&scene, "web", "web:1").await;
}
