//! What is outside of ECS and decides what becomes of deployments: alarms, roles, target groups and their listeners,
//! capacity, functions that answer lifecycle hooks, images. Only tests change it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{arn, tasks::fate::Fate};

/// The rest of AWS, as far as ECS meets it in one region. All is well in a new one.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The names of the CloudWatch alarms that are in ALARM.
    pub alarms: BTreeSet<String>,
    /// Names or ARNs of IAM roles that are not there, or not yet, or not any more.
    pub missing_roles: BTreeSet<String>,
    /// What the Lambda functions of lifecycle hooks answer, by ARN; the others succeed.
    pub functions: BTreeMap<String, Answer>,
    /// What becomes of tasks with these images, whatever their names tell.
    pub images: BTreeMap<String, Fate>,
    /// `FARGATE`, `FARGATE_SPOT` or capacity providers that can't launch anything, and why not, in the words that
    /// service events have after "Reason:".
    pub exhausted: BTreeMap<String, String>,
    /// Target groups that no listener sends traffic to yet.
    pub target_groups_without_listener: BTreeSet<String>,
    /// Listener rules, listeners or target groups that are not there.
    pub missing_networking: BTreeSet<String>,
    /// The weights of the target groups of a listener rule, in percent: first by rule, then by target group. Only
    /// deployments that shift traffic write it.
    pub weights: BTreeMap<String, BTreeMap<String, f64>>,
    /// For services (`cluster/service`), so many of the next launches meet this fate.
    pub next_launches: BTreeMap<String, (u32, Fate)>,
    /// How long a target group drains connections of a target.
    pub deregistration_delay: Duration,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            alarms: BTreeSet::new(),
            missing_roles: BTreeSet::new(),
            functions: BTreeMap::new(),
            images: BTreeMap::new(),
            exhausted: BTreeMap::new(),
            target_groups_without_listener: BTreeSet::new(),
            missing_networking: BTreeSet::new(),
            weights: BTreeMap::new(),
            next_launches: BTreeMap::new(),
            deregistration_delay: Duration::from_secs(30),
        }
    }
}

/// What a function answers to a lifecycle hook (`hookStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Succeeded,
    /// Roll back.
    Failed,
    /// Ask again in 30 seconds; or no answer at all, which comes to the same.
    InProgress,
}

impl Outside {
    /// Why nothing can be launched there in the words of a service event; none where it can.
    pub fn exhausted(&self, provider: &str) -> Option<&str> {
        self.exhausted.get(provider).map(String::as_str)
    }

    /// Whether a role, by name or ARN, can be assumed.
    pub fn has_role(&self, role: &str) -> bool {
        !self.missing_roles.iter().any(|missing| arn::name(missing) == arn::name(role))
    }
}
