//! Service revisions, and the deployments of `deployments[]`, of which each belongs to one: `ecs-svc/N` deploys
//! `…:service-revision/<cluster>/<service>/N` (ECS developer guide, "Amazon ECS service revisions").

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Service;
use crate::{
    clock::Time,
    world::{
        Cx,
        tasks::{Balanced, Shape, place::LaunchType},
    },
};

/// `status` of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryStatus {
    /// The newest, or the one that was rolled back to.
    Primary,
    /// Another one that has tasks.
    Active,
    /// A failed one whose tasks end (undocumented; observed by tools).
    Draining,
}

impl EntryStatus {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

/// `rolloutState` of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// On its way.
    InProgress,
    /// It serves, alone.
    Completed,
    /// Given up.
    Failed,
}

impl RolloutState {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// A deployment in `deployments[]`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `status`.
    pub status: EntryStatus,
    /// `rolloutState`.
    pub rollout: RolloutState,
    /// `rolloutStateReason`.
    pub reason: String,
    /// So many tasks it is to have.
    pub wants: u32,
    /// `failedTasks`: in a row.
    pub failed_tasks: u32,
    /// `createdAt`.
    pub created_at: Time,
    /// `updatedAt`.
    pub updated_at: Time,
}

/// The members of a service that a revision fixes. A deployment starts when one of them changes.
pub const FIXED: [&str; 10] = [
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

/// One service revision.
#[derive(Clone, Debug)]
pub struct Revision {
    /// 19 digits; not in any order.
    pub number: u64,
    /// When it was made.
    pub created_at: Time,
    /// Its [`FIXED`] members, as ECS shows them.
    pub spec: Map<String, Value>,
    /// How tasks are launched where there is no capacity provider strategy.
    pub launch_type: LaunchType,
    /// Its task definition.
    pub shape: Arc<Shape>,
    /// Where its tasks are registered.
    pub balanced: Arc<Balanced>,
    /// Whether its tasks are behind the alternate target groups.
    pub alternate: bool,
    /// Its deployment, while it is listed.
    pub entry: Option<Entry>,
    /// Its share of production traffic, in percent.
    pub production: f64,
    /// Its share of test traffic, in percent.
    pub test: f64,
    /// Whether it can be rolled back to: its last deployment succeeded.
    pub succeeded: bool,
    /// So many launches failed in a row.
    pub failures: u32,
    /// When ECS tries again to launch tasks of it.
    pub retry_at: Option<Time>,
}

impl Revision {
    /// `ecs-svc/N`.
    pub fn deployment_id(&self) -> String {
        format!("ecs-svc/{}", self.number)
    }

    /// Whether its tasks run on Fargate, wholly or in part.
    pub fn on_fargate(&self) -> bool {
        match self.providers() {
            [] => self.launch_type == LaunchType::Fargate,
            providers => providers.iter().any(|one| is_fargate(one["capacityProvider"].as_str().unwrap_or_default())),
        }
    }

    /// What its tasks run on, mostly.
    pub fn runs_on(&self) -> LaunchType {
        if self.on_fargate() { LaunchType::Fargate } else { self.launch_type }
    }

    /// Its capacity provider strategy.
    pub fn providers(&self) -> &[Value] {
        self.list("capacityProviderStrategy")
    }

    /// A member that is a list.
    pub fn list(&self, name: &str) -> &[Value] {
        self.spec.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Whether it is behind a Classic Load Balancer, where ECS tells no rollout state.
    pub fn has_classic_load_balancer(&self) -> bool {
        self.list("loadBalancers").iter().any(|one| one["loadBalancerName"].is_string())
    }
}

/// FARGATE or FARGATE_SPOT.
pub fn is_fargate(provider: &str) -> bool {
    matches!(provider, "FARGATE" | "FARGATE_SPOT")
}

/// Where the tasks of a revision are registered: behind the alternate target groups where the others serve.
pub fn balanced(spec: &Map<String, Value>, alternate: bool, role: Option<&str>) -> Balanced {
    let mut balanced = Balanced { role: role.map(str::to_owned), ..Balanced::default() };
    for one in spec.get("loadBalancers").and_then(Value::as_array).into_iter().flatten() {
        let advanced = &one["advancedConfiguration"];
        let group = if alternate { advanced["alternateTargetGroupArn"].as_str() } else { None };
        let group = group.or(one["targetGroupArn"].as_str()).or(one["loadBalancerName"].as_str());
        balanced.targets.extend(group.map(str::to_owned));
        if let Some(role) = advanced["roleArn"].as_str() {
            balanced.role = Some(role.to_owned());
        }
    }
    balanced
}

impl Service {
    /// A new revision at the end of all; its deployment becomes PRIMARY and the present one ACTIVE.
    pub(in crate::world) fn add_revision(
        &mut self,
        cx: &mut Cx<'_>,
        spec: Map<String, Value>,
        launch_type: LaunchType,
        shape: Arc<Shape>,
    ) -> u64 {
        let number = cx.region.random.u64(1_000_000_000_000_000_000..10_000_000_000_000_000_000);
        let serving = self.revision(self.primary);
        let pairs = spec.get("loadBalancers").and_then(Value::as_array).into_iter().flatten();
        let has_pair = pairs.clone().any(|one| one["advancedConfiguration"].is_object());
        let shifts = self.configuration.strategy != super::Strategy::Rolling && has_pair;
        let alternate = match serving {
            // A first deployment goes behind the alternate target group too (observed by tools).
            None => shifts,
            Some(serving) if shifts => !serving.alternate,
            Some(serving) => has_pair && serving.alternate,
        };
        let role = self.members.get("roleArn").and_then(Value::as_str);
        let balanced = Arc::new(balanced(&spec, alternate, role));
        self.revisions.push(Revision {
            number,
            created_at: cx.now,
            spec,
            launch_type,
            shape,
            balanced,
            alternate,
            entry: None,
            production: 0.0,
            test: 0.0,
            succeeded: false,
            failures: 0,
            retry_at: None,
        });
        number
    }

    /// Makes the deployment of that revision PRIMARY and in progress, and the former one ACTIVE.
    pub(in crate::world) fn make_primary(&mut self, now: Time, number: u64, reason: String) {
        let former = self.primary;
        if former != number
            && let Some(entry) = self.entry_mut(former)
        {
            entry.status = EntryStatus::Active;
            entry.updated_at = now;
        }
        self.primary = number;
        if let Some(revision) = self.revision_mut(number) {
            let created_at = revision.entry.as_ref().map_or(revision.created_at, |entry| entry.created_at);
            let wants = revision.entry.as_ref().map_or(0, |entry| entry.wants);
            revision.succeeded = false;
            revision.entry = Some(Entry {
                status: EntryStatus::Primary,
                rollout: RolloutState::InProgress,
                reason,
                wants,
                failed_tasks: 0,
                created_at,
                updated_at: now,
            });
        }
    }
}
