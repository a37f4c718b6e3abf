//! Shapes of Service Connect.

use mirror::mirror;

use super::{Enum, LogConfiguration, sdk, sdk_enums};

sdk_enums!(ServiceConnectAccessLoggingFormat, ServiceConnectContainerLogLevel, ServiceConnectIncludeQueryParameters,);

/// Service Connect: names, by which services of a namespace reach each other through a proxy in each task. ECS
/// replaces the block whole, so what is left out of it goes back to its default.
#[mirror(sdk::ServiceConnectConfiguration)]
#[x_kube(
    validation = Rule::new(
        "self.enabled || !(has(self.__namespace__) || has(self.services) && size(self.services) > 0 \
         || has(self.logConfiguration) || has(self.accessLogConfiguration) \
         || has(self.containerConfigurations) && size(self.containerConfigurations) > 0)",
    )
    .message("serviceConnectConfiguration must hold nothing else where enabled is false: ECS ignores the rest")
    .field_path(".enabled"),
    validation = Rule::new("!has(self.accessLogConfiguration) || has(self.logConfiguration)")
        .message("logConfiguration is required where accessLogConfiguration is set")
        .field_path(".logConfiguration")
)]
pub struct ServiceConnectConfiguration {
    /// Whether the service uses Service Connect. Where it is false, nothing else may be set.
    pub enabled: bool,
    /// Name or ARN of the Cloud Map namespace. Absent: the cluster's default (`serviceConnectDefaults`).
    #[schemars(length(min = 1, max = 1024))]
    pub namespace: Option<String>,
    /// What the service offers. Absent or empty: it only reaches other services.
    #[schemars(length(max = 50))]
    pub services: Option<Vec<ServiceConnectService>>,
    /// Where the proxy's log goes. Absent: nowhere.
    pub log_configuration: Option<LogConfiguration>,
    /// How requests are logged. Needs `logConfiguration`. Absent: they are not.
    pub access_log_configuration: Option<ServiceConnectAccessLogConfiguration>,
    /// Settings of the proxy, one an item, each at most once. Absent: ECS's defaults.
    #[schemars(length(max = 10))]
    pub container_configurations: Option<Vec<ServiceConnectContainerConfiguration>>,
}

/// A port that the service offers by Service Connect.
#[mirror(sdk::ServiceConnectService)]
pub struct ServiceConnectService {
    /// Name of a port mapping in the task definition. Lower-case letters, digits, `_` and `-`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9_][a-z0-9_-]*$"))]
    pub port_name: String,
    /// Name of the Cloud Map service that ECS makes, unique in the namespace. Absent: `portName`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9_][a-z0-9_-]*$"))]
    pub discovery_name: Option<String>,
    /// Name and port by which clients reach it; at most one.
    #[schemars(length(max = 1))]
    pub client_aliases: Option<Vec<ServiceConnectClientAlias>>,
    /// Port that the proxy listens on. Absent: under awsvpc the container's port, under bridge any free one.
    #[schemars(range(min = 0, max = 65535))]
    pub ingress_port_override: Option<i32>,
    /// When connections and requests are given up.
    pub timeout: Option<TimeoutConfiguration>,
    /// Encryption between the proxies. Needs the network mode awsvpc. Absent: none.
    pub tls: Option<ServiceConnectTlsConfiguration>,
}

/// Name and port by which clients reach a service.
#[mirror(sdk::ServiceConnectClientAlias)]
pub struct ServiceConnectClientAlias {
    /// Port that clients connect to, 0 to 65535.
    #[schemars(range(min = 0, max = 65535))]
    pub port: i32,
    /// Name that clients connect to, at most 127 characters. Absent: `<discoveryName>.<namespace>`.
    #[schemars(length(min = 1, max = 127), regex(pattern = "^[a-z0-9_.][a-z0-9_.-]*$"))]
    pub dns_name: Option<String>,
    /// Which requests go to the new tasks while a blue/green deployment is tested.
    pub test_traffic_rules: Option<ServiceConnectTestTrafficRules>,
}

/// Which requests are test traffic.
#[mirror(sdk::ServiceConnectTestTrafficRules)]
pub struct ServiceConnectTestTrafficRules {
    /// Requests with this header.
    pub header: ServiceConnectTestTrafficHeaderRules,
}

/// A header that marks test traffic.
#[mirror(sdk::ServiceConnectTestTrafficHeaderRules)]
pub struct ServiceConnectTestTrafficHeaderRules {
    /// Name of the header, such as `X-Test-Version`.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Value that the header must have. Absent: any.
    pub value: Option<ServiceConnectTestTrafficHeaderMatchRules>,
}

/// The value of a header that marks test traffic.
#[mirror(sdk::ServiceConnectTestTrafficHeaderMatchRules)]
pub struct ServiceConnectTestTrafficHeaderMatchRules {
    /// The value, exactly.
    #[schemars(length(min = 1, max = 1024))]
    pub exact: String,
}

/// When the proxy gives up connections and requests.
#[mirror(sdk::TimeoutConfiguration)]
pub struct TimeoutConfiguration {
    /// Seconds after which an idle connection is closed; 0 means never. Absent: 300, for tcp 3600.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub idle_timeout_seconds: Option<i32>,
    /// Seconds to wait for a whole answer; 0 means for ever. Absent: 15. Not for tcp ports.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub per_request_timeout_seconds: Option<i32>,
}

/// Encryption of Service Connect traffic.
#[mirror(sdk::ServiceConnectTlsConfiguration)]
pub struct ServiceConnectTlsConfiguration {
    /// Who signs the certificates.
    pub issuer_certificate_authority: ServiceConnectTlsCertificateAuthority,
    /// KMS key (id, alias or ARN) that encrypts the private keys in Secrets Manager. Absent: an AWS key.
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key: Option<String>,
    /// ARN of the role with which ECS makes the certificates.
    #[schemars(length(min = 1, max = 2048))]
    pub role_arn: Option<String>,
}

/// Who signs the certificates of Service Connect.
#[mirror(sdk::ServiceConnectTlsCertificateAuthority)]
pub struct ServiceConnectTlsCertificateAuthority {
    /// ARN of an AWS Private Certificate Authority.
    #[schemars(length(min = 1, max = 2048))]
    pub aws_pca_authority_arn: String,
}

/// How the proxy logs requests.
#[mirror(sdk::ServiceConnectAccessLogConfiguration)]
pub struct ServiceConnectAccessLogConfiguration {
    /// `TEXT` or `JSON`.
    pub format: Enum<sdk::ServiceConnectAccessLoggingFormat>,
    /// Whether query parameters are logged: `ENABLED` or `DISABLED` (if absent). They may hold secrets.
    pub include_query_parameters: Option<Enum<sdk::ServiceConnectIncludeQueryParameters>>,
}

/// One setting of the Service Connect proxy.
#[mirror(sdk::ServiceConnectContainerConfiguration, union)]
#[x_kube(validation = Rule::new("has(self.logLevel)").message("an item of containerConfigurations must hold one setting: logLevel"))]
pub struct ServiceConnectContainerConfiguration {
    /// How much the proxy logs: `info` (ECS's default) or `debug`.
    pub log_level: Option<Enum<sdk::ServiceConnectContainerLogLevel>>,
}
