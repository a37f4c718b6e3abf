//! Credentials of another account than the one that objects are bound to.

use std::ffi::OsString;

use crate::support::{
    SOON, Scene,
    product::{PRODUCT, cluster, product, service, task_definition},
};

fn credentials(scene: &mut Scene, account: &str) {
    let account = OsString::from(account);
    scene.operator.stop();
    scene.operator.configure(|start| {
        for (name, value) in &mut start.environment {
            if name == "AWS_ACCESS_KEY_ID" {
                value.clone_from(&account);
            }
        }
    });
    scene.operator.start();
}

/// Without it, an operator restarted with the wrong profile would make everything a second time in that account, and let
/// deleted objects go while what they stand for runs on in the other.
#[tokio::test]
async fn nothing_is_made_or_given_up_in_the_wrong_account() {
    let mut scene = Scene::start("account").await;
    scene.apply(&product("nginx:1", "")).await;
    for object in PRODUCT {
        scene.ready(object).await;
    }
    let right = scene.account.to_string();
    scene.proxy.clear();
    credentials(&mut scene, "999999999999");
    for object in PRODUCT {
        scene.reason(object, "AccessDenied").await;
    }
    scene.delete(&PRODUCT);
    scene
        .becomes("EcsCluster/main", SOON, |object| {
            object.is_some_and(|object| object["metadata"]["deletionTimestamp"].is_string())
        })
        .await;
    assert_eq!(scene.proxy.log(), "", "nothing is written");
    assert!(scene.get("EcsService/web").await.is_some(), "the service still runs in the other account");

    credentials(&mut scene, &right);
    for object in PRODUCT {
        scene.gone(object, SOON).await;
    }
    scene.assert_ecs_is_empty().await;
}

/// Without it, a service whose manifest names a cluster of another account would be made in the cluster of that name in
/// this one.
#[tokio::test]
async fn a_cluster_of_another_account_is_not_looked_for_in_this_one() {
    let scene = Scene::start("otherarn").await;
    let there = "cluster: 'arn:aws:ecs:eu-west-1:999999999999:cluster/main', taskDefinition: web, desiredCount: 1";
    let named = service("web", there);
    scene.apply(&(cluster("main", "") + &task_definition("web", "nginx:1", "") + &named)).await;
    scene.ready("EcsCluster/main").await;
    scene.ready("EcsTaskDefinition/web").await;
    let denied = scene.reason("EcsService/web", "AccessDenied").await;
    assert!(denied["metadata"]["finalizers"].is_null(), "there is nothing to delete here: {denied:#}");
    assert_eq!(scene.proxy.count("CreateService"), 0, "{}", scene.proxy.log());
}
