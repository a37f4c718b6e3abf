//! What goes wrong on the way to ECS, as a test wishes.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// ECS does it, but the connection breaks before the answer.
    LoseAnswer,
    /// ECS does it, but the answer never comes and the connection stays open: time to kill the operator.
    HoldAnswer,
    /// The connection breaks before ECS sees the call.
    RefuseConnection,
    /// This error is the answer; ECS doesn't see the call.
    Fail { status: u16, code: String, message: String },
    /// ECS does it and answers, after this time.
    Delay(Duration),
    /// There is no answer, ever; ECS doesn't see the call.
    Hang,
}

impl Action {
    pub fn fail(status: u16, code: &str, message: &str) -> Self {
        Self::Fail { status, code: code.into(), message: message.into() }
    }

    pub fn throttled() -> Self {
        Self::fail(400, "ThrottlingException", "Rate exceeded")
    }

    pub fn server_error() -> Self {
        Self::fail(500, "ServerException", "Service Unavailable. Please try again later.")
    }

    pub fn access_denied(operation: &str) -> Self {
        let message = format!(
            "User: arn:aws:sts::000000000000:assumed-role/operator/session is not authorized to perform: \
             ecs:{operation} because no identity-based policy allows the ecs:{operation} action"
        );
        Self::fail(400, "AccessDeniedException", &message)
    }
}

type Predicate = Box<dyn Fn(&Value) -> bool + Send>;

/// A rule: which calls, and what happens to them. By default every call of the operation, for ever.
pub struct Fault {
    operation: String,
    when: Option<Predicate>,
    skip: usize,
    times: usize,
    action: Action,
    seen: usize,
    fired: Arc<AtomicUsize>,
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} for {}", self.action, self.operation)
    }
}

impl Fault {
    /// For this operation; `*` is any.
    pub fn on(operation: &str, action: Action) -> Self {
        let operation = operation.into();
        Self { operation, when: None, skip: 0, times: usize::MAX, action, seen: 0, fired: Arc::default() }
    }

    /// Only calls with such a body. Others are not counted.
    #[must_use]
    pub fn when(mut self, when: impl Fn(&Value) -> bool + Send + 'static) -> Self {
        self.when = Some(Box::new(when));
        self
    }

    /// Only the nth such call from now, the first being 1 (and, with a later `times`, those that follow it).
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.skip = nth.saturating_sub(1);
        self.times = 1;
        self
    }

    /// So many times; `once` is the usual.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    pub(super) fn handle(&self) -> Fired {
        Fired(self.fired.clone())
    }

    /// What happens to this call by this rule.
    fn take(&mut self, operation: &str, body: &Value) -> Option<Action> {
        let matches =
            (self.operation == "*" || self.operation == operation) && self.when.as_ref().is_none_or(|when| when(body));
        if !matches {
            return None;
        }
        self.seen += 1;
        if self.seen <= self.skip || self.fired.load(Ordering::SeqCst) >= self.times {
            return None;
        }
        self.fired.fetch_add(1, Ordering::SeqCst);
        Some(self.action.clone())
    }
}

/// What happens to a call: the first rule that fires decides.
pub(super) fn take(faults: &mut [Fault], operation: &str, body: &Value) -> Option<Action> {
    faults.iter_mut().find_map(|fault| fault.take(operation, body))
}

/// How often a rule has fired.
#[derive(Clone, Debug)]
pub struct Fired(Arc<AtomicUsize>);

impl Fired {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_fire_where_and_as_often_as_they_say() {
        let mut faults = vec![
            Fault::on("CreateService", Action::Hang).nth(2),
            Fault::on("*", Action::throttled()).when(|body| body["service"] == "web").times(2),
        ];
        let fired: Vec<_> = faults.iter().map(Fault::handle).collect();
        let mut ask = |operation: &str, body: Value| take(&mut faults, operation, &body);
        assert_eq!(ask("CreateService", json!({})), None);
        assert_eq!(ask("CreateService", json!({})), Some(Action::Hang));
        assert_eq!(ask("CreateService", json!({})), None);
        assert_eq!(ask("UpdateService", json!({ "service": "api" })), None);
        assert_eq!(ask("UpdateService", json!({ "service": "web" })), Some(Action::throttled()));
        assert_eq!(ask("DeleteService", json!({ "service": "web" })), Some(Action::throttled()));
        assert_eq!(ask("DeleteService", json!({ "service": "web" })), None);
        assert_eq!(fired.iter().map(Fired::count).collect::<Vec<_>>(), [1, 2]);
    }
}
