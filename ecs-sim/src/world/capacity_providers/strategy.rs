//! Capacity provider strategies, of services, tasks and clusters (CapacityProviderStrategyItem API reference).

use serde_json::{Value, json};

use super::ProviderKind;
use crate::world::{ApiError, Region, arn, clusters::Cluster, input};

/// One provider's part in a strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrategyItem {
    /// The provider's name.
    pub capacity_provider: String,
    /// Its share of the tasks beyond the base, relative to the others.
    pub weight: u32,
    /// So many tasks come first, before the weights count.
    pub base: u32,
}

const MOST: usize = 20;

/// Reads and judges a strategy by itself; empty where it is absent.
pub fn read(region: &Region, call: &Value, member: &str) -> Result<Vec<StrategyItem>, ApiError> {
    let items = input::list(call, member)?.iter().map(read_item).collect::<Result<Vec<_>, _>>()?;
    if items.len() > MOST {
        return Err(ApiError::invalid(format!(
            "A capacity provider strategy can contain at most {MOST} capacity providers."
        )));
    }
    let kinds =
        items.iter().map(|item| super::kind_of(region, &item.capacity_provider)).collect::<Result<Vec<_>, _>>()?;
    if kinds.iter().any(|kind| kind.family() != kinds[0].family()) {
        return Err(ApiError::invalid(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and \
             Fargate providers. Specify one or the other and try again.",
        ));
    }
    if items.iter().filter(|item| item.base > 0).count() > 1 {
        return Err(ApiError::invalid("Only one capacity provider in a strategy can have a base defined."));
    }
    if !items.is_empty() && items.iter().all(|item| item.weight == 0) {
        return Err(ApiError::invalid(
            "At least one capacity provider in a strategy must have a weight greater than 0.",
        ));
    }
    Ok(items)
}

fn read_item(item: &Value) -> Result<StrategyItem, ApiError> {
    let amount = |name: &str, most: u32| -> Result<u32, ApiError> {
        let amount = input::integer(item, name)?.unwrap_or(0);
        u32::try_from(amount).ok().filter(|amount| *amount <= most).ok_or_else(|| {
            ApiError::invalid(format!("The {name} of a capacity provider must be between 0 and {most}."))
        })
    };
    let capacity_provider = arn::name(input::required_text(item, "capacityProvider")?).to_owned();
    Ok(StrategyItem { capacity_provider, weight: amount("weight", 1000)?, base: amount("base", 100_000)? })
}

/// Whether all its providers belong to the cluster.
pub fn check_in_cluster(region: &Region, cluster: &Cluster, strategy: &[StrategyItem]) -> Result<(), ApiError> {
    let belongs = |item: &StrategyItem| {
        let managed = region.capacity_providers.get(&item.capacity_provider);
        cluster.capacity_providers.contains(&item.capacity_provider)
            || managed.is_some_and(|provider| provider.cluster.as_ref() == Some(&cluster.name))
    };
    if strategy.iter().all(belongs) { Ok(()) } else { Err(not_associated()) }
}

pub(in crate::world) fn not_associated() -> ApiError {
    ApiError::invalid(
        "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the \
         cluster. Associate the capacity provider with the cluster and try again.",
    )
}

/// A strategy as answers show it.
pub fn shown(strategy: &[StrategyItem]) -> Value {
    strategy
        .iter()
        .map(|item| json!({ "capacityProvider": item.capacity_provider, "weight": item.weight, "base": item.base }))
        .collect()
}

impl ProviderKind {
    /// Kinds of one family go together in a strategy.
    fn family(self) -> u8 {
        match self {
            Self::Fargate | Self::FargateSpot => 0,
            Self::AutoScalingGroup => 1,
            Self::ManagedInstances => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Ecs;

    fn refusal(items: &Value) -> String {
        let mut ecs = Ecs::new();
        let group = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:x:autoScalingGroupName/nodes";
        let nodes = json!({ "name": "nodes", "autoScalingGroupProvider": { "autoScalingGroupArn": group } });
        ecs.answer("CreateCapacityProvider", &nodes);
        let read = read(ecs.region(), &json!({ "strategy": items }), "strategy");
        read.map_or_else(|error| error.message, |_| String::new())
    }

    #[test]
    fn a_strategy_is_of_known_providers_of_one_kind_with_one_base_and_some_weight() {
        let item =
            |name: &str, weight: i64, base: i64| json!({ "capacityProvider": name, "weight": weight, "base": base });
        assert_eq!(refusal(&json!([item("FARGATE", 1, 2), item("FARGATE_SPOT", 4, 0)])), "");
        assert_eq!(refusal(&json!([item("nodes", 1, 0)])), "");
        assert!(refusal(&json!([item("gone", 1, 0)])).contains("does not exist"));
        assert!(refusal(&json!([item("FARGATE", 1, 0), item("nodes", 1, 0)])).contains("a mix of"));
        assert!(refusal(&json!([item("FARGATE", 1, 1), item("FARGATE_SPOT", 1, 1)])).contains("Only one"));
        assert!(refusal(&json!([item("FARGATE", 0, 1)])).contains("greater than 0"));
        assert!(refusal(&json!([item("FARGATE", 1001, 0)])).contains("between 0 and 1000"));
    }
}
