//! What happens in a walk.

use std::time::Duration;

use ecs_sim::{front::Operations, world::tasks::fate::Fate};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::time::{advance, sleep};

use super::Walker;
use crate::Simulation;

const FATES: [Fate; 3] = [Fate::SecretDenied, Fate::PullFails, Fate::Unhealthy];

impl Walker {
    /// Something happens.
    pub(super) async fn act(&mut self) {
        match self.random.u8(..24) {
            0..6 => self.edit(),
            6 => self.edit_twice(),
            7 => self.delete(),
            8 => self.restore(),
            9 | 10 => self.annotate(),
            11 | 12 => self.change_in_ecs(),
            13 => self.delete_in_ecs(),
            14 => self.stop_a_task(),
            15 | 16 => self.trouble(),
            17 => self.lose_status(),
            18 => self.jump().await,
            19 | 20 => self.restart().await,
            _ => self.kill_in_a_call().await,
        }
    }

    fn edit(&mut self) {
        let kind = ["EcsService", "EcsService", "EcsTaskDefinition", "EcsTaskDefinition", "EcsCluster"]
            [self.random.usize(..5)];
        let Some(name) = self.objects.pick(kind, &mut self.random) else { return };
        if let Some(manifest) = self.objects.edit(kind, &name, &mut self.random) {
            self.apply(&manifest);
        }
    }

    fn edit_twice(&mut self) {
        self.edit();
        self.edit();
    }

    fn delete(&mut self) {
        let kind = ["EcsService", "EcsTaskDefinition", "EcsCluster"][self.random.usize(..3)];
        let Some(name) = self.objects.pick(kind, &mut self.random) else { return };
        self.objects.delete(kind, &name);
        self.simulation.delete(kind, &name);
    }

    fn restore(&mut self) {
        if let Some(manifest) = self.objects.restore(&self.simulation, &mut self.random) {
            self.apply(&manifest);
        }
    }

    fn annotate(&mut self) {
        let kind = ["EcsService", "EcsTaskDefinition", "EcsCluster"][self.random.usize(..3)];
        let Some(name) = self.objects.pick(kind, &mut self.random) else { return };
        let now = format!("{}", self.random.u32(..));
        let object = self.simulation.api_server().get(kind, &name).unwrap_or_default();
        let [hook, deployment] = ["/status/deployment/hook/id", "/status/deployment/id"].map(|at| object.pointer(at));
        let answer = ["ecs-operator.dev/continueHook", "ecs-operator.dev/rollbackHook"][self.random.usize(..2)];
        let (key, value) = match self.random.u8(..7) {
            5 => (answer, hook.and_then(Value::as_str)),
            6 => ("ecs-operator.dev/stopDeployment", deployment.and_then(Value::as_str)),
            0 | 1 => ("ecs-operator.dev/restartedAt", Some(now.as_str())),
            2 => ("ecs-operator.dev/reconcileAt", Some(now.as_str())),
            3 => ("ecs-operator.dev/paused", Some("true")),
            _ => ("ecs-operator.dev/paused", None),
        };
        self.simulation.annotate(kind, &name, key, value);
    }

    /// Somebody else changes a service in ECS.
    fn change_in_ecs(&mut self) {
        let Some((cluster, service)) = self.a_service() else { return };
        let mut input = json!({ "cluster": cluster, "service": service });
        match self.random.u8(..4) {
            0 | 1 => input["desiredCount"] = self.random.u8(..5).into(),
            2 => input["forceNewDeployment"] = true.into(),
            _ => input["enableExecuteCommand"] = self.random.bool().into(),
        }
        // What ECS says is in the log.
        let _ = self.simulation.call("UpdateService", &input);
    }

    fn delete_in_ecs(&mut self) {
        let Some((cluster, service)) = self.a_service() else { return };
        let _ =
            self.simulation.call("DeleteService", &json!({ "cluster": cluster, "service": service, "force": true }));
    }

    fn stop_a_task(&mut self) {
        let Some((cluster, service)) = self.a_service() else { return };
        let simulator = self.simulation.ecs().simulator();
        let input = json!({ "cluster": cluster, "serviceName": service });
        let tasks = simulator.call(&Simulation::caller(), "ListTasks", &input).unwrap_or_default();
        let Some(task) = tasks.pointer("/taskArns/0").and_then(Value::as_str) else { return };
        let _ = self.simulation.call("StopTask", &json!({ "cluster": cluster, "task": task }));
    }

    /// Something around ECS goes wrong, or right again.
    fn trouble(&mut self) {
        let (on, fate) = (self.random.bool(), FATES[self.random.usize(..FATES.len())]);
        match self.random.u8(..3) {
            0 => self.simulation.outside(&format!("the alarm is on: {on}"), |region| {
                if on {
                    region.outside.alarms.insert("errors".into());
                } else {
                    region.outside.alarms.clear();
                }
            }),
            1 => self.simulation.outside(&format!("Fargate has no capacity: {on}"), |region| {
                if on {
                    let reason = "Capacity is unavailable at this time. Please try again later";
                    region.outside.exhausted.insert("FARGATE".into(), reason.into());
                } else {
                    region.outside.exhausted.clear();
                }
            }),
            _ => {
                let Some((cluster, service)) = self.a_service() else { return };
                let what = format!("the next launches of {service} fail: {fate:?}");
                self.simulation.outside(&what, |region| {
                    region.outside.next_launches.insert(format!("{cluster}/{service}"), (3, fate));
                });
            }
        }
    }

    fn lose_status(&mut self) {
        let kind = ["EcsService", "EcsTaskDefinition", "EcsCluster"][self.random.usize(..3)];
        let Some(name) = self.objects.pick(kind, &mut self.random) else { return };
        self.note(&format!("the status of {kind} {name} is lost"));
        self.simulation.api_server().lose_status(kind, &name);
        self.forgetful.insert(name);
    }

    /// The operator's process stood still: all clocks jump at once, or, where its machine did, all but the operator's timers.
    async fn jump(&mut self) {
        let duration = Duration::from_secs([30, 600, 7200][self.random.usize(..3)]);
        if self.random.bool() {
            self.simulation.suspend(duration);
        } else {
            self.note(&format!("all clocks jump by {} s", duration.as_secs()));
            self.simulation.truth().others().stood_still(duration);
            advance(duration).await;
        }
    }

    async fn restart(&mut self) {
        self.kill();
        let seconds = [0.0, 1.0, 60.0][self.random.usize(..3)];
        sleep(Duration::from_secs_f64(seconds)).await;
        if self.random.bool() {
            // On another machine. AWS takes no call from one whose clock is wrong by five minutes.
            let ahead = [-240, -15, 0, 15, 240][self.random.usize(..5)];
            self.simulation.set_ahead(SignedDuration::from_secs(ahead));
        }
        self.start();
    }

    /// The operator dies in one of its next calls, with or without effect.
    async fn kill_in_a_call(&mut self) {
        let (nth, took_effect) = (self.random.u64(1..6), self.random.bool());
        if self.random.bool() {
            let operations = if self.random.bool() { Operations::Writes } else { Operations::Any };
            let rule = self.simulation.hang_next_call(operations, nth, took_effect);
            self.edit();
            self.wait_in_small_steps().await;
            self.simulation.ecs().remove(rule);
        } else {
            let more = usize::try_from(nth).unwrap_or(1) - 1;
            self.simulation.api_server().faults(|faults| faults.hang = Some((more, took_effect)));
            self.edit();
            self.wait_in_small_steps().await;
            self.simulation.api_server().faults(|faults| faults.hang = None);
        }
        self.kill();
        sleep(Duration::from_millis(self.random.u64(..2000))).await;
        self.start();
    }

    async fn wait_in_small_steps(&mut self) {
        let seconds = [1.0, 5.0, 15.0][self.random.usize(..3)];
        sleep(Duration::from_secs_f64(seconds)).await;
    }

    /// A service that is in ECS: the names of its cluster and its own.
    fn a_service(&mut self) -> Option<(String, String)> {
        let mut world = self.simulation.ecs().simulator().world();
        let all: Vec<(String, String)> = world
            .region(&Simulation::caller())
            .services
            .values()
            .map(|service| (service.cluster.clone(), service.name.clone()))
            .collect();
        drop(world);
        self.random.choice(all)
    }
}
