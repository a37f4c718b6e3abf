//! What ECS complains of in a service's events, as long as it holds. Pure.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    detail::time,
    diagnosis::{self, Trouble, TroubleKind},
    live_service::LiveService,
};

/// The newest complaint from `since` to `until` that says what is wrong, else the newest that only says that something
/// is. That a deployment failed and where ECS goes back to is no complaint: it is told otherwise.
pub fn complaint(service: &LiveService, since: Option<Timestamp>, until: Option<Timestamp>) -> Option<Trouble> {
    let holds = |event: &&Value| {
        let at = time(event.get("createdAt"));
        at >= since && until.is_none_or(|until| at <= Some(until))
    };
    let events = service.json.get("events").and_then(Value::as_array).into_iter().flatten().filter(holds);
    let is_end = |kind: TroubleKind| matches!(kind, TroubleKind::DeploymentFailed | TroubleKind::RollingBack);
    let mut vague = None;
    for message in events.filter_map(|event| event.get("message")?.as_str()) {
        let Some(trouble) = diagnosis::trouble(message).filter(|trouble| !is_end(trouble.kind)) else { continue };
        if !trouble.kind.is_vague() {
            return Some(trouble);
        }
        vague = vague.or(Some(trouble));
    }
    vague
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    #[test]
    fn the_specific_comes_before_the_vague_and_what_is_over_is_not_told() {
        let service = LiveService::read(json!({ "events": [
            { "createdAt": 60, "message": "(service web) rolling back to deployment ecs-svc/1." },
            { "createdAt": 50, "message": "(service web) is unable to consistently start tasks successfully." },
            { "createdAt": 40, "message": "(service web) was unable to place a task. Reason: Capacity is unavailable at this time." },
        ] }))
        .unwrap();
        let kind = |since: i64, until: Option<Timestamp>| Some(complaint(&service, at(since), until)?.kind.as_str());
        assert_eq!(kind(0, None), Some("CapacityUnavailable"));
        assert_eq!(kind(45, None), Some("TaskStartImpaired"));
        assert_eq!(kind(55, None), None, "where ECS goes back to is no reason");
        assert_eq!(kind(0, at(30)), None);
    }
}
