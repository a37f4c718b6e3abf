//! Random walks: edits, failing tasks, faults of every kind, an operator that is killed at any call, clocks that jump.
//! In the end the faults stop, and all has to come to rest as it should.

mod acts;
mod end;
mod objects;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use ecs_operator::ecs::Cadence;
use ecs_sim::front::{Fault, Operations, Rule, When};
use tokio::time::sleep;

use self::objects::Objects;
use crate::{Simulation, journal::Who, simulation::Setting};

/// How a walk went.
#[derive(Clone, Debug)]
pub struct Walked {
    /// Its seed, which gives the same walk again.
    pub seed: u64,
    /// What must not be.
    pub wrong: Vec<String>,
    /// All that happened.
    pub log: String,
}

/// Walks so many times from a seed on, on so many threads. `watch` hears of each walk that is over, and how many are.
pub fn walk_many(from: u64, count: u64, threads: usize, watch: impl Fn(&Walked, u64) + Sync) -> Vec<Walked> {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let walked = walk(from + index, Shown::default());
                    watch(&walked, done.fetch_add(1, Ordering::Relaxed) + 1);
                    if !walked.wrong.is_empty() {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(walked);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|walked| walked.seed);
    failed
}

/// What a walk shows besides how it went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// The operator's calls that only read are in the log, too.
    pub reads: bool,
    /// Everything is also printed as it happens.
    pub live: bool,
}

/// One walk, in a runtime of its own whose time is paused.
pub fn walk(seed: u64, shown: Shown) -> Walked {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let walked = runtime.map(|runtime| {
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { Walker::new(seed, shown).walk().await })))
    });
    let broken = |why: String| Walked { seed, wrong: vec![why], log: String::new() };
    match walked {
        Ok(Ok(walked)) => walked,
        Ok(Err(_)) => broken("the walk itself panicked".into()),
        Err(error) => broken(error.to_string()),
    }
}

struct Walker {
    seed: u64,
    random: fastrand::Rng,
    simulation: Simulation,
    objects: Objects,
    wrong: Vec<String>,
    runs: bool,
    /// The objects whose status was lost, or that had none yet when the operator was killed.
    forgetful: BTreeSet<String>,
}

impl Walker {
    fn new(seed: u64, shown: Shown) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let cadence = Cadence {
            quiet: Duration::from_secs([300, 600][random.usize(..2)]),
            rolling: Duration::from_secs([20, 40, 90][random.usize(..3)]),
        };
        let watch_lag = Duration::from_millis([0, 5, 100, 1500][random.usize(..4)]);
        let simulation = Simulation::new(Setting { seed, cadence, watch_lag });
        simulation.journal().show_reads(shown.reads);
        simulation.journal().live(shown.live);
        let objects = Objects::new(&mut random);
        Self { seed, random, simulation, objects, wrong: Vec::new(), runs: false, forgetful: BTreeSet::new() }
    }

    async fn walk(mut self) -> Walked {
        self.begin().await;
        self.disturb();
        for _ in 0..self.random.u32(8..20) {
            self.pause().await;
            self.act().await;
        }
        self.calm();
        self.come_to_rest().await;
        self.wrong.extend(self.simulation.journal().violations());
        Walked { seed: self.seed, wrong: self.wrong, log: self.simulation.journal().text() }
    }

    /// All manifests are applied, in any order, before or after the operator starts.
    async fn begin(&mut self) {
        if self.random.bool() {
            self.start();
        }
        let mut manifests = self.objects.manifests();
        self.random.shuffle(&mut manifests);
        for manifest in manifests {
            self.apply(&manifest);
            if self.random.u8(..4) == 0 {
                sleep(Duration::from_millis(self.random.u64(..3000))).await;
            }
        }
        if !self.runs {
            self.start();
        }
    }

    /// From now on, things go wrong: which, and how often, is drawn once a walk.
    fn disturb(&mut self) {
        let ecs = self.simulation.ecs();
        let chances = [0.0, 0.0, 0.01, 0.05];
        let mut chance = || chances[self.random.usize(..chances.len())];
        for fault in [Fault::Throttle, Fault::ServerError, Fault::LoseRequest, Fault::LoseAnswer, Fault::ExpiredToken] {
            let chance = chance();
            if chance > 0.0 {
                ecs.add(Rule::of(Operations::Any, fault).when(When::Chance(chance)));
            }
        }
        let slow = chance();
        if slow > 0.0 {
            let fault = Fault::Slow { millis_there: self.random.u64(..2000), millis_back: self.random.u64(..2000) };
            ecs.add(Rule::of(Operations::Any, fault).when(When::Chance(slow * 5.0)));
        }
        ecs.set_buckets(self.random.bool());
        ecs.set_lag(Duration::from_secs([0, 0, 2, 10][self.random.usize(..4)]));
        let chance = chances[self.random.usize(..chances.len())];
        self.simulation.api_server().faults(|faults| faults.chance = chance);
    }

    /// From now on, all is well.
    fn calm(&mut self) {
        let ecs = self.simulation.ecs();
        ecs.clear_rules();
        ecs.set_lag(Duration::ZERO);
        ecs.set_buckets(false);
        self.simulation.api_server().faults(|faults| (faults.chance, faults.hang) = (0.0, None));
        self.simulation.outside("all faults end", |region| {
            region.outside.alarms.clear();
            region.outside.exhausted.clear();
            region.outside.next_launches.clear();
            region.outside.missing_roles.clear();
        });
        self.objects.calm(&self.simulation, &mut self.random);
        if !self.runs {
            self.start();
        }
    }

    async fn pause(&mut self) {
        let seconds = [0.0, 0.05, 0.5, 3.0, 20.0, 90.0, 400.0][self.random.usize(..7)];
        sleep(Duration::from_secs_f64(seconds * (0.5 + self.random.f64()))).await;
    }

    fn start(&mut self) {
        self.simulation.start();
        self.runs = true;
    }

    fn kill(&mut self) {
        // What was made before a first status tells of it is forgotten with the process, like a status that is lost.
        let objects = self.simulation.api_server().objects();
        let new = objects.iter().filter(|object| object["status"]["appliedFields"].is_null());
        self.forgetful.extend(new.filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)));
        self.simulation.kill();
        self.runs = false;
    }

    fn apply(&self, manifest: &serde_json::Value) {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let what = format!(
            "applies {} {}: {}",
            text(&manifest["kind"]),
            text(&manifest["metadata"]["name"]),
            manifest["spec"]
        );
        self.simulation.apply(manifest, &what);
    }

    fn note(&self, what: &str) {
        self.simulation.journal().note(Who::World, what);
    }
}
