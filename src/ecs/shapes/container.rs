//! The container definition and what names things in it: ports, environment, secrets, mounts, dependencies.

use std::collections::BTreeMap;

use mirror::mirror;

use super::{
    ContainerRestartPolicy, Enum, FirelensConfiguration, HealthCheck, HostEntry, LinuxParameters, LogConfiguration,
    ResourceRequirement, SystemControl, Ulimit, sdk, sdk_enums,
};

sdk_enums!(ApplicationProtocol, ContainerCondition, EnvironmentFileType, TransportProtocol, VersionConsistency);

/// What the rules of [`ContainerDefinition`] and [`PortMapping`] say; their twins say it too.
pub mod container_words {
    /// A name is in `environment` and in `secrets`.
    pub const NAME_TWICE: &str = "a name must not be in both environment and secrets";
    /// A container port under two protocols.
    pub const ONE_PROTOCOL: &str = "portMappings must not give one containerPort two protocols";
    /// The reservation is above the limit.
    pub const RESERVATION: &str = "memoryReservation must not be above memory";
    /// Neither or both ways to say the port.
    pub const PORT_OR_RANGE: &str = "a port mapping needs exactly one of containerPort and containerPortRange";
    /// A range and a host port.
    pub const RANGE_HOST_PORT: &str = "hostPort must not stand beside containerPortRange";
    /// A range that is none.
    pub const RANGE: &str = "containerPortRange must be first-last, first below last, both from 1 to 65535";
}
use container_words as words;

/// A container of a task.
#[mirror(sdk::ContainerDefinition)]
#[x_kube(
    validation = Rule::new(
        "!has(self.secrets) || !has(self.environment) \
         || !sets.intersects(self.environment.map(e, e.name), self.secrets.map(s, s.name))")
        .message(Message::Expression(format!(
            "'{}: ' + self.secrets.filter(s, s.name in self.environment.map(e, e.name))[0].name", words::NAME_TWICE)))
        .field_path(".secrets"),
    validation = Rule::new(
        "!has(self.portMappings) || self.portMappings.all(p, !has(p.containerPort) || self.portMappings.all(q, \
         !has(q.containerPort) || p.containerPort != q.containerPort \
         || (has(p.protocol) ? p.protocol : 'tcp') == (has(q.protocol) ? q.protocol : 'tcp')))")
        .message(words::ONE_PROTOCOL)
        .field_path(".portMappings"),
    validation = Rule::new(
        "!has(self.memory) || !has(self.memoryReservation) || self.memoryReservation <= self.memory")
        .message(words::RESERVATION)
        .field_path(".memoryReservation"),
)]
pub struct ContainerDefinition {
    /// Name of the container, unique in the task: letters, digits, `-` and `_`, at most 255.
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// Image to run: `repository/image:tag` or `repository/image@digest`. A tag is resolved to a digest at each
    /// deployment unless `versionConsistency` is `disabled`.
    #[schemars(length(min = 1, max = 1024))]
    pub image: String,
    /// Credentials for a private registry other than ECR.
    pub repository_credentials: Option<RepositoryCredentials>,
    /// CPU reserved for the container, an integer in units of 1/1024 vCPU. Absent means 0: a share of what is left.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub cpu: Option<i32>,
    /// Memory limit in MiB, 6 or more on today's agents; a container that goes over it is killed. Absent: the task's
    /// memory is the limit. Without task memory, this or `memoryReservation` is needed.
    #[schemars(range(min = 4, max = 2_147_483_647))]
    pub memory: Option<i32>,
    /// Memory in MiB that is reserved for the container and that it may exceed. Not above `memory`.
    #[schemars(range(min = 4, max = 2_147_483_647))]
    pub memory_reservation: Option<i32>,
    /// Containers reached by name without port mappings, each `name` or `name:alias`. Only with networkMode `bridge`.
    #[schemars(length(max = 20), inner(length(min = 1, max = 511)))]
    pub links: Option<Vec<String>>,
    /// Ports of the container, at most 100.
    #[schemars(length(max = 100))]
    pub port_mappings: Option<Vec<PortMapping>>,
    /// Whether the task stops when this container does. Absent means true; a task needs one such container.
    pub essential: Option<bool>,
    /// Restart of the container inside its task. Absent: not restarted.
    pub restart_policy: Option<ContainerRestartPolicy>,
    /// Entry point, one item a word. Absent: the image's.
    #[schemars(length(max = 500), inner(length(max = 65536)))]
    pub entry_point: Option<Vec<String>>,
    /// Command, one item a word. Absent: the image's.
    #[schemars(length(max = 500), inner(length(max = 65536)))]
    pub command: Option<Vec<String>>,
    /// Environment variables, at most 500, each name once. Not for what is secret.
    #[schemars(length(max = 500))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub environment: Option<Vec<KeyValuePair>>,
    /// Files of environment variables, at most 10; `environment` wins over them, an earlier file over a later one.
    #[schemars(length(max = 10))]
    pub environment_files: Option<Vec<EnvironmentFile>>,
    /// Where volumes of the task appear in the container; at most 100, each path once.
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["containerPath".into()]))]
    pub mount_points: Option<Vec<MountPoint>>,
    /// Containers of the task whose volumes are mounted here as well; at most 10.
    #[schemars(length(max = 10))]
    pub volumes_from: Option<Vec<VolumeFrom>>,
    /// Settings of Linux: capabilities, devices, shared memory, swap, tmpfs.
    pub linux_parameters: Option<LinuxParameters>,
    /// Environment variables whose values come from Secrets Manager or Parameter Store; at most 100, each name once,
    /// and none that is in `environment`. The execution role must be able to read them.
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub secrets: Option<Vec<Secret>>,
    /// Other containers that must reach a state before this one starts; at most 10.
    #[schemars(length(max = 10))]
    pub depends_on: Option<Vec<ContainerDependency>>,
    /// Seconds after which waiting for this container's state, as another's dependency, is given up. Fargate: 2 to 120.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub start_timeout: Option<i32>,
    /// Seconds between the stop signal and the kill. Fargate: 2 to 120. Absent means 30, or what the agent is set to.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub stop_timeout: Option<i32>,
    /// Whether the image's tag is resolved to a digest once a deployment. Absent means `enabled`.
    pub version_consistency: Option<Enum<sdk::VersionConsistency>>,
    /// Host name inside the container. Not with networkMode `awsvpc`.
    #[schemars(length(max = 255))]
    pub hostname: Option<String>,
    /// User that runs the container: `user`, `uid`, or either with `:group` or `:gid`. Absent: the image's.
    #[schemars(length(max = 255))]
    pub user: Option<String>,
    /// Directory that commands run in. Absent: the image's.
    #[schemars(length(max = 4096))]
    pub working_directory: Option<String>,
    /// Whether the container has no network. Absent means false. Not on Fargate or Windows.
    pub disable_networking: Option<bool>,
    /// Whether the container has the host's privileges. Absent means false. Not on Fargate or Windows.
    pub privileged: Option<bool>,
    /// Whether the root file system is read-only. Absent means false. Not on Windows.
    pub readonly_root_filesystem: Option<bool>,
    /// DNS servers, at most 20. Not on Fargate or Windows.
    #[schemars(length(max = 20), inner(length(max = 255)))]
    pub dns_servers: Option<Vec<String>>,
    /// DNS search domains, at most 20. Not on Fargate or Windows.
    #[schemars(length(max = 20), inner(length(max = 255)))]
    pub dns_search_domains: Option<Vec<String>>,
    /// Lines for `/etc/hosts`, at most 100. Not with networkMode `awsvpc`.
    #[schemars(length(max = 100))]
    pub extra_hosts: Option<Vec<HostEntry>>,
    /// Options for SELinux, AppArmor, `no-new-privileges` or credential specs, at most 20. Not on Fargate.
    #[schemars(length(max = 20), inner(length(max = 4096)))]
    pub docker_security_options: Option<Vec<String>>,
    /// Whether standard input is open. Absent means false.
    pub interactive: Option<bool>,
    /// Whether the container has a terminal. Absent means false.
    pub pseudo_terminal: Option<bool>,
    /// Labels on the container, at most 100, values up to 4096 characters.
    #[schemars(extend("maxProperties" = 100, "additionalProperties" = { "type": "string", "maxLength": 4096 }))]
    pub docker_labels: Option<BTreeMap<String, String>>,
    /// Resource limits, at most 15. Absent: those of the host or of Fargate.
    #[schemars(length(max = 15))]
    pub ulimits: Option<Vec<Ulimit>>,
    /// Where the container's output goes. Absent: the Docker daemon's driver on EC2, nowhere on Fargate.
    pub log_configuration: Option<LogConfiguration>,
    /// How the container's health is found. Absent: it isn't (a check in the image is not used).
    pub health_check: Option<HealthCheck>,
    /// Kernel parameters of the container, at most 50. Not on Windows.
    #[schemars(length(max = 50))]
    pub system_controls: Option<Vec<SystemControl>>,
    /// GPUs, Neuron devices or inference accelerators for the container; at most 10.
    #[schemars(length(max = 10))]
    pub resource_requirements: Option<Vec<ResourceRequirement>>,
    /// Makes this container the log router (FireLens) of the task.
    pub firelens_configuration: Option<FirelensConfiguration>,
    /// Credential spec for Active Directory: one item, `credentialspec:` or `credentialspecdomainless:` and an ARN in
    /// Parameter Store or S3.
    #[schemars(length(max = 1), inner(length(max = 2048), regex(pattern = "^credentialspec(domainless)?:.+$")))]
    pub credential_specs: Option<Vec<String>>,
}

/// Credentials for a private registry.
#[mirror(sdk::RepositoryCredentials)]
pub struct RepositoryCredentials {
    /// ARN or name of the Secrets Manager secret that holds user name and password.
    #[schemars(length(min = 1, max = 2048))]
    pub credentials_parameter: String,
}

/// A port of a container, or a range of ports.
#[mirror(sdk::PortMapping)]
#[x_kube(
    validation = Rule::new("has(self.containerPort) != has(self.containerPortRange)").message(words::PORT_OR_RANGE),
    validation = Rule::new("!has(self.containerPortRange) || !has(self.hostPort)")
        .message(words::RANGE_HOST_PORT)
        .field_path(".hostPort"),
)]
pub struct PortMapping {
    /// Port of the container, 1 to 65535. Exactly one of this and `containerPortRange`.
    #[schemars(range(min = 1, max = 65535))]
    pub container_port: Option<i32>,
    /// Port of the host, 0 to 65535. networkMode `awsvpc` and `host`: absent, 0 or the same as `containerPort`.
    /// `bridge`: absent or 0 means a free port.
    #[schemars(range(min = 0, max = 65535))]
    pub host_port: Option<i32>,
    /// Protocol of the port. Absent means `tcp`. One port has one protocol; fixed in a Service Connect service.
    pub protocol: Option<Enum<sdk::TransportProtocol>>,
    /// Name by which Service Connect and VPC Lattice know the port: lower-case letters, digits, `_` and `-`, at most
    /// 64. Fixed in a Service Connect service.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9_][a-z0-9_-]*$"))]
    pub name: Option<String>,
    /// Protocol that Service Connect handles and measures. Absent: plain TCP. Fixed in a Service Connect service.
    pub app_protocol: Option<Enum<sdk::ApplicationProtocol>>,
    /// Range of container ports, `first-last`. Only with networkMode `awsvpc` or `bridge`, and without `hostPort`.
    #[schemars(length(max = 11))]
    #[x_kube(validation = Rule::new(
        "self.matches('^[0-9]{1,5}-[0-9]{1,5}$') && self.split('-').all(n, int(n) >= 1 && int(n) <= 65535) \
         && int(self.split('-')[0]) < int(self.split('-')[1])").message(words::RANGE))]
    pub container_port_range: Option<String>,
}

impl PortMapping {
    /// Whether a range is `first-last` in order. The twin of the rule on `containerPortRange`.
    pub fn is_range(text: &str) -> bool {
        let port = |part: &str| {
            let digits = (1..=5).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u32>().ok().filter(|port| digits && (1..=65535).contains(port))
        };
        text.split_once('-')
            .and_then(|(first, last)| Some((port(first)?, port(last)?)))
            .is_some_and(|(first, last)| first < last)
    }
}

/// A name and a value.
#[mirror(sdk::KeyValuePair)]
pub struct KeyValuePair {
    /// The name.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The value, at most 65536 characters; write numbers and booleans in quotes. Absent means empty.
    #[schemars(length(max = 65536))]
    pub value: Option<String>,
}

/// A file of environment variables.
#[mirror(sdk::EnvironmentFile)]
pub struct EnvironmentFile {
    /// ARN of the S3 object; its name must end in `.env`.
    #[schemars(length(min = 1, max = 2048))]
    pub value: String,
    /// Where the file is.
    pub r#type: Enum<sdk::EnvironmentFileType>,
}

/// Where a volume appears in a container.
#[mirror(sdk::MountPoint)]
pub struct MountPoint {
    /// Name of a volume in `volumes`.
    #[schemars(length(min = 1, max = 255))]
    pub source_volume: String,
    /// Path in the container, each once.
    #[schemars(length(min = 1, max = 4096))]
    pub container_path: String,
    /// Whether the container can't write to it. Absent means false.
    pub read_only: Option<bool>,
}

/// A container whose volumes are mounted.
#[mirror(sdk::VolumeFrom)]
pub struct VolumeFrom {
    /// Name of another container of the task.
    #[schemars(length(min = 1, max = 255))]
    pub source_container: String,
    /// Whether this container can't write to them. Absent means false.
    pub read_only: Option<bool>,
}

/// A value from Secrets Manager or Systems Manager Parameter Store.
#[mirror(sdk::Secret)]
pub struct Secret {
    /// Name of the environment variable or of the log option.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// ARN of the secret (with `:json-key:stage:version` if wanted), or ARN or name of the parameter.
    #[schemars(length(min = 1, max = 2048))]
    pub value_from: String,
}

/// A state of another container that is waited for.
#[mirror(sdk::ContainerDependency)]
pub struct ContainerDependency {
    /// Name of another container of the task.
    #[schemars(length(min = 1, max = 255))]
    pub container_name: String,
    /// State: `START`, `HEALTHY` (the container needs a healthCheck), `COMPLETE` or `SUCCESS` (it must not be
    /// essential).
    pub condition: Enum<sdk::ContainerCondition>,
}
