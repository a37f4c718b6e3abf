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
    wire.0.lock().unwrap().calls.clear();
    ask_in_turn(&live, 60).await;
    let looks = wire.calls().into_iter().filter(|names| !names.is_empty()).count();
    assert!(looks <= 10, "{looks}");
    queue.abort();
}
