//! Account settings (ListAccountSettings and PutAccountSetting API references).

use serde_json::{Value, json};

use super::{ApiError, Cx, Operation, Region, input, page};

/// A setting, what it is unless somebody set it, and what it may be.
struct Setting {
    name: &'static str,
    default: &'static str,
    values: &'static [&'static str],
}

const SWITCH: &[&str] = &["enabled", "disabled", "on", "off"];

const SETTINGS: &[Setting] = &[
    Setting { name: "awsvpcTrunking", default: "disabled", values: SWITCH },
    Setting { name: "containerInsights", default: "disabled", values: &["enhanced", "enabled", "disabled"] },
    Setting { name: "containerInstanceLongArnFormat", default: "enabled", values: SWITCH },
    Setting { name: "defaultLogDriverMode", default: "non-blocking", values: &["blocking", "non-blocking"] },
    Setting { name: "fargateEventWindows", default: "disabled", values: SWITCH },
    Setting { name: "fargateFIPSMode", default: "disabled", values: SWITCH },
    Setting { name: "fargateTaskRetirementWaitPeriod", default: "7", values: &["0", "7", "14"] },
    // Amazon GuardDuty sets it.
    Setting { name: "guardDutyActivate", default: "off", values: &[] },
    Setting { name: "serviceLongArnFormat", default: "enabled", values: SWITCH },
    Setting { name: "tagResourceAuthorization", default: "on", values: SWITCH },
    Setting { name: "taskLongArnFormat", default: "enabled", values: SWITCH },
];

/// Most settings on one page.
const PAGE: usize = 10;

/// The operations of this module.
pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        // Every caller is its account's root user here, so that the account's default is the caller's own setting.
        "PutAccountSetting" | "PutAccountSettingDefault" => put,
        "ListAccountSettings" => list,
        _ => return None,
    })
}

fn known(name: &str) -> Result<&'static Setting, ApiError> {
    SETTINGS
        .iter()
        .find(|setting| setting.name == name)
        .ok_or_else(|| ApiError::invalid("Invalid setting name. Specify a valid setting name and try again."))
}

/// What a new cluster's Container Insights are, unless its creator says.
pub(super) fn container_insights(region: &Region) -> &str {
    region.settings.get("containerInsights").map_or("disabled", String::as_str)
}

fn put(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let setting = known(input::required_text(call, "name")?)?;
    let value = input::required_text(call, "value")?;
    if !setting.values.contains(&value) {
        return Err(ApiError::invalid("Invalid setting value. Specify a valid setting value and try again."));
    }
    cx.region.settings.insert(setting.name.into(), value.into());
    Ok(json!({ "setting": shown(cx, setting.name, value) }))
}

fn list(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let name = input::text(call, "name")?.map(known).transpose()?.map(|setting| setting.name);
    let value = input::text(call, "value")?;
    let effective = input::boolean(call, "effectiveSettings")? == Some(true);
    let listed = SETTINGS
        .iter()
        .filter_map(|setting| {
            let set = cx.region.settings.get(setting.name).map(String::as_str);
            Some((setting.name, set.or(effective.then_some(setting.default))?))
        })
        .filter(|one| name.is_none_or(|name| name == one.0) && value.is_none_or(|value| value == one.1))
        .map(|(name, value)| shown(cx, name, value))
        .collect();
    let (settings, token) = page::of(listed, call, PAGE, PAGE)?;
    let mut answer = json!({ "settings": settings });
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    Ok(answer)
}

fn shown(cx: &Cx<'_>, name: &str, value: &str) -> Value {
    let kind = if name == "guardDutyActivate" { "aws_managed" } else { "user" };
    let principal = format!("arn:aws:iam::{}:root", cx.caller.account);
    json!({ "name": name, "value": value, "principalArn": principal, "type": kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Ecs;

    #[test]
    fn only_what_was_put_is_listed_unless_the_effective_settings_are_asked_for() {
        let mut ecs = Ecs::new();
        assert_eq!(ecs.answer("ListAccountSettings", &json!({})), json!({ "settings": [] }));
        ecs.answer("PutAccountSetting", &json!({ "name": "containerInsights", "value": "enhanced" }));
        let listed = ecs.answer("ListAccountSettings", &json!({}));
        assert_eq!(
            (listed["settings"].as_array().unwrap().len(), &listed["settings"][0]["value"]),
            (1, &json!("enhanced"))
        );
        let effective = ecs.answer("ListAccountSettings", &json!({ "effectiveSettings": true }));
        assert_eq!(effective["settings"].as_array().unwrap().len(), 10);
        let rest = json!({ "effectiveSettings": true, "nextToken": effective["nextToken"] });
        assert_eq!(ecs.answer("ListAccountSettings", &rest)["settings"][0]["name"], "taskLongArnFormat");
        let wait = json!({ "effectiveSettings": true, "name": "fargateTaskRetirementWaitPeriod" });
        assert_eq!(ecs.answer("ListAccountSettings", &wait)["settings"][0]["value"], "7");
    }

    #[test]
    fn unknown_settings_and_values_are_refused() {
        let mut ecs = Ecs::new();
        for (name, value) in [("colour", "blue"), ("containerInsights", "loud"), ("guardDutyActivate", "on")] {
            let refusal = ecs.refusal("PutAccountSetting", &json!({ "name": name, "value": value }));
            assert_eq!(refusal.code, "InvalidParameterException", "{name}");
        }
    }
}
