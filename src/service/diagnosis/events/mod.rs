//! Which of a service's events tell of trouble.

mod table;

use std::fmt;

use self::table::{FAILURES, GENERAL, Row, SPECIFIC};
use super::{
    advice::Scene,
    definition::Definition,
    kind::CauseKind,
    table::of_text,
    text::{self, folded, matches},
};
use crate::ecs::event::{is_harmless, without_service};

/// How long an event's text may be.
const TEXT: usize = 300;

/// What kind of trouble an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TroubleKind {
    /// No container instance fits the task.
    Placement,
    /// Too many tasks of the cluster are being provisioned.
    ProvisioningLimit,
    /// The agent of an instance does not answer.
    AgentDisconnected,
    /// ECS can't launch tasks, and does not say more.
    LaunchFailed,
    /// Tasks fail again and again, and ECS waits ever longer between them.
    TaskStartImpaired,
    /// The deployment's percentages allow neither to start nor to stop a task.
    DeploymentStuck,
    /// Other parts of AWS throttle ECS.
    OperationsThrottled,
    /// The target group is gone.
    TargetGroupMissing,
    /// Targets can't be registered or deregistered.
    TargetsNotRegistered,
    /// More tasks are protected than shall run.
    TasksProtected,
    /// ECS may no longer do what the service needs.
    RoleMisconfigured,
    /// The deployment failed.
    DeploymentFailed,
    /// The deployment is rolled back.
    RollingBack,
    /// What also stops tasks, under the same word.
    Task(CauseKind),
    /// ECS reports a failure that this operator does not know.
    Other,
}

impl TroubleKind {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placement => "Placement",
            Self::ProvisioningLimit => "ProvisioningLimit",
            Self::AgentDisconnected => "AgentDisconnected",
            Self::LaunchFailed => "LaunchFailed",
            Self::TaskStartImpaired => "TaskStartImpaired",
            Self::DeploymentStuck => "DeploymentStuck",
            Self::OperationsThrottled => "OperationsThrottled",
            Self::TargetGroupMissing => "TargetGroupMissing",
            Self::TargetsNotRegistered => "TargetsNotRegistered",
            Self::TasksProtected => "TasksProtected",
            Self::RoleMisconfigured => "RoleMisconfigured",
            Self::DeploymentFailed => "DeploymentFailed",
            Self::RollingBack => "RollingBack",
            Self::Task(kind) => kind.as_str(),
            Self::Other => "Other",
        }
    }
}

impl fmt::Display for TroubleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TroubleKind {
    /// Where the text tells only that something fails, and not what.
    pub const fn is_vague(self) -> bool {
        match self {
            Self::TaskStartImpaired | Self::DeploymentFailed | Self::RollingBack | Self::Other => true,
            Self::Task(kind) => kind.is_vague(),
            _ => false,
        }
    }

    /// Where there is no place for a task: nothing is wrong with what is deployed.
    pub const fn is_about_capacity(self) -> bool {
        let Self::Task(kind) = self else {
            return matches!(self, Self::Placement | Self::ProvisioningLimit | Self::AgentDisconnected);
        };
        matches!(kind, CauseKind::CapacityUnavailable | CauseKind::Resources | CauseKind::QuotaExceeded)
    }
}

/// What an event of a service says is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: TroubleKind,
    /// What to do about it, as the rest of a sentence.
    pub advice: String,
    text: String,
}

impl Trouble {
    /// In ECS's words, and what to do.
    pub fn says(&self) -> String {
        format!("ECS says \"{}\": {}", self.text, self.advice)
    }

    /// ECS's text without the service's name, ids, and numbers that vary: the same trouble has the same text.
    pub fn normalized(&self) -> &str {
        &self.text
    }
}

/// What, in ECS's words, and what to do: `Placement: ECS says "was unable to place a task …": add instances …`.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.says())
    }
}

/// What is wrong according to an event's text. None if nothing is.
pub fn trouble(message: &str) -> Option<Trouble> {
    let message = text::normalized(message);
    if is_harmless(&message) {
        return None;
    }
    let said = without_manual(without_service(&message));
    let lower = folded(said);
    let (kind, advice) = known(SPECIFIC, &lower)
        .or_else(|| of_task(said))
        .or_else(|| known(GENERAL, &lower))
        .or_else(|| unknown(&lower))?;
    Some(Trouble { kind, advice, text: text::shortened(&text::without_numbers(said), TEXT) })
}

fn known(rows: &[Row], lower: &str) -> Option<(TroubleKind, String)> {
    let row = rows.iter().find(|row| row.patterns.iter().any(|pattern| matches(pattern, lower)))?;
    Some((row.kind, row.advice.to_owned()))
}

fn of_task(text: &str) -> Option<(TroubleKind, String)> {
    let meaning = of_text(text)?;
    let scene = Scene { definition: Definition::new(None), container: None, image: None, exit_code: None, text };
    Some((TroubleKind::Task(meaning.kind), (meaning.advice)(&scene)))
}

fn unknown(lower: &str) -> Option<(TroubleKind, String)> {
    let is_failure = FAILURES.iter().any(|word| lower.contains(word));
    is_failure.then(|| (TroubleKind::Other, "no advice for this, see the service's events in ECS".to_owned()))
}

/// The text before where AWS says where to read on.
fn without_manual(text: &str) -> &str {
    text.split_once(" For more information, see").map_or(text, |(before, _)| before)
}
