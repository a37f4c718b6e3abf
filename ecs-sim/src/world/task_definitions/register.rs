//! RegisterTaskDefinition.

use serde_json::{Value, json};

use super::{TaskDefinition, TaskDefinitionStatus, attributes, containers, echo, fargate, quantities, volumes};
use crate::world::{ApiError, Cx, arn, input, tags};

/// The longest JSON of a task definition ("Amazon ECS service quotas").
const LONGEST: usize = 65536;

pub(super) fn register(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let family = input::text(call, "family")?.unwrap_or_default();
    if family.is_empty() {
        return Err(ApiError::client("Family can not be blank."));
    }
    if !is_name(family) {
        return Err(ApiError::client("Family contains invalid characters."));
    }
    let (cpu, memory) = (quantities::cpu(call)?, quantities::memory(call)?);
    check_task(call)?;
    containers::check(call, memory)?;
    volumes::check(call)?;
    let fits_fargate = fargate::check(call, cpu, memory);
    if compatibilities(call)?.contains(&"FARGATE") {
        fits_fargate.clone()?;
    } else if cpu.is_some_and(|cpu| !(128..=196_608).contains(&cpu)) {
        return Err(quantities::invalid("cpu"));
    }
    let tags = tags::read(call, "ClientException")?;
    let length = call.to_string().len();
    if length > LONGEST {
        return Err(ApiError::client(format!("Actual length: '{length}'. Max allowed length is '{LONGEST}' bytes.")));
    }

    for role in ["taskRoleArn", "executionRoleArn"] {
        if input::text(call, role)?.is_some_and(|role| !cx.region.outside.has_role(role)) {
            return Err(ApiError::client("Role is not valid"));
        }
    }

    let mut body = echo::echo(call, (cpu, memory), cx.caller, &mut cx.region.random);
    let revision = cx.region.task_definitions.next_revision(family);
    let arn = arn::task_definition(cx.caller, family, revision);
    body["taskDefinitionArn"] = json!(arn);
    body["revision"] = json!(revision);
    body["compatibilities"] = json!(attributes::compatibilities(call, fits_fargate.is_ok()));
    body["requiresAttributes"] = attributes::required(call);
    body["registeredAt"] = json!(cx.now.seconds());
    body["registeredBy"] = json!(format!("arn:aws:iam::{}:root", cx.caller.account));
    let registered = TaskDefinition {
        arn,
        family: family.into(),
        revision,
        status: TaskDefinitionStatus::Active,
        body,
        tags,
        deregistered_at: None,
        delete_requested_at: None,
    };
    let mut answer = json!({ "taskDefinition": registered.shown() });
    // Only where tags were sent the answer has them.
    if input::member(call, "tags").is_some() {
        answer["tags"] = tags::shown(&registered.tags);
    }
    cx.region.task_definitions.families.entry(family.into()).or_default().insert(revision, registered);
    Ok(answer)
}

/// The names of families, containers and volumes.
pub(super) fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=255).contains(&name.len()) && name.bytes().all(legal)
}

fn compatibilities(call: &Value) -> Result<Vec<&str>, ApiError> {
    let required = input::texts(call, "requiresCompatibilities")?;
    match required.iter().find(|one| !["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"].contains(one)) {
        Some(unknown) => Err(ApiError::client(format!("Invalid compatibility: {unknown}"))),
        None => Ok(required),
    }
}

/// What ECS demands of the task as a whole.
fn check_task(call: &Value) -> Result<(), ApiError> {
    for (name, allowed) in [
        ("networkMode", ["awsvpc", "bridge", "host", "none", "default"].as_slice()),
        ("pidMode", &["host", "task"]),
        ("ipcMode", &["host", "task", "none"]),
    ] {
        if input::text(call, name)?.is_some_and(|value| !allowed.contains(&value)) {
            return Err(ApiError::client(format!("Invalid '{name}' setting for task.")));
        }
    }
    let network = input::text(call, "networkMode")?;
    if input::boolean(call, "enableFaultInjection")? == Some(true) && !matches!(network, Some("awsvpc" | "host")) {
        return Err(ApiError::client("Fault injection requires the network mode awsvpc or host."));
    }
    if let Some(storage) = input::member(call, "ephemeralStorage") {
        let size = input::integer(storage, "sizeInGiB")?.unwrap_or_default();
        if !(21..=200).contains(&size) {
            return Err(ApiError::client("Ephemeral storage size must be between 21 and 200 GiB."));
        }
    }
    let constraints = input::list(call, "placementConstraints")?;
    if constraints.len() > 10 {
        return Err(ApiError::client("A task definition can have at most 10 placement constraints."));
    }
    if constraints.iter().any(|one| one["type"] != "memberOf" || !one["expression"].is_string()) {
        return Err(ApiError::client("Placement constraints of task definitions are memberOf with an expression."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Ecs;

    fn register(ecs: &mut Ecs, family: &str) -> String {
        let container = json!([{ "name": "web", "image": "nginx", "memory": 64 }]);
        let call = json!({ "family": family, "containerDefinitions": container });
        let answer = ecs.answer("RegisterTaskDefinition", &call);
        answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().rsplit('/').next().unwrap().into()
    }

    fn listed(ecs: &mut Ecs, input: &Value) -> Vec<String> {
        let answer = ecs.answer("ListTaskDefinitions", input);
        let arns = answer["taskDefinitionArns"].as_array().unwrap();
        arns.iter().map(|arn| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_registration_is_a_new_revision_and_a_bare_family_the_newest_active_one() {
        let mut ecs = Ecs::new();
        assert_eq!(
            [register(&mut ecs, "web"), register(&mut ecs, "web"), register(&mut ecs, "web-2")],
            ["web:1", "web:2", "web-2:1"]
        );
        ecs.answer("DeregisterTaskDefinition", &json!({ "taskDefinition": "web:2" }));
        let shown = ecs.answer("DescribeTaskDefinition", &json!({ "taskDefinition": "web" }));
        assert_eq!(shown["taskDefinition"]["revision"], 1);
        let shown = ecs.answer("DescribeTaskDefinition", &json!({ "taskDefinition": "web:2" }));
        assert_eq!(shown["taskDefinition"]["status"], "INACTIVE");
        assert_eq!(shown["taskDefinition"]["deregisteredAt"], 0.0);
    }

    #[test]
    fn a_family_is_listed_by_its_whole_name_in_pages_that_go_on_where_they_ended() {
        let mut ecs = Ecs::new();
        for family in ["web", "web", "web", "web-2"] {
            register(&mut ecs, family);
        }
        assert_eq!(listed(&mut ecs, &json!({ "familyPrefix": "web" })), ["web:1", "web:2", "web:3"]);
        assert_eq!(listed(&mut ecs, &json!({ "familyPrefix": "we" })), Vec::<String>::new());
        assert_eq!(listed(&mut ecs, &json!({ "sort": "DESC", "maxResults": 2 })), ["web-2:1", "web:3"]);
        let first = ecs.answer("ListTaskDefinitions", &json!({ "maxResults": 2 }));
        ecs.answer("DeregisterTaskDefinition", &json!({ "taskDefinition": "web:1" }));
        assert_eq!(
            listed(&mut ecs, &json!({ "maxResults": 2, "nextToken": first["nextToken"] })),
            ["web:3", "web-2:1"]
        );
    }

    #[test]
    fn families_are_listed_by_prefix_and_by_whether_they_are_in_use() {
        let mut ecs = Ecs::new();
        let revision = register(&mut ecs, "web");
        register(&mut ecs, "worker");
        ecs.answer("DeregisterTaskDefinition", &json!({ "taskDefinition": revision }));
        let mut families =
            |status: &str| ecs.answer("ListTaskDefinitionFamilies", &json!({ "familyPrefix": "w", "status": status }));
        assert_eq!(families("ALL")["families"], json!(["web", "worker"]));
        assert_eq!(families("ACTIVE")["families"], json!(["worker"]));
        assert_eq!(families("INACTIVE")["families"], json!(["web"]));
    }

    #[test]
    fn deletion_wants_deregistration_takes_an_hour_and_never_frees_the_number() {
        let mut ecs = Ecs::new();
        let name = register(&mut ecs, "web");
        let delete = json!({ "taskDefinitions": [name, "web", "web:9"] });
        let reasons = ecs.answer("DeleteTaskDefinitions", &delete)["failures"].clone();
        assert!(reasons[0]["reason"].as_str().unwrap().contains("still in ACTIVE status"));
        assert!(reasons[1]["reason"].as_str().unwrap().contains("identifier is invalid"));
        assert!(reasons[2]["reason"].as_str().unwrap().contains("does not exist"));
        ecs.answer("DeregisterTaskDefinition", &json!({ "taskDefinition": name }));
        let deleted = ecs.answer("DeleteTaskDefinitions", &delete);
        assert_eq!(deleted["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
        let again = ecs.refusal("DeregisterTaskDefinition", &json!({ "taskDefinition": name }));
        assert!(again.message.contains("in the process of being deleted"));
        ecs.pass(3600);
        let gone = ecs.refusal("DescribeTaskDefinition", &json!({ "taskDefinition": name }));
        assert_eq!(gone, ApiError::client("Unable to describe task definition."));
        assert_eq!(register(&mut ecs, "web"), "web:2");
    }

    #[test]
    fn a_deleted_revision_stays_as_long_as_anything_runs_it() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({}));
        ecs.web(&json!({ "launchType": "FARGATE" }));
        ecs.pass(600);
        let named = json!({ "taskDefinition": "web:1" });
        ecs.answer("DeregisterTaskDefinition", &named);
        ecs.answer("DeleteTaskDefinitions", &json!({ "taskDefinitions": ["web:1"] }));
        ecs.pass(7200);
        let shown = ecs.answer("DescribeTaskDefinition", &named);
        assert_eq!(shown["taskDefinition"]["status"], "DELETE_IN_PROGRESS");
        ecs.answer("DeleteService", &json!({ "service": "web", "force": true }));
        ecs.pass(7200);
        ecs.refusal("DescribeTaskDefinition", &named);
    }

    #[test]
    fn a_role_that_is_not_there_is_refused() {
        let mut ecs = Ecs::new();
        ecs.region().outside.missing_roles.insert("app".into());
        let container = json!([{ "name": "web", "image": "nginx", "memory": 64 }]);
        let role = "arn:aws:iam::111122223333:role/app";
        let call = json!({ "family": "web", "containerDefinitions": container, "taskRoleArn": role });
        assert_eq!(ecs.refusal("RegisterTaskDefinition", &call), ApiError::client("Role is not valid"));
    }

    #[test]
    fn what_must_run_on_fargate_is_judged_as_that_and_the_rest_not() {
        let mut ecs = Ecs::new();
        let container = json!([{ "name": "web", "image": "nginx" }]);
        let mut call = json!({
            "family": "web", "containerDefinitions": container, "cpu": ".25 vCPU", "memory": "4GB",
            "networkMode": "awsvpc",
        });
        let shown = ecs.answer("RegisterTaskDefinition", &call)["taskDefinition"].clone();
        assert_eq!((&shown["cpu"], &shown["memory"]), (&json!("256"), &json!("4096")));
        assert_eq!(shown["compatibilities"], json!(["EC2", "MANAGED_INSTANCES"]));
        call["requiresCompatibilities"] = json!(["EC2", "FARGATE"]);
        let refused = ecs.refusal("RegisterTaskDefinition", &call);
        assert!(refused.message.starts_with("No Fargate configuration exists for given values: 256 CPU, 4096 memory."));
        call["memory"] = json!("512");
        let shown = ecs.answer("RegisterTaskDefinition", &call)["taskDefinition"].clone();
        assert_eq!(shown["compatibilities"], json!(["EC2", "MANAGED_INSTANCES", "FARGATE"]));
        assert_eq!(shown["revision"], 2, "a refusal takes no number");
    }

    #[test]
    fn tags_are_shown_beside_the_task_definition_when_asked_for() {
        let mut ecs = Ecs::new();
        let container = json!([{ "name": "web", "image": "nginx", "memory": 64 }]);
        let tags = json!([{ "key": "a", "value": "b" }]);
        let call = json!({ "family": "web", "containerDefinitions": container, "tags": tags });
        assert_eq!(ecs.answer("RegisterTaskDefinition", &call)["tags"], tags);
        let mut shown = |include: Value| {
            let input = json!({ "taskDefinition": "web:1", "include": include });
            ecs.answer("DescribeTaskDefinition", &input)["tags"].clone()
        };
        assert_eq!((shown(json!([])), shown(json!(["TAGS"]))), (json!([]), tags));
        let arn = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1";
        let more = json!({ "resourceArn": arn, "tags": [{ "key": "c", "value": "d" }] });
        ecs.answer("TagResource", &more);
        ecs.answer("UntagResource", &json!({ "resourceArn": arn, "tagKeys": ["a"] }));
        let left = ecs.answer("ListTagsForResource", &json!({ "resourceArn": arn }));
        assert_eq!(left, json!({ "tags": [{ "key": "c", "value": "d" }] }));
    }
}
