//! References to other objects of the same namespace, and names of ECS that stand for one of ours.

use kube::{KubeSchema, ResourceExt};
use serde::{Deserialize, Serialize};

use super::{EcsCluster, EcsService, EcsTaskDefinition};
use crate::ecs::arn;

/// Names an object of this kind's group in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[schemars(inline)]
pub struct LocalReference {
    /// Name of the object, in the same namespace. It need not exist yet: the operator waits for it.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
}

/// Whether `service` refers to `cluster` by its object.
pub fn refers_to_cluster(service: &EcsService, cluster: &EcsCluster) -> bool {
    let reference = service.spec.cluster_ref.as_ref();
    reference.is_some_and(|reference| reference.name == cluster.name_any())
        && service.namespace() == cluster.namespace()
}

/// Whether `service` names `cluster` as ECS knows it, in any namespace.
pub fn names_cluster(service: &EcsService, cluster: &EcsCluster) -> bool {
    let name = cluster.spec.cluster_name.clone().unwrap_or_else(|| cluster.name_any());
    let region = cluster.status.as_ref().and_then(|status| status.common.region.as_deref());
    let region = cluster.spec.region.as_deref().or(region);
    let text = service.spec.cluster.as_deref();
    text.is_some_and(|text| arn::named(text) == name && is_in(service, text, region))
}

/// Whether `service` refers to `definition` by its object.
pub fn refers_to_task_definition(service: &EcsService, definition: &EcsTaskDefinition) -> bool {
    let reference = service.spec.task_definition_ref.as_ref();
    reference.is_some_and(|reference| reference.name == definition.name_any())
        && service.namespace() == definition.namespace()
}

/// Whether `service` names the family of `definition`, or a revision of it, as ECS knows it, in any namespace.
pub fn names_task_definition(service: &EcsService, definition: &EcsTaskDefinition) -> bool {
    let family = definition.spec.family.clone().unwrap_or_else(|| definition.name_any());
    let region = definition.status.as_ref().and_then(|status| status.common.region.as_deref());
    let region = definition.spec.region.as_deref().or(region);
    let text = service.spec.task_definition.as_deref();
    text.is_some_and(|text| {
        let named = arn::named(text).split(':').next();
        named == Some(&*family) && is_in(service, text, region)
    })
}

/// Whether what a service names by `text` can be in `region`: as far as either is known.
fn is_in(service: &EcsService, text: &str, region: Option<&str>) -> bool {
    let of_arn = text.starts_with("arn:").then(|| text.split(':').nth(3)).flatten();
    let bound = service.status.as_ref().and_then(|status| status.common.region.as_deref());
    let named = of_arn.or(service.spec.region.as_deref()).or(bound);
    named.zip(region).is_none_or(|(named, region)| named == region)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object<K: serde::de::DeserializeOwned>(kind: &str, name: &str, namespace: &str, spec: &Value) -> K {
        let metadata = json!({ "name": name, "namespace": namespace });
        let object =
            json!({ "apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec });
        serde_json::from_value(object).unwrap()
    }

    /// What is named as ECS names it is ours all the same: whoever waits for it must hear of it.
    #[test]
    fn a_name_of_ecs_is_a_reference_too() {
        let cluster: EcsCluster =
            object("EcsCluster", "prod", "platform", &json!({ "clusterName": "main", "region": "eu-west-1" }));
        let names = |spec: &Value| {
            let service: EcsService = object("EcsService", "web", "shop", spec);
            (refers_to_cluster(&service, &cluster), names_cluster(&service, &cluster))
        };
        assert_eq!(names(&json!({ "cluster": "main" })), (false, true));
        assert_eq!(names(&json!({ "cluster": "arn:aws:ecs:eu-west-1:1:cluster/main" })), (false, true));
        assert_eq!(names(&json!({ "cluster": "arn:aws:ecs:us-east-1:1:cluster/main" })), (false, false));
        assert_eq!(names(&json!({ "cluster": "prod" })), (false, false));
        assert_eq!(names(&json!({ "clusterRef": { "name": "prod" } })), (false, false), "another namespace's");

        let definition: EcsTaskDefinition =
            object("EcsTaskDefinition", "web", "shop", &json!({ "containerDefinitions": [] }));
        let names = |text: &str| {
            let spec = json!({ "cluster": "main", "taskDefinition": text });
            names_task_definition(&object("EcsService", "web", "shop", &spec), &definition)
        };
        assert!(names("web") && names("web:3") && names("arn:aws:ecs:eu-west-1:1:task-definition/web:3"));
        assert!(!names("web-2"));
    }
}
