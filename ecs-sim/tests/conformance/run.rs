//! Running cases, and telling all that is wrong at once.

use regex::Regex;
use serde_json::Value;

use crate::{
    expect::difference,
    http::Answer,
    model::Exchanges,
    suite::{Case, Refusal, Step, Suite},
    target::{Target, Variables},
};

/// Runs all cases and panics with the list of those that fail, and of the skips that are not needed any more. What was
/// said is returned.
pub fn all(target: &mut dyn Target) -> Exchanges {
    let suite = Suite::read();
    let mut exchanges = Exchanges::default();
    let mut failures = Vec::new();
    let (mut ran, mut skipped) = (0, 0);
    for case in &suite.cases {
        let outcome = one(target, &suite, case, &mut exchanges);
        match (case.skip.get(target.name()), outcome) {
            (None, Ok(())) => ran += 1,
            (None, Err(reason)) => {
                ran += 1;
                failures.push(format!("{}: {}\n    {reason}\n    ({})", case.topic, case.name, case.source));
            }
            (Some(reason), Ok(())) => failures.push(format!(
                "{}: {}\n    passes, and is skipped for {}: \"{reason}\"; remove the skip",
                case.topic,
                case.name,
                target.name()
            )),
            (Some(reason), Err(_)) => {
                skipped += 1;
                println!("skipped for {}: {}: {} ({reason})", target.name(), case.topic, case.name);
            }
        }
    }
    println!("{}: {ran} cases ran, {skipped} are skipped", target.name());
    assert!(
        failures.is_empty(),
        "{} of {} cases are not as they should be on {}:\n\n{}\n",
        failures.len(),
        suite.cases.len(),
        target.name(),
        failures.join("\n\n")
    );
    exchanges
}

fn one(target: &mut dyn Target, suite: &Suite, case: &Case, exchanges: &mut Exchanges) -> Result<(), String> {
    let mut variables = target.begin();
    for (number, step) in suite.steps(case).iter().enumerate() {
        for n in 1..=step.times {
            variables.insert("n".into(), n.to_string().into());
            let made = make(target, step, &mut variables, exchanges);
            made.map_err(|reason| format!("step {}, {}: {reason}", number + 1, step.call))?;
        }
    }
    Ok(())
}

/// Makes the call of a step, as often as it says, and judges the answers.
fn make(
    target: &mut dyn Target,
    step: &Step,
    variables: &mut Variables,
    exchanges: &mut Exchanges,
) -> Result<(), String> {
    for _ in 0..target.patience(step.after) {
        target.pass();
    }
    let input = match &step.with {
        Value::Null => Value::Object(serde_json::Map::new()),
        with => filled(with, variables)?,
    };
    let expected = step.expect.as_ref().map(|expected| filled(expected, variables)).transpose()?;
    let mut answer = target.call(&step.call, &input);
    exchanges.add(&step.call, &input, &answer);
    if let Some(refusal) = &step.error {
        let message = filled(&Value::String(refusal.message.clone()), variables)?;
        return refused(&answer, refusal, message.as_str().unwrap_or_default());
    }
    if let Some(wait) = &step.wait {
        let until = filled(&wait.until, variables)?;
        let meanwhile = wait.meanwhile.as_ref().map(|part| filled(part, variables)).transpose()?;
        let mut seconds = 0;
        while let Some(missing) = judged(&answer, Some(&until))? {
            if let Some(wrong) = judged(&answer, meanwhile.as_ref())? {
                return Err(format!("after {seconds} s, {wrong}"));
            }
            if seconds >= target.patience(wait.within) {
                return Err(format!("after {seconds} s still {missing}"));
            }
            target.pass();
            seconds += 1;
            answer = target.call(&step.call, &input);
        }
        exchanges.add(&step.call, &input, &answer);
    }
    if let Some(wrong) = judged(&answer, expected.as_ref())? {
        return Err(wrong);
    }
    for second in 0..target.patience(step.hold) {
        target.pass();
        let answer = target.call(&step.call, &input);
        if let Some(wrong) = judged(&answer, expected.as_ref())? {
            return Err(format!("{} s later {wrong}", second + 1));
        }
    }
    for (name, place) in &step.keep {
        let value = kept(&answer.body, place).ok_or_else(|| format!("there is no {place} in {}", answer.body))?;
        variables.insert(name.clone(), value);
    }
    Ok(())
}

/// What is at the place, or the part of it that the place's regular expression tells.
fn kept(body: &Value, place: &str) -> Option<Value> {
    let Some((pointer, pattern)) = place.split_once(' ') else {
        return body.pointer(place).cloned();
    };
    let pattern = Regex::new(pattern).unwrap_or_else(|error| panic!("{place}: {error}"));
    Some(pattern.captures(body.pointer(pointer)?.as_str()?)?.get(1)?.as_str().into())
}

/// What differs from the expectation; an error where the call was refused.
fn judged(answer: &Answer, expected: Option<&Value>) -> Result<Option<String>, String> {
    if answer.status != 200 {
        return Err(format!("refused: {} {}", answer.status, answer.body));
    }
    Ok(expected.and_then(|expected| difference(expected, Some(&answer.body))))
}

fn refused(answer: &Answer, refusal: &Refusal, message: &str) -> Result<(), String> {
    let said = answer.body["message"].as_str().or(answer.body["Message"].as_str()).unwrap_or_default();
    let code = refusal.code.as_deref().unwrap_or(&answer.code);
    if answer.status == refusal.status && answer.code == code && !code.is_empty() && said.contains(message) {
        return Ok(());
    }
    let wanted = refusal.code.as_deref().unwrap_or("a refusal");
    Err(format!("expected {} {wanted} \"{message}\", got {} {}", refusal.status, answer.status, answer.body))
}

/// The value with its variables filled in. A text that is a variable alone becomes that variable's value.
fn filled(value: &Value, variables: &Variables) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => filled_text(text, variables)?,
        Value::Array(parts) => parts.iter().map(|part| filled(part, variables)).collect::<Result<_, _>>()?,
        Value::Object(members) => members
            .iter()
            .map(|(name, part)| {
                let name = filled_text(name, variables)?.as_str().unwrap_or(name).to_owned();
                Ok((name, filled(part, variables)?))
            })
            .collect::<Result<_, String>>()?,
        other => other.clone(),
    })
}

fn filled_text(text: &str, variables: &Variables) -> Result<Value, String> {
    let known = |name: &str| variables.get(name).ok_or_else(|| format!("there is no variable {name}"));
    if let Some(name) = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'))
        && !name.contains("$(")
    {
        return known(name).cloned();
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$(") {
        let (name, after) = after.split_once(')').ok_or_else(|| format!("a variable does not end in {text}"))?;
        let value = known(name)?;
        filled += before;
        filled += &value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        rest = after;
    }
    Ok(Value::String(filled + rest))
}
