//! The status and whose it is.

use ecs_operator::{api::EcsCluster, runtime::objects};
use kube::Api;

use crate::support::{Scene, product::cluster};

/// Without it, an object that was deleted and made anew during a pass would get the status of the one before, and be
/// bound to what that one had.
#[tokio::test]
async fn a_status_is_not_written_to_another_object_of_the_name() {
    let scene = Scene::new("reborn").await;
    scene.apply(&cluster("main", "")).await;
    let api: Api<EcsCluster> = Api::namespaced(scene.client.clone(), &scene.namespace);
    let before = api.get("main").await.unwrap();
    let mut status = before.status.clone().unwrap();
    status.common.region = Some("eu-west-1".into());
    let written = objects::write_status(&scene.client, &before, &status).await.unwrap().unwrap();
    assert_eq!(written.status.unwrap().common.region.as_deref(), Some("eu-west-1"));

    status.common.region = Some("eu-west-2".into());
    let mut other = before.clone();
    other.metadata.uid = Some("11111111-1111-4111-8111-111111111111".into());
    assert!(objects::write_status(&scene.client, &other, &status).await.unwrap().is_none());
    let untouched = api.get("main").await.unwrap().status.unwrap();
    assert_eq!(untouched.common.region.as_deref(), Some("eu-west-1"));

    let late = objects::write_status(&scene.client, &before, &status).await.unwrap();
    assert!(late.is_some(), "somebody else's write in between is no reason not to tell");
}
