//! Small manifests of the three kinds, and what tests ask of ECS again and again.

use serde_json::{Value, json};

use super::{Scene, wire::LiveEcs};

fn manifest(kind: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: ecs-operator.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
}

/// A cluster; `more` are fields of its spec in flow style: `region: eu-west-1, deletionPolicy: Retain`.
pub fn cluster(name: &str, more: &str) -> String {
    manifest("EcsCluster", name, &format!("{{{more}}}"))
}

/// A task definition with one container of this image.
pub fn task_definition(name: &str, image: &str, more: &str) -> String {
    let containers = format!("containerDefinitions: [{{name: app, image: '{image}', memory: 128}}]");
    manifest("EcsTaskDefinition", name, &format!("{{{containers}, {more}}}"))
}

/// A service; `more` must say cluster and task definition: see `refers`.
pub fn service(name: &str, more: &str) -> String {
    manifest("EcsService", name, &format!("{{{more}}}"))
}

/// The references of a service to objects.
pub fn refers(cluster: &str, task_definition: &str) -> String {
    format!("clusterRef: {{name: {cluster}}}, taskDefinitionRef: {{name: {task_definition}}}")
}

/// The cluster `main`, the task definition `web` with this image, and the service `web` that refers to both.
/// `more` goes into all three specs.
pub fn product(image: &str, more: &str) -> String {
    let service = service("web", &format!("{}, desiredCount: 1, {more}", refers("main", "web")));
    cluster("main", more) + &task_definition("web", image, more) + &service
}

/// The three objects of `product`.
pub const PRODUCT: [&str; 3] = ["EcsCluster/main", "EcsTaskDefinition/web", "EcsService/web"];

impl Scene {
    /// Waits until all are ready for their present generation.
    pub async fn all_ready(&self, objects: &[&str]) {
        for object in objects {
            self.ready(object).await;
        }
    }

    /// Asks for a deletion and does not wait for it.
    pub fn delete(&self, objects: &[&str]) {
        self.kubectl(&[&["delete", "--wait=false"], objects].concat());
    }

    /// Waits until ECS shows what is asked, as a client sees it that isn't ours.
    pub async fn ecs_becomes(&self, what: &str, right: impl AsyncFn(&LiveEcs) -> bool) {
        let ecs = self.ecs();
        let until = tokio::time::Instant::now() + super::SOON;
        // ECS has no watch.
        while !right(&ecs).await {
            assert!(tokio::time::Instant::now() < until, "ECS never had {what}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Nothing costs anything any more: no cluster (so no service), no ACTIVE revision.
    pub async fn assert_ecs_is_empty(&self) {
        let ecs = self.ecs();
        let clusters = ecs.call("ListClusters", json!({})).await;
        assert_eq!(clusters["clusterArns"], json!([]), "clusters are left:\n{}", self.proxy.log_all());
        let revisions = ecs.call("ListTaskDefinitions", json!({ "status": "ACTIVE" })).await;
        assert_eq!(revisions["taskDefinitionArns"], json!([]), "revisions are left:\n{}", self.proxy.log_all());
    }
}

impl LiveEcs {
    /// A service that is ACTIVE, `None` where there is none.
    pub async fn active_service(&self, cluster: &str, name: &str) -> Option<Value> {
        self.service(cluster, name).await.filter(|service| service["status"] == "ACTIVE")
    }

    /// The family and number of the revision that a service runs: `web:2`.
    pub async fn runs(&self, cluster: &str, name: &str) -> String {
        let service = self.active_service(cluster, name).await.unwrap_or_default();
        let arn = service["taskDefinition"].as_str().unwrap_or_default();
        arn.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The product of `product`, made by somebody else: the service's answer.
    pub async fn make_product(&self, image: &str) -> Value {
        self.call("CreateCluster", json!({ "clusterName": "main" })).await;
        let container = json!({ "name": "app", "image": image, "memory": 128 });
        self.call("RegisterTaskDefinition", json!({ "family": "web", "containerDefinitions": [container] })).await;
        let service = json!({ "cluster": "main", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 1 });
        self.call("CreateService", service).await["service"].clone()
    }

    /// A service is deleted by somebody else.
    pub async fn delete_service(&self, cluster: &str, name: &str) {
        self.call("DeleteService", json!({ "cluster": cluster, "service": name, "force": true })).await;
    }
}
