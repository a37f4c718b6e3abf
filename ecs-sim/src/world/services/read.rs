//! DescribeServices, ListServices and ListServicesByNamespace.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Service, ServiceStatus, show::Shown};
use crate::world::{
    ApiError, Cx, Region, arn, clusters,
    input::{self, member},
    page,
    tasks::place::LaunchType,
    text,
};

/// The service of that name, ARN or `cluster/name` in a cluster, whatever its status.
pub(in crate::world) fn find<'a>(cx: &'a Cx<'_>, cluster: &str, named: &str) -> Result<&'a Service, ApiError> {
    let key = Service::key(cluster, arn::name(named));
    cx.region.services.get(&key).map(|service| &**service).ok_or_else(missing)
}

/// The same, to change what needs no engine, such as tags.
pub(in crate::world) fn find_mut<'a>(
    region: &'a mut Region,
    cluster: &str,
    named: &str,
) -> Result<&'a mut Service, ApiError> {
    let key = Service::key(cluster, arn::name(named));
    region.services.get_mut(&key).map(|service| &mut **service).ok_or_else(missing)
}

fn missing() -> ApiError {
    ApiError::refused("ServiceNotFoundException", "Service not found.")
}

/// The services of a cluster, by name.
pub(in crate::world) fn in_cluster<'a>(region: &'a Region, cluster: &str) -> impl Iterator<Item = &'a Service> {
    let prefix = format!("{cluster}/");
    let from = region.services.range(prefix.clone()..);
    from.take_while(move |(key, _)| key.starts_with(&prefix)).map(|(_, service)| &**service)
}

/// The answer of DescribeServices.
#[derive(Serialize)]
struct Described<'a> {
    services: Vec<Shown<'a>>,
    failures: Vec<Value>,
}

/// DescribeServices API reference.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    Ok(json!(described(cx, call)?))
}

/// The same, without a [`Value`] on the way.
pub(in crate::world) fn describe_as_text(cx: &Cx<'_>, call: &Value) -> Result<String, ApiError> {
    text(&described(cx, call)?)
}

fn described<'a>(cx: &'a Cx<'_>, call: &Value) -> Result<Described<'a>, ApiError> {
    let cluster = &clusters::find(cx, input::text(call, "cluster")?)?.name;
    let names = input::texts(call, "services")?;
    if names.is_empty() {
        return Err(ApiError::invalid("Services cannot be empty."));
    }
    if names.len() > 10 {
        return Err(ApiError::invalid("Number of services is too many. The maximum is 10."));
    }
    let with_tags = input::includes(call, "TAGS")?;
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for name in names.into_iter().map(arn::name) {
        match cx.region.services.get(&Service::key(cluster, name)) {
            Some(service) => services.push(service.shown(cx.caller, with_tags)),
            None => failures.push(json!({ "arn": arn::service(cx.caller, cluster, name), "reason": "MISSING" })),
        }
    }
    Ok(Described { services, failures })
}

/// ListServices API reference: only ACTIVE ones.
pub(super) fn list(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let launch_type = input::text(call, "launchType")?.map(LaunchType::read).transpose()?;
    let scheduling = input::text(call, "schedulingStrategy")?;
    let management = input::text(call, "resourceManagementType")?;
    let arns: Vec<String> = in_cluster(cx.region, &cluster)
        .filter(|service| service.status == ServiceStatus::Active)
        .filter(|service| scheduling.is_none_or(|wanted| (wanted == "DAEMON") == service.daemon))
        .filter(|_| management.is_none_or(|wanted| wanted == "CUSTOMER"))
        .filter(|service| {
            launch_type
                .is_none_or(|wanted| service.revision(service.primary).is_some_and(|one| one.launch_type == wanted))
        })
        .map(|service| service.arn.clone())
        .collect();
    let (arns, token) = page::of(arns, call, 10, 100)?;
    Ok(with_token(json!({ "serviceArns": arns }), token))
}

/// ListServicesByNamespace API reference: services of all clusters with Service Connect in that namespace.
pub(super) fn list_by_namespace(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let namespace = arn::name(input::required_text(call, "namespace")?);
    let arns: Vec<String> = cx
        .region
        .services
        .values()
        .filter(|service| service.status == ServiceStatus::Active)
        .filter(|service| {
            let connect = service.revision(service.primary).and_then(|one| one.spec.get("serviceConnectConfiguration"));
            let connect = connect.filter(|one| one["enabled"] == true).and_then(|one| member(one, "namespace"));
            connect.and_then(Value::as_str).is_some_and(|one| arn::name(one) == namespace)
        })
        .map(|service| service.arn.clone())
        .collect();
    let (arns, token) = page::of(arns, call, 10, 100)?;
    Ok(with_token(json!({ "serviceArns": arns }), token))
}

/// An answer with `nextToken` where there is one.
pub(in crate::world) fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        answer["nextToken"] = Value::String(token);
    }
    answer
}
