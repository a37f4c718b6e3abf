//! CEL rules for task definitions whose `requiresCompatibilities` have FARGATE, be there others beside it or not.
//! The twins are in `crate::task_definition::rules::fargate`.

use kube::core::{Message, Reason, Rule};

use super::rules::{WINDOWS, containers, quoted, rule};

/// What the rules say; their twins say the same.
pub mod words {
    /// Another network. The message goes on with what it is.
    pub const NETWORK_MODE: &str = "networkMode must be awsvpc where requiresCompatibilities has FARGATE: it is ";
    /// No CPU.
    pub const CPU_REQUIRED: &str = "cpu is required where requiresCompatibilities has FARGATE";
    /// No memory.
    pub const MEMORY_REQUIRED: &str = "memory is required where requiresCompatibilities has FARGATE";
    /// A size that Fargate hasn't. The message goes on with what it is.
    pub const CPU: &str = "cpu must be 256, 512, 1024, 2048, 4096, 8192, 16384 or 32768 (units, 1024 to a vCPU) on \
        Fargate: it is ";
    /// A size that Fargate hasn't for Windows. The message goes on with what it is.
    pub const WINDOWS_CPU: &str =
        "cpu must be 1024, 2048 or 4096 (units, 1024 to a vCPU) for Windows on Fargate: it is ";
    /// Windows on ARM.
    pub const WINDOWS_ARCHITECTURE: &str =
        "runtimePlatform.cpuArchitecture must be absent or X86_64 for Windows on Fargate";
    /// Constraints where there are no instances.
    pub const PLACEMENT: &str = "placementConstraints must be absent where requiresCompatibilities has FARGATE";
    /// The host's processes.
    pub const PID_MODE: &str = "pidMode must be absent or task where requiresCompatibilities has FARGATE";
    /// Shared IPC.
    pub const IPC_MODE: &str = "ipcMode must be absent where requiresCompatibilities has FARGATE";
    /// Docker volumes.
    pub const DOCKER_VOLUME: &str =
        "dockerVolumeConfiguration must be absent where requiresCompatibilities has FARGATE";
    /// The host's directories.
    pub const SOURCE_PATH: &str = "host.sourcePath must be absent where requiresCompatibilities has FARGATE";
    /// No network.
    pub const NETWORKING: &str = "disableNetworking must be absent or false on Fargate";
    /// Own DNS.
    pub const DNS: &str = "dnsServers and dnsSearchDomains must be absent on Fargate";
    /// Security options.
    pub const SECURITY_OPTIONS: &str = "dockerSecurityOptions must be absent on Fargate";
    /// Privileges.
    pub const PRIVILEGED: &str = "privileged must be absent or false on Fargate";
    /// GPUs.
    pub const GPU: &str = "resourceRequirements of type GPU must be absent on Fargate";
    /// What Fargate's Linux leaves to itself.
    pub const LINUX: &str =
        "linuxParameters.devices, maxSwap, swappiness and sharedMemorySize must be absent on Fargate";
    /// Capabilities.
    pub const CAPABILITIES: &str = "linuxParameters.capabilities.add may have only SYS_PTRACE on Fargate";
    /// Log drivers.
    pub const LOG_DRIVER: &str = "logConfiguration.logDriver must be awslogs, splunk or awsfirelens on Fargate";
    /// Start and stop.
    pub const TIMEOUTS: &str = "startTimeout and stopTimeout must be from 2 to 120 seconds on Fargate";
}

/// The CPU sizes of Fargate, in units.
pub const CPU_SIZES: [i64; 8] = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768];
/// Those for Windows.
pub const WINDOWS_CPU_SIZES: [i64; 3] = [1024, 2048, 4096];

/// Which memory, in MiB, goes with a CPU size: the message's words. The sizes stand in [`memory`] and its twin.
pub const MEMORY_SIZES: [(i64, &str); 8] = [
    (256, "512, 1024 or 2048"),
    (512, "1024 to 4096 in steps of 1024"),
    (1024, "2048 to 8192 in steps of 1024"),
    (2048, "4096 to 16384 in steps of 1024"),
    (4096, "8192 to 30720 in steps of 1024"),
    (8192, "16384 to 61440 in steps of 4096"),
    (16384, "32768 to 122880 in steps of 8192"),
    (32768, "61440, 122880 or 249856"),
];

/// CEL: the task must be able to run on Fargate.
const FARGATE: &str = "(has(self.requiresCompatibilities) && 'FARGATE' in self.requiresCompatibilities)";

/// CEL: a quantity as a whole number, -1 where the text is none. The patterns of the schema don't stop a rule, so it
/// must have a value for every text.
fn number(field: &str, unit: &str) -> String {
    let letters: String = unit.chars().flat_map(|letter| ['[', letter, letter.to_ascii_uppercase(), ']']).collect();
    format!(
        "(type({field}) == int ? int({field}) : {field}.matches('^[0-9]{{1,9}}$') ? int({field}) \
         : {field}.matches('^([0-9]{{0,3}}[.])?[0-9]{{1,4}} ?{letters}$') \
         ? int(double({field}.lowerAscii().replace('{unit}', '').trim()) * 1024.0) : -1)"
    )
}

fn cpu_number() -> String {
    number("self.cpu", "vcpu")
}

/// A message that ends with the value of a field that is there.
fn with_value(words: &str, field: &str) -> Message {
    Message::Expression(format!("{} + string(self.{field}) + '\\''", quoted(&format!("{words}'"))))
}

fn of_containers(bad: &str, words: &str) -> Rule {
    containers("self.containerDefinitions", FARGATE, bad, words, ".containerDefinitions")
}

/// Fargate has one network mode.
pub fn network_mode() -> Rule {
    Rule::new(format!("!{FARGATE} || (has(self.networkMode) && self.networkMode == 'awsvpc')"))
        .message(Message::Expression(format!(
            "{} + (has(self.networkMode) ? '\\'' + self.networkMode + '\\'' : 'absent')",
            quoted(words::NETWORK_MODE)
        )))
        .field_path(".networkMode")
}

/// Fargate sells CPU by the task.
pub fn cpu_required() -> Rule {
    rule(format!("!{FARGATE} || has(self.cpu)"), words::CPU_REQUIRED, ".cpu").reason(Reason::FieldValueRequired)
}

/// Fargate sells memory by the task.
pub fn memory_required() -> Rule {
    rule(format!("!{FARGATE} || has(self.memory)"), words::MEMORY_REQUIRED, ".memory")
        .reason(Reason::FieldValueRequired)
}

/// The CPU sizes.
pub fn cpu() -> Rule {
    let cpu = cpu_number();
    Rule::new(format!("!{FARGATE} || !has(self.cpu) || {cpu} in {CPU_SIZES:?} || {cpu} == -1"))
        .message(with_value(words::CPU, "cpu"))
        .field_path(".cpu")
}

/// The CPU sizes for Windows.
pub fn windows_cpu() -> Rule {
    let cpu = cpu_number();
    Rule::new(format!(
        "!{FARGATE} || !{WINDOWS} || !has(self.cpu) || {cpu} in {WINDOWS_CPU_SIZES:?} || !({cpu} in {CPU_SIZES:?})"
    ))
    .message(with_value(words::WINDOWS_CPU, "cpu"))
    .field_path(".cpu")
}

/// The memory sizes that go with a CPU size. `[[a, b]].all(p, ..)` stands for a let.
pub fn memory() -> Rule {
    let (cpu, memory) = (cpu_number(), number("self.memory", "gb"));
    let sizes: Vec<String> = MEMORY_SIZES.iter().map(|(cpu, words)| format!("{cpu}: '{words}'")).collect();
    Rule::new(format!(
        "!{FARGATE} || !has(self.cpu) || !has(self.memory) \
         || [[{cpu}, {memory}]].all(p, !(p[0] in {CPU_SIZES:?}) || p[1] == -1 \
         || (p[0] == 256 ? p[1] in [512, 1024, 2048] \
         : p[0] == 512 ? p[1] in [1024, 2048, 3072, 4096] \
         : p[0] <= 4096 ? p[1] % 1024 == 0 && p[1] >= p[0] * 2 && p[1] <= (p[0] == 4096 ? 30720 : p[0] * 8) \
         : p[0] == 8192 ? p[1] % 4096 == 0 && p[1] >= 16384 && p[1] <= 61440 \
         : p[0] == 16384 ? p[1] % 8192 == 0 && p[1] >= 32768 && p[1] <= 122880 \
         : p[1] in [61440, 122880, 249856]))"
    ))
    .message(Message::Expression(format!(
        "'memory \\'' + string(self.memory) + '\\' does not go with cpu \\'' + string(self.cpu) \
         + '\\' on Fargate: it must be ' + {{{}}}[{cpu}] + ' (MiB)'",
        sizes.join(", ")
    )))
    .field_path(".memory")
}

/// Windows runs on one architecture.
pub fn windows_architecture() -> Rule {
    rule(
        format!(
            "!{FARGATE} || !{WINDOWS} || !has(self.runtimePlatform.cpuArchitecture) \
             || self.runtimePlatform.cpuArchitecture == 'X86_64'"
        ),
        words::WINDOWS_ARCHITECTURE,
        ".runtimePlatform.cpuArchitecture",
    )
}

/// There are no instances to choose.
pub fn no_placement() -> Rule {
    rule(
        format!("!{FARGATE} || !has(self.placementConstraints) || size(self.placementConstraints) == 0"),
        words::PLACEMENT,
        ".placementConstraints",
    )
}

/// There is no host to see.
pub fn pid_mode() -> Rule {
    rule(format!("!{FARGATE} || !has(self.pidMode) || self.pidMode == 'task'"), words::PID_MODE, ".pidMode")
}

/// IPC is not shared.
pub fn ipc_mode() -> Rule {
    rule(format!("!{FARGATE} || !has(self.ipcMode)"), words::IPC_MODE, ".ipcMode")
}

/// There is no Docker daemon.
pub fn no_docker_volume() -> Rule {
    rule(
        format!("!{FARGATE} || !has(self.volumes) || !self.volumes.exists(v, has(v.dockerVolumeConfiguration))"),
        words::DOCKER_VOLUME,
        ".volumes",
    )
}

/// There is no host to mount.
pub fn no_source_path() -> Rule {
    rule(
        format!(
            "!{FARGATE} || !has(self.volumes) \
             || !self.volumes.exists(v, has(v.host) && has(v.host.sourcePath) && v.host.sourcePath != '')"
        ),
        words::SOURCE_PATH,
        ".volumes",
    )
}

/// Networking is the task's.
pub fn no_disabled_networking() -> Rule {
    of_containers("has($c.disableNetworking) && $c.disableNetworking", words::NETWORKING)
}

/// DNS is the VPC's.
pub fn no_dns() -> Rule {
    of_containers(
        "(has($c.dnsServers) && size($c.dnsServers) > 0) \
         || (has($c.dnsSearchDomains) && size($c.dnsSearchDomains) > 0)",
        words::DNS,
    )
}

/// Security options are the host's.
pub fn no_security_options() -> Rule {
    of_containers("has($c.dockerSecurityOptions) && size($c.dockerSecurityOptions) > 0", words::SECURITY_OPTIONS)
}

/// Privileges are the host's.
pub fn no_privileged() -> Rule {
    of_containers("has($c.privileged) && $c.privileged", words::PRIVILEGED)
}

/// There are no GPUs.
pub fn no_gpu() -> Rule {
    of_containers("has($c.resourceRequirements) && $c.resourceRequirements.exists(r, r.type == 'GPU')", words::GPU)
}

/// Devices and swap are the host's.
pub fn no_linux_parameters() -> Rule {
    of_containers(
        "has($c.linuxParameters) && ((has($c.linuxParameters.devices) && size($c.linuxParameters.devices) > 0) \
         || has($c.linuxParameters.maxSwap) || has($c.linuxParameters.swappiness) \
         || (has($c.linuxParameters.sharedMemorySize) && $c.linuxParameters.sharedMemorySize > 0))",
        words::LINUX,
    )
}

/// One capability may be added.
pub fn capabilities() -> Rule {
    of_containers(
        "has($c.linuxParameters) && has($c.linuxParameters.capabilities) \
         && has($c.linuxParameters.capabilities.add) \
         && !$c.linuxParameters.capabilities.add.all(a, a == 'SYS_PTRACE')",
        words::CAPABILITIES,
    )
}

/// Three log drivers.
pub fn log_driver() -> Rule {
    of_containers(
        "has($c.logConfiguration) && !($c.logConfiguration.logDriver in ['awslogs', 'splunk', 'awsfirelens'])",
        words::LOG_DRIVER,
    )
}

/// Two minutes to start and to stop.
pub fn timeouts() -> Rule {
    of_containers(
        "(has($c.startTimeout) && ($c.startTimeout < 2 || $c.startTimeout > 120)) \
         || (has($c.stopTimeout) && ($c.stopTimeout < 2 || $c.stopTimeout > 120))",
        words::TIMEOUTS,
    )
}
