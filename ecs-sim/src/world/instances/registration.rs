//! How a container instance comes to be.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ContainerInstance, InstanceStatus, Resources};
use crate::{
    clock::Time,
    world::{ApiError, Caller, Cx, Region, clusters},
};

/// A container instance to be.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Registration {
    /// The cluster's name.
    pub cluster: String,
    /// CPU units, 1024 a vCPU.
    pub cpu: u64,
    /// MiB.
    pub memory: u64,
    /// Such as `eu-west-1a`.
    pub availability_zone: String,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// More attributes, or others than those that follow from the above.
    pub attributes: BTreeMap<String, String>,
    /// Of which capacity provider it is.
    pub capacity_provider: Option<String>,
    /// Whether it is a machine outside of AWS, for the launch type EXTERNAL.
    pub external: bool,
}

impl Default for Registration {
    /// An m5.large.
    fn default() -> Self {
        Self {
            cluster: "default".into(),
            cpu: 2048,
            memory: 7680,
            availability_zone: "eu-west-1a".into(),
            instance_type: "m5.large".into(),
            attributes: BTreeMap::new(),
            capacity_provider: None,
            external: false,
        }
    }
}

/// The ports that an agent keeps for itself (RegisterContainerInstance; "Container instances" in the developer guide).
const RESERVED: [u16; 5] = [22, 2375, 2376, 51678, 51679];

/// Registers a container instance, and gives its ARN.
pub fn register(
    region: &mut Region,
    caller: &Caller,
    now: Time,
    registration: &Registration,
) -> Result<String, ApiError> {
    let mut cx = Cx { caller, now, region };
    let cluster = clusters::active(&cx, Some(&registration.cluster))?.name.clone();
    let id = cx.hex(32);
    let ec2_instance_id =
        if registration.external { format!("mi-{}", cx.hex(17)) } else { format!("i-{}", cx.hex(17)) };
    let resources =
        Resources { cpu: registration.cpu, memory: registration.memory, ports: RESERVED.into(), ports_udp: [].into() };
    let mut attributes: BTreeMap<String, String> = [
        ("ecs.availability-zone", registration.availability_zone.as_str()),
        ("ecs.cpu-architecture", "x86_64"),
        ("ecs.instance-type", &registration.instance_type),
        ("ecs.os-family", "LINUX"),
        ("ecs.os-type", "linux"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    attributes.extend(registration.attributes.clone());
    let instance = ContainerInstance {
        id: id.clone(),
        cluster: cluster.clone(),
        status: InstanceStatus::Active,
        external: registration.external,
        agent_connected: true,
        capacity_provider: registration.capacity_provider.clone(),
        registered: resources.clone(),
        remaining: resources,
        attributes,
        tags: BTreeMap::new(),
        ec2_instance_id,
        registered_at: now,
        version: 1,
    };
    let arn = instance.arn(caller);
    cx.region.instances.0.insert((cluster, id), instance);
    Ok(arn)
}
