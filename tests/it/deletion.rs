//! Deleting, in every order and in every plight: what is ours goes, what isn't stays, and nothing is stranded.

use serde_json::{Value, json};

use crate::support::{
    SOON, Scene, kstatus,
    kstatus::condition,
    product::{PRODUCT, cluster, product, refers, service, task_definition},
};

fn message(object: &Value) -> &str {
    condition(object, "Ready").and_then(|ready| ready["message"].as_str()).unwrap_or_default()
}

/// The place of the first write of this operation whose body says this text.
fn place(scene: &Scene, operation: &str, text: &str) -> usize {
    let writes = scene.proxy.writes();
    let found = writes.iter().position(|call| call.operation == operation && call.body.to_string().contains(text));
    found.unwrap_or_else(|| panic!("no {operation} with {text}:\n{}", scene.proxy.log()))
}

async fn all_gone(scene: &Scene, objects: &[&str]) {
    for object in objects {
        scene.gone(object, SOON).await;
    }
}

/// Without it, whoever deletes the cluster first (as `kubectl delete -f` in file order does) would end with objects
/// that are never gone, or with tasks that go on running and costing.
#[tokio::test]
async fn every_order_of_deletion_ends_with_nothing_left() {
    const ORDERS: [[&str; 3]; 6] = [
        ["EcsCluster", "EcsTaskDefinition", "EcsService"],
        ["EcsCluster", "EcsService", "EcsTaskDefinition"],
        ["EcsTaskDefinition", "EcsCluster", "EcsService"],
        ["EcsTaskDefinition", "EcsService", "EcsCluster"],
        ["EcsService", "EcsCluster", "EcsTaskDefinition"],
        ["EcsService", "EcsTaskDefinition", "EcsCluster"],
    ];
    let scene = Scene::start("orders").await;
    for number in 0..ORDERS.len() {
        let name = format!("p{number}");
        let one = service(&name, &format!("{}, desiredCount: 1", refers(&name, &name)));
        scene.apply(&(cluster(&name, "") + &task_definition(&name, "nginx:1", "") + &one)).await;
    }
    for (number, order) in ORDERS.iter().enumerate() {
        for kind in order {
            scene.ready(&format!("{kind}/p{number}")).await;
        }
    }
    for (number, order) in ORDERS.iter().enumerate() {
        for kind in order {
            let object = format!("{kind}/p{number}");
            scene.delete(&[&object]);
            // The next is deleted once the operator has looked at this one.
            let looked_at = |object: Option<&Value>| object.is_none_or(|object| kstatus::reason(object) == "Deleting");
            scene.becomes(&object, SOON, looked_at).await;
        }
    }
    for (number, order) in ORDERS.iter().enumerate() {
        for kind in order {
            scene.gone(&format!("{kind}/p{number}"), SOON).await;
        }
        let name = format!("p{number}");
        let service = place(&scene, "DeleteService", &name);
        assert!(service < place(&scene, "DeleteCluster", &name), "{}", scene.proxy.log());
        assert!(service < place(&scene, "DeregisterTaskDefinition", &name), "{}", scene.proxy.log());
    }
    scene.assert_ecs_is_empty().await;
}

/// Without it, `kubectl delete -f folder/` would hang, or leave something behind in AWS.
#[tokio::test]
async fn a_folder_is_deleted_at_once() {
    let scene = Scene::start("folder").await;
    let mut manifests = product("nginx:1", "");
    for number in 0..5 {
        manifests += &service(&format!("worker-{number}"), &format!("{}, desiredCount: 1", refers("main", "web")));
    }
    let file = scene.bed.dir.join(format!("{}.yaml", scene.namespace));
    std::fs::write(&file, &manifests).unwrap();
    let file = file.display().to_string();
    scene.kubectl(&["apply", "--server-side", "-f", &file]);
    scene.all_ready(&PRODUCT).await;
    for number in 0..5 {
        scene.ready(&format!("EcsService/worker-{number}")).await;
    }
    // kubectl waits until all are gone.
    scene.kubectl(&["delete", "--timeout=60s", "-f", &file]);
    scene.assert_ecs_is_empty().await;
    assert_eq!(scene.proxy.count("DeleteService"), 6, "{}", scene.proxy.log());
}

/// Without it, deleting a namespace would hang for ever or leave its services running in AWS.
#[tokio::test]
async fn a_namespace_is_deleted_with_everything_in_it() {
    let scene = Scene::start("namespace").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    scene.kubectl(&["delete", "namespace", &scene.namespace, "--timeout=60s"]);
    scene.assert_ecs_is_empty().await;
}

/// Without it, the operator would delete, or try to delete for ever, a cluster that others still use; and nobody
/// would know why the object stays.
#[tokio::test]
async fn a_cluster_with_something_foreign_in_it_stays_and_names_it() {
    let scene = Scene::start("foreign").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    let foreign = json!({ "cluster": "main", "serviceName": "legacy", "taskDefinition": "web:1", "desiredCount": 0 });
    scene.ecs().call("CreateService", foreign).await;
    scene.delete(&PRODUCT);
    all_gone(&scene, &["EcsService/web", "EcsTaskDefinition/web"]).await;
    let held = scene.wait("EcsCluster/main", SOON, |object| kstatus::reason(object) == "DeletionBlocked").await;
    assert!(message(&held).contains("service legacy"), "{}", message(&held));
    assert!(scene.ecs().active_service("main", "legacy").await.is_some());
    assert_eq!(scene.ecs().cluster("main").await.unwrap()["status"], "ACTIVE");
    assert_eq!(scene.proxy.count("DeleteCluster"), 0, "{}", scene.proxy.log());

    scene.ecs().delete_service("main", "legacy").await;
    scene.gone("EcsCluster/main", SOON).await;
    scene.assert_ecs_is_empty().await;
}

/// Without it, the last guard of a production service would not hold.
#[tokio::test]
async fn prevent_deletion_holds_and_releases() {
    let scene = Scene::start("prevent").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    let annotation = "ecs-operator.dev/prevent-deletion";
    scene.kubectl(&[&["annotate"], &PRODUCT[..], &[&format!("{annotation}=true")]].concat());
    scene.proxy.clear();
    scene.delete(&PRODUCT);
    for object in PRODUCT {
        let held = scene.wait(object, SOON, |object| kstatus::reason(object) == "DeletionBlocked").await;
        assert!(message(&held).contains(annotation), "{}", message(&held));
    }
    assert_eq!(scene.proxy.log(), "", "AWS is untouched");
    assert_eq!(scene.ecs().active_service("main", "web").await.unwrap()["runningCount"], 1);
    scene.told("EcsService/web", "DeletionBlocked").await;

    scene.kubectl(&[&["annotate"], &PRODUCT[..], &[&format!("{annotation}-")]].concat());
    all_gone(&scene, &PRODUCT).await;
    scene.assert_ecs_is_empty().await;
}

/// Without it, an object would be stranded when somebody has cleaned up in AWS before; or, worse, deleting it would
/// first make the thing anew.
#[tokio::test]
async fn what_is_gone_in_ecs_already_is_let_go() {
    let mut scene = Scene::start("goneinecs").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    scene.operator.stop();
    scene.delete(&PRODUCT);
    scene.ecs().delete_service("main", "web").await;
    scene.ecs().call("DeleteCluster", json!({ "cluster": "main" })).await;
    scene.ecs().call("DeregisterTaskDefinition", json!({ "taskDefinition": "web:1" })).await;
    scene.proxy.clear();
    scene.operator.start();
    all_gone(&scene, &PRODUCT).await;
    assert_eq!(scene.proxy.log(), "", "nothing was left to call");
    scene.assert_ecs_is_empty().await;
}

/// Without it, a typo in a reference would make an object that can't be deleted.
#[tokio::test]
async fn an_object_whose_reference_never_was_is_deleted_at_once() {
    let scene = Scene::start("noref").await;
    scene
        .apply(
            &(cluster("main", "") + &service("a", &refers("nowhere", "none")) + &service("b", &refers("main", "none"))),
        )
        .await;
    scene.ready("EcsCluster/main").await;
    for object in ["EcsService/a", "EcsService/b"] {
        scene.reason(object, "RefNotReady").await;
    }
    scene.delete(&["EcsService/a", "EcsService/b", "EcsCluster/main"]);
    all_gone(&scene, &["EcsService/a", "EcsService/b", "EcsCluster/main"]).await;
    scene.assert_ecs_is_empty().await;
}

/// Without it, a service whose cluster object somebody removed by force would leak in AWS or never be gone.
#[tokio::test]
async fn a_bound_service_is_deleted_without_the_objects_it_refers_to() {
    let mut scene = Scene::start("lostref").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    scene.operator.stop();
    // By force: the finalizers are taken away by hand.
    for object in ["EcsCluster/main", "EcsTaskDefinition/web"] {
        scene.kubectl(&["patch", object, "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]);
        scene.delete(&[object]);
        scene.gone(object, SOON).await;
    }
    scene.operator.start();
    let waits = scene.wait("EcsService/web", SOON, |object| kstatus::reason(object) == "RefNotReady").await;
    assert!(message(&waits).contains("'main'"), "{}", message(&waits));
    scene.proxy.clear();
    scene.delete(&["EcsService/web"]);
    scene.gone("EcsService/web", SOON).await;
    assert_eq!(scene.ecs().service("main", "web").await.unwrap()["status"], "INACTIVE");
    assert_eq!(scene.proxy.count("DeleteService"), 1, "{}", scene.proxy.log());
}

/// Without it, `kubectl delete crd`, or a chart that is uninstalled, would delete every service of every namespace
/// in AWS.
#[tokio::test]
async fn deleting_the_crds_deletes_nothing_in_aws() {
    // The CRDs are everybody's, so this test has a bed of its own.
    let scene = Scene::start_alone("crds").await;
    scene.apply(&product("nginx:1", "")).await;
    scene.all_ready(&PRODUCT).await;
    scene.proxy.clear();
    let crds = ["ecsclusters", "ecstaskdefinitions", "ecsservices"].map(|name| format!("crd/{name}.ecs-operator.dev"));
    let crds: Vec<&str> = crds.iter().map(String::as_str).collect();
    // kubectl waits until they and all objects are gone.
    scene.kubectl(&[&["delete", "--timeout=60s"], &crds[..]].concat());
    assert_eq!(scene.proxy.log(), "", "AWS is untouched");
    assert_eq!(scene.ecs().active_service("main", "web").await.unwrap()["runningCount"], 1);
    assert_eq!(scene.ecs().cluster("main").await.unwrap()["status"], "ACTIVE");
    assert_eq!(scene.ecs().revisions("web", "ACTIVE").await.len(), 1);
}
