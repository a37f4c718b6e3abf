//! CEL rules on the whole of a task definition, and on its lists. Those on one container or one volume stand on their
//! shapes, those on Fargate in [`super::fargate`]. The twins are in `crate::task_definition::rules`.

use kube::core::{Message, Rule};

/// What the rules say; their twins say the same.
pub mod words {
    /// A host port that is another than the container's.
    pub const HOST_PORT: &str =
        "hostPort must be absent, 0 or the same as containerPort where networkMode is awsvpc or host";
    /// A port range in the wrong network.
    pub const PORT_RANGE: &str = "containerPortRange needs networkMode awsvpc or bridge";
    /// Ports without a network.
    pub const NO_PORTS: &str = "portMappings must be absent where networkMode is none";
    /// Links in the wrong network.
    pub const LINKS: &str = "links need networkMode bridge";
    /// A host name in awsvpc.
    pub const HOSTNAME: &str = "hostname must be absent where networkMode is awsvpc";
    /// Hosts in awsvpc.
    pub const EXTRA_HOSTS: &str = "extraHosts must be absent where networkMode is awsvpc";
    /// A mount of nothing.
    pub const MOUNT_POINTS: &str = "each sourceVolume of mountPoints must be the name of a volume in volumes";
    /// A proxy that isn't there.
    pub const PROXY: &str = "proxyConfiguration.containerName must be the name of a container";
    /// Shared namespaces on Windows.
    pub const WINDOWS_MODES: &str = "pidMode and ipcMode must be absent where operatingSystemFamily is Windows";
    /// Storage on Windows.
    pub const WINDOWS_STORAGE: &str = "ephemeralStorage must be absent where operatingSystemFamily is Windows";
    /// Fault injection elsewhere.
    pub const FAULT_INJECTION: &str =
        "enableFaultInjection needs networkMode awsvpc or host, and an operatingSystemFamily other than Windows";
    /// S3 Files without a role.
    pub const S3_FILES: &str = "taskRoleArn is required where a volume has s3filesVolumeConfiguration";
    /// Nothing essential.
    pub const ESSENTIAL: &str = "at least one container must be essential: true, or essential absent";
    /// A dependency on nobody or oneself.
    pub const DEPENDS_ON: &str = "each containerName of dependsOn must be the name of another container";
    /// A dependency on a health that nobody checks.
    pub const HEALTHY: &str = "dependsOn with condition HEALTHY needs a healthCheck on the container it names";
    /// A dependency on the end of what must not end.
    pub const COMPLETES: &str =
        "dependsOn with condition COMPLETE or SUCCESS needs essential: false on the container it names";
    /// Volumes from nobody or oneself.
    pub const VOLUMES_FROM: &str = "each sourceContainer of volumesFrom must be the name of another container";
    /// Neuron devices for two.
    pub const NEURON: &str = "only one container may have a resource requirement of type NeuronDevice";
    /// Two volumes for the service to say.
    pub const AT_LAUNCH: &str = "only one volume may have configuredAtLaunch: true";
}

/// CEL: the task runs on Windows.
pub(super) const WINDOWS: &str = "(has(self.runtimePlatform) && has(self.runtimePlatform.operatingSystemFamily) \
     && self.runtimePlatform.operatingSystemFamily.startsWith('WINDOWS'))";

/// A text between quotes in CEL.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A rule of the spec with a fixed message.
pub(super) fn rule(cel: impl Into<String>, words: &str, field: &str) -> Rule {
    Rule::new(cel.into()).message(words).field_path(field)
}

/// No container of the list is as `bad` says of `$c`, where `when` holds. The message names the first one that is.
/// A list of indexes finds it, because `filter(..)[0].name` on the containers is over the server's budget.
pub(super) fn containers(list: &str, when: &str, bad: &str, words: &str, field: &str) -> Rule {
    let each = bad.replace("$c", "c");
    let at = bad.replace("$c", &format!("{list}[i]"));
    Rule::new(format!("!({when}) || !{list}.exists(c, {each})"))
        .message(Message::Expression(format!(
            "{} + {list}[[0,1,2,3,4,5,6,7,8,9].filter(i, i < {list}.size() && ({at}))[0]].name + '\\''",
            quoted(&format!("{words}: see container '"))
        )))
        .field_path(field)
}

/// As [`containers`], on a spec.
fn of_spec(when: &str, bad: &str, words: &str) -> Rule {
    containers("self.containerDefinitions", when, bad, words, ".containerDefinitions")
}

/// As [`containers`], on the list itself.
fn of_list(bad: &str, words: &str) -> Rule {
    let rule = containers("self", "true", bad, words, "");
    Rule { field_path: None, ..rule }
}

// === On the spec ===

/// awsvpc and host have no mapping of ports.
pub fn host_port() -> Rule {
    of_spec(
        "has(self.networkMode) && self.networkMode in ['awsvpc', 'host']",
        "has($c.portMappings) && !$c.portMappings.all(p, !has(p.hostPort) || p.hostPort == 0 \
         || !has(p.containerPort) || p.hostPort == p.containerPort)",
        words::HOST_PORT,
    )
}

/// Port ranges are for awsvpc and bridge.
pub fn port_range() -> Rule {
    of_spec(
        "has(self.networkMode) && !(self.networkMode in ['awsvpc', 'bridge'])",
        "has($c.portMappings) && $c.portMappings.exists(p, has(p.containerPortRange))",
        words::PORT_RANGE,
    )
}

/// No network, no ports.
pub fn no_ports() -> Rule {
    of_spec(
        "has(self.networkMode) && self.networkMode == 'none'",
        "has($c.portMappings) && size($c.portMappings) > 0",
        words::NO_PORTS,
    )
}

/// Links are for bridge.
pub fn links() -> Rule {
    of_spec(
        "has(self.networkMode) && self.networkMode != 'bridge'",
        "has($c.links) && size($c.links) > 0",
        words::LINKS,
    )
}

/// In awsvpc, ECS names the host.
pub fn hostname() -> Rule {
    of_spec(
        "has(self.networkMode) && self.networkMode == 'awsvpc'",
        "has($c.hostname) && $c.hostname != ''",
        words::HOSTNAME,
    )
}

/// In awsvpc, ECS writes `/etc/hosts`.
pub fn extra_hosts() -> Rule {
    of_spec(
        "has(self.networkMode) && self.networkMode == 'awsvpc'",
        "has($c.extraHosts) && size($c.extraHosts) > 0",
        words::EXTRA_HOSTS,
    )
}

/// What is mounted exists.
pub fn mount_points() -> Rule {
    of_spec(
        "true",
        "has($c.mountPoints) && !sets.contains((has(self.volumes) ? self.volumes.map(v, v.name) : []), \
         $c.mountPoints.map(m, m.sourceVolume))",
        words::MOUNT_POINTS,
    )
}

/// The proxy exists.
pub fn proxy_container() -> Rule {
    rule(
        "!has(self.proxyConfiguration) \
         || self.containerDefinitions.exists(c, c.name == self.proxyConfiguration.containerName)",
        words::PROXY,
        ".proxyConfiguration.containerName",
    )
}

/// Windows shares no namespaces.
pub fn windows_modes() -> Rule {
    rule(
        format!("!{WINDOWS} || (!has(self.pidMode) && !has(self.ipcMode))"),
        words::WINDOWS_MODES,
        ".runtimePlatform.operatingSystemFamily",
    )
}

/// Ephemeral storage is sized on Linux.
pub fn windows_storage() -> Rule {
    rule(format!("!{WINDOWS} || !has(self.ephemeralStorage)"), words::WINDOWS_STORAGE, ".ephemeralStorage")
}

/// Fault injection acts on networks it knows.
pub fn fault_injection() -> Rule {
    rule(
        format!(
            "!has(self.enableFaultInjection) || !self.enableFaultInjection \
             || (has(self.networkMode) && self.networkMode in ['awsvpc', 'host'] && !{WINDOWS})"
        ),
        words::FAULT_INJECTION,
        ".enableFaultInjection",
    )
}

/// S3 Files are mounted by the task role.
pub fn s3_files_role() -> Rule {
    rule(
        "has(self.taskRoleArn) || !has(self.volumes) || !self.volumes.exists(v, has(v.s3filesVolumeConfiguration))",
        words::S3_FILES,
        ".taskRoleArn",
    )
}

// === On the list of containers ===

/// A task needs a reason to live.
pub fn essential() -> Rule {
    Rule::new("size(self) == 0 || self.exists(c, !has(c.essential) || c.essential)").message(words::ESSENTIAL)
}

/// Dependencies exist.
pub fn depends_on() -> Rule {
    of_list(
        "has($c.dependsOn) && ($c.name in $c.dependsOn.map(d, d.containerName) \
         || !sets.contains(self.map(o, o.name), $c.dependsOn.map(d, d.containerName)))",
        words::DEPENDS_ON,
    )
}

/// Who is waited for until healthy has a health check.
pub fn healthy() -> Rule {
    of_list(
        "has($c.dependsOn) && !$c.dependsOn.all(d, d.condition != 'HEALTHY' \
         || self.all(o, o.name != d.containerName || has(o.healthCheck)))",
        words::HEALTHY,
    )
}

/// Who is waited for until it ends may end.
pub fn completes() -> Rule {
    of_list(
        "has($c.dependsOn) && !$c.dependsOn.all(d, !(d.condition in ['COMPLETE', 'SUCCESS']) \
         || self.all(o, o.name != d.containerName || (has(o.essential) && !o.essential)))",
        words::COMPLETES,
    )
}

/// Whose volumes are mounted exists.
pub fn volumes_from() -> Rule {
    of_list(
        "has($c.volumesFrom) && ($c.name in $c.volumesFrom.map(v, v.sourceContainer) \
         || !sets.contains(self.map(o, o.name), $c.volumesFrom.map(v, v.sourceContainer)))",
        words::VOLUMES_FROM,
    )
}

/// Neuron devices are not shared.
pub fn neuron_devices() -> Rule {
    Rule::new(
        "self.filter(c, has(c.resourceRequirements) \
         && c.resourceRequirements.exists(r, r.type == 'NeuronDevice')).size() <= 1",
    )
    .message(words::NEURON)
}

// === On the list of volumes ===

/// The service says what one volume is.
pub fn one_configured_at_launch() -> Rule {
    Rule::new("self.filter(v, has(v.configuredAtLaunch) && v.configuredAtLaunch).size() <= 1").message(words::AT_LAUNCH)
}
