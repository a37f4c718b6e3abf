//! The one place where ECS is called. What goes in and comes out is JSON in ECS's own spelling.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecs::{
    Client,
    config::{Builder, http::HttpResponse, retry::RetryPartition},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation as sdk,
};
use aws_smithy_schema::serde::SerializableStruct;
use serde_json::{Map, Value};

use super::{
    error::{Class, EcsError},
    shapes::{ShapeError, sdk_from_json, sdk_to_json},
    throttle::{Bucket, Throttle},
};

/// Declares the operations once: the enum, their names, and how each is sent. A member that is missing from a
/// list here would be dropped without a word, so a test holds each list against the SDK's schema of the input.
macro_rules! operations {
    ($( $(#[$doc:meta])* $variant:ident = $module:ident $kind:ident $bucket:ident ( $($field:ident),* ) ; )*) => { pastey::paste! {
        /// An operation of the ECS API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation { $( $(#[$doc])* $variant, )* }

        impl Operation {
            /// Every operation that the operator calls.
            pub const ALL: &[Self] = &[ $( Self::$variant ),* ];

            /// ECS's name of it.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => stringify!($variant), )* }
            }

            /// Whether it changes anything in AWS.
            pub const fn is_write(self) -> bool {
                match self { $( Self::$variant => operations!(@write $kind), )* }
            }

            /// The bucket of ECS that it takes from.
            pub const fn bucket(self) -> Bucket {
                match self { $( Self::$variant => Bucket::$bucket, )* }
            }

            /// The member names of its input in the SDK's schema, and those that are sent.
            #[cfg(test)]
            fn members(self) -> (Vec<String>, Vec<String>) {
                match self { $( Self::$variant => (
                    sdk::$module::[<$variant Input>]::SCHEMA.members().iter()
                        .filter_map(|member| member.member_name()).map(str::to_lowercase).collect(),
                    vec![ $( stringify!($field).replace('_', "") ),* ],
                ), )* }
            }
        }

        // Deprecated members of the API are still members of it.
        #[allow(deprecated)]
        async fn send(client: &Client, operation: Operation, input: &Map<String, Value>) -> Result<Value, EcsError> {
            match operation { $( Operation::$variant => {
                let input = sdk_from_json(input, sdk::$module::[<$variant Input>]::deserialize)
                    .map_err(|error| EcsError::from((operation, error)))?;
                let call = client.$module() $( .[<set_ $field>](input.$field) )*;
                let call = call.customize().config_override(retries(operation));
                answer(operation, call.send().await)
            } )* }
        }
    } };
    (@write read) => { false };
    (@write write) => { true };
}

operations! {
    /// Makes a cluster.
    CreateCluster = create_cluster write ClusterModify (
        cluster_name, tags, settings, configuration, capacity_providers, default_capacity_provider_strategy,
        service_connect_defaults);
    /// Changes settings, configuration and Service Connect default of a cluster.
    UpdateCluster = update_cluster write ClusterModify (cluster, settings, configuration, service_connect_defaults);
    /// Replaces the capacity providers and the default strategy of a cluster.
    PutClusterCapacityProviders = put_cluster_capacity_providers write ClusterModify (
        cluster, capacity_providers, default_capacity_provider_strategy);
    /// Deletes an empty cluster.
    DeleteCluster = delete_cluster write ClusterModify (cluster);
    /// Registers a new revision of a family.
    RegisterTaskDefinition = register_task_definition write TaskDefinitionModify (
        family, task_role_arn, execution_role_arn, network_mode, container_definitions, volumes,
        placement_constraints, requires_compatibilities, cpu, memory, tags, pid_mode, ipc_mode, proxy_configuration,
        inference_accelerators, ephemeral_storage, runtime_platform, enable_fault_injection);
    /// Makes a revision INACTIVE.
    DeregisterTaskDefinition = deregister_task_definition write TaskDefinitionModify (task_definition);
    /// Makes a service.
    CreateService = create_service write ServiceModify (
        cluster, service_name, task_definition, availability_zone_rebalancing, load_balancers, service_registries,
        desired_count, client_token, launch_type, capacity_provider_strategy, platform_version, role,
        deployment_configuration, placement_constraints, placement_strategy, network_configuration,
        health_check_grace_period_seconds, scheduling_strategy, deployment_controller, tags, enable_ecs_managed_tags,
        propagate_tags, enable_execute_command, service_connect_configuration, volume_configurations,
        vpc_lattice_configurations, gateway_connectors, monitoring);
    /// Changes a service.
    UpdateService = update_service write ServiceModify (
        cluster, service, desired_count, task_definition, capacity_provider_strategy, deployment_configuration,
        availability_zone_rebalancing, network_configuration, placement_constraints, placement_strategy,
        platform_version, force_new_deployment, health_check_grace_period_seconds, deployment_controller,
        enable_execute_command, enable_ecs_managed_tags, load_balancers, propagate_tags, service_registries,
        service_connect_configuration, volume_configurations, vpc_lattice_configurations, gateway_connectors,
        monitoring);
    /// Deletes a service.
    DeleteService = delete_service write ServiceModify (cluster, service, force);
    /// Sets tags.
    TagResource = tag_resource write TagModify (resource_arn, tags);
    /// Removes tags.
    UntagResource = untag_resource write TagModify (resource_arn, tag_keys);
    /// Reads up to 10 services of one cluster.
    DescribeServices = describe_services read ServiceRead (cluster, services, include);
    /// Reads up to 20 revisions of one service.
    DescribeServiceRevisions = describe_service_revisions read ServiceRevision (service_revision_arns);
    /// Reads up to 20 deployments of one service.
    DescribeServiceDeployments = describe_service_deployments read ServiceDeployment (service_deployment_arns);
    /// Lists the deployments of a service, newest first.
    ListServiceDeployments = list_service_deployments read ServiceDeployment (
        service, cluster, status, created_at, next_token, max_results);
    /// Stops a deployment and rolls back.
    StopServiceDeployment = stop_service_deployment write ServiceDeployment (service_deployment_arn, stop_type);
    /// Answers a life-cycle hook that waits.
    ContinueServiceDeployment = continue_service_deployment write ServiceDeployment (
        service_deployment_arn, hook_id, action);
    /// Reads up to 100 clusters.
    DescribeClusters = describe_clusters read ClusterRead (clusters, include);
    /// Reads one revision.
    DescribeTaskDefinition = describe_task_definition read TaskDefinitionRead (task_definition, include);
    /// Lists revisions.
    ListTaskDefinitions = list_task_definitions read TaskDefinitionRead (family_prefix, status, sort, next_token, max_results);
    /// Lists services of a cluster.
    ListServices = list_services read ServiceRead (
        cluster, next_token, max_results, launch_type, scheduling_strategy, resource_management_type);
    /// Lists tasks.
    ListTasks = list_tasks read ClusterResourceRead (
        cluster, container_instance, family, next_token, max_results, started_by, service_name, desired_status,
        launch_type, daemon_name);
    /// Reads up to 100 tasks.
    DescribeTasks = describe_tasks read ClusterResourceRead (cluster, tasks, include);
    /// Lists container instances of a cluster.
    ListContainerInstances = list_container_instances read ClusterResourceRead (cluster, filter, next_token, max_results, status);
    /// Reads account settings.
    ListAccountSettings = list_account_settings read SettingRead (
        name, value, principal_arn, effective_settings, next_token, max_results);
}

impl Operation {
    /// Whether the same call again makes a second thing. ECS takes CreateService and CreateCluster again for the same; a
    /// registration it never does.
    pub const fn makes_twins(self) -> bool {
        matches!(self, Self::RegisterTaskDefinition)
    }

    /// Whether it makes the whole object.
    pub const fn creates(self) -> bool {
        matches!(self, Self::CreateCluster | Self::CreateService | Self::RegisterTaskDefinition)
    }

    /// Whether it makes something that was not there before: an update of a service makes a deployment.
    pub const fn makes(self) -> bool {
        self.creates() || matches!(self, Self::UpdateService)
    }
}

/// A call that has not got its turn for so long is left to a later pass.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// ECS in one region, with one set of credentials.
#[derive(Clone)]
pub struct Ecs {
    client: Client,
    throttle: Arc<Throttle>,
    region: Arc<str>,
}

impl fmt::Debug for Ecs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ecs").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Ecs {
    /// Calls `operation`; `input` and the answer are the JSON of the wire.
    pub async fn call(&self, operation: Operation, input: &Map<String, Value>) -> Result<Value, EcsError> {
        if tokio::time::timeout(LONGEST_WAIT, self.throttle.take(operation.bucket())).await.is_err() {
            return Err(EcsError::new(
                operation,
                "ThrottlingException",
                "others of the operator's calls are before it",
            ));
        }
        let answer = send(&self.client, operation, input).await;
        if answer.as_ref().is_err_and(|error| error.class == Class::Throttled) {
            self.throttle.refused(operation.bucket());
        }
        match &answer {
            Ok(_) if operation.is_write() => {
                tracing::info!(operation = operation.as_str(), region = &*self.region, "called ECS");
            }
            Ok(_) => tracing::debug!(operation = operation.as_str(), region = &*self.region, "read ECS"),
            Err(error) => tracing::debug!(
                operation = operation.as_str(),
                region = &*self.region,
                code = error.code,
                message = error.message,
                "a call to ECS failed"
            ),
        }
        answer
    }
}

impl Ecs {
    /// Whether such a call would wait for its turn.
    pub fn has_to_wait(&self, operation: Operation) -> bool {
        self.throttle.is_empty(operation.bucket())
    }

    /// How many such calls a second may be made.
    pub fn a_second(&self, operation: Operation) -> f64 {
        self.throttle.a_second(operation.bucket())
    }

    /// Whether work that can wait may make such a call now without making other work wait.
    pub fn has_room(&self, operation: Operation) -> bool {
        self.throttle.has_room(operation.bucket())
    }
}

/// One [`Ecs`] a region, made when first asked for.
#[derive(Clone)]
pub struct Regions {
    config: SdkConfig,
    /// How much of what ECS allows an account the operator takes.
    share: f64,
    made: Arc<Mutex<HashMap<Arc<str>, Ecs>>>,
}

impl fmt::Debug for Regions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Regions").field("default", &self.config.region()).finish_non_exhaustive()
    }
}

impl Regions {
    /// AWS the usual way: the default credential chain, `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_ECS`.
    /// `share` is how much of ECS's rate limits the operator takes, 1 for all.
    pub async fn from_environment(default_region: Option<&str>, share: f64) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(
            // The SDK sets no limit on an answer: a hanging connection would hold an object for ever.
            TimeoutConfig::builder()
                .operation_attempt_timeout(Duration::from_secs(20))
                .operation_timeout(Duration::from_secs(60))
                .build(),
        );
        if let Some(region) = default_region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        Self::new(loader.load().await, share)
    }

    /// Regions that share one configuration, and take so much of ECS's rate limits in each.
    pub fn new(config: SdkConfig, share: f64) -> Self {
        Self { config, share, made: Arc::default() }
    }

    /// The region for objects that name none.
    pub fn default_region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// ECS in `region`.
    pub fn ecs(&self, region: &str) -> Ecs {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ecs) = made.get(region) {
            return ecs.clone();
        }
        let name: Arc<str> = region.into();
        let config = Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            // The SDK's retry budget is shared by region unless told otherwise; say it, so that it stays so.
            .retry_partition(RetryPartition::new(region.to_owned()))
            .build();
        let throttle = Arc::new(Throttle::new(self.share));
        let ecs = Ecs { client: Client::from_conf(config), throttle, region: name.clone() };
        made.insert(name, ecs.clone());
        ecs
    }
}

/// A write is repeated by the next pass, which looks first: the SDK would make a second revision of a
/// RegisterTaskDefinition whose answer was lost, and spend three calls where the bucket is empty.
fn retries(operation: Operation) -> Builder {
    let attempts = if operation.is_write() { 1 } else { 3 };
    aws_sdk_ecs::Config::builder().retry_config(RetryConfig::standard().with_max_attempts(attempts))
}

fn answer<O, E>(operation: Operation, result: Result<O, SdkError<E, HttpResponse>>) -> Result<Value, EcsError>
where
    O: SerializableStruct,
    E: ProvideErrorMetadata + Error + 'static,
{
    match result {
        Ok(output) => sdk_to_json(&output).map_err(|error: ShapeError| EcsError::from((operation, error))),
        Err(error) => Err(failure(operation, &error)),
    }
}

fn failure<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> EcsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let (SdkError::ServiceError(context), code) = (error, error.code().unwrap_or_default()) {
        let status = context.raw().status().as_u16();
        return EcsError::answered(operation, status, code, error.message().unwrap_or_default());
    }
    let text = DisplayErrorContext(error).to_string();
    let code = match error {
        SdkError::TimeoutError(_) => "Timeout",
        _ if let Some(cause) = of_credentials(error) => without_credentials(cause, &text),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "Timeout",
        SdkError::DispatchFailure(_) => "Connection",
        _ => "",
    };
    EcsError::new(operation, code, told(&text))
}

fn of_credentials<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
        .find_map(|error| error.downcast_ref())
}

/// Only where there are none, or whoever gives them refuses, must the user act. One that is slow or down comes back.
fn without_credentials(cause: &CredentialsError, text: &str) -> &'static str {
    let is_refused = ["AccessDenied", "not authorized", "InvalidIdentityToken"].iter().any(|word| text.contains(word));
    match cause {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => "Credentials",
        CredentialsError::ProviderError(_) if is_refused => "Credentials",
        _ => "CredentialProvider",
    }
}

/// The part of the SDK's text that helps somebody who reads a condition: not the debug dump at its end, nor the list
/// of every place where credentials were not found.
fn told(text: &str) -> &str {
    if text.contains("no credentials found in chain") || text.contains("no providers in chain provided credentials") {
        return "there are no AWS credentials in the environment, a profile, a web identity token, the container or the \
                instance";
    }
    let sentence = text.split(" (").next().and_then(|text| text.lines().next()).unwrap_or_default();
    sentence.trim_start_matches("dispatch failure: ").trim_start_matches("other: ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_sdk_ecs::operation::describe_clusters::DescribeClustersError;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    /// A provider of credentials that is slow for a moment is no reason to call every object stalled, nor is whatever else
    /// has the word in its text.
    #[test]
    fn only_missing_credentials_are_the_users_matter() {
        let class = |cause: CredentialsError| {
            let failure = ConnectorError::other(Box::new(cause), None);
            let error = SdkError::<DescribeClustersError>::dispatch_failure(failure);
            super::failure(Operation::DescribeClusters, &error).class
        };
        assert_eq!(class(CredentialsError::not_loaded("no providers in chain provided credentials")), Class::Denied);
        assert_eq!(class(CredentialsError::provider_timed_out(Duration::from_secs(5))), Class::Transient);
        assert_eq!(class(CredentialsError::provider_error("dispatch failure")), Class::Transient);
        assert_eq!(class(CredentialsError::provider_error("AccessDenied: sts:AssumeRole")), Class::Denied);
        let other = ConnectorError::io("no route to credential-proxy.example".into());
        let error = SdkError::<DescribeClustersError>::dispatch_failure(other);
        assert_eq!(super::failure(Operation::DescribeClusters, &error).code, "Connection");
    }

    /// A member that is in no list would be accepted in a manifest and never sent.
    #[test]
    fn every_member_of_every_input_is_sent() {
        for operation in Operation::ALL {
            let (schema, sent) = operation.members();
            let (schema, sent): (BTreeSet<_>, BTreeSet<_>) = (schema.into_iter().collect(), sent.into_iter().collect());
            assert_eq!(schema, sent, "{}", operation.as_str());
        }
    }
}
