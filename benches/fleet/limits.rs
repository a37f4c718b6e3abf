//! ECS's own rate limits, before an ECS that has none: a bucket for the calls that change services and one for those
//! that read them, each as AWS documents it for an account in a region.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use crate::support::{Action, Fault, proxy::Proxy};

/// Calls at once, and calls a second after that.
type Limit = (f64, f64);

const MODIFY: Limit = (50.0, 5.0);
const READ: Limit = (100.0, 20.0);

/// From now on what exceeds the limits is answered with a throttling error.
pub fn enforce(proxy: &Proxy) {
    for (limit, operations) in [
        (MODIFY, ["CreateService", "UpdateService", "DeleteService"].as_slice()),
        (READ, ["DescribeServices", "ListServices"].as_slice()),
    ] {
        let bucket = Arc::new(Mutex::new(Bucket::new(limit)));
        for operation in operations {
            let bucket = bucket.clone();
            let exceeds = move |_: &_| !bucket.lock().unwrap().take();
            proxy.fault(Fault::on(operation, Action::throttled()).when(exceeds));
        }
    }
}

/// The seconds in which so many services can be created at best.
#[allow(clippy::cast_precision_loss)] // thousands
pub fn floor(services: usize) -> f64 {
    let (burst, rate) = MODIFY;
    ((services as f64 - burst) / rate).max(1.0)
}

struct Bucket {
    limit: Limit,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn new(limit: Limit) -> Self {
        Self { limit, tokens: limit.0, at: Instant::now() }
    }

    fn take(&mut self) -> bool {
        let (burst, rate) = self.limit;
        let now = Instant::now();
        self.tokens = (self.tokens + (now - self.at).as_secs_f64() * rate).min(burst);
        self.at = now;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}
