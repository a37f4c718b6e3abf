//! Faults, and the rules that say which calls they strike.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Request;
use crate::{ApiError, Time};

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// ThrottlingException, and the call takes no effect.
    Throttle,
    /// ServerException with HTTP status 500, and the call takes no effect.
    ServerError,
    /// AccessDeniedException for the IAM action of the call's name.
    DenyAccess,
    /// AccessDeniedException for another IAM action, such as `ecs:TagResource` at a creation with tags.
    DenyAction(String),
    /// ExpiredTokenException.
    ExpiredToken,
    /// Any other refusal.
    Refuse {
        /// The HTTP status, 400 if left out.
        #[serde(default = "bad_request")]
        status: u16,
        /// Such as `ClientException`.
        code: String,
        /// ECS's message.
        message: String,
    },
    /// The connection breaks before the call takes effect.
    LoseRequest,
    /// The call takes effect, and the connection breaks before the answer.
    LoseAnswer,
    /// The call goes through, but slowly. Milliseconds on tokio's clock.
    #[serde(rename_all = "camelCase")]
    Slow {
        /// Before it takes effect.
        #[serde(default)]
        millis_there: u64,
        /// Before its answer arrives.
        #[serde(default)]
        millis_back: u64,
    },
    /// No answer ever comes, and the connection stays.
    #[serde(rename_all = "camelCase")]
    Hang {
        /// Whether the call takes effect all the same.
        took_effect: bool,
    },
}

fn bad_request() -> u16 {
    400
}

/// Throttling, in ECS's words.
pub(super) fn rate_exceeded() -> ApiError {
    ApiError::refused("ThrottlingException", "Rate exceeded")
}

impl Fault {
    /// The error in the place of ECS's answer.
    pub(super) fn refusal(&self, request: &Request) -> Option<ApiError> {
        Some(match self {
            Self::Throttle => rate_exceeded(),
            Self::ServerError => ApiError {
                status: 500,
                ..ApiError::refused("ServerException", "Service Unavailable. Please try again later.")
            },
            Self::DenyAccess => denied(request, &format!("ecs:{}", request.operation)),
            Self::DenyAction(action) => denied(request, action),
            Self::ExpiredToken => {
                ApiError::refused("ExpiredTokenException", "The security token included in the request is expired")
            }
            Self::Refuse { status, code, message } => {
                ApiError { status: *status, ..ApiError::refused(code, message.as_str()) }
            }
            Self::LoseRequest | Self::LoseAnswer | Self::Slow { .. } | Self::Hang { .. } => return None,
        })
    }

    /// Whether ECS's throttling sees the call.
    pub(super) fn reaches_ecs(&self) -> bool {
        !matches!(self, Self::LoseRequest | Self::ExpiredToken | Self::Hang { took_effect: false })
    }
}

fn denied(request: &Request, action: &str) -> ApiError {
    ApiError::refused(
        "AccessDeniedException",
        format!(
            "User: arn:aws:iam::{}:user/{} is not authorized to perform: {action} on resource: * because no \
             identity-based policy allows the {action} action",
            request.caller.account, request.access_key
        ),
    )
}

/// Which operations a rule is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operations {
    /// All.
    Any,
    /// Those that change something.
    Writes,
    /// Those that don't.
    Reads,
    /// Those named.
    Named(Vec<String>),
}

impl Operations {
    fn include(&self, operation: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Writes => !is_read(operation),
            Self::Reads => is_read(operation),
            Self::Named(names) => names.iter().any(|name| name == operation),
        }
    }
}

/// Whether an operation changes nothing.
pub(super) fn is_read(operation: &str) -> bool {
    ["Describe", "List", "Get", "Discover"].iter().any(|verb| operation.starts_with(verb))
}

/// Which of the matching calls a rule strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// All.
    Always,
    /// So many, and then none.
    First(u64),
    /// Only this one, the first being 1.
    Nth(u64),
    /// Each with this probability, 0 to 1, drawn from the seed.
    Chance(f64),
    /// Those before this moment of the simulated time, in milliseconds since 1970.
    Until(u64),
}

/// One fault for some calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Calls of these operations,
    pub operations: Operations,
    /// with this text in any string of the input (such as an object's name),
    #[serde(default)]
    pub containing: Option<String>,
    /// from this account.
    #[serde(default)]
    pub account: Option<String>,
    /// Which of them it strikes.
    #[serde(default = "always")]
    pub when: When,
    /// What happens then.
    pub fault: Fault,
}

fn always() -> When {
    When::Always
}

impl Rule {
    /// A fault for every call of one operation.
    pub fn on(operation: &str, fault: Fault) -> Self {
        Self::of(Operations::Named(vec![operation.into()]), fault)
    }

    /// A fault for every call of some operations.
    pub fn of(operations: Operations, fault: Fault) -> Self {
        Self { operations, containing: None, account: None, when: When::Always, fault }
    }

    /// A role that ECS does not see before `until`: "Role is not valid" for a task definition or service with it.
    pub fn role_unseen(role: &str, until: Time) -> Self {
        let fault = Fault::Refuse {
            status: bad_request(),
            code: "ClientException".into(),
            message: "Role is not valid".into(),
        };
        let operations = ["RegisterTaskDefinition", "CreateService", "UpdateService", "RunTask"].map(String::from);
        Self::of(Operations::Named(operations.into()), fault).containing(role).when(When::Until(until.0))
    }

    /// Only for calls with this text in the input.
    #[must_use]
    pub fn containing(self, text: &str) -> Self {
        Self { containing: Some(text.into()), ..self }
    }

    /// Only for calls from this account.
    #[must_use]
    pub fn from_account(self, account: &str) -> Self {
        Self { account: Some(account.into()), ..self }
    }

    /// Only for some of them.
    #[must_use]
    pub fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    fn matches(&self, request: &Request) -> bool {
        self.operations.include(&request.operation)
            && self.account.as_ref().is_none_or(|account| *account == request.caller.account)
            && self.containing.as_ref().is_none_or(|text| contains(&request.input, text))
    }
}

fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(items) => items.iter().any(|item| contains(item, text)),
        Value::Object(members) => members.values().any(|member| contains(member, text)),
        _ => false,
    }
}

/// Names a rule that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleId(pub u64);

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct Rules {
    next: u64,
    rules: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    id: RuleId,
    rule: Rule,
    /// How many calls have matched.
    matched: u64,
}

/// What the rules say of one call.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ruling {
    pub there: Duration,
    pub back: Duration,
    pub fault: Option<Fault>,
}

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) -> RuleId {
        let id = RuleId(self.next);
        self.next += 1;
        self.rules.push(Active { id, rule, matched: 0 });
        id
    }

    pub(super) fn remove(&mut self, id: RuleId) -> bool {
        let before = self.rules.len();
        self.rules.retain(|active| active.id != id);
        self.rules.len() < before
    }

    pub(super) fn list(&self) -> Vec<(RuleId, Rule)> {
        self.rules.iter().map(|active| (active.id, active.rule.clone())).collect()
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(super) fn strike(&mut self, request: &Request, now: Time, random: &mut fastrand::Rng) -> Ruling {
        let mut ruling = Ruling::default();
        for active in &mut self.rules {
            if !active.rule.matches(request) {
                continue;
            }
            active.matched += 1;
            let strikes = match active.rule.when {
                When::Always => true,
                When::First(count) => active.matched <= count,
                When::Nth(count) => active.matched == count,
                When::Chance(probability) => random.f64() < probability,
                When::Until(until) => now.0 < until,
            };
            match (&active.rule.fault, strikes) {
                (_, false) => {}
                (Fault::Slow { millis_there, millis_back }, true) => {
                    ruling.there += Duration::from_millis(*millis_there);
                    ruling.back += Duration::from_millis(*millis_back);
                }
                (fault, true) => {
                    ruling.fault = Some(fault.clone());
                    break;
                }
            }
        }
        ruling
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Caller;

    fn request(operation: &str, input: Value) -> Request {
        let caller = Caller { account: "111122223333".into(), region: "eu-west-1".into() };
        Request { caller, access_key: "AKIA".into(), operation: operation.into(), input }
    }

    fn struck(rules: &mut Rules, random: &mut fastrand::Rng, request: &Request, tries: usize) -> Vec<bool> {
        (0..tries).map(|_| rules.strike(request, Time(0), random).fault.is_some()).collect()
    }

    #[test]
    fn first_nth_and_until_say_which_calls_are_struck() {
        let mut random = fastrand::Rng::with_seed(1);
        let call = request("CreateService", json!({}));
        for (when, expected) in [
            (When::Always, [true, true, true]),
            (When::First(2), [true, true, false]),
            (When::Nth(2), [false, true, false]),
            (When::Until(1), [true, true, true]),
            (When::Until(0), [false, false, false]),
        ] {
            let mut rules = Rules::default();
            rules.add(Rule::on("CreateService", Fault::Throttle).when(when));
            assert_eq!(struck(&mut rules, &mut random, &call, 3), expected);
        }
    }

    #[test]
    fn chance_is_the_same_for_the_same_seed() {
        let run = |seed| {
            let mut rules = Rules::default();
            rules.add(Rule::of(Operations::Any, Fault::ServerError).when(When::Chance(0.3)));
            struck(&mut rules, &mut fastrand::Rng::with_seed(seed), &request("ListClusters", json!({})), 200)
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hits = run(7).into_iter().filter(|hit| *hit).count();
        assert!((40..80).contains(&hits), "{hits} of 200");
    }

    #[test]
    fn a_rule_sees_the_kind_of_operation_the_account_and_names_in_the_input() {
        let write = request("UpdateService", json!({ "tags": [{ "key": "a", "value": "shop-web" }] }));
        let read = request("ListServices", json!({}));
        let rule = |operations| Rule::of(operations, Fault::Throttle);
        assert!(rule(Operations::Writes).matches(&write) && !rule(Operations::Writes).matches(&read));
        assert!(rule(Operations::Reads).matches(&read) && !rule(Operations::Reads).matches(&write));
        assert!(rule(Operations::Any).containing("web").matches(&write));
        assert!(!rule(Operations::Any).containing("web").matches(&read));
        assert!(!rule(Operations::Any).from_account("999999999999").matches(&read));
    }

    #[test]
    fn delays_add_up_and_the_first_fault_decides() {
        let mut rules = Rules::default();
        rules.add(Rule::of(Operations::Any, Fault::Slow { millis_there: 10, millis_back: 1 }));
        rules.add(Rule::of(Operations::Any, Fault::Slow { millis_there: 5, millis_back: 0 }));
        rules.add(Rule::of(Operations::Any, Fault::LoseAnswer));
        rules.add(Rule::of(Operations::Any, Fault::Throttle));
        let ruling = rules.strike(&request("RunTask", json!({})), Time(0), &mut fastrand::Rng::with_seed(1));
        let expected =
            Ruling { there: Duration::from_millis(15), back: Duration::from_millis(1), fault: Some(Fault::LoseAnswer) };
        assert_eq!(ruling, expected);
    }

    #[test]
    fn a_denial_names_the_action() {
        let call = request("CreateService", json!({}));
        let message = |fault: Fault| fault.refusal(&call).unwrap().message;
        assert!(message(Fault::DenyAccess).contains("is not authorized to perform: ecs:CreateService on"));
        assert!(message(Fault::DenyAction("ecs:TagResource".into())).contains("ecs:TagResource"));
    }

    #[test]
    fn a_rule_can_be_written_as_json() {
        let rule: Rule = serde_json::from_value(json!({
            "operations": { "named": ["RunTask"] }, "when": { "first": 3 }, "fault": { "slow": { "millisBack": 5 } },
        }))
        .unwrap();
        assert_eq!(rule, Rule::on("RunTask", Fault::Slow { millis_there: 0, millis_back: 5 }).when(When::First(3)));
        let rule: Rule = serde_json::from_value(json!({ "operations": "writes", "fault": "loseAnswer" })).unwrap();
        assert_eq!(rule, Rule::of(Operations::Writes, Fault::LoseAnswer));
    }
}
