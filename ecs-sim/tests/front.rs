//! The front door: faults by rules, throttling, stale reads, and the log of it all.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use ecs_sim::{
    Caller, Clock, Simulator,
    front::{Fault, Front, Operations, Outcome, Request, Rule, When},
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

const ACCOUNT: &str = "111122223333";

fn caller() -> Caller {
    Caller { account: ACCOUNT.into(), region: "eu-west-1".into() }
}

fn front() -> Front {
    Front::new(Simulator::new(1, Clock::held()), 1)
}

async fn call(front: &Front, operation: &str, input: Value) -> Outcome {
    let access_key = "AKIAIOSFODNN7EXAMPLE".into();
    front.handle(Request { caller: caller(), access_key, operation: operation.into(), input }).await
}

async fn answer(front: &Front, operation: &str, input: Value) -> Value {
    match call(front, operation, input).await {
        Outcome::Answer { status: 200, body } => (**body).clone(),
        other => panic!("{operation}: {other:?}"),
    }
}

async fn refusal(front: &Front, operation: &str, input: Value) -> (u16, String) {
    match call(front, operation, input).await {
        Outcome::Answer { status, body } if status != 200 => (status, body["__type"].as_str().unwrap().to_owned()),
        other => panic!("{operation}: {other:?}"),
    }
}

fn cluster(name: &str) -> Value {
    json!({ "clusterName": name })
}

async fn clusters(front: &Front) -> usize {
    answer(front, "ListClusters", json!({})).await["clusterArns"].as_array().unwrap().len()
}

fn web() -> Value {
    json!({ "family": "web", "containerDefinitions": [{ "name": "web", "image": "nginx", "memory": 64 }] })
}

#[tokio::test]
async fn refusals_take_no_effect() {
    let front = front();
    for (fault, status, code) in [
        (Fault::Throttle, 400, "ThrottlingException"),
        (Fault::ServerError, 500, "ServerException"),
        (Fault::DenyAccess, 400, "AccessDeniedException"),
        (Fault::ExpiredToken, 400, "ExpiredTokenException"),
        (Fault::Refuse { status: 400, code: "BlockedException".into(), message: "no".into() }, 400, "BlockedException"),
    ] {
        front.clear_rules();
        front.add(Rule::on("CreateCluster", fault));
        assert_eq!(refusal(&front, "CreateCluster", cluster("a")).await, (status, code.into()));
    }
    assert_eq!(clusters(&front).await, 0);
}

#[tokio::test]
async fn a_lost_answer_took_effect_and_a_lost_request_did_not() {
    let front = front();
    front.add(Rule::of(Operations::Writes, Fault::LoseAnswer).containing("after"));
    front.add(Rule::of(Operations::Writes, Fault::LoseRequest).containing("before"));
    assert_eq!(call(&front, "CreateCluster", cluster("before")).await, Outcome::Broken);
    assert_eq!(clusters(&front).await, 0);
    assert_eq!(call(&front, "CreateCluster", cluster("after")).await, Outcome::Broken);
    assert_eq!(clusters(&front).await, 1);
    let effects: Vec<bool> = front.log().iter().map(|record| record.took_effect).collect();
    assert_eq!(effects, [false, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn delays_and_hangs_are_on_tokios_clock_and_a_hung_call_can_have_taken_effect() {
    let front = front();
    let slow = front.add(Rule::of(Operations::Any, Fault::Slow { millis_there: 400, millis_back: 600 }));
    let start = Instant::now();
    assert_eq!(clusters(&front).await, 0);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert!(front.remove(slow) && !front.remove(slow));
    front.add(Rule::on("CreateCluster", Fault::Hang { took_effect: true }).containing("a"));
    front.add(Rule::on("CreateCluster", Fault::Hang { took_effect: false }).containing("b"));
    for name in ["a", "b"] {
        assert!(timeout(Duration::from_secs(9), call(&front, "CreateCluster", cluster(name))).await.is_err());
    }
    assert_eq!(clusters(&front).await, 1);
}

#[tokio::test]
async fn a_role_is_unseen_until_its_time() {
    let front = front();
    let clock = front.simulator().clock();
    front.add(Rule::role_unseen("app", clock.now() + Duration::from_secs(10)));
    let mut call = web();
    assert_eq!(answer(&front, "RegisterTaskDefinition", call.clone()).await["taskDefinition"]["revision"], 1);
    call["taskRoleArn"] = json!("arn:aws:iam::111122223333:role/app");
    assert_eq!(refusal(&front, "RegisterTaskDefinition", call.clone()).await, (400, "ClientException".into()));
    clock.step(Duration::from_secs(10));
    assert_eq!(answer(&front, "RegisterTaskDefinition", call).await["taskDefinition"]["revision"], 2);
}

#[tokio::test]
async fn buckets_refuse_beyond_their_burst_and_fill_with_the_simulated_time() {
    let front = front();
    front.set_buckets(true);
    for number in 0..20 {
        answer(&front, "CreateCluster", cluster(&number.to_string())).await;
    }
    let throttled = (400, "ThrottlingException".to_owned());
    assert_eq!(refusal(&front, "CreateCluster", cluster("x")).await, throttled);
    front.simulator().clock().step(Duration::from_secs(1));
    answer(&front, "DeleteCluster", json!({ "cluster": "0" })).await;
    assert_eq!(refusal(&front, "CreateCluster", cluster("x")).await, throttled);
    let counts = front.counts();
    let creations = counts["CreateCluster"];
    assert_eq!((creations.calls, creations.throttled, creations.took_effect), (22, 2, 20));
    front.set_buckets(false);
    answer(&front, "CreateCluster", cluster("x")).await;
}

#[tokio::test]
async fn the_log_tells_what_was_called_and_answered_and_keeps_as_much_as_it_may() {
    let front = front();
    front.add(Rule::on("ListClusters", Fault::Throttle).when(When::Nth(2)));
    for _ in 0..3 {
        call(&front, "ListClusters", json!({ "maxResults": 7 })).await;
    }
    let log = front.drain_log();
    assert_eq!(log.iter().map(|record| record.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((log[1].operation.as_str(), &log[1].input), ("ListClusters", &json!({ "maxResults": 7 })));
    assert!(matches!(log[1].outcome, Outcome::Answer { status: 400, .. }) && !log[1].took_effect);
    assert!(front.log().is_empty());
    front.keep_log(2);
    for _ in 0..5 {
        clusters(&front).await;
    }
    assert_eq!(front.log().iter().map(|record| record.sequence).collect::<Vec<_>>(), [7, 8]);
    front.keep_log(0);
    clusters(&front).await;
    assert!(front.log().is_empty());
    assert_eq!(front.counts()["ListClusters"].calls, 9);
}

/// A front whose first write is unseen for a while, and how long that is.
async fn lagging() -> Front {
    let front = front();
    answer(&front, "CreateCluster", cluster("old")).await;
    front.set_lag(Duration::from_secs(3600));
    front
}

#[tokio::test]
async fn a_new_object_is_missing_and_unlisted_for_a_while() {
    let front = lagging().await;
    answer(&front, "CreateCluster", cluster("new")).await;
    let asked = json!({ "clusters": ["old", "new"] });
    let shown = answer(&front, "DescribeClusters", asked.clone()).await;
    assert_eq!((shown["clusters"].as_array().unwrap().len(), &shown["failures"][0]["reason"]), (1, &json!("MISSING")));
    assert_eq!(clusters(&front).await, 1);
    let instances = json!({ "cluster": "new" });
    assert_eq!(refusal(&front, "ListContainerInstances", instances).await.1, "ClusterNotFoundException");
    front.simulator().clock().step(Duration::from_secs(3600));
    assert_eq!(answer(&front, "DescribeClusters", asked).await["clusters"].as_array().unwrap().len(), 2);
    assert_eq!(clusters(&front).await, 2);
}

#[tokio::test]
async fn a_changed_object_is_shown_as_it_was_before_the_first_unseen_change() {
    let front = lagging().await;
    for value in ["enabled", "enhanced"] {
        let settings = json!([{ "name": "containerInsights", "value": value }]);
        let answered = answer(&front, "UpdateCluster", json!({ "cluster": "old", "settings": settings })).await;
        assert_eq!(answered["cluster"]["settings"], settings, "the answer to a write is the truth");
    }
    let asked = json!({ "clusters": ["old"], "include": ["SETTINGS"] });
    let shown = answer(&front, "DescribeClusters", asked.clone()).await;
    assert_eq!(shown["clusters"][0]["settings"][0]["value"], "disabled");
    assert_eq!(shown["clusters"].as_array().unwrap().len(), 1);
    front.simulator().clock().step(Duration::from_secs(3600));
    let shown = answer(&front, "DescribeClusters", asked).await;
    assert_eq!(shown["clusters"][0]["settings"][0]["value"], "enhanced");
}

#[tokio::test]
async fn a_deleted_object_is_listed_for_a_while() {
    let front = lagging().await;
    answer(&front, "DeleteCluster", json!({ "cluster": "old" })).await;
    let shown = answer(&front, "DescribeClusters", json!({ "clusters": ["old"] })).await;
    assert_eq!(shown["clusters"][0]["status"], "ACTIVE");
    assert_eq!(clusters(&front).await, 1);
    front.simulator().clock().step(Duration::from_secs(3600));
    assert_eq!(clusters(&front).await, 0);
}

#[tokio::test]
async fn a_new_revision_is_unknown_to_describe_and_list_for_a_while() {
    let front = front();
    answer(&front, "RegisterTaskDefinition", web()).await;
    front.set_lag(Duration::from_secs(3600));
    answer(&front, "RegisterTaskDefinition", web()).await;
    let by_family = answer(&front, "DescribeTaskDefinition", json!({ "taskDefinition": "web" })).await;
    assert_eq!(by_family["taskDefinition"]["revision"], 1);
    let named = json!({ "taskDefinition": "web:2" });
    assert_eq!(refusal(&front, "DescribeTaskDefinition", named.clone()).await.1, "ClientException");
    let listed = answer(&front, "ListTaskDefinitions", json!({})).await;
    assert_eq!(listed["taskDefinitionArns"].as_array().unwrap().len(), 1);
    front.simulator().clock().step(Duration::from_secs(3600));
    assert_eq!(answer(&front, "DescribeTaskDefinition", named).await["taskDefinition"]["revision"], 2);
}

#[tokio::test]
async fn a_service_lags_and_so_does_the_revision_it_is_to_run() {
    let front = front();
    let clock = front.simulator().clock();
    answer(&front, "CreateCluster", json!({})).await;
    front.set_lag(Duration::from_secs(3600));
    answer(&front, "RegisterTaskDefinition", web()).await;
    let service = json!({ "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 0 });
    assert_eq!(refusal(&front, "CreateService", service.clone()).await.1, "ClientException");
    clock.step(Duration::from_secs(3600));
    answer(&front, "CreateService", service).await;
    let asked = json!({ "services": ["web"], "include": ["TAGS"] });
    assert_eq!(answer(&front, "DescribeServices", asked.clone()).await["failures"][0]["reason"], "MISSING");
    assert_eq!(answer(&front, "ListServices", json!({})).await["serviceArns"], json!([]));
    clock.step(Duration::from_secs(3600));
    let arn = answer(&front, "ListServices", json!({})).await["serviceArns"][0].clone();
    answer(&front, "UpdateService", json!({ "service": "web", "desiredCount": 3 })).await;
    let tags = json!([{ "key": "a", "value": "b" }]);
    answer(&front, "TagResource", json!({ "resourceArn": arn, "tags": tags })).await;
    let shown = answer(&front, "DescribeServices", asked.clone()).await["services"][0].clone();
    assert_eq!((&shown["desiredCount"], &shown["tags"]), (&json!(0), &Value::Null));
    clock.step(Duration::from_secs(3600));
    let shown = answer(&front, "DescribeServices", asked).await["services"][0].clone();
    assert_eq!((&shown["desiredCount"], &shown["tags"]), (&json!(3), &tags));
    let bare = answer(&front, "DescribeServices", json!({ "services": ["web"] })).await["services"][0].clone();
    answer(&front, "DeleteService", json!({ "service": "web", "force": true })).await;
    let stale = answer(&front, "DescribeServices", json!({ "services": ["web"] })).await["services"][0].clone();
    assert_eq!(stale["status"], "ACTIVE");
    assert_eq!(stale.get("tags"), bare.get("tags"), "a stale answer has as many members as a fresh one");
    assert_eq!(answer(&front, "ListServices", json!({})).await["serviceArns"], json!([arn]));
}

#[tokio::test]
async fn deployments_and_revisions_of_a_service_lag_with_it() {
    let front = front();
    let clock = front.simulator().clock();
    answer(&front, "CreateCluster", json!({})).await;
    answer(&front, "RegisterTaskDefinition", web()).await;
    let service = json!({ "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 0 });
    answer(&front, "CreateService", service).await;
    clock.step(Duration::from_secs(5));
    front.set_lag(Duration::from_secs(3600));
    let asked = json!({ "service": "web" });
    let before = answer(&front, "ListServiceDeployments", asked.clone()).await;
    let open = before["serviceDeployments"][0].clone();
    assert_eq!(before["serviceDeployments"].as_array().unwrap().len(), 1);
    let forced = answer(&front, "UpdateService", json!({ "service": "web", "forceNewDeployment": true })).await;
    clock.step(Duration::from_secs(10));
    assert_eq!(answer(&front, "ListServiceDeployments", asked.clone()).await, before);
    let described = json!({ "serviceDeploymentArns": [open["serviceDeploymentArn"]] });
    let stale = answer(&front, "DescribeServiceDeployments", described.clone()).await;
    assert_eq!(stale["serviceDeployments"][0]["status"], open["status"]);
    let first = open["targetServiceRevisionArn"].as_str().unwrap();
    let second = forced["service"]["deployments"][0]["id"].as_str().unwrap().replace("ecs-svc/", "");
    let second = format!("{}/{second}", first.rsplit_once('/').unwrap().0);
    let revisions = json!({ "serviceRevisionArns": [first, second] });
    let shown = answer(&front, "DescribeServiceRevisions", revisions.clone()).await;
    assert_eq!(shown["serviceRevisions"].as_array().unwrap().len(), 1);
    assert_eq!(shown["failures"], json!([{ "arn": second, "reason": "MISSING" }]));
    clock.step(Duration::from_secs(3600));
    let now = answer(&front, "ListServiceDeployments", asked).await;
    let newest = now["serviceDeployments"][0]["serviceDeploymentArn"].clone();
    assert_eq!(now["serviceDeployments"].as_array().unwrap().len(), 2);
    assert_eq!(answer(&front, "DescribeServiceRevisions", revisions).await["failures"], json!([]));
    let shown = answer(&front, "DescribeServiceDeployments", described).await;
    assert_eq!(shown["serviceDeployments"][0]["status"], "STOPPED");
    let newest = json!({ "serviceDeploymentArns": [newest] });
    assert_eq!(answer(&front, "DescribeServiceDeployments", newest).await["failures"], json!([]));
}

#[tokio::test]
async fn the_deployments_of_an_unseen_service_are_unseen() {
    let front = front();
    answer(&front, "CreateCluster", json!({})).await;
    answer(&front, "RegisterTaskDefinition", web()).await;
    front.set_lag(Duration::from_secs(3600));
    let service = json!({ "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 0 });
    answer(&front, "CreateService", service).await;
    front.simulator().clock().step(Duration::from_secs(30));
    let asked = json!({ "service": "web" });
    assert_eq!(refusal(&front, "ListServiceDeployments", asked.clone()).await.1, "ServiceNotFoundException");
    front.simulator().clock().step(Duration::from_secs(3600));
    let seen = answer(&front, "ListServiceDeployments", asked).await;
    assert_eq!(seen["serviceDeployments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn task_sets_lag() {
    let front = front();
    let clock = front.simulator().clock();
    answer(&front, "CreateCluster", json!({})).await;
    answer(&front, "RegisterTaskDefinition", web()).await;
    let external = json!({ "serviceName": "web", "desiredCount": 1, "deploymentController": { "type": "EXTERNAL" } });
    answer(&front, "CreateService", external).await;
    front.set_lag(Duration::from_secs(3600));
    let named = json!({ "cluster": "default", "service": "web" });
    let mut creation = named.clone();
    creation["taskDefinition"] = json!("web:1");
    let set = answer(&front, "CreateTaskSet", creation).await["taskSet"]["taskSetArn"].clone();
    let mut one = named.clone();
    one["taskSets"] = json!([set]);
    let unseen = answer(&front, "DescribeTaskSets", one.clone()).await;
    assert_eq!(unseen, json!({ "taskSets": [], "failures": [{ "arn": set, "reason": "MISSING" }] }));
    assert_eq!(answer(&front, "DescribeTaskSets", named.clone()).await["taskSets"], json!([]));
    clock.step(Duration::from_secs(3600));
    let mut update = named.clone();
    (update["taskSet"], update["scale"]) = (set.clone(), json!({ "value": 0, "unit": "PERCENT" }));
    answer(&front, "UpdateTaskSet", update).await;
    assert_eq!(answer(&front, "DescribeTaskSets", one.clone()).await["taskSets"][0]["scale"]["value"], 100.0);
    clock.step(Duration::from_secs(3600));
    assert_eq!(answer(&front, "DescribeTaskSets", one).await["taskSets"][0]["scale"]["value"], 0.0);
}

#[tokio::test]
async fn tags_lag_as_they_are_listed() {
    let front = lagging().await;
    let arn = format!("arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/old");
    let tags = json!([{ "key": "a", "value": "b" }]);
    let asked = json!({ "resourceArn": arn });
    answer(&front, "TagResource", json!({ "resourceArn": arn, "tags": tags })).await;
    assert_eq!(answer(&front, "ListTagsForResource", asked.clone()).await["tags"], json!([]));
    front.simulator().clock().step(Duration::from_secs(3600));
    assert_eq!(answer(&front, "ListTagsForResource", asked).await["tags"], tags);
    answer(&front, "CreateCluster", cluster("new")).await;
    let new = json!({ "resourceArn": format!("arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/new") });
    assert_eq!(refusal(&front, "ListTagsForResource", new).await.1, "InvalidParameterException");
}

#[tokio::test]
async fn the_same_seed_lags_the_same() {
    async fn history(seed: u64) -> Vec<usize> {
        let front = Front::new(Simulator::new(1, Clock::held()), seed);
        front.set_lag(Duration::from_secs(10));
        let mut listed = vec![];
        for number in 0..20 {
            answer(&front, "CreateCluster", cluster(&number.to_string())).await;
            front.simulator().clock().step(Duration::from_secs(1));
            listed.push(clusters(&front).await);
        }
        listed
    }
    assert_eq!(history(3).await, history(3).await);
    assert_ne!(history(3).await, history(4).await);
}
