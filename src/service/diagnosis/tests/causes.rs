//! Reading, grouping, order and sentences.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{cause, definition, exited, task, unstarted};
use crate::service::diagnosis::{Cause, CauseKind, StopCode, StoppedTask, causes, revision, summary, what_failed};

const OUT_OF_MEMORY: Option<&str> = Some("OutOfMemoryError: Container killed due to memory usage");

fn told(causes: &[Cause]) -> Vec<(CauseKind, usize, usize)> {
    causes.iter().map(|cause| (cause.kind, cause.count, cause.of)).collect()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_task_is_read() {
    let read = StoppedTask::read(&json!({
        "taskArn": "arn:task", "taskDefinitionArn": "arn:definition", "startedBy": "ecs-svc/1", "stopCode": "NewCode",
        "stoppedReason": " because ", "stoppedAt": 1_700_000_000.25, "lastStatus": "STOPPED",
        "containers": [{ "name": "web", "exitCode": 3, "reason": "", "image": "web:1", "healthStatus": "UNHEALTHY" }, {}],
    }));
    let read = read.unwrap();
    assert_eq!(read.stopped_at, Timestamp::from_millisecond(1_700_000_000_250).unwrap());
    assert_eq!(
        (read.stop_code.as_ref().map(StopCode::as_str), read.stopped_reason.as_deref()),
        (Some("NewCode"), Some("because"))
    );
    let [container] = read.containers.as_slice() else { panic!("{read:?}") };
    assert_eq!((container.exit_code, container.reason.as_deref(), container.is_unhealthy), (Some(3), None, true));
    assert_eq!(StoppedTask::read(&json!({ "taskArn": "arn:task", "lastStatus": "RUNNING" })), None);
    assert_eq!(StoppedTask::read(&Value::Null), None);
}

#[test]
fn a_task_being_stopped_counts_from_when_that_began() {
    let stopping = json!({ "taskArn": "arn:task", "lastStatus": "DEPROVISIONING", "stoppingAt": 7.0 });
    assert_eq!(StoppedTask::read(&stopping).unwrap().stopped_at, second(7));
}

#[test]
fn the_same_cause_is_told_once() {
    let tasks = [
        exited(1, 137, OUT_OF_MEMORY),
        exited(5, 137, OUT_OF_MEMORY),
        exited(3, 1, None),
        exited(4, 1, None),
        exited(2, 2, None),
    ];
    let found = causes(&tasks, Some(&definition()), None);
    // Of two that are as many, the newer comes first.
    let expected =
        [(CauseKind::OutOfMemory, 2, 5), (CauseKind::ContainerExited, 2, 5), (CauseKind::ContainerExited, 1, 5)];
    assert_eq!(told(&found), expected);
    assert_eq!((found[0].last_seen, found[1].exit_code, found[2].exit_code), (second(5), Some(1), Some(2)));
    assert_eq!(found[0].stop_code, Some(StopCode::EssentialContainerExited));
    assert!(found[1].is_same(&causes(&tasks[2..3], None, None)[0]) && !found[1].is_same(&found[2]));
}

#[test]
fn only_the_newest_ten_count_and_only_those_of_the_deployment() {
    let mut tasks: Vec<StoppedTask> = (0..20).map(|second| exited(second, i64::from(second > 9), None)).collect();
    assert_eq!(told(&causes(&tasks, None, None)), [(CauseKind::ContainerExited, 10, 10)]);
    tasks[19].started_by = Some("ecs-svc/2".to_owned());
    assert_eq!(causes(&tasks, None, Some("ecs-svc/2"))[0].count, 1);
    assert_eq!(causes(&tasks, None, Some("ecs-svc/3")), []);
}

/// Advice names values of what failed, not of what the manifest says by now.
#[test]
fn the_revision_is_that_of_the_newest_task_of_the_deployment() {
    let ran = |second: i64, deployment: &str, revision: &str| StoppedTask {
        started_by: Some(deployment.to_owned()),
        task_definition: Some(revision.to_owned()),
        ..exited(second, 1, None)
    };
    let tasks = [ran(3, "ecs-svc/2", "web:2"), ran(2, "ecs-svc/1", "web:1"), ran(1, "ecs-svc/1", "web:0")];
    assert_eq!(revision(&tasks, Some("ecs-svc/1")), Some("web:1"));
    assert_eq!(revision(&tasks, None), Some("web:2"));
    assert_eq!(revision(&tasks, Some("ecs-svc/3")), None);
}

#[test]
fn what_is_stopped_on_purpose_is_no_cause() {
    for (code, reason) in [
        (Some("ServiceSchedulerInitiated"), "Scaling activity initiated by (deployment ecs-svc/1234567890123456789)"),
        (
            Some("ServiceSchedulerInitiated"),
            "ECS is performing maintenance on the underlying infrastructure hosting the task",
        ),
        (
            Some("ServiceSchedulerInitiated"),
            "Service failing: ECS is performing maintenance on the underlying infrastructure",
        ),
        (Some("ServiceSchedulerInitiated"), "Something new that the scheduler does"),
        (Some("UserInitiated"), "Task stopped by user"),
        (Some("UserInitiated"), "to test what OutOfMemoryError does"),
        (None, "Scaling activity initiated by deployment ecs-svc/1234567890123456789"),
    ] {
        let containers = json!([{ "name": "web", "exitCode": 137, "reason": "OutOfMemoryError: Container killed" }]);
        let patch = json!({ "stopCode": code, "stoppedReason": reason, "containers": containers });
        assert_eq!(causes(&[task(1, &patch)], None, None), [], "{reason}");
    }
    let failed =
        json!({ "stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Task failed VPC Lattice health checks" });
    assert_eq!(cause(task(1, &failed)).kind, CauseKind::Other);
}

#[test]
fn the_container_that_ended_first_is_blamed() {
    let blamed = |containers: Value, definition: Option<&Value>| {
        let patch = json!({
            "stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited",
            "containers": containers,
        });
        let cause = causes(&[task(1, &patch)], definition, None).remove(0);
        (cause.container.unwrap(), cause.exit_code)
    };
    let stopped = json!([{ "name": "proxy", "exitCode": 143 }, { "name": "web", "exitCode": 1 }]);
    assert_eq!(blamed(stopped, None), ("web".to_owned(), Some(1)));
    let drained = json!([{ "name": "proxy", "exitCode": 0 }, { "name": "web", "exitCode": 137 }]);
    assert_eq!(blamed(drained, None), ("web".to_owned(), Some(137)));
    let optional = json!([
        { "name": "proxy", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage" },
        { "name": "web", "exitCode": 1 },
    ]);
    assert_eq!(blamed(optional, Some(&definition())), ("web".to_owned(), Some(1)));
    let strange = json!([{ "name": "proxy", "exitCode": 0 }, { "name": "web", "reason": "NewError: unheard of" }]);
    assert_eq!(blamed(strange, None), ("web".to_owned(), None));
    assert_eq!(blamed(json!([{ "name": "web" }, { "name": "proxy", "exitCode": 1 }]), Some(&definition())).0, "proxy");
}

/// Fargate says it of the task, and which container it was only by its exit code.
#[test]
fn out_of_memory_said_of_the_task() {
    let patch = json!({
        "stopCode": "EssentialContainerExited", "stoppedReason": "OutOfMemoryError: Container killed due to memory usage",
        "containers": [{ "name": "proxy", "exitCode": 0 }, { "name": "web", "exitCode": 137 }],
    });
    let found = cause(task(1, &patch));
    assert_eq!((found.container.as_deref(), found.exit_code), (Some("web"), Some(137)));
}

#[test]
fn memory_is_told_where_it_is_set() {
    let advice = |definition: &Value| causes(&[exited(1, 137, OUT_OF_MEMORY)], Some(definition), None).remove(0).advice;
    // DescribeTaskDefinition's shape, and no limit on the container.
    let described = json!({ "taskDefinition": { "memory": "2 GB", "containerDefinitions": [{ "name": "web" }] } });
    assert_eq!(advice(&described), "raise `memory` of the task (2 GB), or lower what container web uses");
    let both = json!({ "memory": 512, "containerDefinitions": [{ "name": "web", "memory": 512 }] });
    assert_eq!(advice(&both), "raise `memory` of container web and of the task (both 512 MiB), or lower what it uses");
    assert_eq!(advice(&json!({})), "raise `memory` of container web, or lower what it uses");
}

#[test]
fn reasons_are_short_and_the_same_for_the_same() {
    let reason = |task: &str, address: &str| {
        cause(unstarted(
            1,
            &format!("CannotPullContainerError: {task}: dial tcp {address}:443: i/o timeout {}", "ä".repeat(400)),
        ))
        .reason
    };
    let one = reason("0123456789abcdef0123456789abcdef", "52.217.233.242");
    assert_eq!(one, reason("fedcba9876543210fedcba9876543210", "16.182.41.122"));
    assert!(one.starts_with("CannotPullContainerError: …: dial tcp …: i/o timeout ää") && one.ends_with('…'), "{one}");
    assert_eq!(one.chars().count(), 300);
}

fn sentence(causes: &[Cause]) -> Option<String> {
    let count = |count: usize| i32::try_from(count).unwrap();
    let told = causes.iter().map(|cause| {
        let what = what_failed(cause.kind.as_str(), cause.container.as_deref(), cause.exit_code);
        (count(cause.count), count(cause.of), format!("{what}: {}", cause.what_to_do()))
    });
    summary(&told.collect::<Vec<_>>())
}

#[test]
fn a_sentence_for_one_cause_among_others() {
    let tasks = [
        exited(5, 137, OUT_OF_MEMORY),
        exited(4, 137, OUT_OF_MEMORY),
        exited(3, 137, OUT_OF_MEMORY),
        exited(2, 1, None),
        unstarted(1, "CannotPullContainerError: manifest for docker.io/acme/web:1.2 not found: manifest unknown"),
    ];
    assert_eq!(
        sentence(&causes(&tasks, Some(&definition()), None)).unwrap(),
        "3 of the last 5 failed tasks: OutOfMemory in container web (exit 137): raise `memory` of container web (512 MiB), or \
         lower what it uses; 1 of 5: ContainerExited in container web (exit 1): an error of the program itself, see its log \
         (log group /ecs/shop); 1 of 5: ImageNotFound in container web: image docker.io/acme/web:1.2 is not in its registry: \
         correct `image` or push it, or start a new deployment if the tag was moved or its digest deleted since the last one."
    );
}

#[test]
fn a_sentence_where_all_failed_alike() {
    let reason = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: \
                  unable to retrieve secret from asm: AccessDeniedException";
    let found = causes(&[unstarted(1, reason), unstarted(2, reason)], Some(&definition()), None);
    assert_eq!(
        sentence(&found).unwrap(),
        "All of the last 2 failed tasks: SecretsUnavailable in container web: check that `valueFrom` of secret DB \
         (secret:db-AbCdEf:password::) exists (with the JSON key, if it names \
         one), that the role in `executionRoleArn` (shop-execution) may read it (secretsmanager:GetSecretValue or \
         ssm:GetParameters, kms:Decrypt), and that the subnets have a way to Secrets Manager or SSM."
    );
}

#[test]
fn a_sentence_for_what_nobody_knows() {
    let found = causes(&[unstarted(1, "Something nobody has seen")], None, None);
    assert_eq!(found[0].reason, "Something nobody has seen");
    assert_eq!(
        sentence(&found).unwrap(),
        "The last failed task: Other: ECS says \"Something nobody has seen\": that is all it tells."
    );
    assert_eq!(sentence(&[]), None);
}
