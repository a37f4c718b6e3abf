//! What of an `EcsService` never changes.

use kube::core::{Message, Reason, Rule};

use super::{CONTROLLER, PROVIDERS, ROLE_USED};
use crate::api::rules;

/// The region never changes, but gives way to a reference to the cluster, which then says it.
pub fn immutable_region() -> Rule {
    let mut rule = rules::immutable_region();
    rule.rule =
        format!("has(oldSelf.spec.region) && !has(self.spec.region) && has(self.spec.clusterRef) || ({})", rule.rule);
    rule
}

/// The cluster never changes, however it is named. On the root: what it was bound to is in the status.
pub fn immutable_cluster() -> Rule {
    Rule::new(
        "!has(self.spec.cluster) || (has(oldSelf.spec.cluster) && self.spec.cluster == oldSelf.spec.cluster) \
         || (has(oldSelf.status) && has(oldSelf.status.clusterArn) \
         ? self.spec.cluster == oldSelf.status.clusterArn \
         || oldSelf.status.clusterArn.endsWith(':cluster/' + self.spec.cluster) : !has(oldSelf.spec.cluster))",
    )
    .message(Message::Expression(
        "'spec.cluster is immutable: it is \\'' + (has(oldSelf.spec.cluster) ? oldSelf.spec.cluster \
         : has(oldSelf.status) && has(oldSelf.status.clusterArn) ? oldSelf.status.clusterArn : '') + '\\''"
            .into(),
    ))
    .reason(Reason::FieldValueForbidden)
    .field_path(".spec.cluster")
}

/// The reference to the cluster never changes. On `clusterRef`.
pub fn immutable_cluster_ref() -> Rule {
    Rule::new("self.name == oldSelf.name")
        .message(Message::Expression("'clusterRef is immutable: it is \\'' + oldSelf.name + '\\''".into()))
        .reason(Reason::FieldValueForbidden)
}

/// A launch type gives way to a strategy only, or to an external controller, under which it stands on task sets.
pub fn immutable_launch_type() -> Rule {
    Rule::new(format!(
        "!has(oldSelf.launchType) || (has(self.launchType) ? self.launchType == oldSelf.launchType \
         : {PROVIDERS} || {CONTROLLER} == 'EXTERNAL')"
    ))
    .message(Message::Expression(
        "'launchType is immutable: it is \\'' + (has(oldSelf.launchType) ? oldSelf.launchType : '') \
         + '\\', and only a capacityProviderStrategy may take its place'"
            .into(),
    ))
    .reason(Reason::FieldValueForbidden)
    .field_path(".launchType")
}

/// The effective scheduling strategy never changes.
pub fn immutable_scheduling() -> Rule {
    const OLD: &str = "(has(oldSelf.schedulingStrategy) ? oldSelf.schedulingStrategy : 'REPLICA')";
    Rule::new(format!("(has(self.schedulingStrategy) ? self.schedulingStrategy : 'REPLICA') == {OLD}"))
        .message(Message::Expression(format!("'schedulingStrategy is immutable: it is \\'' + {OLD} + '\\''")))
        .reason(Reason::FieldValueForbidden)
        .field_path(".schedulingStrategy")
}

/// The role never changes, but goes where nothing uses it any more.
pub fn immutable_role() -> Rule {
    Rule::new(format!(
        "has(self.role) ? has(oldSelf.role) && self.role == oldSelf.role : !has(oldSelf.role) || !({ROLE_USED})"
    ))
    .message(Message::Expression(
        "'role is immutable: it is \\'' + (has(oldSelf.role) ? oldSelf.role : '') + '\\''".into(),
    ))
    .reason(Reason::FieldValueForbidden)
    .field_path(".role")
}

/// No service becomes one of CodeDeploy's.
pub fn controller_moves() -> Rule {
    Rule::new(format!(
        "{CONTROLLER} != 'CODE_DEPLOY' || has(oldSelf.deploymentController) && oldSelf.deploymentController.type == 'CODE_DEPLOY'"
    ))
    .message("deploymentController can't be changed to CODE_DEPLOY: ECS takes it at creation only")
    .reason(Reason::FieldValueForbidden)
    .field_path(".deploymentController")
}
