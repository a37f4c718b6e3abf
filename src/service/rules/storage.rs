//! EBS volumes of the tasks.

use super::{Found, items};
use crate::{
    api::EcsServiceSpec,
    ecs::shapes::{EbsTagSpecification, ServiceManagedEbsVolumeConfiguration},
};

pub(super) fn check(spec: &EcsServiceSpec, found: &mut Found) {
    for (index, volume) in items(spec.volume_configurations.as_ref()).iter().enumerate() {
        if let Some(ebs) = &volume.managed_ebs_volume {
            ebs_volume(&format!("spec.volumeConfigurations[{index}].managedEBSVolume"), ebs, found);
        }
    }
}

fn ebs_volume(field: &str, volume: &ServiceManagedEbsVolumeConfiguration, found: &mut Found) {
    let kind = volume.volume_type.as_deref();
    found.rule(
        volume.size_in_gib.is_some() || volume.snapshot_id.is_some(),
        format!("{field}.sizeInGiB"),
        "sizeInGiB is required unless snapshotId is set",
    );
    found.rule(
        !matches!(kind, Some("io1" | "io2")) || volume.iops.is_some(),
        format!("{field}.iops"),
        "iops is required where volumeType is io1 or io2",
    );
    found.rule(
        !matches!(kind, Some("st1" | "sc1" | "standard")) || volume.iops.is_none(),
        format!("{field}.iops"),
        "iops must be absent where volumeType is st1, sc1 or standard",
    );
    found.rule(
        volume.throughput.is_none() || matches!(kind, None | Some("gp3")),
        format!("{field}.throughput"),
        "throughput is allowed only where volumeType is gp3",
    );
    found.rule(
        volume.volume_initialization_rate.is_none() || volume.snapshot_id.is_some(),
        format!("{field}.volumeInitializationRate"),
        "volumeInitializationRate is allowed only where snapshotId is set",
    );
    for (index, tags) in items(volume.tag_specifications.as_ref()).iter().enumerate() {
        volume_tags(&format!("{field}.tagSpecifications[{index}].tags"), tags, found);
    }
}

fn volume_tags(field: &str, specification: &EbsTagSpecification, found: &mut Found) {
    found.rule(
        items(specification.tags.as_ref()).iter().all(|tag| {
            !tag.key.to_ascii_lowercase().starts_with("aws:")
                && !matches!(tag.key.as_str(), "AmazonECSCreated" | "AmazonECSManaged")
        }),
        field,
        "tag keys must not begin with 'aws:' nor be AmazonECSCreated or AmazonECSManaged: these are reserved",
    );
}
