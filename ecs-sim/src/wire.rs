//! ECS's wire format: awsJson1.1 (Smithy's "AWS JSON 1.1 protocol"), signed with AWS Signature Version 4.

use serde_json::Value;

use crate::{
    ApiError, Caller,
    front::{Outcome, Request},
};

/// The header that names the operation.
pub const TARGET: &str = "x-amz-target";

/// The content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// What comes before an operation in the target.
const SERVICE: &str = "AmazonEC2ContainerServiceV20141113.";

/// The account of credentials that name none.
const ROOT_ACCOUNT: &str = "000000000000";

/// Reads a request. An access key of 12 digits is the account; the signature is not checked.
pub fn request(target: Option<&str>, authorization: Option<&str>, body: &[u8]) -> Result<Request, ApiError> {
    let operation = target
        .and_then(|target| target.strip_prefix(SERVICE))
        .ok_or_else(|| ApiError::refused("UnknownOperationException", "The target names no operation of ECS."))?;
    let (access_key, region) = authorization.and_then(credential).ok_or_else(|| {
        ApiError::refused("MissingAuthenticationTokenException", "Request is missing Authentication Token")
    })?;
    let is_account = access_key.len() == 12 && access_key.bytes().all(|byte| byte.is_ascii_digit());
    let account = if is_account { access_key } else { ROOT_ACCOUNT };
    let caller = Caller { account: account.into(), region: region.into() };
    let input = if body.is_empty() { Ok(Value::Object(serde_json::Map::new())) } else { serde_json::from_slice(body) };
    let input = input.map_err(|error| ApiError::refused("SerializationException", error.to_string()))?;
    Ok(Request { caller, access_key: access_key.into(), operation: operation.into(), input })
}

/// The access key and the region of `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/ecs/aws4_request, …`.
fn credential(authorization: &str) -> Option<(&str, &str)> {
    let (_, scope) = authorization.split_once("Credential=")?;
    let mut parts = scope.split(',').next()?.split('/');
    let (access_key, _date, region) = (parts.next()?, parts.next()?, parts.next()?);
    Some((access_key, region))
}

/// The status and the body of an answer; none where the connection breaks.
pub fn answer(outcome: &Outcome) -> Option<(u16, String)> {
    match outcome {
        Outcome::Answer { status, body } => Some((*status, body.text().to_owned())),
        Outcome::Broken => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/ecs/aws4_request, \
                          SignedHeaders=host, Signature=00";

    #[test]
    fn a_request_tells_who_calls_what_with_what() {
        let target = Some("AmazonEC2ContainerServiceV20141113.ListClusters");
        let read = request(target, Some(SIGNED), br#"{"maxResults":1}"#).unwrap();
        let caller = Caller { account: "111122223333".into(), region: "eu-west-1".into() };
        assert_eq!(
            (read.caller, read.operation.as_str(), read.input),
            (caller, "ListClusters", json!({"maxResults":1}))
        );
        let other = SIGNED.replace("111122223333", "AKIAIOSFODNN7EXAMPLE");
        let read = request(target, Some(&other), b"").unwrap();
        assert_eq!((read.caller.account.as_str(), read.access_key.as_str()), (ROOT_ACCOUNT, "AKIAIOSFODNN7EXAMPLE"));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let target = Some("AmazonEC2ContainerServiceV20141113.ListClusters");
        let code = |target, authorization, body| request(target, authorization, body).unwrap_err().code;
        assert_eq!(code(None, Some(SIGNED), b"{}"), "UnknownOperationException");
        assert_eq!(code(target, None, b"{}"), "MissingAuthenticationTokenException");
        assert_eq!(code(target, Some(SIGNED), b"{"), "SerializationException");
    }
}
