//! The simulator on a port: ECS's wire format over plain HTTP/1.1, and [`control`] beside it.

use std::{future::Future, io};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    control,
    front::{Front, Outcome},
    wire,
};

/// Serves until `end`; calls that are under way then are dropped.
pub async fn serve(listener: TcpListener, front: Front, end: impl Future<Output = ()>) -> io::Result<()> {
    let mut connections = JoinSet::new();
    tokio::pin!(end);
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            Some(_) = connections.join_next() => continue,
            () = &mut end => return Ok(()),
        };
        let front = front.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(front.clone(), request));
            // A connection that breaks, by a rule or by the caller, is nobody's problem here.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The error of a call whose connection is to break: hyper closes it without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks")]
struct Broken;

async fn answer(front: Front, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    if let Some(path) = target.strip_prefix(control::PATH) {
        let (status, answer) = control::answer(&front, head.method.as_str(), path, &body);
        return Ok(respond(status, "application/json", format!("{answer:#}\n")));
    }
    if head.method != Method::POST {
        let hint = format!("ECS answers POST only; {} tells how to control the simulation.\n", control::PATH);
        return Ok(respond(405, "text/plain", hint));
    }
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let outcome = match wire::request(header(wire::TARGET), header(AUTHORIZATION.as_str()), &body) {
        Ok(request) => front.handle(request).await,
        Err(error) => Outcome::from(Err(error)),
    };
    let (status, body) = wire::answer(&outcome).ok_or(Broken)?;
    Ok(respond(status, wire::CONTENT_TYPE, body))
}

fn respond(status: u16, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}
