//! Questions of those who wait for ECS's rate limit.

use super::*;
use crate::ecs::client::Operation;

/// Asks for a service each fifth of a second, as those do who come after one that had its turn.
async fn ask_in_turn(live: &Live, count: usize) {
    let asking = (0..count).map(|index| {
        let (live, key) = (live.clone(), key(index));
        async move {
            tokio::time::sleep(Duration::from_millis(200) * u32::try_from(index).unwrap()).await;
            live.get(&key, None).await.unwrap();
        }
    });
    futures::future::join_all(asking).await;
}

/// Of many services that are created, all but the first ask one at a time; a look for each alone would cost as many
/// calls as services.
#[tokio::test(start_paused = true)]
async fn who_will_wait_for_a_change_shares_the_look_before_it() {
    let wire = Wire::default();
    let (live, _changes) = live_at(&wire, 1.0);
    ask_in_turn(&live, 20).await;
    assert_eq!(wire.calls().len(), 20, "nobody waits for others while there is room");

    let wire = Wire::default();
    let (live, _changes) = live_at(&wire, 1.0);
    let ecs = live.regions().ecs("eu-west-1");
    let queue = tokio::spawn(async move {
        for _ in 0..200 {
            let _ = ecs.call(Operation::UpdateService, &serde_json::Map::new()).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    // A call that is full at once: who waited to start it must start no other one early.
    let crowd = (100..110).map(|index| {
        let live = live.clone();
        async move { live.get(&key(index), None).await.unwrap() }
    });
    futures::future::join_all(crowd).await;
    tokio::time::sleep(Duration::from_millis(750)).await;
    wire.0.lock().unwrap().calls.clear();
    ask_in_turn(&live, 60).await;
    let looks = wire.calls().into_iter().filter(|names| !names.is_empty()).count();
    assert!(looks <= 9, "{looks}");
    queue.abort();
}

/// How many calls look at so many rolling services within five minutes.
async fn looks_in_five_minutes(count: usize, is_queued: bool) -> usize {
    let wire = Wire::default();
    let (live, _changes) = live_at(&wire, 1.0);
    first_look(&live, &wire, count).await;
    (0..count).for_each(|index| live.keep(&key(index), Pace::Rolling));
    let sweep = tokio::spawn(live.clone().sweep());
    let ecs = live.regions().ecs("eu-west-1");
    let crowd = (0..if is_queued { 10 } else { 0 }).map(|_| {
        let ecs = ecs.clone();
        async move {
            loop {
                let _ = ecs.call(Operation::UpdateService, &serde_json::Map::new()).await;
            }
        }
    });
    let queue = tokio::spawn(futures::future::join_all(crowd.collect::<Vec<_>>()));
    tokio::time::sleep(Duration::from_mins(2)).await;
    wire.0.lock().unwrap().calls.clear();
    tokio::time::sleep(Duration::from_mins(5)).await;
    sweep.abort();
    queue.abort();
    wire.calls().into_iter().filter(|names| !names.is_empty()).count()
}

/// Rollouts are looked at every five seconds, a thousand of them within the part of ECS's rate that is for that: four
/// calls a second, and one while new services wait for their turn.
#[tokio::test(start_paused = true)]
async fn the_pace_of_what_is_rolling_keeps_within_the_bucket() {
    let few = looks_in_five_minutes(20, false).await;
    assert!((110..=130).contains(&few), "{few}");
    let many = looks_in_five_minutes(1000, false).await;
    assert!((1100..=1300).contains(&many), "{many}");
    let queued = looks_in_five_minutes(1000, true).await;
    assert!((200..=400).contains(&queued), "{queued}");
}
