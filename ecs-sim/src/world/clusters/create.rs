//! CreateCluster.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::{Cluster, ClusterStatus, Life, attachments, describe};
use crate::world::{
    ApiError, Caller, Cx, Region, arn,
    capacity_providers::{self, strategy},
    input::{self, member},
    settings, tags,
};

/// What a creation asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    settings: Option<String>,
    configuration: Option<Value>,
    capacity_providers: Option<Vec<String>>,
    default_strategy: Option<Vec<strategy::StrategyItem>>,
    namespace: Option<String>,
    tags: Option<tags::Tags>,
}

impl Arguments {
    fn read(cx: &Cx<'_>, call: &Value) -> Result<Self, ApiError> {
        let given = |name: &str| member(call, name).is_some();
        let strategy = strategy::read(cx.region, call, "defaultCapacityProviderStrategy")?;
        Ok(Self {
            settings: read_settings(call)?,
            configuration: read_configuration(call)?,
            capacity_providers: given("capacityProviders").then(|| read_providers(cx.region, call)).transpose()?,
            default_strategy: given("defaultCapacityProviderStrategy").then_some(strategy),
            namespace: read_namespace(cx.caller, call)?.filter(|namespace| !namespace.is_empty()),
            tags: given("tags").then(|| tags::read(call, "InvalidParameterException")).transpose()?,
        })
    }

    /// Whether a second creation asks for nothing that the first did not: what it leaves out does not matter (observed
    /// by tools).
    fn agree(&self, first: &Self) -> bool {
        fn same<T: PartialEq>(second: Option<&T>, first: Option<&T>) -> bool {
            second.is_none() || second == first
        }
        same(self.settings.as_ref(), first.settings.as_ref())
            && same(self.configuration.as_ref(), first.configuration.as_ref())
            && same(self.capacity_providers.as_ref(), first.capacity_providers.as_ref())
            && same(self.default_strategy.as_ref(), first.default_strategy.as_ref())
            && same(self.namespace.as_ref(), first.namespace.as_ref())
            && same(self.tags.as_ref(), first.tags.as_ref())
    }

    fn cluster(self, cx: &Cx<'_>, name: &str) -> Cluster {
        let made_with = self.clone();
        let default = || settings::container_insights(cx.region).to_owned();
        Cluster {
            name: name.into(),
            container_insights: self.settings.unwrap_or_else(default),
            configuration: self.configuration,
            capacity_providers: self.capacity_providers.unwrap_or_default(),
            default_strategy: self.default_strategy.unwrap_or_default(),
            namespace: self.namespace,
            tags: self.tags.unwrap_or_default(),
            life: Life::Made(cx.now),
            made_with,
            attachments: vec![],
            attached: None,
            attachments_failed: false,
        }
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let name = arn::name(input::text(call, "clusterName")?.unwrap_or("default"));
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if name.is_empty() || name.len() > 255 || !name.bytes().all(legal) {
        return Err(ApiError::invalid("Cluster name contains invalid characters."));
    }
    let arguments = Arguments::read(cx, call)?;
    let providers = arguments.capacity_providers.as_deref().unwrap_or_default();
    check_strategy(providers, arguments.default_strategy.as_deref().unwrap_or_default())?;
    if let Some(old) = cx.region.clusters.get(name) {
        match old.status(cx.now) {
            ClusterStatus::Inactive => {}
            ClusterStatus::Deprovisioning => old.check_not_busy(cx.now)?,
            _ => return again(cx, old, &arguments),
        }
    }
    let mut cluster = arguments.cluster(cx, name);
    if !cluster.capacity_providers.is_empty() || cluster.namespace.is_some() {
        cx.region.random.shuffle(&mut cluster.capacity_providers);
        attachments::begin(cx, &mut cluster);
        cluster.life = Life::Made(cluster.attached.unwrap_or(cx.now));
    }
    let shown = describe::written(cx, &cluster, true);
    cx.region.clusters.insert(name.into(), cluster);
    Ok(json!({ "cluster": shown }))
}

/// A second creation is answered with the arguments of the first, not with what became of them.
fn again(cx: &Cx<'_>, old: &Cluster, arguments: &Arguments) -> Result<Value, ApiError> {
    if !arguments.agree(&old.made_with) {
        return Err(ApiError::invalid(
            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
        ));
    }
    let mut as_made = old.made_with.clone().cluster(cx, &old.name);
    as_made.life = old.life;
    Ok(json!({ "cluster": describe::written(cx, &as_made, true) }))
}

/// The value of containerInsights in `settings`.
pub(super) fn read_settings(call: &Value) -> Result<Option<String>, ApiError> {
    let mut insights = None;
    for setting in input::list(call, "settings")? {
        if input::text(setting, "name")? != Some("containerInsights") {
            return Err(ApiError::invalid("Invalid setting 'name'"));
        }
        match input::text(setting, "value")? {
            Some(value @ ("enabled" | "disabled" | "enhanced")) => insights = Some(value.to_owned()),
            _ => return Err(ApiError::invalid("Invalid setting 'value'")),
        }
    }
    Ok(insights)
}

/// The block `configuration`.
pub(super) fn read_configuration(call: &Value) -> Result<Option<Value>, ApiError> {
    let Some(configuration) = input::object(call, "configuration")? else { return Ok(None) };
    if let Some(command) = configuration.get("executeCommandConfiguration").filter(|command| !command.is_null()) {
        match input::text(command, "logging")? {
            None | Some("NONE" | "DEFAULT") => {}
            Some("OVERRIDE") if member(command, "logConfiguration").is_some() => {}
            Some("OVERRIDE") => {
                return Err(ApiError::invalid("logConfiguration must be specified when logging is OVERRIDE."));
            }
            Some(_) => return Err(ApiError::invalid("Invalid execute command logging configuration.")),
        }
    }
    Ok(Some(Value::Object(configuration.clone())))
}

/// The names in `capacityProviders`, which must be there.
pub(super) fn read_providers(region: &Region, call: &Value) -> Result<Vec<String>, ApiError> {
    let names: Vec<&str> = input::texts(call, "capacityProviders")?.into_iter().map(arn::name).collect();
    if names.len() > 20 {
        return Err(ApiError::invalid("A cluster can have at most 20 capacity providers."));
    }
    for name in &names {
        if capacity_providers::kind_of(region, name)? == capacity_providers::ProviderKind::ManagedInstances {
            return Err(ApiError::invalid(
                "A capacity provider with Managed Instances belongs to its cluster already, and cannot be associated.",
            ));
        }
    }
    Ok(names.into_iter().map(Into::into).collect())
}

/// A default strategy is one of the cluster's own providers.
pub(super) fn check_strategy(providers: &[String], strategy: &[strategy::StrategyItem]) -> Result<(), ApiError> {
    if strategy.iter().all(|item| providers.contains(&item.capacity_provider)) {
        Ok(())
    } else {
        Err(strategy::not_associated())
    }
}

/// The ARN of the namespace in `serviceConnectDefaults`; empty where it is to be removed. A name that is new becomes a
/// namespace, whose id here follows from the name.
pub(super) fn read_namespace(caller: &Caller, call: &Value) -> Result<Option<String>, ApiError> {
    let Some(defaults) = member(call, "serviceConnectDefaults") else { return Ok(None) };
    let namespace = input::text(defaults, "namespace")?
        .ok_or_else(|| ApiError::invalid("Namespace of serviceConnectDefaults cannot be null."))?;
    if namespace.is_empty() || namespace.starts_with("arn:") {
        return Ok(Some(namespace.into()));
    }
    let mut hasher = DefaultHasher::new();
    (caller, namespace).hash(&mut hasher);
    let Caller { account, region } = caller;
    let id = hasher.finish();
    Ok(Some(format!("arn:aws:servicediscovery:{region}:{account}:namespace/ns-{id:016x}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Ecs;

    #[test]
    fn a_second_creation_with_the_same_arguments_is_answered_with_those_and_with_others_refused() {
        let mut ecs = Ecs::new();
        let tags = json!([{ "key": "a", "value": "b" }]);
        let call = json!({ "clusterName": "main", "tags": tags });
        ecs.answer("CreateCluster", &call);
        let insights = json!([{ "name": "containerInsights", "value": "enabled" }]);
        ecs.answer("UpdateCluster", &json!({ "cluster": "main", "settings": insights }));
        for again in [&call, &json!({ "clusterName": "main" })] {
            let answer = ecs.answer("CreateCluster", again);
            assert_eq!(answer["cluster"]["settings"][0]["value"], "disabled", "not what became of it");
            assert_eq!(answer["cluster"]["tags"], tags);
        }
        let other = json!({ "clusterName": "main", "settings": insights });
        let message =
            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
        assert_eq!(ecs.refusal("CreateCluster", &other), ApiError::invalid(message));
    }

    #[test]
    fn capacity_providers_provision_the_cluster_and_keep_it_busy_for_a_while() {
        let mut ecs = Ecs::new();
        let strategy = json!([{ "capacityProvider": "FARGATE", "weight": 1 }]);
        let call = json!({ "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": strategy });
        let made = ecs.answer("CreateCluster", &call)["cluster"].clone();
        assert_eq!(
            (&made["status"], &made["attachmentsStatus"]),
            (&json!("PROVISIONING"), &json!("UPDATE_IN_PROGRESS"))
        );
        assert_eq!(made["defaultCapacityProviderStrategy"][0]["base"], 0);
        let put = json!({ "cluster": "default", "capacityProviders": [], "defaultCapacityProviderStrategy": [] });
        assert_eq!(ecs.refusal("PutClusterCapacityProviders", &put).code, "UpdateInProgressException");
        ecs.pass(2);
        let shown = ecs.answer("DescribeClusters", &json!({ "include": ["ATTACHMENTS"] }))["clusters"][0].clone();
        assert_eq!((&shown["status"], &shown["attachmentsStatus"]), (&json!("ACTIVE"), &json!("UPDATE_COMPLETE")));
        ecs.answer("PutClusterCapacityProviders", &put);
    }

    #[test]
    fn an_auto_scaling_group_takes_longer_and_leaves_an_attachment() {
        let mut ecs = Ecs::new();
        let group = json!({ "autoScalingGroupArn": "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:x" });
        ecs.answer("CreateCapacityProvider", &json!({ "name": "nodes", "autoScalingGroupProvider": group }));
        ecs.answer("CreateCluster", &json!({ "capacityProviders": ["nodes"] }));
        let include = json!({ "include": ["ATTACHMENTS"] });
        ecs.pass(9);
        let shown = ecs.answer("DescribeClusters", &include)["clusters"][0].clone();
        assert_eq!(
            (&shown["status"], &shown["attachments"][0]["status"]),
            (&json!("PROVISIONING"), &json!("PRECREATED"))
        );
        ecs.pass(1);
        let shown = ecs.answer("DescribeClusters", &include)["clusters"][0].clone();
        assert_eq!((&shown["status"], &shown["attachments"][0]["status"]), (&json!("ACTIVE"), &json!("CREATED")));
        let held = ecs.refusal("DeleteCapacityProvider", &json!({ "capacityProvider": "nodes" }));
        assert!(held.message.contains("associated with cluster: default"));
        ecs.region().clusters.get_mut("default").unwrap().fail_attachments();
        assert_eq!(ecs.answer("DescribeClusters", &include)["clusters"][0]["status"], "FAILED");
    }

    #[test]
    fn only_what_is_included_is_shown() {
        let mut ecs = Ecs::new();
        let configuration = json!({ "executeCommandConfiguration": { "logging": "NONE" } });
        let tags = json!([{ "key": "a", "value": "b" }]);
        ecs.answer("CreateCluster", &json!({ "configuration": configuration, "tags": tags }));
        let bare = ecs.answer("DescribeClusters", &json!({}))["clusters"][0].clone();
        assert_eq!((&bare["settings"], &bare["tags"], &bare["statistics"]), (&json!([]), &json!([]), &json!([])));
        assert_eq!((bare.get("configuration"), bare.get("attachments")), (None, None));
        let all = json!({ "include": ["SETTINGS", "CONFIGURATIONS", "TAGS", "STATISTICS", "ATTACHMENTS"] });
        let all = ecs.answer("DescribeClusters", &all)["clusters"][0].clone();
        assert_eq!((&all["configuration"], &all["tags"]), (&configuration, &tags));
        assert_eq!((all["statistics"].as_array().unwrap().len(), &all["attachments"]), (16, &json!([])));
        assert_eq!(ecs.refusal("DescribeClusters", &json!({ "include": ["ALL"] })).code, "InvalidParameterException");
    }

    #[test]
    fn a_deleted_cluster_is_described_and_not_listed_and_can_be_made_again() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({ "clusterName": "main", "capacityProviders": ["FARGATE"] }));
        ecs.pass(2);
        let deleted = ecs.answer("DeleteCluster", &json!({ "cluster": "main" }));
        assert_eq!(deleted["cluster"]["status"], "DEPROVISIONING");
        ecs.pass(2);
        let shown = ecs.answer("DescribeClusters", &json!({ "clusters": ["main", "main", "x"] }));
        assert_eq!(
            (shown["clusters"].as_array().unwrap().len(), &shown["clusters"][0]["status"]),
            (1, &json!("INACTIVE"))
        );
        assert_eq!(shown["failures"][0]["arn"], "arn:aws:ecs:eu-west-1:111122223333:cluster/x");
        assert_eq!(ecs.answer("ListClusters", &json!({})), json!({ "clusterArns": [] }));
        let refusal = ecs.refusal("UpdateCluster", &json!({ "cluster": "main" }));
        assert_eq!(refusal, ApiError::client("Cluster was not ACTIVE."));
        let again = ecs.answer("CreateCluster", &json!({ "clusterName": "main" }));
        assert_eq!(
            (&again["cluster"]["status"], &again["cluster"]["capacityProviders"]),
            (&json!("ACTIVE"), &json!([]))
        );
        assert_eq!(ecs.refusal("DeleteCluster", &json!({ "cluster": "x" })).code, "ClusterNotFoundException");
    }

    #[test]
    fn an_update_replaces_the_blocks_it_has_and_an_empty_namespace_takes_the_default_away() {
        let mut ecs = Ecs::new();
        let insights = json!([{ "name": "containerInsights", "value": "enhanced" }]);
        ecs.answer("PutAccountSetting", &json!({ "name": "containerInsights", "value": "enabled" }));
        let made = ecs.answer("CreateCluster", &json!({ "serviceConnectDefaults": { "namespace": "shop" } }));
        assert_eq!(made["cluster"]["settings"][0]["value"], "enabled", "the account's default");
        let namespace = made["cluster"]["serviceConnectDefaults"]["namespace"].as_str().unwrap();
        assert!(namespace.starts_with("arn:aws:servicediscovery:eu-west-1:111122223333:namespace/ns-"));
        ecs.pass(2);
        let updated = ecs.answer("UpdateCluster", &json!({ "cluster": "default", "settings": insights }));
        assert_eq!((&updated["cluster"]["settings"], &updated["cluster"]["tags"]), (&insights, &json!([])));
        assert_eq!(updated["cluster"]["serviceConnectDefaults"]["namespace"], namespace);
        let without = json!({ "cluster": "default", "serviceConnectDefaults": { "namespace": "" } });
        assert_eq!(ecs.answer("UpdateCluster", &without)["cluster"].get("serviceConnectDefaults"), None);
    }

    #[test]
    fn names_settings_providers_and_strategies_are_judged() {
        let mut ecs = Ecs::new();
        let strategy = json!([{ "capacityProvider": "FARGATE", "weight": 1 }]);
        for (call, message) in [
            (json!({ "clusterName": "a b" }), "invalid characters"),
            (json!({ "settings": [{ "name": "colour", "value": "x" }] }), "Invalid setting 'name'"),
            (json!({ "settings": [{ "name": "containerInsights", "value": "x" }] }), "Invalid setting 'value'"),
            (json!({ "capacityProviders": ["nodes"] }), "does not exist"),
            (json!({ "defaultCapacityProviderStrategy": strategy }), "not associated with the cluster"),
            (
                json!({ "configuration": { "executeCommandConfiguration": { "logging": "OVERRIDE" } } }),
                "must be specified",
            ),
        ] {
            let refusal = ecs.refusal("CreateCluster", &call);
            assert!(refusal.code == "InvalidParameterException" && refusal.message.contains(message), "{refusal}");
        }
        assert_eq!(ecs.answer("ListClusters", &json!({})), json!({ "clusterArns": [] }));
    }
}
