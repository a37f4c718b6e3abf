//! The simulator on a port, as a process of its own.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ecs-sim"))
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("ecs-sim listens on http://").unwrap().parse().unwrap();
        Self { process, address }
    }

    /// The whole answer to a request with this head; empty where the connection broke.
    fn send(&self, head: &str, body: &Value) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let body = body.to_string();
        let length = body.len();
        write!(stream, "{head}\r\nhost: ecs\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn call(&self, operation: &str, input: &Value) -> String {
        let head = format!(
            "POST / HTTP/1.1\r\nx-amz-target: AmazonEC2ContainerServiceV20141113.{operation}\r\nauthorization: \
             AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/ecs/aws4_request"
        );
        self.send(&head, input)
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(&format!("{method} /_sim/{path} HTTP/1.1"), body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        body_of(&answer)
    }

    fn signal(&mut self, name: &str) -> Option<i32> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
        for _ in 0..100 {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("it goes on after {name}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn body_of(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn it_answers_as_ecs_does_and_ends_at_a_signal() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        let answer = server.call("CreateCluster", &json!({ "clusterName": "main" }));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("content-type: application/x-amz-json-1.1"), "{answer}");
        assert_eq!(body_of(&answer)["cluster"]["clusterArn"], "arn:aws:ecs:eu-west-1:111122223333:cluster/main");
        let refusal = server.call("DeleteCluster", &json!({ "cluster": "other" }));
        assert!(refusal.starts_with("HTTP/1.1 400"), "{refusal}");
        assert_eq!(body_of(&refusal)["__type"], "ClusterNotFoundException");
        assert_eq!(server.signal(signal), Some(0));
    }
}

#[test]
fn faults_are_added_seen_and_taken_away_by_its_control() {
    let server = Server::start(&["--latency", "1"]);
    assert_eq!(server.control("GET", "health", &json!({})), json!({ "status": "ok" }));
    let rule = json!({ "operations": { "named": ["CreateCluster"] }, "when": { "first": 1 }, "fault": "loseAnswer" });
    let id = server.control("POST", "faults", &rule)["id"].clone();
    assert_eq!(server.call("CreateCluster", &json!({})), "", "the connection breaks");
    let calls = server.control("GET", "calls", &json!({}));
    assert_eq!((&calls[0]["tookEffect"], &calls[0]["status"]), (&json!(true), &Value::Null));
    assert_eq!(server.control("GET", "faults", &json!({})).as_array().unwrap().len(), 2);
    server.control("DELETE", &format!("faults/{id}"), &json!({}));
    assert_eq!(server.control("GET", "faults", &json!({})).as_array().unwrap().len(), 1);
    assert_eq!(server.control("GET", "counts", &json!({}))["CreateCluster"]["broken"], 1);
    server.control("POST", "throttling", &json!({ "on": true }));
    for _ in 0..20 {
        assert!(server.call("UpdateCluster", &json!({ "cluster": "default" })).starts_with("HTTP/1.1 200"));
    }
    assert_eq!(body_of(&server.call("UpdateCluster", &json!({})))["__type"], "ThrottlingException");
    server.control("POST", "reset", &json!({ "seed": 2 }));
    assert_eq!(body_of(&server.call("ListClusters", &json!({}))), json!({ "clusterArns": [] }));
}

#[test]
fn its_clock_is_held_stepped_and_let_go() {
    let server = Server::start(&["--speed", "0"]);
    let time = |body: &Value| server.control("POST", "clock", body)["time"].as_f64().unwrap();
    let start = time(&json!({}));
    assert!((time(&json!({ "step": 90.5 })) - start - 90.5).abs() < 0.001);
    assert!((time(&json!({})) - start - 90.5).abs() < 0.001);
    time(&json!({ "speed": 3600 }));
    thread::sleep(Duration::from_millis(50));
    assert!(time(&json!({ "speed": 0 })) - start > 180.0);
}

#[test]
fn every_endpoint_is_described_and_others_are_unknown() {
    let server = Server::start(&[]);
    let listed = server.control("GET", "", &json!({}));
    assert!(listed["POST /_sim/faults"].as_str().unwrap().contains("adds a rule"));
    assert!(server.send("GET /_sim/coffee HTTP/1.1", &json!({})).starts_with("HTTP/1.1 404"));
    assert!(server.send("POST /_sim/throttling HTTP/1.1", &json!({})).starts_with("HTTP/1.1 400"));
    assert!(server.send("GET / HTTP/1.1", &json!({})).starts_with("HTTP/1.1 405"));
    server.call("CreateCluster", &json!({}));
    let instance = json!({ "account": "111122223333", "region": "eu-west-1", "cpu": 4096 });
    let arn = server.control("POST", "instances", &instance)["containerInstanceArn"].clone();
    let shown = body_of(&server.call("DescribeContainerInstances", &json!({ "containerInstances": [arn] })));
    assert_eq!(shown["containerInstances"][0]["remainingResources"][0]["integerValue"], 4096);
}

#[test]
fn the_world_is_changed_and_looked_into_by_its_control() {
    let server = Server::start(&["--speed", "0"]);
    let here = |more: Value| {
        let mut body = json!({ "account": "111122223333", "region": "eu-west-1" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    server.call("CreateCluster", &json!({}));
    let container = json!([{ "name": "web", "image": "nginx" }]);
    server.call(
        "RegisterTaskDefinition",
        &json!({
            "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
            "memory": "512", "containerDefinitions": container,
        }),
    );
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    let service = json!({
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": network,
    });
    assert!(server.call("CreateService", &service).starts_with("HTTP/1.1 200"));
    server.control("POST", "clock", &json!({ "step": 600 }));
    let query = "truth?account=111122223333&region=eu-west-1&service=web";
    let truth = server.control("GET", query, &json!({}));
    assert_eq!((&truth["deployed"], &truth["running"]), (&json!(true), &json!(1)));
    let full = here(json!({ "provider": "FARGATE", "reason": "Capacity is unavailable at this time." }));
    server.control("POST", "capacity", &full);
    let tasks = body_of(&server.call("ListTasks", &json!({})));
    server.control("POST", "kill", &here(json!({ "task": tasks["taskArns"][0], "stopCode": "SpotInterruption" })));
    server.control("POST", "clock", &json!({ "step": 600 }));
    assert_eq!(server.control("GET", query, &json!({}))["running"], 0);
    server.control("POST", "capacity", &here(json!({ "provider": "FARGATE" })));
    server.control("POST", "clock", &json!({ "step": 3600 }));
    assert_eq!(server.control("GET", query, &json!({}))["running"], 1);
    for (path, body) in [
        ("alarm", json!({ "name": "errors", "on": true })),
        ("hook", json!({ "function": "arn:aws:lambda:eu-west-1:111122223333:function:gate", "answer": "failed" })),
        ("image", json!({ "image": "nginx", "as": "fail/oom" })),
        ("launches", json!({ "service": "web", "count": 2, "as": "fail/pull" })),
        ("role", json!({ "role": "app", "missing": true })),
        ("network", json!({ "arn": "rule", "missing": true })),
        ("listener", json!({ "targetGroup": "group", "missing": false })),
    ] {
        assert_eq!(server.control("POST", path, &here(body)), json!({}), "{path}");
    }
    let with_role = json!({ "family": "web", "containerDefinitions": container, "memory": "64", "taskRoleArn": "app" });
    assert_eq!(body_of(&server.call("RegisterTaskDefinition", &with_role))["message"], "Role is not valid");
    assert_eq!(server.control("GET", "weights", &json!({})), json!({}));
}
