//! Where tasks run (ECS developer guide, "How Amazon ECS places tasks on container instances" and "Amazon ECS capacity
//! providers").

use serde_json::Value;

use super::{Shape, Task};
use crate::world::{
    ApiError, Cx,
    capacity_providers::{ProviderKind, kind_of},
    instances::{ContainerInstance, InstanceStatus, Resources},
    services::Service,
};

/// `launchType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchType {
    /// On container instances.
    Ec2,
    /// On nothing that anybody sees.
    Fargate,
    /// On machines outside of AWS.
    External,
    /// On instances that ECS manages.
    ManagedInstances,
}

impl LaunchType {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Fargate => "FARGATE",
            Self::External => "EXTERNAL",
            Self::ManagedInstances => "MANAGED_INSTANCES",
        }
    }

    /// The one that a call names.
    pub(in crate::world) fn read(name: &str) -> Result<Self, ApiError> {
        match name {
            "EC2" => Ok(Self::Ec2),
            "FARGATE" => Ok(Self::Fargate),
            "EXTERNAL" => Ok(Self::External),
            "MANAGED_INSTANCES" => Err(ApiError::invalid(
                "The launch type MANAGED_INSTANCES can only be used through a capacity provider strategy.",
            )),
            other => Err(ApiError::invalid(format!("Invalid launch type {other}."))),
        }
    }
}

/// Where one task runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it runs on.
    pub launch_type: LaunchType,
    /// By which capacity provider, if by one.
    pub provider: Option<String>,
    /// The id of its container instance.
    pub instance: Option<String>,
    /// Its availability zone.
    pub zone: String,
}

/// Why a task has no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::world) enum Refused {
    /// The capacity provider has none, in the words that events have after "Reason:".
    Capacity(String),
    /// No instance fits, in the words of a service event.
    NoInstance(String),
}

/// What is asked of a place.
pub(in crate::world) struct Demand<'a> {
    pub cluster: &'a str,
    pub shape: &'a Shape,
    pub providers: &'a [Value],
    pub launch_type: LaunchType,
    pub constraints: &'a [Value],
    /// The tasks among which it is spread.
    pub fellows: &'a [&'a Task],
    /// The only instance that will do.
    pub instance: Option<&'a str>,
}

/// A place for one more task of a revision of a service.
pub(in crate::world) fn choose(
    cx: &mut Cx<'_>,
    service: &Service,
    number: u64,
    instance: Option<&str>,
) -> Result<Place, Refused> {
    let Some(revision) = service.revision(number) else { return Err(Refused::NoInstance(String::new())) };
    let fellows: Vec<&Task> = service.wanted(number).collect();
    let demand = Demand {
        cluster: &service.cluster,
        shape: &revision.shape,
        providers: revision.providers(),
        launch_type: revision.launch_type,
        constraints: constraints(service),
        fellows: &fellows,
        instance,
    };
    demand.place(cx)
}

/// The instances on which a DAEMON has a task.
pub(in crate::world) fn instances_for(cx: &Cx<'_>, service: &Service, number: u64) -> Vec<String> {
    let Some(revision) = service.revision(number) else { return Vec::new() };
    let external = revision.launch_type == LaunchType::External;
    let provider = revision.providers().first().and_then(|one| one["capacityProvider"].as_str());
    let all = cx.region.instances.in_cluster(&service.cluster);
    let fit = all.filter(|one| {
        takes(one, external, provider)
            && satisfies(one, constraints(service))
            && satisfies(one, &revision.shape.constraints)
    });
    fit.map(|one| one.id.clone()).collect()
}

fn constraints(service: &Service) -> &[Value] {
    service.members.get("placementConstraints").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn takes(instance: &ContainerInstance, external: bool, provider: Option<&str>) -> bool {
    instance.status == InstanceStatus::Active
        && instance.agent_connected
        && instance.external == external
        && provider.is_none_or(|provider| instance.capacity_provider.as_deref() == Some(provider))
}

/// Of the cluster query language only comparisons of one attribute are understood; all else is satisfied.
fn satisfies(instance: &ContainerInstance, constraints: &[Value]) -> bool {
    constraints.iter().filter_map(|one| one["expression"].as_str()).all(|expression| {
        let mut words = expression.split_whitespace();
        let (name, operator, value) = (words.next().unwrap_or_default(), words.next(), words.next());
        let Some(name) = name.strip_prefix("attribute:") else { return true };
        let there = instance.attributes.get(name).map(String::as_str);
        match operator {
            Some("==") => there == value,
            Some("!=") => there != value,
            _ => true,
        }
    })
}

/// What a task takes of an instance.
pub(in crate::world) fn room(shape: &Shape) -> Resources {
    let ports = if shape.awsvpc { &[][..] } else { &shape.host_ports };
    Resources {
        cpu: shape.cpu.into(),
        memory: shape.memory.into(),
        ports: ports.iter().filter_map(|port| u16::try_from(*port).ok()).collect(),
        ports_udp: std::collections::BTreeSet::new(),
    }
}

impl Demand<'_> {
    /// A place, with its room taken.
    pub fn place(&self, cx: &mut Cx<'_>) -> Result<Place, Refused> {
        let provider = self.provider();
        let launch_type = match provider.map(|name| kind_of(cx.region, name)) {
            None => self.launch_type,
            Some(Ok(ProviderKind::Fargate | ProviderKind::FargateSpot)) => LaunchType::Fargate,
            Some(Ok(ProviderKind::ManagedInstances)) => LaunchType::ManagedInstances,
            Some(Ok(ProviderKind::AutoScalingGroup) | Err(_)) => LaunchType::Ec2,
        };
        if let Some(reason) = cx.region.outside.exhausted(provider.unwrap_or(launch_type.wire())) {
            return Err(Refused::Capacity(reason.to_owned()));
        }
        let mut place =
            Place { launch_type, provider: provider.map(str::to_owned), instance: None, zone: self.zone(cx) };
        if matches!(launch_type, LaunchType::Fargate | LaunchType::ManagedInstances) {
            return Ok(place);
        }
        let (id, zone) = self.instance(cx, launch_type == LaunchType::External, provider)?;
        if let Some(instance) = cx.region.instances.get_mut(self.cluster, &id) {
            instance.reserve(&room(self.shape));
        }
        place.zone = zone.unwrap_or(place.zone);
        place.instance = Some(id);
        Ok(place)
    }

    /// The base comes first, and then the share that is furthest behind.
    fn provider(&self) -> Option<&str> {
        let name = |one: &'_ Value| one["capacityProvider"].as_str().unwrap_or_default().to_owned();
        let number = |one: &Value, member: &str| one[member].as_u64().unwrap_or(0);
        let count = |one: &Value| {
            let provider = name(one);
            self.fellows.iter().filter(|task| task.place.provider.as_deref() == Some(&provider)).count() as u64
        };
        let based = self.providers.iter().find(|one| count(one) < number(one, "base"));
        let weighted = self.providers.iter().filter(|one| number(one, "weight") > 0).min_by_key(|one| {
            let beyond = count(one).saturating_sub(number(one, "base"));
            ((beyond + 1) * 1_000_000).div_ceil(number(one, "weight"))
        });
        based.or(weighted)?["capacityProvider"].as_str()
    }

    fn zone(&self, cx: &Cx<'_>) -> String {
        let zone = [b'a', b'b', b'c'][self.fellows.len() % 3];
        format!("{}{}", cx.caller.region, char::from(zone))
    }

    /// The instance with the fewest fellows that has room.
    fn instance(
        &self,
        cx: &Cx<'_>,
        external: bool,
        provider: Option<&str>,
    ) -> Result<(String, Option<String>), Refused> {
        let needs = room(self.shape);
        let distinct = self.constraints.iter().any(|one| one["type"] == "distinctInstance");
        let mut best: Option<(usize, &ContainerInstance)> = None;
        let mut closest: Option<(&ContainerInstance, &str)> = None;
        for one in cx.region.instances.in_cluster(self.cluster) {
            if !takes(one, external, provider) || self.instance.is_some_and(|id| id != one.id) {
                continue;
            }
            let fellows = self.fellows.iter().filter(|task| task.place.instance.as_ref() == Some(&one.id)).count();
            let satisfied = satisfies(one, self.constraints) && satisfies(one, &self.shape.constraints);
            let lacks = if !satisfied || distinct && fellows > 0 {
                Some("encountered error \"MemberOf placement constraint unsatisfied.\"")
            } else if one.remaining.cpu < needs.cpu {
                Some("has insufficient CPU units available")
            } else if one.remaining.memory < needs.memory {
                Some("has insufficient memory available")
            } else if !one.remaining.ports.is_disjoint(&needs.ports) {
                Some("is already using a port required by your task")
            } else {
                None
            };
            match lacks {
                Some(lacks) => closest = closest.or(Some((one, lacks))),
                None if best.is_none_or(|(fewest, _)| fellows < fewest) => best = Some((fellows, one)),
                None => {}
            }
        }
        if let Some((_, one)) = best {
            return Ok((one.id.clone(), one.attributes.get("ecs.availability-zone").cloned()));
        }
        let why = match closest {
            None => "Reason: No Container Instances were found in your cluster.".to_owned(),
            Some((one, lacks)) => format!("The closest matching (container-instance {}) {lacks}.", one.id),
        };
        Err(Refused::NoInstance(format!(
            "was unable to place a task because no container instance met all of its requirements. {why} For more \
             information, see the Troubleshooting section of the Amazon ECS Developer Guide."
        )))
    }
}
