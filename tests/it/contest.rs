//! Somebody else who moves `desiredCount` too.

use serde_json::json;

use crate::support::{
    SOON, Scene,
    kstatus::condition,
    product::{PRODUCT, cluster, refers, service, task_definition},
};

fn shop(count: u32) -> String {
    let service = service("web", &format!("{}, desiredCount: {count}", refers("main", "web")));
    cluster("main", "") + &task_definition("web", "nginx:1", "") + &service
}

/// Without it, a manifest with a `desiredCount` and an autoscaler would start and stop tasks against each other all day.
#[tokio::test]
async fn after_three_corrections_the_operator_gives_way_and_says_so() {
    let scene = Scene::start("contest").await;
    scene.apply(&shop(2)).await;
    for object in PRODUCT {
        scene.ready(object).await;
    }
    let ecs = scene.ecs();
    let scale =
        |count: u32| ecs.call("UpdateService", json!({ "cluster": "main", "service": "web", "desiredCount": count }));
    for round in 1..=3 {
        scale(4 + u32::try_from(round).unwrap()).await;
        scene
            .proxy
            .wait(SOON, move |calls| {
                calls.iter().filter(|call| call.operation == "UpdateService" && call.answered).count() == round
            })
            .await;
    }
    scale(8).await;
    let contested = scene
        .wait("EcsService/web", SOON, |object| {
            condition(object, "DesiredCountContested").is_some() && object["status"]["desiredCount"] == 8
        })
        .await;
    assert_eq!(condition(&contested, "Ready").unwrap()["status"], "True");
    let message = condition(&contested, "DesiredCountContested").unwrap()["message"].as_str().unwrap();
    assert!(message.contains("remove spec.desiredCount"), "{message}");
    assert_eq!(scene.proxy.count("UpdateService"), 3, "{}", scene.proxy.log());

    // An edit is the user's word, and a new start.
    scene.apply(&shop(3)).await;
    scene
        .wait("EcsService/web", SOON, |object| {
            object["status"]["desiredCount"] == 3 && condition(object, "DesiredCountContested").is_none()
        })
        .await;
}
