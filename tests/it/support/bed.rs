//! The test bed: a real API server and MiniStack, once for the whole test run.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use ecs_operator::api::crd;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, Config,
    api::{Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{conditions::is_crd_established, wait::await_condition},
};
use serde_json::Value;

/// What a test has to know of the bed.
pub struct Bed {
    /// Of a user who may do everything.
    pub kubeconfig: PathBuf,
    /// Of the user "ecs-operator", by whom the audit log knows the operator's writes.
    pub operator_kubeconfig: PathBuf,
    /// Of the service account that may do what RBAC grants it.
    pub service_account_kubeconfig: PathBuf,
    /// MiniStack's address, `http://host:port`.
    pub ecs: String,
    pub kubectl: PathBuf,
    /// A Python that has boto3.
    pub python: PathBuf,
    pub audit_log: PathBuf,
    /// Of the run; it goes with it.
    pub dir: PathBuf,
    /// The bed ends when its standard input is closed, that is with this process at the latest.
    _process: Child,
}

/// The user of `operator_kubeconfig`.
pub const OPERATOR_USER: &str = "ecs-operator";

/// The bed, started by whoever asks first.
pub fn bed() -> &'static Bed {
    static BED: OnceLock<Result<Bed, String>> = OnceLock::new();
    match BED.get_or_init(start) {
        Ok(bed) => bed,
        Err(sentence) => panic!("{sentence}"),
    }
}

/// A bed for one test alone that does to it what other tests would not survive. It ends with the test run.
pub fn bed_alone() -> &'static Bed {
    match start() {
        Ok(bed) => Box::leak(Box::new(bed)),
        Err(sentence) => panic!("{sentence}"),
    }
}

fn start() -> Result<Bed, String> {
    let testbed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tools/testbed");
    let mut process = Command::new("python3")
        .arg(&testbed)
        .args(["up", "--ministack", "--controller-manager"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the test bed needs python3: {error}; run `make setup` first"))?;
    let mut line = String::new();
    let stdout = process.stdout.take().ok_or("the test bed has no output")?;
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    let mut stderr = process.stderr.take().ok_or("the test bed has no output for errors")?;
    if line.is_empty() {
        let mut says = String::new();
        let _ = stderr.read_to_string(&mut says);
        return Err(format!("the test bed doesn't start; run `make setup` first. It says:\n{says}"));
    }
    // What it says later is why the tests fail.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::stderr()));

    let told: Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
    let text = |name: &str| {
        let text = told[name].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("the test bed has no {name}; run `make setup` first"))
    };
    let path = |name: &str| text(name).map(PathBuf::from);
    let bed = Bed {
        kubeconfig: path("kubeconfig")?,
        operator_kubeconfig: path("operator_kubeconfig")?,
        service_account_kubeconfig: path("service_account_kubeconfig")?,
        ecs: text("ecs")?,
        kubectl: path("kubectl")?,
        python: path("python")?,
        audit_log: path("audit_log")?,
        dir: path("dir")?,
        _process: process,
    };
    // A runtime can't be blocked on inside another one, and the test that came first may be in one.
    std::thread::scope(|scope| {
        let install = scope.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
            runtime.block_on(install_crds(&bed)).map_err(|error| format!("the CRDs can't be installed: {error}"))
        });
        install.join().map_err(|_| "the installation of the CRDs panicked".to_owned())?
    })?;
    Ok(bed)
}

async fn install_crds(bed: &Bed) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let crds: Api<CustomResourceDefinition> = Api::all(bed.client().await?);
    let mut names = Vec::new();
    for crd in crd::all()? {
        let name = crd["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        crds.patch(&name, &PatchParams::apply("test-bed").force(), &Patch::Apply(&crd)).await?;
        names.push(name);
    }
    for name in names {
        let established = await_condition(crds.clone(), &name, is_crd_established());
        tokio::time::timeout(std::time::Duration::from_secs(20), established).await??;
    }
    Ok(())
}

impl Bed {
    /// A client of a user who may do everything. It lives on the caller's runtime: one for each test.
    pub async fn client(&self) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(Client::try_from(config)?)
    }

    /// MiniStack as host:port.
    pub fn ecs_address(&self) -> String {
        self.ecs.trim_start_matches("http://").trim_end_matches('/').into()
    }
}
