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
    let mut before = api.get("main").await.unwrap();
    let status = before.status.clone().unwrap();
    objects::write_status(&scene.client, &before, &status).await.unwrap();
    before.metadata.uid = Some("11111111-1111-4111-8111-111111111111".into());
    let refused = objects::write_status(&scene.client, &before, &status).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(answer) if answer.is_conflict()), "{refused:?}");
}
