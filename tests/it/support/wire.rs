//! ECS over plain HTTP, without the AWS SDK: what the proxy forwards with, and what tests read live ECS with.

use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// What ECS answered, or what stands in for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    /// An answer with a result.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// An error in the form of ECS's protocol, awsJson1.1.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self { status, body: json!({ "__type": code, "message": message }) }
    }

    /// A refusal: an error of the caller's.
    pub fn refusal(code: &str, message: &str) -> Self {
        Self::error(400, code, message)
    }

    pub fn is_ok(&self) -> bool {
        self.status == StatusCode::OK.as_u16()
    }

    /// The code of the error; empty for a result.
    pub fn code(&self) -> &str {
        let code = if self.is_ok() { None } else { self.body["__type"].as_str() };
        code.unwrap_or_default().rsplit('#').next().unwrap_or_default()
    }
}

/// Sends one JSON call of ECS to `address` (host:port). Each call has a connection of its own.
pub async fn post(
    address: &str,
    authorization: &str,
    operation: &str,
    body: &Value,
) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post("/")
        .header("host", address)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("AmazonEC2ContainerServiceV20141113.{operation}"))
        .header("authorization", authorization)
        .body(Full::new(Bytes::from(serde_json::to_vec(body)?)))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await?.to_bytes();
    connection.abort();
    let body = serde_json::from_slice(&bytes)
        .map_err(|error| format!("{operation}: {status} {}: {error}", String::from_utf8_lossy(&bytes)))?;
    Ok(Reply { status, body })
}

/// The head of a request as signature version 4 has it. MiniStack takes account and region from it and checks no more.
pub fn authorization(account: &str, region: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/ecs/aws4_request, SignedHeaders=host, Signature=0")
}

/// Live ECS as a client sees it that isn't ours: past the proxy and its overlay, without the AWS SDK. Its writes
/// are somebody else's changes.
#[derive(Clone, Debug)]
pub struct LiveEcs {
    pub address: String,
    pub account: String,
    pub region: String,
}

impl LiveEcs {
    /// The same account in another region.
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.into(), ..self.clone() }
    }

    /// Calls an operation; the answer may be an error of ECS's.
    pub async fn ask(&self, operation: &str, body: &Value) -> Reply {
        post(&self.address, &authorization(&self.account, &self.region), operation, body)
            .await
            .unwrap_or_else(|error| panic!("{operation} {body}: {error}"))
    }

    /// Calls an operation that must succeed.
    pub async fn call(&self, operation: &str, body: Value) -> Value {
        let reply = self.ask(operation, &body).await;
        assert!(reply.is_ok(), "{operation} {body} was answered with {} {}", reply.status, reply.body);
        reply.body
    }

    /// A cluster with everything that can be included, `None` where there is none.
    pub async fn cluster(&self, name: &str) -> Option<Value> {
        let include = json!(["TAGS", "SETTINGS", "CONFIGURATIONS"]);
        let body = self.call("DescribeClusters", json!({ "clusters": [name], "include": include })).await;
        body["clusters"].get(0).cloned()
    }

    /// A service with its tags, `None` where there is none (or no such cluster).
    pub async fn service(&self, cluster: &str, name: &str) -> Option<Value> {
        let body = json!({ "cluster": cluster, "services": [name], "include": ["TAGS"] });
        let reply = self.ask("DescribeServices", &body).await;
        reply.body["services"].get(0).cloned()
    }

    /// A task definition (by family:revision or ARN) with its tags beside it, `None` where there is none.
    pub async fn task_definition(&self, reference: &str) -> Option<Value> {
        let body = json!({ "taskDefinition": reference, "include": ["TAGS"] });
        let reply = self.ask("DescribeTaskDefinition", &body).await;
        reply.is_ok().then_some(reply.body)
    }

    /// The ARNs of a family's revisions that have this status.
    pub async fn revisions(&self, family: &str, status: &str) -> Vec<String> {
        let body = self.call("ListTaskDefinitions", json!({ "familyPrefix": family, "status": status })).await;
        let arns = body["taskDefinitionArns"].as_array().into_iter().flatten().filter_map(Value::as_str);
        // The prefix also finds longer names of families.
        arns.filter(|arn| arn.contains(&format!("/{family}:"))).map(Into::into).collect()
    }
}
