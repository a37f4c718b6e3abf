//! The kinds of causes, each one word for a status and an Event.

use std::fmt;

/// Why a task stopped or did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CauseKind {
    /// The registry refuses to give the image.
    ImagePullDenied,
    /// The registry has no such image.
    ImageNotFound,
    /// The registry can't be reached.
    RegistryUnreachable,
    /// The registry has given this account or address enough images for now.
    ImagePullRateLimited,
    /// The image can't be pulled, and nothing better is known.
    ImagePullFailed,
    /// The login to ECR can't be fetched.
    RegistryAuthFailed,
    /// The disk is full.
    NoSpaceLeft,
    /// A secret or parameter can't be read.
    SecretsUnavailable,
    /// The log group is not there.
    LogGroupMissing,
    /// The log driver does not start.
    LogDriverFailed,
    /// An EFS file system can't be mounted.
    EfsMountFailed,
    /// A volume can't be made or attached.
    VolumeFailed,
    /// A file of environment variables can't be fetched.
    EnvFileUnavailable,
    /// What the task needs can't be prepared, and nothing better is known.
    ResourceInitialization,
    /// A container used more memory than it may.
    OutOfMemory,
    /// A container was ended by SIGKILL, not for its memory.
    ContainerKilled,
    /// A container was ended by SIGTERM.
    ContainerTerminated,
    /// The command of a container ended.
    ContainerExited,
    /// The command is not in the image.
    CommandNotFound,
    /// The command can't be executed.
    NotExecutable,
    /// The program crashed.
    SegmentationFault,
    /// The image is built for another architecture.
    WrongArchitecture,
    /// The health check of the load balancer failed.
    LoadBalancerHealthCheck,
    /// The health check of a container failed.
    ContainerHealthCheck,
    /// The container runtime failed.
    ContainerRuntime,
    /// AWS took the Spot capacity back.
    SpotInterrupted,
    /// The machine went away.
    InstanceTerminated,
    /// The task got no network interface.
    NetworkInterface,
    /// No machine has what the task needs.
    Resources,
    /// AWS has no capacity.
    CapacityUnavailable,
    /// A quota of the account is used up.
    QuotaExceeded,
    /// ECS can't use an IAM role.
    RoleUnusable,
    /// ECS gives a reason that this operator does not know.
    Other,
}

/// Whom a kind is about, and so how the container is found that it is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The whole task's.
    Task,
    /// A container's, whose exit code belongs to it.
    Container,
    /// A container's, by its image.
    Image,
    /// A container's, by its health.
    Health,
}

impl CauseKind {
    /// Every kind.
    #[cfg(test)]
    pub const ALL: [Self; 33] = [
        Self::ImagePullDenied,
        Self::ImageNotFound,
        Self::RegistryUnreachable,
        Self::ImagePullRateLimited,
        Self::ImagePullFailed,
        Self::RegistryAuthFailed,
        Self::NoSpaceLeft,
        Self::SecretsUnavailable,
        Self::LogGroupMissing,
        Self::LogDriverFailed,
        Self::EfsMountFailed,
        Self::VolumeFailed,
        Self::EnvFileUnavailable,
        Self::ResourceInitialization,
        Self::OutOfMemory,
        Self::ContainerKilled,
        Self::ContainerTerminated,
        Self::ContainerExited,
        Self::CommandNotFound,
        Self::NotExecutable,
        Self::SegmentationFault,
        Self::WrongArchitecture,
        Self::LoadBalancerHealthCheck,
        Self::ContainerHealthCheck,
        Self::ContainerRuntime,
        Self::SpotInterrupted,
        Self::InstanceTerminated,
        Self::NetworkInterface,
        Self::Resources,
        Self::CapacityUnavailable,
        Self::QuotaExceeded,
        Self::RoleUnusable,
        Self::Other,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        self.word_and_scope().0
    }

    pub(super) const fn scope(self) -> Scope {
        self.word_and_scope().1
    }

    /// Where only ECS's own words tell what happened.
    pub(super) const fn is_vague(self) -> bool {
        matches!(self, Self::ImagePullFailed | Self::ContainerRuntime | Self::ResourceInitialization | Self::Other)
    }

    const fn word_and_scope(self) -> (&'static str, Scope) {
        match self {
            Self::ImagePullDenied => ("ImagePullDenied", Scope::Image),
            Self::ImageNotFound => ("ImageNotFound", Scope::Image),
            Self::RegistryUnreachable => ("RegistryUnreachable", Scope::Image),
            Self::ImagePullRateLimited => ("ImagePullRateLimited", Scope::Image),
            Self::ImagePullFailed => ("ImagePullFailed", Scope::Image),
            Self::RegistryAuthFailed => ("RegistryAuthFailed", Scope::Task),
            Self::NoSpaceLeft => ("NoSpaceLeft", Scope::Image),
            Self::SecretsUnavailable => ("SecretsUnavailable", Scope::Container),
            Self::LogGroupMissing => ("LogGroupMissing", Scope::Container),
            Self::LogDriverFailed => ("LogDriverFailed", Scope::Container),
            Self::EfsMountFailed => ("EfsMountFailed", Scope::Task),
            Self::VolumeFailed => ("VolumeFailed", Scope::Task),
            Self::EnvFileUnavailable => ("EnvFileUnavailable", Scope::Container),
            Self::ResourceInitialization => ("ResourceInitialization", Scope::Task),
            Self::OutOfMemory => ("OutOfMemory", Scope::Container),
            Self::ContainerKilled => ("ContainerKilled", Scope::Container),
            Self::ContainerTerminated => ("ContainerTerminated", Scope::Container),
            Self::ContainerExited => ("ContainerExited", Scope::Container),
            Self::CommandNotFound => ("CommandNotFound", Scope::Container),
            Self::NotExecutable => ("NotExecutable", Scope::Container),
            Self::SegmentationFault => ("SegmentationFault", Scope::Container),
            Self::WrongArchitecture => ("WrongArchitecture", Scope::Image),
            Self::LoadBalancerHealthCheck => ("LoadBalancerHealthCheck", Scope::Task),
            Self::ContainerHealthCheck => ("ContainerHealthCheck", Scope::Health),
            Self::ContainerRuntime => ("ContainerRuntime", Scope::Container),
            Self::SpotInterrupted => ("SpotInterrupted", Scope::Task),
            Self::InstanceTerminated => ("InstanceTerminated", Scope::Task),
            Self::NetworkInterface => ("NetworkInterface", Scope::Task),
            Self::Resources => ("Resources", Scope::Task),
            Self::CapacityUnavailable => ("CapacityUnavailable", Scope::Task),
            Self::QuotaExceeded => ("QuotaExceeded", Scope::Task),
            Self::RoleUnusable => ("RoleUnusable", Scope::Task),
            Self::Other => ("Other", Scope::Container),
        }
    }
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
