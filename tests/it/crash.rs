//! The operator dies, or an answer is lost, at each write of a story that creates, changes and deletes. Whatever
//! happens, the story ends as it does without: one service, two revisions, then nothing.

use std::{collections::BTreeMap, pin::pin};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::support::{
    Action, Call, Fault, SOON, Scene,
    operator::Operator,
    product::{PRODUCT, cluster, refers, service, task_definition},
    proxy::Fired,
};

/// How many stories run at once: their waits overlap, their work doesn't.
const AT_ONCE: usize = 6;

// === The story ===

fn created() -> String {
    cluster("main", "tags: [{key: Team, value: a}, {key: Old, value: x}]")
        + &task_definition("web", "nginx:1", "tags: [{key: Team, value: a}]")
        + &service("web", &format!("{}, desiredCount: 1, tags: [{{key: Team, value: a}}]", refers("main", "web")))
}

fn changed() -> String {
    let settings = "settings: [{name: containerInsights, value: enabled}], capacityProviders: [FARGATE]";
    cluster("main", &format!("{settings}, tags: [{{key: Team, value: b}}]"))
        + &task_definition("web", "nginx:2", "tags: [{key: Team, value: b}]")
        + &service("web", &format!("{}, desiredCount: 2, tags: [{{key: Team, value: b}}]", refers("main", "web")))
}

/// Creates, changes and deletes, and looks at what that came to.
async fn story(scene: &Scene) {
    scene.apply(&created()).await;
    scene.all_ready(&PRODUCT).await;
    check(scene, 1, 1, "a").await;
    scene.apply(&changed()).await;
    scene.ready("EcsCluster/main").await;
    scene.ready("EcsTaskDefinition/web").await;
    // Ready for its generation, it may still be on the old revision for a moment.
    let follows =
        |object: &Value| object["status"]["taskDefinition"] == "web:2" && object["status"]["desiredCount"] == 2;
    scene.wait("EcsService/web", SOON, follows).await;
    scene.ready("EcsService/web").await;
    check(scene, 2, 2, "b").await;
    let cluster = scene.ecs().cluster("main").await.unwrap();
    assert_eq!(cluster["capacityProviders"], json!(["FARGATE"]));
    assert_eq!(cluster["settings"], json!([{ "name": "containerInsights", "value": "enabled" }]));
    assert_eq!(tag(&cluster, "Old"), None);
    scene.delete(&PRODUCT);
    for object in PRODUCT {
        scene.gone(object, SOON).await;
    }
    scene.assert_ecs_is_empty().await;
    assert_eq!(scene.ecs().revisions("web", "INACTIVE").await.len(), 2, "no twin was ever registered");
}

/// What ECS holds, as a client sees it that isn't ours.
async fn check(scene: &Scene, revision: usize, count: i64, team: &str) {
    let ecs = scene.ecs();
    let log = || scene.proxy.log_all();
    assert_eq!(ecs.revisions("web", "ACTIVE").await.len(), revision, "no twin:\n{}", log());
    assert_eq!(ecs.runs("main", "web").await, format!("web:{revision}"), "{}", log());
    let services = ecs.call("ListServices", json!({ "cluster": "main" })).await;
    assert_eq!(services["serviceArns"].as_array().map(Vec::len), Some(1), "no second service:\n{}", log());
    let web = ecs.active_service("main", "web").await.unwrap();
    assert_eq!((&web["desiredCount"], &web["runningCount"]), (&json!(count), &json!(count)), "{}", log());
    let revision = ecs.task_definition(&format!("web:{revision}")).await.unwrap();
    let cluster = ecs.cluster("main").await.unwrap();
    for (what, object) in [("service", &web), ("cluster", &cluster), ("revision", &revision)] {
        assert_eq!(tag(object, "Team").as_deref(), Some(team), "{what}:\n{}", log());
    }
}

fn tag(object: &Value, key: &str) -> Option<String> {
    let found = object["tags"].as_array()?.iter().find(|tag| tag["key"] == key)?;
    found["value"].as_str().map(Into::into)
}

// === What goes wrong ===

#[derive(Clone, Copy, Debug)]
enum Accident {
    /// SIGKILL once ECS has done it, before the answer.
    KilledAfter,
    /// SIGKILL before ECS sees the call.
    KilledBefore,
    /// The first answer is lost; the next pass looks and asks again.
    LostOnce,
    /// The answers of several calls in a row are lost, those of the passes that repeat it.
    LostAlways,
}

impl Accident {
    fn fault(self, operation: &str, nth: usize) -> Fault {
        let on = |action| Fault::on(operation, action).nth(nth);
        match self {
            Self::KilledAfter => on(Action::HoldAnswer),
            Self::KilledBefore => on(Action::Hang),
            Self::LostOnce => on(Action::LoseAnswer),
            Self::LostAlways => on(Action::LoseAnswer).times(attempts(operation)),
        }
    }

    fn kills(self) -> bool {
        matches!(self, Self::KilledAfter | Self::KilledBefore)
    }
}

/// How many answers in a row are lost. A revision that was registered is found by the next look: that call is not made
/// again.
fn attempts(operation: &str) -> usize {
    if operation == "RegisterTaskDefinition" { 1 } else { 3 }
}

/// The writes of the story when all goes well: each operation, and how often.
async fn writes() -> BTreeMap<String, usize> {
    let scene = Scene::start("story").await;
    story(&scene).await;
    let mut writes = BTreeMap::new();
    for call in scene.proxy.writes() {
        *writes.entry(call.operation).or_insert(0) += 1;
    }
    writes
}

/// The story with an accident at one write.
async fn run(accident: Accident, operation: String, nth: usize) {
    let mut scene = Scene::start("crash").await;
    let fired = scene.proxy.fault(accident.fault(&operation, nth));
    let off = scene.operator.another();
    let mut operator = std::mem::replace(&mut scene.operator, off);
    let mut told = pin!(story(&scene));
    let mut killing = pin!(kill(&scene, &mut operator, accident, &fired));
    tokio::select! {
        // Where the accident did not come, nobody is killed.
        () = &mut told => {}
        () = &mut killing => told.await,
    }
    if fired.count() == 0 {
        // Two edits that are seen at once need one call fewer.
        let made = scene.proxy.writes().into_iter().filter(|call| call.operation == operation).count();
        assert!(made < nth, "{accident:?} at {operation} {nth} never came");
    }
    println!("{accident:?} at {operation} {nth}: fine");
}

/// Kills the operator when the accident has come, and starts it again.
async fn kill(scene: &Scene, operator: &mut Operator, accident: Accident, fired: &Fired) {
    if !accident.kills() {
        return;
    }
    let done = |call: &Call| call.is_write() && call.reached_ecs && !call.answered;
    let has_come =
        |calls: &[Call]| fired.count() > 0 && (matches!(accident, Accident::KilledBefore) || calls.iter().any(done));
    scene.proxy.wait(SOON * 2, has_come).await;
    operator.kill();
    scene.proxy.mend();
    operator.start();
}

/// One run for each write of the story.
async fn at_each_write(accident: Accident) {
    let writes = writes().await;
    let kinds = [
        "CreateCluster",
        "RegisterTaskDefinition",
        "CreateService",
        "UpdateService",
        "DeleteService",
        "DeregisterTaskDefinition",
        "DeleteCluster",
        "UpdateCluster",
        "PutClusterCapacityProviders",
        "TagResource",
        "UntagResource",
    ];
    for kind in kinds {
        assert!(writes.contains_key(kind), "the story has no {kind}: {writes:?}");
    }
    let runs = writes.into_iter().flat_map(|(operation, count)| (1..=count).map(move |nth| (operation.clone(), nth)));
    let runs = runs.map(|(operation, nth)| run(accident, operation, nth));
    stream::iter(runs).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

// === The tests ===

/// Without it, an operator that is evicted at the wrong moment would leave a second revision or service behind.
#[tokio::test]
async fn killed_when_ecs_has_done_what_was_asked() {
    at_each_write(Accident::KilledAfter).await;
}

/// Without it, an operator that is evicted at the wrong moment would believe done what never was.
#[tokio::test]
async fn killed_before_ecs_has_seen_the_call() {
    at_each_write(Accident::KilledBefore).await;
}

/// Without it, a network that drops a packet would be a second revision or a service that is never ready.
#[tokio::test]
async fn the_answer_is_lost_once() {
    at_each_write(Accident::LostOnce).await;
}

/// Without it, a network that is down for seconds would be a second revision or a service that is never ready.
#[tokio::test]
async fn the_answer_is_lost_every_time() {
    at_each_write(Accident::LostAlways).await;
}

/// Without it, what was made in the very moment of a crash would be forgotten, and cost money for ever, when its
/// manifest is deleted before the operator is back.
#[tokio::test]
async fn what_was_made_at_the_crash_is_found_by_the_deletion() {
    for operation in ["CreateCluster", "RegisterTaskDefinition", "CreateService"] {
        let mut scene = Scene::new("crashdel").await;
        scene.proxy.fault(Fault::on(operation, Action::HoldAnswer));
        scene.operator.start();
        scene.apply(&created()).await;
        scene.proxy.wait(SOON, |calls| calls.iter().any(|call| call.operation == operation && call.reached_ecs)).await;
        scene.operator.kill();
        scene.proxy.mend();
        scene.delete(&PRODUCT);
        scene.operator.start();
        for object in PRODUCT {
            // Of one that has a finalizer and no status, nobody knows for a minute whether it was called for.
            scene.gone(object, SOON * 3).await;
        }
        scene.assert_ecs_is_empty().await;
    }
}

/// Without it, what ECS makes of a call whose caller died, a moment after the deletion looked for it, would be there for
/// ever.
#[tokio::test]
async fn what_is_made_after_the_deletion_looked_is_found_too() {
    for (operation, object) in [
        ("CreateCluster", "EcsCluster/main"),
        ("RegisterTaskDefinition", "EcsTaskDefinition/web"),
        ("CreateService", "EcsService/web"),
    ] {
        let mut scene = Scene::new("late").await;
        scene.proxy.fault(Fault::on(operation, Action::Hang));
        scene.operator.start();
        scene.apply(&created()).await;
        let is_call = |call: &Call| call.operation == operation;
        let calls = scene.proxy.wait(SOON, |calls| calls.iter().any(is_call)).await;
        let body = calls.into_iter().find(is_call).unwrap().body;
        scene.operator.kill();
        scene.proxy.mend();
        scene.delete(&PRODUCT);
        scene.operator.start();
        let reads = |object: &Value| object["status"]["conditions"][0]["message"].to_string();
        scene.wait(object, SOON, |object| reads(object).contains("may be making what it does not show")).await;
        scene.ecs().call(operation, body).await;
        for object in PRODUCT {
            // Of one that has a finalizer and no status, nobody knows for a minute whether it was called for.
            scene.gone(object, SOON * 3).await;
        }
        scene.assert_ecs_is_empty().await;
    }
}
