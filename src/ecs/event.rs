//! The events of a service, as ECS writes them.

/// How events begin, after the service's name, that tell of no trouble; a healthy service emits them all day long. From the
/// ECS developer guide, "Amazon ECS service event messages" and "Amazon ECS Availability Zone service rebalancing service
/// event messages", and from what ECS writes beyond them.
const HARMLESS: &[&str] = &[
    "has reached a steady state",
    "has started ",
    "has stopped ",
    "has begun draining",
    "registered ",
    "deregistered ",
    "stopped ",
    "updated computed desiredcount",
    "is az balanced",
    "is not az balanced",
];

/// Whether an event's text tells of no trouble. Only how it begins and ends counts: what follows may quote anything.
pub fn is_harmless(message: &str) -> bool {
    let said = without_service(message).trim_start().to_lowercase();
    HARMLESS.iter().any(|start| said.starts_with(start)) || said.trim_end().ends_with("deployment completed.")
}

/// The text after `(service web) `, `(service web, taskSet …) `, `service (web) ` or `service web `. A name may contain
/// any word.
pub fn without_service(message: &str) -> &str {
    let rest = if message.starts_with("(service ") {
        message.split_once(") ").map(|(_, rest)| rest)
    } else {
        message.strip_prefix("service ").and_then(|rest| rest.split_once(' ')).map(|(_, rest)| rest)
    };
    rest.unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What tells of trouble may use the words of what tells of none.
    #[test]
    fn only_how_an_event_begins_makes_it_harmless() {
        for harmless in [
            "(service web) has reached a steady state.",
            "(service web, taskSet ecs-svc/1) has started 1 tasks: (task 1).",
            "service web registered 1 targets in (target-group x)",
            "(service web) is not AZ balanced with 2 tasks in eu-west-1a",
            "(service web) has started 1 tasks in eu-west-1b to AZ Rebalance: (task 1).",
            "(service web) (deployment ecs-svc/1) deployment completed.",
        ] {
            assert!(is_harmless(harmless), "{harmless}");
        }
        for trouble in [
            "(service web) was unable to AZ Rebalance because the task is protected.",
            "(service stopped web) (task 1) (port 80) is unhealthy in (target-group x) due to (reason Target is not registered to the target group)",
            "(service web) (deployment ecs-svc/1) deployment failed: tasks failed to start.",
        ] {
            assert!(!is_harmless(trouble), "{trouble}");
        }
    }
}
