//! Live through the real SDK over a wire of our own, in simulated time.

mod age;
mod queue;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use futures::StreamExt;
use serde_json::{Value, json};

use super::*;
use crate::ecs::Class;

/// An ECS that knows services by name, counts the calls, and refuses one name.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Ecs>>);

#[derive(Default)]
struct Ecs {
    services: BTreeMap<String, Value>,
    calls: Vec<Vec<String>>,
    denied: Option<String>,
    /// Who calls is refused, whatever is asked for.
    is_expired: bool,
    /// How long a call takes.
    takes: Duration,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        let names: Vec<String> =
            body["services"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect();
        let mut ecs = self.0.lock().unwrap();
        ecs.calls.push(names.clone());
        let (status, answer) = if ecs.is_expired {
            (400, json!({ "__type": "ExpiredTokenException", "message": "The security token is expired" }))
        } else if ecs.denied.as_ref().is_some_and(|denied| names.contains(denied)) {
            (400, json!({ "__type": "AccessDeniedException", "message": "no" }))
        } else {
            let found: Vec<Value> = names.iter().filter_map(|name| ecs.services.get(name).cloned()).collect();
            (200, json!({ "services": found, "failures": [] }))
        };
        let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(answer.to_string()));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
        let takes = ecs.takes;
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(takes).await;
            Ok(response)
        })
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl Wire {
    fn put(&self, name: &str, desired: i64) {
        let service = json!({ "serviceName": name, "status": "ACTIVE", "desiredCount": desired });
        self.0.lock().unwrap().services.insert(name.into(), service);
    }

    fn calls(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().calls.clone()
    }
}

fn live(wire: &Wire) -> (Live, mpsc::UnboundedReceiver<Key>) {
    live_at(wire, 100.0)
}

/// With so much of ECS's rates.
fn live_at(wire: &Wire, share: f64) -> (Live, mpsc::UnboundedReceiver<Key>) {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "test")))
        .http_client(SharedHttpClient::new(wire.clone()))
        .build();
    let cadence = Cadence { quiet: Duration::from_mins(1), rolling: Duration::from_secs(5) };
    Live::new(Regions::new(config, share), cadence)
}

fn key(index: usize) -> Key {
    Key::service("eu-west-1", "c", &format!("s{index}"))
}

async fn first_look(live: &Live, wire: &Wire, count: usize) {
    for index in 0..count {
        wire.put(&format!("s{index}"), 1);
    }
    let looks = (0..count).map(|index| {
        let live = live.clone();
        async move { live.get(&key(index), None).await.unwrap().json().unwrap() }
    });
    futures::future::join_all(looks).await;
}

/// A thousand services cost a hundred calls: the reason why ten thousand fit under ECS's limits.
#[tokio::test(start_paused = true)]
async fn a_thousand_questions_are_a_hundred_calls() {
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    first_look(&live, &wire, 1000).await;
    assert_eq!(wire.calls().len(), 100);
    assert!(wire.calls().iter().all(|names| names.len() == 10));
}

/// Passes ask one after another, as each has done its work: their questions fill calls all the same.
#[tokio::test(start_paused = true)]
async fn a_crowd_that_trickles_fills_its_calls() {
    let wire = Wire::default();
    wire.0.lock().unwrap().takes = Duration::from_millis(50);
    let (live, _changes) = live(&wire);
    let passes = (0..200).map(|index| {
        let live = live.clone();
        async move {
            live.get(&key(index), None).await.unwrap();
            let work = 100 + 37 * u64::try_from(index).unwrap() % 400;
            tokio::time::sleep(Duration::from_millis(work)).await;
        }
    });
    futures::stream::iter(passes).buffer_unordered(20).for_each(|()| std::future::ready(())).await;
    let calls = wire.calls().len();
    assert!(calls <= 40, "{calls} calls for 200 services");
}

/// Fifty services of one cluster that all want to know the same thing make one call.
#[tokio::test(start_paused = true)]
async fn the_same_question_is_asked_once() {
    let wire = Wire::default();
    wire.put("s0", 1);
    let (live, _changes) = live(&wire);
    let asked = key(0);
    futures::future::join_all((0..50).map(|_| live.get(&asked, None))).await;
    assert_eq!(wire.calls().len(), 1);
    live.get(&key(0), None).await.unwrap();
    assert_eq!(wire.calls().len(), 1, "what is held is good enough where nobody asks for a fresh look");
    tokio::time::advance(Duration::from_secs(1)).await;
    live.get(&key(0), Some(Instant::now())).await.unwrap();
    assert_eq!(wire.calls().len(), 2);
}

/// A quiet hour is free: whole calls at a steady rate, no bursts, and nobody is woken.
#[tokio::test(start_paused = true)]
async fn a_quiet_sweep_is_whole_calls_at_a_steady_rate() {
    let wire = Wire::default();
    let (live, mut changes) = live(&wire);
    first_look(&live, &wire, 100).await;
    for index in 0..100 {
        live.keep(&key(index), Pace::Quiet);
    }
    let before = wire.calls().len();
    let sweep = tokio::spawn(live.clone().sweep());
    tokio::time::sleep(Duration::from_mins(10)).await;
    let calls = wire.calls().len() - before;
    assert!((95..=105).contains(&calls), "{calls} calls in 10 sweeps of 100 services");
    assert!(changes.try_recv().is_err(), "nothing changed");
    sweep.abort();
}

/// Drift is seen within one sweep, and so is a service that somebody deleted.
#[tokio::test(start_paused = true)]
async fn drift_and_loss_are_seen_within_a_sweep() {
    let wire = Wire::default();
    let (live, mut changes) = live(&wire);
    first_look(&live, &wire, 20).await;
    for index in 0..20 {
        live.keep(&key(index), Pace::Quiet);
    }
    let sweep = tokio::spawn(live.clone().sweep());
    wire.put("s3", 7);
    assert_eq!(
        tokio::time::timeout(Duration::from_mins(1) + Duration::from_millis(250), changes.recv()).await.unwrap(),
        Some(key(3))
    );
    wire.0.lock().unwrap().services.remove("s4");
    assert_eq!(
        tokio::time::timeout(Duration::from_mins(1) + Duration::from_millis(250), changes.recv()).await.unwrap(),
        Some(key(4))
    );
    assert!(live.peek(&key(4)).unwrap().json().is_none());
    sweep.abort();
}

/// A rollout is looked at every few seconds, and quiet services ride along in its call.
#[tokio::test(start_paused = true)]
async fn a_rolling_service_is_looked_at_at_its_own_pace() {
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    first_look(&live, &wire, 10).await;
    for index in 1..10 {
        live.keep(&key(index), Pace::Quiet);
    }
    live.keep(&key(0), Pace::Rolling);
    let before = wire.calls().len();
    let sweep = tokio::spawn(live.clone().sweep());
    tokio::time::sleep(Duration::from_mins(1)).await;
    let calls = wire.calls();
    let calls = &calls[before..];
    assert!((11..=13).contains(&calls.len()), "{} calls", calls.len());
    assert!(calls.iter().all(|names| names.len() == 10), "a call that is made anyway is filled");
    sweep.abort();
}

async fn ten_looks(live: &Live) -> Vec<Result<Seen, EcsError>> {
    tokio::time::advance(Duration::from_secs(1)).await;
    let now = Instant::now();
    let looks = (0..10).map(|index| {
        let live = live.clone();
        async move { live.get(&key(index), Some(now)).await }
    });
    futures::future::join_all(looks).await
}

/// How many names each of the calls since then asked for.
fn sizes(wire: &Wire) -> Vec<usize> {
    std::mem::take(&mut wire.0.lock().unwrap().calls).iter().map(Vec::len).collect()
}

/// One name that IAM denies must not blind the nine others of its call, nor cost nine calls more from then on.
#[tokio::test(start_paused = true)]
async fn a_bad_name_is_set_apart_until_it_is_read() {
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    wire.0.lock().unwrap().denied = Some("s5".into());
    for index in 0..10 {
        wire.put(&format!("s{index}"), 1);
    }
    let seen = ten_looks(&live).await;
    assert!(seen.iter().enumerate().all(|(index, seen)| seen.is_ok() == (index != 5)));
    assert_eq!(seen[5].as_ref().unwrap_err().class, Class::Denied);
    assert_eq!(sizes(&wire), [10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    ten_looks(&live).await;
    assert_eq!(sizes(&wire), [1, 9], "the nine go together again");
    wire.0.lock().unwrap().denied = None;
    ten_looks(&live).await;
    sizes(&wire);
    assert!(ten_looks(&live).await.iter().all(Result::is_ok));
    assert_eq!(sizes(&wire), [10], "what could be read is taken back");
}

/// A token that expired says nothing of the names: ten calls would only tell it ten times.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_for_its_caller_is_not_split() {
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    wire.0.lock().unwrap().is_expired = true;
    assert!(ten_looks(&live).await.iter().all(Result::is_err));
    assert_eq!(sizes(&wire), [10]);
}

/// What our own write answered is newer than an answer that was asked for before it.
#[tokio::test(start_paused = true)]
async fn an_older_answer_never_replaces_our_write() {
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    wire.put("s0", 1);
    let before = Instant::now();
    tokio::time::advance(Duration::from_secs(1)).await;
    live.absorb(&key(0), json!({ "serviceName": "s0", "desiredCount": 5 }));
    live.state().store(&key(0), Some(json!({ "serviceName": "s0", "desiredCount": 1 })), before);
    assert_eq!(live.peek(&key(0)).unwrap().json().unwrap()["desiredCount"], 5);
}

fn service(name: &str, desired: i64) -> Value {
    json!({ "serviceName": name, "status": "ACTIVE", "desiredCount": desired })
}

/// What a look that begins now shows.
async fn desired_count(live: &Live) -> Option<Value> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    live.get(&key(0), Some(Instant::now())).await.unwrap().json().map(|service| service["desiredCount"].clone())
}

/// ECS answers from the past for some seconds after a write. Taken for drift, the write would be made again, or what
/// was made a moment ago for gone.
#[tokio::test(start_paused = true)]
async fn a_read_from_before_a_write_is_not_believed_for_a_while() {
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    assert_eq!(desired_count(&live).await, None);
    live.absorb(&key(0), service("s0", 1));
    assert_eq!(desired_count(&live).await, Some(json!(1)), "still MISSING in ECS");
    wire.put("s0", 1);
    assert_eq!(desired_count(&live).await, Some(json!(1)));
    live.absorb(&key(0), service("s0", 2));
    assert_eq!(desired_count(&live).await, Some(json!(2)), "still the old count in ECS");
    wire.put("s0", 7);
    assert_eq!(desired_count(&live).await, Some(json!(7)), "what nobody of us wrote is news");
    tokio::time::sleep(Duration::from_secs(31)).await;
    wire.put("s0", 1);
    assert_eq!(desired_count(&live).await, Some(json!(1)), "after a while it is true");
}

/// An answer may show what no read ever will. Who sent it looks again at what the first read shows.
#[tokio::test(start_paused = true)]
async fn the_first_read_after_a_write_wakes_also_where_it_shows_the_same() {
    let wire = Wire::default();
    let (live, mut changes) = live(&wire);
    first_look(&live, &wire, 1).await;
    live.keep(&key(0), Pace::Quiet);
    wire.put("s0", 2);
    live.absorb(&key(0), service("s0", 2));
    assert!(live.peek(&key(0)).unwrap().is_answer);
    tokio::spawn(live.clone().sweep());
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(changes.try_recv(), Ok(key(0)));
    assert!(changes.try_recv().is_err(), "once");
    assert!(!live.peek(&key(0)).unwrap().is_answer);
}

/// More to look at than ECS's rates allow must slow the sweep down, not those who ask.
#[tokio::test(start_paused = true)]
async fn the_sweep_never_stands_before_those_who_ask() {
    let wire = Wire::default();
    let (live, _changes) = live_at(&wire, 1.0);
    for cluster in 0..250 {
        live.keep(&Key::service("eu-west-1", &format!("c{cluster}"), "s0"), Pace::Rolling);
    }
    tokio::spawn(live.clone().sweep());
    tokio::time::sleep(Duration::from_mins(8)).await;
    let asked = Instant::now();
    let _ = live.get(&key(0), Some(asked)).await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

/// A read from before a deployment of ours looks like a rollback, but for that it knows nothing of ours.
#[tokio::test(start_paused = true)]
async fn a_service_without_the_deployment_we_just_began_is_from_the_past() {
    let with = |deployments: &[&str], running: i64| {
        let all: Vec<Value> = deployments
            .iter()
            .enumerate()
            .map(|(index, id)| {
                let began = ["old", "unheard", "new", "newer"].iter().position(|one| one == id);
                json!({ "id": id, "status": if index == 0 { "PRIMARY" } else { "ACTIVE" }, "createdAt": began })
            })
            .collect();
        json!({ "serviceName": "s0", "status": "ACTIVE", "desiredCount": running, "deployments": all })
    };
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    let set = |service: Value| wire.0.lock().unwrap().services.insert("s0".into(), service);
    set(with(&["old"], 1));
    first_deployment(&live).await;
    live.absorb(&key(0), with(&["new", "old"], 1));
    set(with(&["old"], 2));
    assert_eq!(first_deployment(&live).await, "new");
    set(with(&["unheard", "old"], 2));
    assert_eq!(first_deployment(&live).await, "new", "nor is that of an answer that was lost before");
    set(with(&["old", "new"], 2));
    assert_eq!(first_deployment(&live).await, "old", "a rollback shows both");
    live.absorb(&key(0), with(&["new", "old"], 1));
    set(with(&["newer", "old"], 2));
    assert_eq!(first_deployment(&live).await, "newer", "somebody else has deployed");
}

async fn first_deployment(live: &Live) -> String {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let service = live.get(&key(0), Some(Instant::now())).await.unwrap().json().unwrap();
    service["deployments"][0]["id"].as_str().unwrap().to_owned()
}
