//! `lifecycleHooks`.

use serde_json::{Value, json};

use super::{one_of, whole};
use crate::world::{
    ApiError,
    deployments::Stage,
    input::{self, member},
};

/// One of `lifecycleHooks`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// The function; none for a PAUSE.
    pub function: Option<String>,
    /// Where it is called.
    pub stages: Vec<Stage>,
    /// After so many minutes without an end …
    pub timeout: u32,
    /// … the deployment goes on, or else it is rolled back.
    pub timeout_continues: bool,
    /// As it is shown.
    pub shown: Value,
}

/// So many of each kind at most (DeploymentConfiguration data type, `lifecycleHooks`).
const MOST: usize = 10;

impl Hook {
    /// Reads all of a configuration. The words of the refusal are ours, as nobody published ECS's.
    pub(super) fn read_all(sent: &Value) -> Result<Vec<Self>, ApiError> {
        let hooks = input::list(sent, "lifecycleHooks")?.iter().map(Self::read).collect::<Result<Vec<_>, _>>()?;
        let pauses = hooks.iter().filter(|hook| hook.function.is_none()).count();
        for (count, kind) in [(pauses, "PAUSE"), (hooks.len() - pauses, "AWS_LAMBDA")] {
            if count > MOST {
                return Err(ApiError::invalid(format!("There can be at most {MOST} lifecycle hooks of type {kind}.")));
            }
        }
        Ok(hooks)
    }

    /// Reads one, with the defaults that ECS fills in.
    fn read(sent: &Value) -> Result<Self, ApiError> {
        let pause = match input::text(sent, "targetType")? {
            None | Some("AWS_LAMBDA") => false,
            Some("PAUSE") => true,
            Some(other) => return Err(ApiError::invalid(format!("Invalid lifecycle hook target type {other}."))),
        };
        let names = input::texts(sent, "lifecycleStages")?;
        if names.is_empty() {
            return Err(ApiError::invalid(
                "Lifecycle stage cannot be null or empty for any deployment lifecycle hooks",
            ));
        }
        let stages = names
            .into_iter()
            .map(|name| one_of("lifecycle stage", name, &Stage::WITH_HOOKS, Stage::wire))
            .collect::<Result<Vec<_>, _>>()?;
        let function = input::text(sent, "hookTargetArn")?.filter(|arn| !arn.is_empty());
        let role = input::text(sent, "roleArn")?.filter(|arn| !arn.is_empty());
        if !pause && (function.is_none() || role.is_none()) {
            return Err(ApiError::invalid(
                "Role arn or Hook Target arn is missing for one or more deployment lifecycle hooks",
            ));
        }
        let shifts = [Stage::TestTrafficShift, Stage::ProductionTrafficShift];
        if pause && stages.iter().any(|stage| shifts.contains(stage)) {
            return Err(ApiError::invalid(
                "PAUSE lifecycle hooks are not supported at TEST_TRAFFIC_SHIFT and PRODUCTION_TRAFFIC_SHIFT.",
            ));
        }
        let given = member(sent, "timeoutConfiguration").cloned().unwrap_or_else(|| json!({}));
        let timeout = whole(&given, "timeoutInMinutes", 1, if pause { 20_160 } else { 1440 })?.unwrap_or(1440);
        let timeout_continues = match input::text(&given, "action")? {
            None | Some("ROLLBACK") => false,
            Some("CONTINUE") => true,
            Some(other) => return Err(ApiError::invalid(format!("Invalid timeout action {other}."))),
        };
        let mut shown = sent.clone();
        shown["targetType"] = json!(if pause { "PAUSE" } else { "AWS_LAMBDA" });
        shown["timeoutConfiguration"] =
            json!({ "timeoutInMinutes": timeout, "action": if timeout_continues { "CONTINUE" } else { "ROLLBACK" } });
        let function = function.filter(|_| !pause).map(str::to_owned);
        Ok(Self { function, stages, timeout, timeout_continues, shown })
    }
}
