//! Starting and stopping: what the operator waits for it says, and it goes on by itself when that is there.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Action, Fault, SOON, Scene,
    bed::bed,
    condition,
    operator::{Operator, Start},
};

const CLUSTER: &str = "
apiVersion: ecs-operator.dev/v1alpha1
kind: EcsCluster
metadata: {name: main}
spec: {}
";

/// An operator that talks to the API server of a kubeconfig and has no AWS at all.
fn operator(kubeconfig: &Path) -> Operator {
    let environment: [(&str, OsString); 4] = [
        ("KUBECONFIG", kubeconfig.into()),
        ("HOME", "/nonexistent".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ("AWS_REGION", "eu-west-1".into()),
    ];
    let mut operator = Operator::new(Start {
        program: env!("CARGO_BIN_EXE_ecs-operator").into(),
        arguments: vec!["run".into(), "--namespace".into(), "nobody".into()],
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    });
    operator.start();
    operator
}

/// Waits until it has logged something, and returns the line.
fn says(operator: &mut Operator, words: &str) -> String {
    let until = Instant::now() + SOON;
    loop {
        let log = operator.log();
        if let Some(line) = log.lines().find(|line| line.contains(words)) {
            return line.to_owned();
        }
        assert!(operator.is_running(), "it ended:\n{log}");
        assert!(Instant::now() < until, "it never said: {words}\n{log}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A test bed of one's own: an API server on which nothing is installed. It ends with this value.
struct Empty {
    process: Child,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
}

impl Empty {
    fn start() -> Self {
        let testbed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/testbed");
        let mut process = Command::new("python3")
            .arg(testbed)
            .args(["up", "--only", "kubernetes"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).expect("a test bed; run `make setup` first");
        let path = |name: &str| PathBuf::from(told[name].as_str().unwrap());
        Self { kubeconfig: path("kubeconfig"), kubectl: path("kubectl"), process }
    }

    fn server(&self) -> String {
        read(&self.kubeconfig)["clusters"][0]["cluster"]["server"].as_str().unwrap().into()
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A pod that starts before the CRDs, or while the API server restarts, must neither crash nor be silent.
#[test]
fn it_waits_for_the_api_server_and_for_the_crds() {
    let bed = Empty::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    // A port that nobody listens on yet.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let server = bed.server();
    let text = std::fs::read_to_string(&bed.kubeconfig).unwrap().replace(&server, &format!("https://{address}"));
    std::fs::write(&file, text).unwrap();

    let mut operator = operator(&file);
    let line = says(&mut operator, "can't be reached");
    let wanted = format!("WARN the Kubernetes API server at https://{address}/ can't be reached: Connection refused");
    assert!(line.contains(&wanted) && line.contains("trying again in 0.5 s"), "{line}");

    forward(TcpListener::bind(address).unwrap(), server.trim_start_matches("https://").to_owned());
    let line = says(&mut operator, "is not installed");
    let wanted = "the CRD ecsclusters.ecs-operator.dev is not installed; run: ecs-operator crds | kubectl apply -f -;";
    assert!(line.contains(wanted), "{line}");

    // As the sentence says.
    let crds = Command::new(env!("CARGO_BIN_EXE_ecs-operator")).arg("crds").output().unwrap().stdout;
    let crds_file = folder.path().join("crds.yaml");
    std::fs::write(&crds_file, crds).unwrap();
    let applied = Command::new(&bed.kubectl)
        .arg("--kubeconfig")
        .arg(&bed.kubeconfig)
        .arg("apply")
        .arg("-f")
        .arg(&crds_file)
        .output()
        .unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    says(&mut operator, "ecs-operator runs");
    operator.stop();
    let log = operator.log();
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
}

fn read(kubeconfig: &Path) -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(kubeconfig).unwrap()).unwrap()
}

/// Hands every connection on to the API server, as long as the test runs.
fn forward(listener: TcpListener, server: String) {
    thread::spawn(move || {
        for inbound in listener.incoming().map_while(Result::ok) {
            let Ok(outbound) = TcpStream::connect(&server) else { continue };
            for (mut from, mut to) in [
                (inbound.try_clone().unwrap(), outbound.try_clone().unwrap()),
                (outbound.try_clone().unwrap(), inbound.try_clone().unwrap()),
            ] {
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
}

/// A token that has run out is the API server's refusal, not its silence.
#[test]
fn a_refusal_of_the_api_server_is_told_in_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let mut kubeconfig = read(&bed().kubeconfig);
    kubeconfig["users"][0]["user"] = json!({ "token": "outdated" });
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    let mut operator = operator(&file);
    let line = says(&mut operator, "refuses");
    assert!(line.contains("refuses: Unauthorized; trying again in"), "{line}");
    operator.stop();
}

/// Without credentials every object says so and what to do; the operator itself goes on, and with credentials all heals.
#[tokio::test]
async fn without_aws_credentials_the_objects_say_what_to_do() {
    let mut scene = Scene::new("no-credentials").await;
    let mut with = Vec::new();
    scene.operator.configure(|start| {
        with.clone_from(&start.environment);
        start.environment.retain(|(name, _)| name != "AWS_ACCESS_KEY_ID" && name != "AWS_SECRET_ACCESS_KEY");
        start.environment.push(("AWS_EC2_METADATA_DISABLED".into(), "true".into()));
    });
    scene.operator.start();
    scene.apply(CLUSTER).await;
    let object = scene.reason("ecscl/main", "AccessDenied").await;
    let ready = condition(&object, "Ready").unwrap();
    let message = ready["message"].as_str().unwrap();
    assert_eq!(
        message,
        "reading cluster main: DescribeClusters failed: Credentials: there are no AWS credentials in the environment, a \
         profile, a web identity token, the container or the instance. Give the operator AWS credentials (IRSA, Pod \
         Identity, or AWS_* variables)"
    );
    assert!(scene.operator.is_running());
    scene.operator.configure(|start| start.environment = with);
    scene.operator.restart();
    scene.ready("ecscl/main").await;
}

/// A rolling update of the operator must not cut a pass in two: what ECS has answered gets into the status.
#[tokio::test]
async fn sigterm_finishes_the_running_pass() {
    let mut scene = Scene::new("sigterm").await;
    scene.proxy.fault(Fault::on("CreateCluster", Action::Delay(Duration::from_millis(1500))));
    scene.operator.start();
    scene.apply(CLUSTER).await;
    scene.proxy.wait(SOON, |calls| calls.iter().any(|call| call.operation == "CreateCluster")).await;
    // Fails unless it ends with 0.
    scene.operator.stop();
    let object = scene.get("ecscl/main").await.unwrap();
    assert!(object["status"]["clusterArn"].is_string(), "{:#}", object["status"]);
    assert_eq!(scene.proxy.count("CreateCluster"), 1);
    assert!(scene.ecs().cluster("main").await.is_some());
    let log = scene.operator.log();
    assert!(log.contains("stopping: running passes are finished first") && log.contains("stopped"), "{log}");
}

/// Ending must not wait for what it waits for itself: a pod that never got ready is deleted in a second.
#[test]
fn sigterm_ends_the_wait_for_the_api_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{ "name": "a", "cluster": { "server": format!("https://{address}") } }],
        "users": [{ "name": "a", "user": { "token": "a" } }],
        "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }],
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let mut operator = operator(&file);
    says(&mut operator, "can't be reached");
    let asked = Instant::now();
    operator.stop();
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}
