//! The operator under test, as a child process.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long an asked-for end may take.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// How the operator is started, again and again.
#[derive(Clone, Debug)]
pub struct Start {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Its whole environment but for PATH and HOME: nothing of the machine's reaches it.
    pub environment: Vec<(String, OsString)>,
}

/// The operator, running or not. It ends with this value.
pub struct Operator {
    start: Start,
    running: Option<Running>,
    log: Arc<Mutex<String>>,
}

struct Running {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Operator {
    pub fn new(start: Start) -> Self {
        Self { start, running: None, log: Arc::default() }
    }

    /// Another one, not started, that would be started alike.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.start.clone())
    }

    /// Starts it; it must not be running.
    pub fn start(&mut self) {
        assert!(self.running.is_none(), "the operator runs already");
        let mut child = Command::new(&self.start.program)
            .args(&self.start.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.start.environment.clone())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the operator's program");
        self.note(&format!("--- started as process {}\n", child.id()));
        let readers =
            [child.stdout.take().map(|stream| self.read(stream)), child.stderr.take().map(|stream| self.read(stream))];
        self.running = Some(Running { child, readers: readers.into_iter().flatten().collect() });
    }

    /// Changes how it is started from now on.
    pub fn configure(&mut self, change: impl FnOnce(&mut Start)) {
        change(&mut self.start);
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.running.as_mut().is_some_and(|running| matches!(running.child.try_wait(), Ok(None)))
    }

    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// Ends it as a crash does (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(running) = self.running.as_mut() {
            let _ = running.child.kill();
            self.reap("killed");
        }
    }

    /// Asks it to end (SIGTERM), which must succeed.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let until = Instant::now() + STOP_WITHIN;
        // There is no wait with a limit in the standard library.
        while self.is_running() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.is_running() {
            self.kill();
            panic!("the operator didn't end within {STOP_WITHIN:?} of SIGTERM");
        }
        let status = self.reap("stopped");
        assert!(status.is_some_and(|status| status.success()), "asked to end, the operator ended with {status:?}");
    }

    /// Stops it and starts it again.
    pub fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// Everything it has logged so far, over all starts.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends it a signal by name, such as STOP and CONT.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().expect("the operator runs");
        // Safe Rust's library has no kill(2), but every shell has.
        let sent = Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &pid.to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the operator (process {pid}) can't be sent SIG{name}");
    }

    fn reap(&mut self, how: &str) -> Option<ExitStatus> {
        let mut running = self.running.take()?;
        let status = running.child.wait().ok();
        for reader in running.readers {
            let _ = reader.join();
        }
        let code = status.map_or_else(|| "unknown".into(), |status| status.to_string());
        self.note(&format!("--- {how} ({code})\n"));
        status
    }

    fn note(&self, line: &str) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push_str(line);
    }

    fn read(&self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let log = self.log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        })
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("what the operator logged:\n{}", self.log());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Operator {
        let arguments = vec!["-c".into(), script.into()];
        Operator::new(Start { program: "/bin/sh".into(), arguments, environment: Vec::new() })
    }

    fn until_it_says(operator: &Operator, text: &str) {
        let until = Instant::now() + STOP_WITHIN;
        while !operator.log().contains(text) {
            assert!(Instant::now() < until, "it never said {text}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn it_is_stopped_restarted_and_killed() {
        let mut operator = shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done");
        operator.start();
        until_it_says(&operator, "up\n");
        operator.restart();
        assert!(operator.log().contains("up\nbye\n--- stopped"), "{}", operator.log());
        let pid = operator.pid();
        assert!(operator.is_running() && pid.is_some());
        operator.kill();
        assert!(!operator.is_running() && operator.pid().is_none());
    }

    #[test]
    #[should_panic(expected = "asked to end, the operator ended with")]
    fn an_end_that_is_no_success_is_noticed() {
        let mut operator = shell("trap 'exit 3' TERM; echo up; while :; do sleep 0.02; done");
        operator.start();
        until_it_says(&operator, "up\n");
        operator.stop();
    }
}
