//! DescribeContainerInstances and ListContainerInstances.

use serde_json::{Value, json};

use super::{ContainerInstance, InstanceStatus, Resources, missing};
use crate::world::{ApiError, Cx, clusters, input, page, tags};

pub(super) fn describe(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let named = input::texts(call, "containerInstances")?;
    if named.is_empty() {
        return Err(ApiError::invalid("Container instances cannot be empty."));
    }
    if named.len() > 100 {
        return Err(ApiError::invalid("containerInstances can have at most 100 entries."));
    }
    let with_tags = input::includes(call, "TAGS")?;
    let (mut found, mut failures) = (vec![], vec![]);
    for named in named {
        match cx.region.instances.get(&cluster, named) {
            Some(instance) => found.push(shown(cx, instance, with_tags)),
            None => failures.push(missing(cx, &cluster, named)),
        }
    }
    Ok(json!({ "containerInstances": found, "failures": failures }))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    // Without a status all but those that are being registered or taken away are listed.
    let status = match input::text(call, "status")? {
        None => None,
        Some("ACTIVE") => Some(InstanceStatus::Active),
        Some("DRAINING") => Some(InstanceStatus::Draining),
        Some("REGISTERING" | "DEREGISTERING" | "REGISTRATION_FAILED") => {
            return Ok(json!({ "containerInstanceArns": [] }));
        }
        Some(_) => return Err(ApiError::invalid("Invalid container instance status.")),
    };
    let listed = cx
        .region
        .instances
        .in_cluster(&cluster)
        .filter(|instance| status.is_none_or(|status| status == instance.status))
        .map(|instance| instance.arn(cx.caller))
        .collect();
    let (arns, token) = page::of(listed, call, 100, 100)?;
    let mut answer = json!({ "containerInstanceArns": arns });
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    Ok(answer)
}

pub(super) fn shown(cx: &Cx<'_>, instance: &ContainerInstance, with_tags: bool) -> Value {
    let (running, pending) = super::tasks_on(cx.region, instance);
    let attributes: Vec<Value> =
        instance.attributes.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let mut shown = json!({
        "containerInstanceArn": instance.arn(cx.caller),
        "ec2InstanceId": instance.ec2_instance_id,
        "status": instance.status.name(),
        "agentConnected": instance.agent_connected,
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "registeredResources": resources(&instance.registered),
        "remainingResources": resources(&instance.remaining),
        "attributes": attributes,
        "attachments": [],
        "registeredAt": instance.registered_at.seconds(),
        "version": instance.version,
        "versionInfo": { "agentVersion": "1.99.0", "agentHash": "00000000", "dockerVersion": "DockerVersion: 25.0.8" },
        "tags": [],
    });
    if with_tags {
        shown["tags"] = tags::shown(&instance.tags);
    }
    if let Some(provider) = &instance.capacity_provider {
        shown["capacityProviderName"] = json!(provider);
    }
    shown
}

fn resources(resources: &Resources) -> Value {
    let number = |name: &str, value: u64| json!({ "name": name, "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": value });
    let set = |name: &str, ports: Vec<String>| {
        json!({
            "name": name, "type": "STRINGSET", "doubleValue": 0.0, "longValue": 0, "integerValue": 0,
            "stringSetValue": ports,
        })
    };
    json!([
        number("CPU", resources.cpu),
        number("MEMORY", resources.memory),
        set("PORTS", resources.ports.iter().map(u16::to_string).collect()),
        set("PORTS_UDP", resources.ports_udp.iter().map(u16::to_string).collect()),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Registration, register};
    use crate::{Caller, Time, testing::Ecs};

    fn instance(ecs: &mut Ecs) -> String {
        let caller = Caller { account: "111122223333".into(), region: "eu-west-1".into() };
        register(ecs.region(), &caller, Time(0), &Registration::default()).unwrap()
    }

    #[test]
    fn an_instance_is_listed_described_drained_and_taken_away() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({}));
        let arn = instance(&mut ecs);
        assert_eq!(ecs.answer("ListContainerInstances", &json!({}))["containerInstanceArns"], json!([arn]));
        let asked = json!({ "containerInstances": [arn, "gone"] });
        let shown = ecs.answer("DescribeContainerInstances", &asked);
        assert_eq!(shown["containerInstances"][0]["registeredResources"][0]["integerValue"], 2048);
        assert_eq!(shown["failures"][0]["reason"], "MISSING");
        let drain = json!({ "containerInstances": [arn], "status": "DRAINING" });
        let drained = ecs.answer("UpdateContainerInstancesState", &drain);
        assert_eq!(drained["containerInstances"][0]["status"], "DRAINING");
        let active = ecs.answer("ListContainerInstances", &json!({ "status": "ACTIVE" }));
        assert_eq!(active["containerInstanceArns"], json!([]));
        let held = ecs.refusal("DeleteCluster", &json!({ "cluster": "default" }));
        assert_eq!(held.code, "ClusterContainsContainerInstancesException");
        let gone = ecs.answer("DeregisterContainerInstance", &json!({ "containerInstance": arn }));
        assert_eq!(gone["containerInstance"]["status"], "INACTIVE");
        assert_eq!(ecs.answer("ListContainerInstances", &json!({}))["containerInstanceArns"], json!([]));
    }

    #[test]
    fn a_task_takes_room_and_gives_it_back() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({}));
        let arn = instance(&mut ecs);
        let room = super::Resources { cpu: 512, memory: 1024, ports: [80].into(), ports_udp: [53].into() };
        let instance = ecs.region().instances.get_mut("default", &arn).unwrap();
        instance.reserve(&room);
        assert_eq!((instance.remaining.cpu, instance.remaining.memory), (1536, 6656));
        assert!(instance.remaining.ports.contains(&80));
        instance.release(&room);
        assert_eq!(instance.remaining, instance.registered);
    }

    #[test]
    fn tasks_are_counted_on_their_instance_and_lost_with_it() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({}));
        let arn = instance(&mut ecs);
        let container = json!([{ "name": "web", "image": "nginx", "memory": 512 }]);
        ecs.answer("RegisterTaskDefinition", &json!({ "family": "web", "containerDefinitions": container }));
        let task = ecs.answer("RunTask", &json!({ "taskDefinition": "web" }))["tasks"][0]["taskArn"].clone();
        ecs.pass(300);
        let shown = ecs.answer("DescribeContainerInstances", &json!({ "containerInstances": [arn] }));
        let shown = &shown["containerInstances"][0];
        assert_eq!((&shown["runningTasksCount"], &shown["pendingTasksCount"]), (&json!(1), &json!(0)));
        assert_eq!(shown["remainingResources"][1]["integerValue"], 7680 - 512);
        let mut call = json!({ "containerInstance": arn });
        assert_eq!(ecs.refusal("DeregisterContainerInstance", &call).message, "Found running tasks on the instance.");
        call["force"] = json!(true);
        ecs.answer("DeregisterContainerInstance", &call);
        ecs.pass(60);
        let shown = ecs.answer("DescribeTasks", &json!({ "tasks": [task] }))["tasks"][0].clone();
        assert_eq!((&shown["lastStatus"], &shown["stopCode"]), (&json!("STOPPED"), &json!("TerminationNotice")));
        assert!(shown["stoppedReason"].as_str().unwrap().starts_with("Host EC2 (instance i-"));
    }
}
