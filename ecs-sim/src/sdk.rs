//! The simulator below an AWS SDK, as its HTTP client in the same process.
//!
//! ```text
//! let config = aws_config::SdkConfig::builder()
//!     .http_client(SharedHttpClient::new(SimHttpClient::new(front)))
//!     .credentials_provider(…) // an access key of 12 digits is the account
//! ```
//!
//! It opens no socket, starts no thread and waits only on tokio's clock, so that it works in a paused runtime.

use std::io;

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;

use crate::{
    front::{Front, Outcome},
    wire,
};

/// An HTTP client whose every request goes to the simulator, whatever the endpoint.
#[derive(Clone, Debug)]
pub struct SimHttpClient(Front);

impl SimHttpClient {
    /// A client of this front door.
    pub fn new(front: Front) -> Self {
        Self(front)
    }
}

impl HttpConnector for SimHttpClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let front = self.0.clone();
        let headers = request.headers();
        let body = request.body().bytes().unwrap_or_default();
        let request = wire::request(headers.get(wire::TARGET), headers.get("authorization"), body);
        HttpConnectorFuture::new(async move {
            let outcome = match request {
                Ok(request) => front.handle(request).await,
                Err(error) => Outcome::from(Err(error)),
            };
            let (status, body) = wire::answer(&outcome).ok_or_else(|| {
                ConnectorError::io(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer").into())
            })?;
            let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("content-type", wire::CONTENT_TYPE);
            Ok(response)
        })
    }
}

impl HttpClient for SimHttpClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_smithy_runtime_api::http::Headers;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        Clock, Simulator,
        front::{Fault, Rule},
    };

    fn client() -> SimHttpClient {
        SimHttpClient::new(Front::new(Simulator::new(1, Clock::held()), 1))
    }

    fn request(operation: &str, input: &Value) -> HttpRequest {
        let mut headers = Headers::new();
        headers.insert("x-amz-target", format!("AmazonEC2ContainerServiceV20141113.{operation}"));
        let scope = "AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/ecs/aws4_request";
        headers.insert("authorization", scope);
        let mut request = HttpRequest::new(SdkBody::from(input.to_string()));
        *request.headers_mut() = headers;
        request
    }

    async fn answer(client: &SimHttpClient, operation: &str) -> Result<(u16, Value), ConnectorError> {
        let response = client.call(request(operation, &json!({}))).await?;
        assert_eq!(response.headers().get("content-type"), Some("application/x-amz-json-1.1"));
        Ok((response.status().as_u16(), serde_json::from_slice(response.body().bytes().unwrap()).unwrap()))
    }

    #[tokio::test]
    async fn answers_and_refusals_come_as_awsjson() {
        let client = client();
        assert_eq!(answer(&client, "ListClusters").await.unwrap(), (200, json!({ "clusterArns": [] })));
        client.0.add(Rule::on("ListClusters", Fault::Throttle));
        let refusal = json!({ "__type": "ThrottlingException", "message": "Rate exceeded" });
        assert_eq!(answer(&client, "ListClusters").await.unwrap(), (400, refusal));
        client.0.clear_rules();
        client.0.add(Rule::on("ListClusters", Fault::ServerError));
        assert_eq!(answer(&client, "ListClusters").await.unwrap().0, 500);
    }

    #[tokio::test]
    async fn a_lost_answer_is_an_error_of_the_connection() {
        let client = client();
        client.0.add(Rule::on("CreateCluster", Fault::LoseAnswer));
        assert!(answer(&client, "CreateCluster").await.unwrap_err().is_io());
        let listed = answer(&client, "ListClusters").await.unwrap().1;
        assert_eq!(listed["clusterArns"].as_array().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_skips_delays_and_times_hangs_out() {
        let client = client();
        let slow = Fault::Slow { millis_there: 3_600_000, millis_back: 0 };
        client.0.add(Rule::on("ListClusters", slow));
        let start = tokio::time::Instant::now();
        answer(&client, "ListClusters").await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(3600));
        client.0.clear_rules();
        client.0.add(Rule::on("ListClusters", Fault::Hang { took_effect: false }));
        let call = answer(&client, "ListClusters");
        assert!(tokio::time::timeout(Duration::from_secs(60), call).await.is_err());
    }
}
