//! What can go wrong with a call, and what that means: one table from ECS's codes and messages to a [`Class`].

use std::{fmt, time::Duration};

use super::{client::Operation, shapes::ShapeError};

/// What a failure asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The user must act: the value is wrong, or something outside is.
    Terminal,
    /// AWS denies the call. The user must act, but IAM may be mended outside: retried slowly.
    Denied,
    /// Time cures it: look again after this long.
    Waiting(Duration),
    /// A bucket is empty: slow down.
    Throttled,
    /// AWS's side, or the way there: retry with backoff.
    Transient,
    /// The object is not there (any more).
    Absent,
}

/// A call to ECS that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsError {
    /// The operation.
    pub operation: Operation,
    /// ECS's error code, or one of our own for what never reached ECS (`Connection`, `Timeout`, `Credentials`,
    /// `CredentialProvider`).
    pub code: String,
    /// ECS's message.
    pub message: String,
    /// What it asks for.
    pub class: Class,
}

impl EcsError {
    /// An error with the class that its code and message have.
    pub fn new(operation: Operation, code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        let mut error = Self { operation, code, message, class: Class::Terminal };
        // The service of that name may well be ours, its answer lost: the next look at its tags tells.
        error.class = if error.is_not_idempotent() {
            Class::Waiting(Duration::from_secs(2))
        } else {
            classify(&error.code, &error.message)
        };
        error
    }

    /// An error that was the answer of HTTP status `status`: of a code that nobody knows, that tells whose fault it is.
    pub fn answered(operation: Operation, status: u16, code: &str, message: &str) -> Self {
        let mut error = Self::new(operation, code, message);
        if error.class == Class::Terminal && !CODES.iter().any(|(known, _)| *known == code) {
            error.class = match status {
                429 => Class::Throttled,
                500.. => Class::Transient,
                _ => error.class,
            };
        }
        error
    }

    /// Whether it says something of who calls, and so nothing of what was asked for.
    pub fn is_of_the_caller(&self) -> bool {
        self.class == Class::Denied && !self.code.starts_with("AccessDenied")
    }

    /// Whether it says something of what was asked for: not of the moment, nor of who calls.
    pub fn is_of_what_was_asked(&self) -> bool {
        !matches!(self.class, Class::Throttled | Class::Transient) && !self.is_of_the_caller()
    }

    /// Whether it says something of its own call: another one, made at the same moment, may well be accepted.
    pub fn is_of_its_call(&self) -> bool {
        matches!(self.class, Class::Terminal | Class::Denied | Class::Waiting(_))
    }

    /// How long waiting may be all that is needed: ECS takes a moment to know what was made just now. After that, what
    /// it says is so. `None` for all other failures.
    pub fn patience(&self) -> Option<Duration> {
        let known = |(part, _): &&(&str, Duration)| self.code == *part || self.message.contains(part);
        (self.operation.is_write()).then(|| NOT_YET.iter().find(known).map(|(_, patience)| *patience)).flatten()
    }

    /// Whether ECS says that a service of that name exists already, made with other arguments.
    pub fn is_not_idempotent(&self) -> bool {
        self.message.contains("was not idempotent")
            || self.message.contains("on this idempotent request are inconsistent")
    }
}

impl fmt::Display for EcsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.operation.as_str())?;
        if !self.code.is_empty() {
            write!(f, ": {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message.trim_end_matches('.'))?;
        }
        if let Some(advice) = advice(self) {
            write!(f, ". {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for EcsError {}

impl From<(Operation, ShapeError)> for EcsError {
    fn from((operation, error): (Operation, ShapeError)) -> Self {
        Self { operation, code: "InvalidShape".into(), message: error.to_string(), class: Class::Terminal }
    }
}

/// The answer that never came: the task that asked was dropped.
pub(super) fn unanswered(target: super::live::Target) -> EcsError {
    EcsError::new(target.operation(), "Connection", "the call was dropped before it was answered")
}

/// Codes that say what a failure is, whatever the operation.
const CODES: &[(&str, Class)] = &[
    ("ThrottlingException", Class::Throttled),
    ("Throttling", Class::Throttled),
    ("TooManyRequestsException", Class::Throttled),
    ("RequestLimitExceeded", Class::Throttled),
    ("ServerException", Class::Transient),
    ("InternalFailure", Class::Transient),
    ("ServiceUnavailable", Class::Transient),
    ("Connection", Class::Transient),
    ("Timeout", Class::Transient),
    ("CredentialProvider", Class::Transient),
    ("AccessDeniedException", Class::Denied),
    ("AccessDenied", Class::Denied),
    ("Credentials", Class::Denied),
    ("ExpiredTokenException", Class::Denied),
    ("ExpiredToken", Class::Denied),
    ("InvalidClientTokenId", Class::Denied),
    ("UnrecognizedClientException", Class::Denied),
    ("SignatureDoesNotMatch", Class::Denied),
    ("InvalidSignatureException", Class::Denied),
    ("ClusterNotFoundException", Class::Absent),
    ("ServiceNotFoundException", Class::Absent),
    ("ResourceNotFoundException", Class::Absent),
    ("ServiceNotActiveException", Class::Waiting(Duration::from_secs(10))),
    ("UpdateInProgressException", Class::Waiting(Duration::from_secs(10))),
    ("ResourceInUseException", Class::Waiting(Duration::from_secs(30))),
    ("ClusterContainsServicesException", Class::Waiting(Duration::from_secs(10))),
    ("ClusterContainsTasksException", Class::Waiting(Duration::from_secs(10))),
    ("ClusterContainsContainerInstancesException", Class::Waiting(Duration::from_secs(30))),
    ("ClusterContainsCapacityProviderException", Class::Waiting(Duration::from_secs(30))),
    // For a while: see `NOT_YET`.
    ("NamespaceNotFoundException", Class::Waiting(Duration::from_secs(30))),
    ("LimitExceededException", Class::Terminal),
];

/// Codes and messages about something else that ECS may not know yet, and how long that may take.
const NOT_YET: &[(&str, Duration)] = &[
    ("ClusterNotFoundException", Duration::from_secs(60)),
    ("TaskDefinition not found", Duration::from_secs(60)),
    ("Role is not valid", Duration::from_secs(120)),
    ("NamespaceNotFoundException", Duration::from_secs(120)),
    ("only valid for services configured to use load balancers", Duration::from_secs(120)),
    ("role being passed has the proper permissions", Duration::from_secs(120)),
    ("Unable to assume the service linked role", Duration::from_secs(120)),
    ("does not have an associated load balancer", Duration::from_secs(120)),
    ("Cluster was not ACTIVE", Duration::from_secs(300)),
];

/// Messages that ECS gives under a general code (ClientException, InvalidParameterException) and that time cures.
const MESSAGES: &[(&str, Class)] = &[
    ("Too many concurrent attempts to create a new revision", Class::Throttled),
    ("is still Draining", Class::Waiting(Duration::from_secs(10))),
    ("Service was not ACTIVE", Class::Waiting(Duration::from_secs(10))),
    ("only valid for services configured to use load balancers", Class::Waiting(Duration::from_secs(30))),
    ("cannot be stopped while deployments are active", Class::Waiting(Duration::from_secs(10))),
    // For a while: see `NOT_YET`.
    ("TaskDefinition not found", Class::Waiting(Duration::from_secs(5))),
    ("Role is not valid", Class::Waiting(Duration::from_secs(30))),
    ("does not have an associated load balancer", Class::Waiting(Duration::from_secs(30))),
    ("Unable to assume the service linked role", Class::Waiting(Duration::from_secs(15))),
    ("role being passed has the proper permissions", Class::Waiting(Duration::from_secs(15))),
    ("Cluster was not ACTIVE", Class::Waiting(Duration::from_secs(10))),
    ("in the process of being deleted", Class::Absent),
    ("Unable to describe task definition", Class::Absent),
    ("The specified task definition does not exist", Class::Absent),
];

fn classify(code: &str, message: &str) -> Class {
    if let Some((_, class)) = CODES.iter().find(|(known, _)| *known == code) {
        return *class;
    }
    if let Some((_, class)) = MESSAGES.iter().find(|(part, _)| message.contains(part)) {
        return *class;
    }
    if code.contains("Throttl") {
        return Class::Throttled;
    }
    // An emulator's or a proxy's answer that is no ECS error at all.
    if code.is_empty() || code.starts_with('5') {
        return Class::Transient;
    }
    Class::Terminal
}

/// What a person should do, where the message alone doesn't tell.
fn advice(error: &EcsError) -> Option<&'static str> {
    if error.message.contains("Role is not valid") {
        return Some(
            "ECS does not know the role of executionRoleArn or taskRoleArn: create it or correct the field; tried again by itself",
        );
    }
    if error.message.contains("capacity provider") && error.message.contains("not exist") {
        return Some(
            "A provider besides FARGATE and FARGATE_SPOT must be there before it is named: create it or correct the field; tried \
             again by itself",
        );
    }
    if error.message.contains("role being passed has the proper permissions") {
        return Some(
            "The role's trust policy must allow the service that takes it: correct the role or the field; tried again by itself",
        );
    }
    if error.message.contains("Unable to assume the service linked role") {
        return Some(
            "Create it once in the account: `aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`; tried again by \
             itself",
        );
    }
    if error.message.contains("does not have an associated load balancer") {
        return Some(
            "A listener of a load balancer must forward to the target group: attach it or correct the field; tried again by itself",
        );
    }
    if error.message.contains("Cluster was not ACTIVE") {
        return Some("Make the cluster anew, or name another; tried again by itself");
    }
    if error.message.contains("TaskDefinition not found") {
        return Some(
            "ECS does not know the revision yet, or spec.taskDefinition names one that is not there: then register it, or correct the field",
        );
    }
    match error.code.as_str() {
        "ClusterNotFoundException" if error.operation.is_write() => {
            Some("This account and region has no such ACTIVE cluster: create it, or correct its name")
        }
        "NamespaceNotFoundException" => Some(
            "AWS Cloud Map has no such namespace in this region: create it or correct the field; tried again by itself",
        ),
        "AccessDeniedException" | "AccessDenied" if error.message.contains("ecs:TagResource") => Some(
            "Allow `ecs:TagResource` for the operator's identity: tags set at creation need it too; tried again by itself",
        ),
        "AccessDeniedException" | "AccessDenied" => {
            Some("Allow the action for the operator's identity in IAM; tried again by itself")
        }
        "Credentials" => Some("Give the operator AWS credentials (IRSA, Pod Identity, or AWS_* variables)"),
        "ExpiredTokenException" | "ExpiredToken" => Some("Renew the operator's AWS credentials"),
        "LimitExceededException" => Some("Ask AWS for a higher quota or remove something"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user is told to act only where waiting can't help, and is not left waiting where it can't.
    #[test]
    fn codes_and_messages_have_their_class() {
        let class = |code: &str, message: &str| EcsError::new(Operation::CreateService, code, message).class;
        assert_eq!(class("ThrottlingException", "Rate exceeded"), Class::Throttled);
        assert_eq!(class("InvalidParameterException", "Invalid subnet"), Class::Terminal);
        assert_eq!(
            class("InvalidParameterException", "Unable to Start a service that is still Draining."),
            Class::Waiting(Duration::from_secs(10))
        );
        assert_eq!(
            class("ClientException", "Too many concurrent attempts to create a new revision of the specified family."),
            Class::Throttled
        );
        assert_eq!(class("AccessDeniedException", "User is not authorized"), Class::Denied);
        assert_eq!(class("", "unparseable"), Class::Transient);
    }

    /// A proxy or a new code of ECS's own must not stall every object while it lasts.
    #[test]
    fn of_an_unknown_code_the_http_status_tells() {
        let class = |status, code| EcsError::answered(Operation::CreateService, status, code, "sorry").class;
        assert_eq!(class(503, "BadGateway"), Class::Transient);
        assert_eq!(class(429, "SlowDown"), Class::Throttled);
        assert_eq!(class(400, "BadGateway"), Class::Terminal);
        assert_eq!(class(500, "LimitExceededException"), Class::Terminal, "a code that is known counts");
        assert_eq!(class(400, "ThrottlingException"), Class::Throttled);
    }

    /// A misspelt namespace was never on its way.
    #[test]
    fn what_another_service_of_aws_may_be_about_to_show_has_its_time() {
        let namespace = EcsError::new(Operation::CreateService, "NamespaceNotFoundException", "Not found.");
        assert_eq!(namespace.patience(), Some(Duration::from_secs(120)));
        assert!(namespace.to_string().contains("AWS Cloud Map has no such namespace in this region"), "{namespace}");
    }

    /// Of several calls of one plan, what is said of one holds up no other.
    #[test]
    fn a_refusal_is_of_its_call_or_of_all() {
        let of_its_call = |code: &str| EcsError::new(Operation::UpdateService, code, "no").is_of_its_call();
        assert!(of_its_call("InvalidParameterException") && of_its_call("AccessDeniedException"));
        assert!(!of_its_call("ThrottlingException") && !of_its_call("ServerException"));
        assert!(!of_its_call("ClusterNotFoundException"));
    }

    #[test]
    fn the_text_says_what_to_do() {
        let error = EcsError::new(
            Operation::CreateCluster,
            "AccessDeniedException",
            "User x is not authorized to perform: ecs:TagResource on resource y.",
        );
        assert_eq!(
            error.to_string(),
            "CreateCluster failed: AccessDeniedException: User x is not authorized to perform: ecs:TagResource on \
             resource y. Allow `ecs:TagResource` for the operator's identity: tags set at creation need it too; \
             tried again by itself"
        );
    }
}
