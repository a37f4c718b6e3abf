//! The front door and the clock.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Call, Endpoint, Refusal};
use crate::front::{Front, Outcome, Record, Rule, RuleId};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        path: "health",
        about: "whether it is there",
        answer: |_, _| Ok(json!({ "status": "ok" })),
    },
    Endpoint {
        method: "POST",
        path: "reset",
        about: "an empty world without rules, log or throttling: {seed: 1}",
        answer: |front, call| {
            front.reset(call.member("seed")?.unwrap_or(1));
            Ok(json!({}))
        },
    },
    Endpoint {
        method: "GET",
        path: "clock",
        about: "the simulated time, in seconds since 1970, and its speed",
        answer: |front, _| Ok(clock(front)),
    },
    Endpoint {
        method: "POST",
        path: "clock",
        about: "moves it on by {step: seconds}, and lets it go at {speed: times the machine's}, 0 to hold it",
        answer: move_clock,
    },
    Endpoint {
        method: "GET",
        path: "faults",
        about: "the rules in force, by their number",
        answer: |front, _| Ok(front.rules().iter().map(|(id, rule)| json!({ "id": id, "rule": rule })).collect()),
    },
    Endpoint {
        method: "POST",
        path: "faults",
        about: "adds a rule: {operations: any | writes | reads | {named: [CreateService, …]}, containing: text in the \
                input, account: 12 digits, when: always | {first: n} | {nth: n} | {chance: 0..1} | {until: \
                milliseconds since 1970}, fault: throttle | serverError | denyAccess | {denyAction: ecs:TagResource} | \
                expiredToken | {refuse: {status: 400, code, message}} | loseRequest | loseAnswer | {slow: \
                {millisThere, millisBack}} | {hang: {tookEffect: false}}}; only operations and fault are needed",
        answer: |front, call| Ok(json!({ "id": front.add(call.read::<Rule>()?) })),
    },
    Endpoint {
        method: "DELETE",
        path: "faults",
        about: "takes all rules away, or with its number behind the path one",
        answer: remove_rules,
    },
    Endpoint {
        method: "POST",
        path: "throttling",
        about: "ECS's token buckets: {on: true}",
        answer: |front, call| {
            front.set_buckets(call.required("on")?);
            Ok(json!({}))
        },
    },
    Endpoint {
        method: "POST",
        path: "lag",
        about: "for how long at most reads show what was before a write: {seconds: 5}",
        answer: |front, call| {
            front.set_lag(seconds(call, "seconds")?.unwrap_or_default());
            Ok(json!({}))
        },
    },
    Endpoint {
        method: "GET",
        path: "calls",
        about: "the newest 10,000 calls, oldest first",
        answer: |front, _| Ok(front.log().iter().map(|record| shown(record)).collect()),
    },
    Endpoint {
        method: "DELETE",
        path: "calls",
        about: "the same, and forgets them",
        answer: |front, _| Ok(front.drain_log().iter().map(|record| shown(record)).collect()),
    },
    Endpoint {
        method: "GET",
        path: "counts",
        about: "how many calls there were of each operation, and how they ended",
        answer: |front, _| Ok(json!(front.counts())),
    },
];

/// A time in seconds, with fractions.
pub(super) fn seconds(call: &Call<'_>, name: &str) -> Result<Option<Duration>, Refusal> {
    let seconds: Option<f64> = call.member(name)?;
    let duration = seconds.map(Duration::try_from_secs_f64).transpose();
    duration.map_err(|error| Refusal(400, format!("{name}: {error}")))
}

fn clock(front: &Front) -> Value {
    let clock = front.simulator().clock();
    json!({ "time": clock.now().seconds(), "speed": clock.speed() })
}

fn move_clock(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let (step, speed) = (seconds(call, "step")?, call.member("speed")?);
    if let Some(speed) = speed {
        front.simulator().clock().set_speed(speed);
    }
    if let Some(step) = step {
        front.simulator().clock().step(step);
    }
    Ok(clock(front))
}

fn remove_rules(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    if call.rest.is_empty() {
        front.clear_rules();
        return Ok(json!({}));
    }
    let id = call.rest.parse().map(RuleId).map_err(|_| Refusal(400, "a rule has a number".into()))?;
    if front.remove(id) { Ok(json!({})) } else { Err(Refusal(404, format!("there is no rule {}", call.rest))) }
}

fn shown(record: &Record) -> Value {
    let (status, answer) = match &record.outcome {
        Outcome::Answer { status, body } => (json!(status), &***body),
        Outcome::Broken => (Value::Null, &Value::Null),
    };
    json!({
        "sequence": record.sequence, "time": record.at.seconds(), "account": record.caller.account,
        "region": record.caller.region, "accessKey": record.access_key, "operation": record.operation,
        "input": record.input, "status": status, "answer": answer, "tookEffect": record.took_effect,
    })
}
