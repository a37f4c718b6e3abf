//! ECS's request throttling.

use std::collections::BTreeMap;

use crate::{Caller, Time};

/// A group of operations that share one bucket per account and region: "Request throttling for the Amazon ECS API" in
/// the ECS developer guide, and "Amazon ECS endpoints and quotas" in the General Reference.
struct Bucket {
    operations: &'static [&'static str],
    /// Calls that a full bucket allows at once.
    burst: u64,
    /// Calls that come back in a second.
    refill: u64,
}

/// Operations of no bucket (StopServiceDeployment and ContinueServiceDeployment are in no published one) are not
/// throttled.
const BUCKETS: &[Bucket] = &[
    Bucket {
        operations: &[
            "CreateCluster",
            "DeleteCluster",
            "UpdateCluster",
            "UpdateClusterSettings",
            "PutClusterCapacityProviders",
        ],
        burst: 20,
        refill: 1,
    },
    Bucket { operations: &["DescribeClusters", "ListClusters"], burst: 50, refill: 20 },
    Bucket { operations: &["RegisterTaskDefinition", "DeregisterTaskDefinition"], burst: 20, refill: 1 },
    Bucket {
        operations: &["DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"],
        burst: 50,
        refill: 20,
    },
    Bucket { operations: &["DeleteTaskDefinitions"], burst: 5, refill: 1 },
    Bucket {
        operations: &["CreateCapacityProvider", "UpdateCapacityProvider", "DeleteCapacityProvider"],
        burst: 10,
        refill: 1,
    },
    Bucket { operations: &["DescribeCapacityProviders"], burst: 50, refill: 20 },
    Bucket { operations: &["CreateService", "UpdateService", "DeleteService"], burst: 50, refill: 5 },
    Bucket { operations: &["DescribeServices", "ListServices"], burst: 100, refill: 20 },
    Bucket { operations: &["DescribeServiceDeployments", "ListServiceDeployments"], burst: 50, refill: 20 },
    Bucket { operations: &["DescribeServiceRevisions"], burst: 50, refill: 20 },
    Bucket {
        operations: &[
            "RunTask",
            "StartTask",
            "StopTask",
            "ExecuteCommand",
            "PutAttributes",
            "DeleteAttributes",
            "DeregisterContainerInstance",
            "UpdateContainerInstancesState",
        ],
        burst: 100,
        refill: 40,
    },
    Bucket {
        operations: &[
            "DescribeTasks",
            "ListTasks",
            "DescribeContainerInstances",
            "ListContainerInstances",
            "ListAttributes",
        ],
        burst: 100,
        refill: 20,
    },
    Bucket { operations: &["TagResource", "UntagResource"], burst: 20, refill: 10 },
    Bucket { operations: &["ListTagsForResource"], burst: 50, refill: 20 },
    Bucket {
        operations: &["PutAccountSetting", "PutAccountSettingDefault", "DeleteAccountSetting"],
        burst: 10,
        refill: 1,
    },
    Bucket { operations: &["ListAccountSettings"], burst: 50, refill: 20 },
    Bucket { operations: &["GetTaskProtection", "UpdateTaskProtection"], burst: 200, refill: 80 },
    Bucket { operations: &["ListServicesByNamespace"], burst: 10, refill: 1 },
    Bucket {
        operations: &["CreateTaskSet", "UpdateTaskSet", "DeleteTaskSet", "UpdateServicePrimaryTaskSet"],
        burst: 100,
        refill: 20,
    },
];

/// The buckets of all accounts and regions, full at first.
#[derive(Debug, Default)]
pub(super) struct Buckets(BTreeMap<Caller, [Level; BUCKETS.len()]>);

/// What a bucket has given and not got back yet, in thousandths of a call: a refill of so many a second is as many
/// thousandths a millisecond, so that nothing is ever rounded.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    missing: u64,
    at: Time,
}

const CALL: u64 = 1000;

impl Buckets {
    /// Takes the token for a call, and says whether there was one.
    pub(super) fn take(&mut self, caller: &Caller, operation: &str, now: Time) -> bool {
        let Some(index) = BUCKETS.iter().position(|bucket| bucket.operations.contains(&operation)) else {
            return true;
        };
        if !self.0.contains_key(caller) {
            self.0.insert(caller.clone(), Default::default());
        }
        let Some(levels) = self.0.get_mut(caller) else { return true };
        let (bucket, level) = (&BUCKETS[index], &mut levels[index]);
        let passed = now.0.saturating_sub(level.at.0);
        level.missing = level.missing.saturating_sub(passed.saturating_mul(bucket.refill));
        level.at = now;
        let allowed = level.missing + CALL <= bucket.burst * CALL;
        if allowed {
            level.missing += CALL;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn caller(account: &str) -> Caller {
        Caller { account: account.into(), region: "eu-west-1".into() }
    }

    fn allowed(buckets: &mut Buckets, operation: &str, now: Time, tries: usize) -> usize {
        (0..tries).filter(|_| buckets.take(&caller("1"), operation, now)).count()
    }

    #[test]
    fn a_full_bucket_allows_its_burst_and_then_its_refill() {
        let mut buckets = Buckets::default();
        let start = Time(1_000_000);
        assert_eq!(allowed(&mut buckets, "CreateService", start, 80), 50);
        assert_eq!(allowed(&mut buckets, "UpdateService", start + Duration::from_millis(199), 9), 0);
        assert_eq!(allowed(&mut buckets, "UpdateService", start + Duration::from_millis(200), 9), 1);
        assert_eq!(allowed(&mut buckets, "DeleteService", start + Duration::from_millis(1200), 9), 5);
        assert_eq!(allowed(&mut buckets, "CreateService", start + Duration::from_secs(3600), 80), 50);
    }

    #[test]
    fn a_thousand_services_take_at_least_190_seconds() {
        let mut buckets = Buckets::default();
        let mut created = 0;
        let mut now = Time(0);
        while created < 1000 {
            now = now + Duration::from_millis(1);
            created += usize::from(buckets.take(&caller("1"), "CreateService", now));
        }
        assert_eq!(now, Time(190_001));
    }

    #[test]
    fn accounts_regions_and_groups_have_buckets_of_their_own() {
        let mut buckets = Buckets::default();
        assert_eq!(allowed(&mut buckets, "RegisterTaskDefinition", Time(1), 30), 20);
        assert!(!buckets.take(&caller("1"), "DeregisterTaskDefinition", Time(1)));
        assert!(buckets.take(&caller("1"), "DeleteTaskDefinitions", Time(1)));
        assert!(buckets.take(&caller("2"), "DeregisterTaskDefinition", Time(1)));
        let elsewhere = Caller { region: "us-east-1".into(), ..caller("1") };
        assert!(buckets.take(&elsewhere, "RegisterTaskDefinition", Time(1)));
        assert_eq!(allowed(&mut buckets, "ContinueServiceDeployment", Time(1), 500), 500);
    }
}
