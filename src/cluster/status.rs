//! What the status says of a cluster. Pure.

use super::{Desired, observe::Observed, plan};
use crate::{
    api::{EcsClusterStatus, Reason, status::READY},
    reconcile::{News, Verdict, spec},
};

/// Writes what was observed into the status.
pub fn report(desired: &Desired, observed: &Observed, status: &mut EcsClusterStatus) {
    status.common.region = Some(desired.region.clone());
    let Some(cluster) = &observed.cluster else {
        status.cluster_arn = None;
        return;
    };
    if desired.stake.concerns(&cluster.tags) {
        status.common.origin = desired.stake.claim(&cluster.tags).origin();
        status.common.account_id = spec::account(&cluster.arn);
        // Services are made in it once they find the ARN, and ECS may refuse that while the cluster is on its way.
        if status.cluster_arn.is_some() || matches!(cluster.status.as_str(), "ACTIVE" | "FAILED") {
            status.cluster_arn = Some(cluster.arn.clone());
        }
    }
}

/// What to say where no call is left to make.
pub fn verdict(desired: &Desired, observed: &Observed) -> Verdict {
    match &observed.cluster {
        Some(cluster) if desired.has_failed(cluster) => {
            let what = format!("cluster {}", desired.name);
            Verdict::refused(Reason::DeploymentFailed, plan::failed(&what, cluster))
        }
        Some(cluster) if cluster.is_busy => {
            Verdict::progressing(Reason::Deploying, "ECS carries out a change of the cluster.")
        }
        Some(cluster) => {
            let ready = Verdict::ready(Reason::Active, format!("The cluster is ACTIVE: {}.", cluster.arn));
            let foreign = cluster.failure.as_ref();
            let note = |why| format!("capacity providers that the manifest does not name could not be attached: {why}");
            ready.noting(&foreign.map(note).into_iter().collect::<Vec<_>>())
        }
        None => Verdict::retrying("the cluster is not there although nothing is left to do"),
    }
}

/// What a person should hear of: capacity providers that could not be attached, once for each reason.
pub fn news(before: &EcsClusterStatus, after: &EcsClusterStatus) -> Vec<News> {
    let failure = |status: &EcsClusterStatus| {
        let ready = status.common.conditions.iter().find(|condition| condition.type_ == READY);
        ready.filter(|ready| ready.reason == Reason::DeploymentFailed.as_str()).map(|ready| ready.message.clone())
    };
    let old = failure(before);
    let new = failure(after).filter(|new| old.as_ref() != Some(new));
    new.map(|message| News::warning(Reason::DeploymentFailed.as_str(), message)).into_iter().collect()
}
