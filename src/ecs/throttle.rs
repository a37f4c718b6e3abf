//! ECS's rate limits, kept on our side: waiting for a token costs nothing, being refused costs a pass.
//!
//! The figures are those of the ECS developer guide, "Request throttling for the Amazon ECS API": calls of one group
//! share one bucket in an account and region. Others may use the same account, so a refusal empties our bucket, too.

use std::time::Duration;

use leaky_bucket::RateLimiter;

/// Calls that share one bucket in ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Making, changing and deleting clusters.
    ClusterModify,
    /// Reading clusters.
    ClusterRead,
    /// Registering and deregistering revisions.
    TaskDefinitionModify,
    /// Reading revisions.
    TaskDefinitionRead,
    /// Making, changing and deleting services.
    ServiceModify,
    /// Reading services.
    ServiceRead,
    /// Reading, stopping and continuing deployments of services.
    ServiceDeployment,
    /// Reading revisions of services.
    ServiceRevision,
    /// Reading tasks and container instances.
    ClusterResourceRead,
    /// Setting and removing tags.
    TagModify,
    /// Reading account settings.
    SettingRead,
}

impl Bucket {
    const ALL: [Self; 11] = [
        Self::ClusterModify,
        Self::ClusterRead,
        Self::TaskDefinitionModify,
        Self::TaskDefinitionRead,
        Self::ServiceModify,
        Self::ServiceRead,
        Self::ServiceDeployment,
        Self::ServiceRevision,
        Self::ClusterResourceRead,
        Self::TagModify,
        Self::SettingRead,
    ];

    /// How many calls at once, and how many a second then.
    const fn rate(self) -> (u32, u32) {
        match self {
            Self::ClusterModify | Self::TaskDefinitionModify => (20, 1),
            Self::ServiceModify => (50, 5),
            Self::TagModify => (20, 10),
            Self::ClusterRead
            | Self::TaskDefinitionRead
            | Self::ServiceDeployment
            | Self::ServiceRevision
            | Self::SettingRead => (50, 20),
            Self::ServiceRead | Self::ClusterResourceRead => (100, 20),
        }
    }
}

/// The buckets of one account and region.
#[derive(Debug)]
pub struct Throttle {
    limiters: [RateLimiter; Bucket::ALL.len()],
}

impl Throttle {
    /// Full buckets, as large and fast as ECS's times `share`: 1 is all that ECS allows an account by default.
    pub fn new(share: f64) -> Self {
        Self { limiters: Bucket::ALL.map(|bucket| limiter(bucket, share)) }
    }

    /// Waits for its turn and a token; who came first goes first.
    pub async fn take(&self, bucket: Bucket) {
        self.of(bucket).acquire_one().await;
    }

    /// ECS refused a call: somebody else emptied the bucket.
    pub fn refused(&self, bucket: Bucket) {
        let limiter = self.of(bucket);
        limiter.try_acquire(limiter.balance());
    }

    /// Whether at least half the bucket is there: then work that can wait does not make other work wait.
    pub fn has_room(&self, bucket: Bucket) -> bool {
        let limiter = self.of(bucket);
        limiter.balance() >= limiter.max() / 2
    }

    /// Whether who takes a token now has to wait for it.
    pub fn is_empty(&self, bucket: Bucket) -> bool {
        self.of(bucket).balance() == 0
    }

    /// How many tokens come a second.
    #[allow(clippy::cast_precision_loss)] // at most some hundred
    pub fn a_second(&self, bucket: Bucket) -> f64 {
        let limiter = self.of(bucket);
        limiter.refill() as f64 / limiter.interval().as_secs_f64()
    }

    fn of(&self, bucket: Bucket) -> &RateLimiter {
        &self.limiters[bucket as usize]
    }
}

fn limiter(bucket: Bucket, share: f64) -> RateLimiter {
    let (burst, a_second) = bucket.rate();
    let (burst, a_second) = (f64::from(burst) * share, f64::from(a_second) * share);
    // One token at a time, but not so often that the limiter's milliseconds are too coarse.
    let refill = (a_second / 50.0).ceil();
    let interval = Duration::from_secs_f64(refill / a_second);
    RateLimiter::builder().initial(whole(burst)).max(whole(burst)).refill(whole(refill)).interval(interval).build()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at least 1
fn whole(tokens: f64) -> usize {
    tokens.max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    async fn time_of(throttle: &Throttle, bucket: Bucket, calls: u32) -> f64 {
        let start = Instant::now();
        for _ in 0..calls {
            throttle.take(bucket).await;
        }
        start.elapsed().as_secs_f64()
    }

    /// The burst is free, and then the rate is ECS's: neither refused calls nor idle tokens.
    #[tokio::test(start_paused = true)]
    async fn calls_go_at_the_rate_that_ecs_allows() {
        let throttle = Throttle::new(1.0);
        assert!(time_of(&throttle, Bucket::ServiceModify, 50).await < 0.1);
        let slow = time_of(&throttle, Bucket::ServiceModify, 100).await;
        assert!((19.0..21.0).contains(&slow), "{slow}");
        assert!(time_of(&throttle, Bucket::ServiceRead, 100).await < 0.1, "each bucket for itself");
    }

    /// Others use the account too. Going on at full rate would be refused at every call.
    #[tokio::test(start_paused = true)]
    async fn a_refusal_empties_the_bucket() {
        let throttle = Throttle::new(1.0);
        assert!(throttle.has_room(Bucket::TaskDefinitionModify));
        throttle.refused(Bucket::TaskDefinitionModify);
        assert!(!throttle.has_room(Bucket::TaskDefinitionModify) && throttle.is_empty(Bucket::TaskDefinitionModify));
        assert!(!throttle.is_empty(Bucket::ServiceModify));
        assert!(time_of(&throttle, Bucket::TaskDefinitionModify, 1).await > 0.5);
    }

    /// The array is indexed by the enum.
    #[test]
    fn every_bucket_has_its_place() {
        assert!(Bucket::ALL.iter().enumerate().all(|(index, bucket)| *bucket as usize == index));
    }
}
