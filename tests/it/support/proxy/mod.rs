//! An HTTP proxy between the operator and MiniStack: it records every call, breaks what a test wants broken, and
//! answers like ECS where MiniStack doesn't. One a test, on a port and a thread of its own.

mod fault;
mod golden;
mod overlay;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};

use self::overlay::{Overlay, Upstream};
pub use self::{
    fault::{Action, Fault, Fired},
    golden::Golden,
};
use super::wire::Reply;

/// One call as it came in, and what became of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its place among all calls of this proxy, from 0.
    pub seq: u64,
    /// Since the proxy's start.
    pub time: Duration,
    pub operation: String,
    pub account: String,
    pub region: String,
    pub body: Value,
    /// Whether it got as far as MiniStack.
    pub reached_ecs: bool,
    /// What ECS answered, or the fault that stood in for it. `None` while there is no answer.
    pub reply: Option<Reply>,
    /// Whether the caller got the answer.
    pub answered: bool,
}

impl Call {
    /// Whether it is of the kind that changes anything in AWS.
    pub fn is_write(&self) -> bool {
        !["Describe", "List", "Get", "Discover"].iter().any(|read| self.operation.starts_with(read))
    }

    /// The status that the caller got or should have got.
    pub fn status(&self) -> Option<u16> {
        self.reply.as_ref().map(|reply| reply.status)
    }

    /// The answer's body; null while there is none.
    pub fn answer(&self) -> &Value {
        self.reply.as_ref().map_or(&Value::Null, |reply| &reply.body)
    }
}

struct Shared {
    upstream: String,
    began: Instant,
    next: AtomicU64,
    calls: watch::Sender<Vec<Call>>,
    faults: Mutex<Vec<Fault>>,
    /// Held for the length of a call to MiniStack, so calls get there one at a time.
    overlay: tokio::sync::Mutex<Overlay>,
    golden: Golden,
}

pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// In front of the server at `upstream` (host:port).
    pub fn start(upstream: &str, golden: Golden) -> Self {
        let shared = Arc::new(Shared {
            upstream: upstream.into(),
            began: Instant::now(),
            next: AtomicU64::new(0),
            calls: watch::Sender::new(Vec::new()),
            faults: Mutex::default(),
            overlay: tokio::sync::Mutex::default(),
            golden,
        });
        let (stop, stopped) = oneshot::channel::<()>();
        // Bound here, so that whoever asks for the address can connect at once.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let serving = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// What `AWS_ENDPOINT_URL_ECS` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Adds a fault; faults added earlier come first. The answer tells how often it fired.
    pub fn fault(&self, fault: Fault) -> Fired {
        let fired = fault.handle();
        self.shared.faults.lock().expect("faults").push(fault);
        fired
    }

    /// From now on nothing goes wrong.
    pub fn mend(&self) {
        self.shared.faults.lock().expect("faults").clear();
    }

    /// All calls since the start or the last `clear`, in the order in which they came.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    pub fn writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(Call::is_write).collect()
    }

    pub fn count(&self, operation: &str) -> usize {
        self.shared.calls.borrow().iter().filter(|call| call.operation == operation).count()
    }

    /// Forgets the calls; not the faults.
    pub fn clear(&self) {
        self.shared.calls.send_modify(Vec::clear);
    }

    /// Waits until the calls are as asked, and returns them.
    pub async fn wait(&self, within: Duration, right: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let mut calls = self.shared.calls.subscribe();
        let waited = tokio::time::timeout(within, calls.wait_for(|calls| right(calls))).await;
        let Ok(calls) = waited else {
            panic!("within {within:?} the calls to ECS didn't become as expected:\n{}", self.log_all());
        };
        calls.expect("the proxy").clone()
    }

    /// The writes as golden lines: for snapshots.
    pub fn log(&self) -> String {
        self.lines(&self.shared.golden, Call::is_write)
    }

    /// The writes as golden lines, without the numbers of task definition revisions.
    pub fn log_without_revisions(&self) -> String {
        self.lines(&Golden { hide_revisions: true, ..self.shared.golden.clone() }, Call::is_write)
    }

    /// Every call as a golden line, with what became of it where that is not a plain success: for people.
    pub fn log_all(&self) -> String {
        self.lines(&self.shared.golden, |_| true)
    }

    /// One call as a golden line, with what became of it where that is not a plain success.
    pub fn line(&self, call: &Call) -> String {
        line(&self.shared.golden, call)
    }

    fn lines(&self, golden: &Golden, wanted: impl Fn(&Call) -> bool) -> String {
        let calls = self.shared.calls.borrow();
        calls.iter().filter(|call| wanted(call)).map(|call| line(golden, call)).collect()
    }
}

fn line(golden: &Golden, call: &Call) -> String {
    let line = golden.line(&call.operation, &call.body);
    match &call.reply {
        Some(reply) if !reply.is_ok() => format!("{line} -> {}\n", reply.code()),
        _ if !call.answered => format!("{line} -> no answer\n"),
        _ => format!("{line}\n"),
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| handle(shared.clone(), request));
            // An error is a connection that broke, mostly because we broke it.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The connection is to break without an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for Broken {}

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let authorization = header("authorization");
    let operation = header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned();
    let bytes = request.into_body().collect().await.map_err(|_| Broken)?.to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({}));

    let seq = shared.next.fetch_add(1, Ordering::SeqCst);
    // Decided and recorded together, so that the nth call of a fault is the nth of the record.
    let action = {
        let mut faults = shared.faults.lock().map_err(|_| Broken)?;
        let action = fault::take(&mut faults, &operation, &body);
        let (account, region) = scope(&authorization);
        let (time, operation, body) = (shared.began.elapsed(), operation.clone(), body.clone());
        let call =
            Call { seq, time, operation, account, region, body, reached_ecs: false, reply: None, answered: false };
        shared.calls.send_modify(|calls| calls.push(call));
        action
    };
    let change = |change: &dyn Fn(&mut Call)| {
        shared.calls.send_modify(|calls| calls.iter_mut().filter(|call| call.seq == seq).for_each(change));
    };

    match &action {
        Some(Action::RefuseConnection) => return Err(Broken),
        Some(Action::Hang) => return std::future::pending().await,
        Some(Action::Fail { status, code, message }) => {
            let reply = Reply::error(*status, code, message);
            change(&|call| (call.reply, call.answered) = (Some(reply.clone()), true));
            return Ok(respond(&reply));
        }
        Some(Action::LoseAnswer | Action::HoldAnswer | Action::Delay(_)) | None => {}
    }
    let reply = {
        let mut overlay = shared.overlay.lock().await;
        let upstream = Upstream { address: &shared.upstream, authorization: &authorization };
        overlay.answer(&upstream, &operation, body).await.map_err(|_| Broken)?
    };
    if let Some(Action::Delay(delay)) = action {
        tokio::time::sleep(delay).await;
    }
    let answered = !matches!(action, Some(Action::LoseAnswer | Action::HoldAnswer));
    change(&|call| {
        call.reply = Some(reply.clone());
        (call.reached_ecs, call.answered) = (true, answered);
    });
    match action {
        Some(Action::LoseAnswer) => Err(Broken),
        Some(Action::HoldAnswer) => std::future::pending().await,
        _ => Ok(respond(&reply)),
    }
}

/// The account and the region of a signature: `… Credential=ACCOUNT/DATE/REGION/ecs/aws4_request, …`.
fn scope(authorization: &str) -> (String, String) {
    let credential = authorization.split("Credential=").nth(1).unwrap_or_default();
    let mut parts = credential.split([',', '/']);
    (parts.next().unwrap_or_default().into(), parts.nth(1).unwrap_or_default().into())
}

fn respond(reply: &Reply) -> Response<Full<Bytes>> {
    let builder = Response::builder()
        .status(reply.status)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-requestid", "00000000-0000-4000-8000-000000000000");
    let builder = if reply.is_ok() { builder } else { builder.header("x-amzn-errortype", reply.code()) };
    let body = Full::new(Bytes::from(reply.body.to_string()));
    builder.body(body).unwrap_or_else(|_| Response::new(Full::new(Bytes::new())))
}
