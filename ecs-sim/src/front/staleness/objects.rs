//! Which objects a call is about, and how they are described and listed.

use serde_json::{Value, json};

use crate::ApiError;

/// A kind of object with a Describe of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Cluster,
    Service,
    TaskDefinition,
    Task,
    CapacityProvider,
    ContainerInstance,
}

/// How ECS names things for a kind.
struct Words {
    describe: &'static str,
    /// The member of Describe's input with the names, and of its output with the objects.
    items: &'static str,
    arn: &'static str,
    include: &'static [&'static str],
    /// In messages.
    called: &'static str,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Cluster,
        Self::Service,
        Self::TaskDefinition,
        Self::Task,
        Self::CapacityProvider,
        Self::ContainerInstance,
    ];

    fn words(self) -> Words {
        let (describe, items, arn) = match self {
            Self::Cluster => ("DescribeClusters", "clusters", "clusterArn"),
            Self::Service => ("DescribeServices", "services", "serviceArn"),
            Self::TaskDefinition => ("DescribeTaskDefinition", "taskDefinition", "taskDefinitionArn"),
            Self::Task => ("DescribeTasks", "tasks", "taskArn"),
            Self::CapacityProvider => ("DescribeCapacityProviders", "capacityProviders", "capacityProviderArn"),
            Self::ContainerInstance => ("DescribeContainerInstances", "containerInstances", "containerInstanceArn"),
        };
        let include: &[&str] = match self {
            Self::Cluster => &["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"],
            _ => &["TAGS"],
        };
        let called = match self {
            Self::Cluster => "cluster",
            Self::Service => "service",
            Self::TaskDefinition => "task definition",
            Self::Task => "task",
            Self::CapacityProvider => "capacity provider",
            Self::ContainerInstance => "container instance",
        };
        Words { describe, items, arn, include, called }
    }

    pub(super) fn items(self) -> &'static str {
        self.words().items
    }

    pub(super) fn arn(self) -> &'static str {
        self.words().arn
    }

    /// The kind that an operation describes in batches.
    pub(super) fn described_by(operation: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.words().describe == operation)
    }

    /// The kind that an operation lists, and the member of its output with the ARNs.
    pub(super) fn listed_by(operation: &str) -> Option<(Self, &'static str)> {
        Some(match operation {
            "ListClusters" => (Self::Cluster, "clusterArns"),
            "ListServices" => (Self::Service, "serviceArns"),
            "ListTaskDefinitions" => (Self::TaskDefinition, "taskDefinitionArns"),
            "ListTasks" => (Self::Task, "taskArns"),
            "ListContainerInstances" => (Self::ContainerInstance, "containerInstanceArns"),
            _ => return None,
        })
    }

    /// The objects that a Describe asks for.
    pub(super) fn asked(self, input: &Value) -> Vec<Object> {
        let asked: Vec<_> =
            strings(&input[self.items()]).map(|name| Object::new(self, &input["cluster"], name)).collect();
        if self == Self::Cluster && asked.is_empty() { vec![Object::cluster(&Value::Null)] } else { asked }
    }

    /// An object, described with everything, as an answer shows it that includes only what was asked for.
    pub(super) fn only_included(self, mut item: Value, input: &Value) -> Value {
        let included = |what: &str| strings(&input["include"]).any(|include| include == what);
        let Some(members) = item.as_object_mut() else { return item };
        for (what, names) in [
            ("ATTACHMENTS", ["attachments", "attachmentsStatus"].as_slice()),
            ("CONFIGURATIONS", &["configuration"]),
            ("SETTINGS", &["settings"]),
            ("STATISTICS", &["statistics"]),
            ("TAGS", &["tags"]),
        ] {
            if (self == Self::Cluster || what == "TAGS") && !included(what) {
                for name in names {
                    members.remove(*name);
                }
            }
        }
        item
    }
}

/// One object of an account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    kind: Kind,
    /// Of what lives in one.
    cluster: Option<String>,
    /// Without what comes before it in an ARN; a task definition's has its revision, if one was named.
    name: String,
}

impl Object {
    fn new(kind: Kind, cluster: &Value, name: &str) -> Self {
        let lives_in_cluster = matches!(kind, Kind::Service | Kind::Task | Kind::ContainerInstance);
        let cluster = lives_in_cluster.then(|| name_of(cluster.as_str().unwrap_or("default")).to_owned());
        Self { kind, cluster, name: name_of(name).to_owned() }
    }

    pub(super) fn cluster(name: &Value) -> Self {
        Self::new(Kind::Cluster, &Value::Null, name.as_str().unwrap_or("default"))
    }

    pub(super) fn task_definition(name: &str) -> Self {
        Self::new(Kind::TaskDefinition, &Value::Null, name)
    }

    /// The service that a call names.
    pub(super) fn service(input: &Value) -> Self {
        Self::new(Kind::Service, &input["cluster"], input["service"].as_str().unwrap_or_default())
    }

    /// What an ARN names, or the service whose part it names.
    pub(super) fn of_arn(arn: &str) -> Option<Self> {
        let (kind, path) = arn.split(':').nth(5)?.split_once('/')?;
        let kind = match kind {
            "cluster" => Kind::Cluster,
            "service" | "service-deployment" | "service-revision" | "task-set" => Kind::Service,
            "task-definition" => return Some(Self::task_definition(arn)),
            "task" => Kind::Task,
            "capacity-provider" => Kind::CapacityProvider,
            "container-instance" => Kind::ContainerInstance,
            _ => return None,
        };
        let mut parts = path.split('/');
        let (first, second) = (parts.next()?, parts.next());
        Some(Self::new(kind, &json!(first), second.unwrap_or(first)))
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn describe(&self) -> &'static str {
        self.kind.words().describe
    }

    pub(super) fn describe_input(&self) -> Value {
        let Words { items, include, .. } = self.kind.words();
        let names = if self.kind == Kind::TaskDefinition { json!(self.name) } else { json!([self.name]) };
        let mut input = json!({ items: names, "include": include });
        if let Some(cluster) = &self.cluster {
            input["cluster"] = json!(cluster);
        }
        input
    }

    /// What calls about a service name it by.
    pub(super) fn as_service_input(&self) -> Value {
        json!({ "cluster": self.cluster, "service": self.name })
    }

    /// ListTagsForResource of an object that was described so.
    pub(super) fn tags_in(&self, described: &Result<Value, ApiError>) -> Result<Value, ApiError> {
        let described = described.as_ref().map_err(Clone::clone)?;
        let item = if self.kind == Kind::TaskDefinition { described } else { &described[self.kind.items()][0] };
        if item.is_null() {
            return Err(ApiError::invalid(format!("The specified {} does not exist.", self.kind.words().called)));
        }
        Ok(json!({ "tags": item["tags"].as_array().map_or(&[][..], Vec::as_slice) }))
    }

    /// Whether a List shows an object that was described so.
    pub(super) fn is_listed(&self, described: Result<&Value, &ApiError>) -> bool {
        let Ok(described) = described else { return false };
        let item = if self.kind == Kind::TaskDefinition {
            &described["taskDefinition"]
        } else {
            &described[self.kind.items()][0]
        };
        match self.kind {
            Kind::Cluster => item["status"] == "ACTIVE" || item["status"] == "PROVISIONING",
            Kind::Service | Kind::TaskDefinition => item["status"] == "ACTIVE",
            Kind::Task | Kind::CapacityProvider | Kind::ContainerInstance => !item.is_null(),
        }
    }

    pub(super) fn arn_in(&self, described: &Value) -> Option<Value> {
        let item = if self.kind == Kind::TaskDefinition {
            &described["taskDefinition"]
        } else {
            &described[self.kind.items()][0]
        };
        item.get(self.kind.arn()).cloned()
    }

    /// Whether an ARN is its own.
    pub(super) fn is(&self, arn: &str) -> bool {
        Self::of_arn(arn).is_some_and(|object| object == *self)
    }

    /// Whether a List with this input would show it, had it not been deleted.
    pub(super) fn is_asked_by_list(&self, input: &Value) -> bool {
        let filters = ["launchType", "schedulingStrategy", "resourceManagementType", "filter"];
        let filtered = filters.iter().any(|name| !input[*name].is_null());
        let active = input["status"].as_str().is_none_or(|status| status == "ACTIVE");
        let here = match self.kind {
            Kind::TaskDefinition => {
                let family = self.name.split(':').next();
                self.name.contains(':') && (input["familyPrefix"].is_null() || input["familyPrefix"].as_str() == family)
            }
            Kind::Cluster => true,
            _ => self.cluster == Self::new(self.kind, &input["cluster"], "").cluster,
        };
        !filtered && active && here
    }
}

/// The existing or future objects that a write is about.
pub(super) fn written(operation: &str, input: &Value) -> Vec<Object> {
    let in_cluster = |kind, member: &str| {
        let name = input[member].as_str().unwrap_or_default();
        vec![Object::new(kind, &input["cluster"], name)]
    };
    match operation {
        "CreateCluster" => vec![Object::cluster(&input["clusterName"])],
        "UpdateCluster" | "UpdateClusterSettings" | "PutClusterCapacityProviders" | "DeleteCluster" => {
            vec![Object::cluster(&input["cluster"])]
        }
        "CreateService" => in_cluster(Kind::Service, "serviceName"),
        "UpdateService"
        | "DeleteService"
        | "CreateTaskSet"
        | "UpdateTaskSet"
        | "DeleteTaskSet"
        | "UpdateServicePrimaryTaskSet" => in_cluster(Kind::Service, "service"),
        "StopServiceDeployment" | "ContinueServiceDeployment" => {
            input["serviceDeploymentArn"].as_str().and_then(Object::of_arn).into_iter().collect()
        }
        "RegisterTaskDefinition" => strings_of(input, "family").map(Object::task_definition).collect(),
        "DeregisterTaskDefinition" => strings_of(input, "taskDefinition").flat_map(revision_and_family).collect(),
        "DeleteTaskDefinitions" => strings(&input["taskDefinitions"]).map(Object::task_definition).collect(),
        "StopTask" => in_cluster(Kind::Task, "task"),
        "CreateCapacityProvider" | "UpdateCapacityProvider" => in_cluster(Kind::CapacityProvider, "name"),
        "DeleteCapacityProvider" => in_cluster(Kind::CapacityProvider, "capacityProvider"),
        "DeregisterContainerInstance" => in_cluster(Kind::ContainerInstance, "containerInstance"),
        "UpdateContainerInstancesState" => Kind::ContainerInstance.asked(input),
        "TagResource" | "UntagResource" => strings_of(input, "resourceArn").filter_map(Object::of_arn).collect(),
        _ => vec![],
    }
}

/// The objects that only the answer names, and how Describe answers while it does not see them.
pub(super) fn made(operation: &str, answer: &Value) -> Vec<(Object, Result<Value, ApiError>)> {
    match operation {
        "RegisterTaskDefinition" => {
            let missing = ApiError::refused("ClientException", "Unable to describe task definition.");
            let arn = answer["taskDefinition"]["taskDefinitionArn"].as_str();
            arn.map(|arn| (Object::task_definition(arn), Err(missing))).into_iter().collect()
        }
        "RunTask" | "StartTask" => answer["tasks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|task| task["taskArn"].as_str())
            .filter_map(|arn| {
                let missing = json!({ "tasks": [], "failures": [{ "arn": arn, "reason": "MISSING" }] });
                Some((Object::of_arn(arn)?, Ok(missing)))
            })
            .collect(),
        _ => vec![],
    }
}

fn revision_and_family(name: &str) -> Vec<Object> {
    let object = Object::task_definition(name);
    let family = object.name.split(':').next().map(Object::task_definition);
    [Some(object), family].into_iter().flatten().collect()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn strings_of<'a>(input: &'a Value, member: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    input[member].as_str().into_iter()
}

/// What an object is called, of a name or an ARN.
pub(super) fn name_of(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns_name_the_same_object() {
        let arn = "arn:aws:ecs:eu-west-1:111122223333:service/main/web";
        let by_name = Object::new(Kind::Service, &json!("main"), "web");
        assert_eq!(Object::new(Kind::Service, &json!("arn:aws:ecs:eu-west-1:1:cluster/main"), arn), by_name);
        assert!(by_name.is(arn));
        assert!(!Object::new(Kind::Service, &Value::Null, "web").is(arn));
        assert!(Object::task_definition("web:3").is("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:3"));
        let deployment = json!({ "serviceDeploymentArn": "arn:aws:ecs:r:1:service-deployment/main/web/abc" });
        assert_eq!(written("StopServiceDeployment", &deployment), [by_name]);
    }

    #[test]
    fn what_was_not_asked_for_is_left_out() {
        let cluster = json!({ "clusterName": "main", "settings": [1], "tags": [2] });
        let shown = Kind::Cluster.only_included(cluster, &json!({ "include": ["TAGS"] }));
        assert_eq!(shown, json!({ "clusterName": "main", "tags": [2] }));
    }
}
