//! What the status says of a cluster. Pure.

use super::{Desired, observe::Observed};
use crate::{
    api::{EcsClusterStatus, Reason},
    reconcile::{Verdict, spec},
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
        status.cluster_arn = Some(cluster.arn.clone());
    }
}

/// What to say where no call is left to make.
pub fn verdict(observed: &Observed) -> Verdict {
    match &observed.cluster {
        Some(cluster) if cluster.is_busy => {
            Verdict::progressing(Reason::Deploying, "ECS carries out a change of the cluster.")
        }
        Some(cluster) => Verdict::ready(Reason::Deployed, format!("The cluster is ACTIVE: {}.", cluster.arn)),
        None => Verdict::retrying("the cluster is not there although nothing is left to do"),
    }
}
