//! Whose an AWS object is: conflicts, adoption, and what becomes of adopted objects.

use serde_json::{Value, json};

use crate::support::{
    Scene,
    kstatus::condition,
    product::{PRODUCT, cluster, product, refers, service, task_definition},
};

fn message(object: &Value) -> &str {
    condition(object, "Ready").unwrap()["message"].as_str().unwrap()
}

/// The operations of all writes, in order.
fn writes(scene: &Scene) -> Vec<String> {
    scene.proxy.writes().into_iter().map(|call| call.operation).collect()
}

/// Without it, applying a manifest in the wrong account would take over, or delete, what another team made by hand.
#[tokio::test]
async fn what_exists_already_is_a_conflict_and_is_not_touched() {
    let mut scene = Scene::new("exists").await;
    let before = scene.ecs().make_product("nginx:1").await;
    let by_name = service("web", "cluster: main, taskDefinition: 'web:1', desiredCount: 3");
    scene.operator.start();
    scene.apply(&(cluster("main", "") + &task_definition("web", "nginx:1", "") + &by_name)).await;
    for object in PRODUCT {
        let stalled = scene.reason(object, "AlreadyExists").await;
        assert_eq!(condition(&stalled, "Stalled").unwrap()["status"], "True");
        assert!(message(&stalled).contains("adoptionPolicy"), "it says what to do: {}", message(&stalled));
    }
    assert_eq!(writes(&scene), [""; 0], "nothing was touched");
    assert_eq!(scene.ecs().active_service("main", "web").await.unwrap()["deployments"], before["deployments"]);

    // The user's word settles it.
    let adopted = service("web", "cluster: main, taskDefinition: 'web:1', desiredCount: 3, adoptionPolicy: IfExists");
    scene.apply(&adopted).await;
    scene.ready("EcsService/web").await;
    assert_eq!(scene.ecs().active_service("main", "web").await.unwrap()["desiredCount"], 3);
    scene.delete(&PRODUCT);
    for object in PRODUCT {
        scene.gone(object, crate::support::SOON).await;
    }
    assert!(scene.ecs().active_service("main", "web").await.is_some(), "adopted: kept");
    assert!(scene.ecs().cluster("main").await.is_some(), "never ours: kept");
    assert!(!writes(&scene).iter().any(|write| write.starts_with("De")), "{}", scene.proxy.log());
}

/// Without it, a conflict that somebody has cleared away would stand until the operator is restarted.
#[tokio::test]
async fn a_conflict_ends_with_what_was_in_the_way() {
    let mut scene = Scene::new("cleared").await;
    scene.ecs().make_product("nginx:1").await;
    scene.operator.start();
    scene.apply(&product("nginx:1", "")).await;
    for object in ["EcsCluster/main", "EcsTaskDefinition/web"] {
        scene.reason(object, "AlreadyExists").await;
    }
    scene.ecs().delete_service("main", "web").await;
    scene.ecs().call("DeleteCluster", json!({ "cluster": "main" })).await;
    scene.ecs().call("DeregisterTaskDefinition", json!({ "taskDefinition": "web:1" })).await;
    scene.all_ready(&PRODUCT).await;
    assert_eq!(scene.ecs().runs("main", "web").await, "web:2");
}

/// Without it, two manifests (or two Kubernetes clusters) with the same name would fight over one service for ever.
#[tokio::test]
async fn what_belongs_to_another_object_is_a_conflict() {
    let scene = Scene::start("other").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    scene.proxy.clear();
    let same = cluster("second", "clusterName: main")
        + &task_definition("second", "nginx:9", "family: web")
        + &service("second", &format!("{}, serviceName: web, desiredCount: 7", refers("main", "web")));
    scene.apply(&same).await;
    for (kind, owner) in [("EcsCluster", "main"), ("EcsTaskDefinition", "web"), ("EcsService", "web")] {
        let stalled = scene.reason(&format!("{kind}/second"), "OwnedByOther").await;
        let owner = format!("/{kind}/{}/{owner}'", scene.namespace);
        assert!(message(&stalled).contains(&owner), "it names whose it is: {}", message(&stalled));
        assert!(!message(&stalled).contains("--installation-id"), "both are of one: {}", message(&stalled));
    }
    // Deleting the loser touches nothing of the winner's.
    scene.delete(&["EcsService/second", "EcsTaskDefinition/second", "EcsCluster/second"]);
    for kind in ["EcsService", "EcsTaskDefinition", "EcsCluster"] {
        scene.gone(&format!("{kind}/second"), crate::support::SOON).await;
    }
    assert_eq!(writes(&scene), [""; 0]);
    scene.all_ready(&PRODUCT).await;
}

/// Without it, moving a running product under the operator would restart it, and deleting the manifests again would
/// delete what the operator never made.
#[tokio::test]
async fn adopting_deploys_nothing_and_letting_go_keeps_everything() {
    let mut scene = Scene::new("adopt").await;
    let before = scene.ecs().make_product("nginx:1").await;
    scene.operator.start();
    scene.apply(&product("nginx:1", "adoptionPolicy: IfExists")).await;
    scene.all_ready(&PRODUCT).await;
    assert_eq!(writes(&scene), ["TagResource"; 3], "one an object, no deployment:\n{}", scene.proxy.log());
    let after = scene.ecs().active_service("main", "web").await.unwrap();
    assert_eq!(after["deployments"][0]["id"], before["deployments"][0]["id"]);
    for object in PRODUCT {
        assert_eq!(scene.get(object).await.unwrap()["status"]["origin"], "Adopted", "{object}");
    }

    scene.proxy.clear();
    scene.delete(&PRODUCT);
    for object in PRODUCT {
        scene.gone(object, crate::support::SOON).await;
    }
    assert_eq!(writes(&scene), [""; 0], "kept");
    assert!(scene.ecs().active_service("main", "web").await.is_some());
}

/// Without it, `deletionPolicy: Delete` would be a lie for what was adopted, and clean-up would leave costs behind.
#[tokio::test]
async fn an_adopted_product_goes_where_the_user_says_delete() {
    let mut scene = Scene::new("adoptdel").await;
    scene.ecs().make_product("nginx:1").await;
    scene.operator.start();
    scene.apply(&product("nginx:1", "adoptionPolicy: IfExists, deletionPolicy: Delete")).await;
    scene.all_ready(&PRODUCT).await;
    scene.delete(&PRODUCT);
    for object in PRODUCT {
        scene.gone(object, crate::support::SOON).await;
    }
    scene.assert_ecs_is_empty().await;
}

/// Without it, deleting an adopted task definition's object would make revisions INACTIVE that others registered.
#[tokio::test]
async fn of_an_adopted_family_only_our_own_revisions_are_deregistered() {
    let mut scene = Scene::new("adoptfam").await;
    let container = json!({ "name": "app", "image": "nginx:1", "memory": 128 });
    let family = json!({ "family": "web", "containerDefinitions": [container] });
    scene.ecs().call("RegisterTaskDefinition", family).await;
    scene.operator.start();
    scene.apply(&task_definition("web", "nginx:1", "adoptionPolicy: IfExists")).await;
    scene.ready("EcsTaskDefinition/web").await;
    scene.apply(&task_definition("web", "nginx:2", "adoptionPolicy: IfExists")).await;
    scene.ready("EcsTaskDefinition/web").await;
    assert_eq!(scene.ecs().revisions("web", "ACTIVE").await.len(), 2);
    scene.delete(&["EcsTaskDefinition/web"]);
    scene.gone("EcsTaskDefinition/web", crate::support::SOON).await;
    let left = scene.ecs().revisions("web", "ACTIVE").await;
    assert!(left.len() == 1 && left[0].ends_with("/web:1"), "{left:?}");
}

/// Without it, moving a product out of the operator's hands (or to another cluster's) would stop it.
#[tokio::test]
async fn retained_objects_stay_in_ecs_untouched() {
    let scene = Scene::start("retain").await;
    scene.apply(&product("nginx:1", "deletionPolicy: Retain")).await;
    scene.all_ready(&PRODUCT).await;
    scene.proxy.clear();
    // In the order that would have to wait if anything were deleted.
    scene.delete(&PRODUCT);
    for object in PRODUCT {
        scene.gone(object, crate::support::SOON).await;
    }
    assert_eq!(writes(&scene), [""; 0]);
    assert_eq!(scene.ecs().active_service("main", "web").await.unwrap()["runningCount"], 1);
    for object in PRODUCT {
        assert_eq!(scene.told(object, "LeftInEcs").await.kind, "Normal");
    }

    // Applied again, it is taken back without a write: the tags say whose it is.
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    assert_eq!(writes(&scene), [""; 0]);

    // And it is deleted as if it had never been let go.
    scene.delete(&PRODUCT);
    for object in PRODUCT {
        scene.gone(object, crate::support::SOON).await;
    }
    scene.assert_ecs_is_empty().await;
}
