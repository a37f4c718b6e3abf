//! Plain awsJson1.1 over HTTP/1.1 on loopback.

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::runtime::Runtime;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The exception's name, where it is one.
    pub code: String,
    /// What the body says.
    pub body: Value,
}

/// A server on this machine.
pub struct Server {
    runtime: Runtime,
    client: Client<HttpConnector, Full<Bytes>>,
    /// `http://host:port`.
    address: String,
}

impl Server {
    /// The one at this address, talked to on this runtime.
    pub fn new(runtime: Runtime, address: String) -> Self {
        Self { runtime, client: Client::builder(TokioExecutor::new()).build_http(), address }
    }

    /// A call of an ECS operation.
    pub fn call(&self, account: &str, region: &str, operation: &str, input: &Value) -> Answer {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
        let (status, text) = self.post(account, region, "ecs", &headers, input.to_string());
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let name = body["__type"].as_str().unwrap_or_default();
        let code = name.rsplit('#').next().unwrap_or_default().to_owned();
        Answer { status, code, body }
    }

    /// A call of an EC2 operation, in that service's older protocol: the XML.
    pub fn ec2(&self, account: &str, region: &str, action: &str) -> String {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.post(account, region, "ec2", &headers, format!("Action={action}&Version=2016-11-15")).1
    }

    /// The status and body of a POST. Its signature is one that nobody checks: what is read of it is the access key,
    /// which stands for the account, and the region. moto reads a header of its own.
    fn post(
        &self,
        account: &str,
        region: &str,
        service: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (u16, String) {
        let scope = format!("{account}/20260101/{region}/{service}/aws4_request");
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let mut request = Request::post(&self.address);
        request = request.header("authorization", signature).header("x-moto-account-id", account);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).unwrap();
        self.runtime.block_on(async {
            let answer = self.client.request(request).await.unwrap_or_else(|error| panic!("{}: {error}", self.address));
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8_lossy(&body).into_owned())
        })
    }
}
