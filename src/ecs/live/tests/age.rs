//! How old an answer may get.

use super::*;

/// A service that was seen once, is swept at this pace, and can't be read any more.
async fn unreadable(pace: Pace) -> (Wire, Live, mpsc::UnboundedReceiver<Key>) {
    let wire = Wire::default();
    let (live, changes) = live(&wire);
    first_look(&live, &wire, 1).await;
    live.keep(&key(0), pace);
    wire.0.lock().unwrap().denied = Some("s0".into());
    tokio::spawn(live.clone().sweep());
    (wire, live, changes)
}

/// What can't be read any more must not be called ready for ever.
#[tokio::test(start_paused = true)]
async fn what_the_sweep_cannot_renew_is_not_good_for_long() {
    let (wire, live, mut changes) = unreadable(Pace::Quiet).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(live.get(&key(0), None).await.is_ok(), "a minute or two is nothing");
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(changes.try_recv(), Ok(key(0)), "those who look at it are told");
    assert!(live.get(&key(0), None).await.is_err());
    wire.0.lock().unwrap().denied = None;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(changes.try_recv(), Ok(key(0)), "and told when it can be read again");
}

/// What is looked at once in ten sweeps is not too old after three.
#[tokio::test(start_paused = true)]
async fn slow_objects_have_ten_times_the_time() {
    let (_wire, live, mut changes) = unreadable(Pace::Slow).await;
    tokio::time::sleep(Duration::from_mins(25)).await;
    assert!(live.get(&key(0), None).await.is_ok());
    assert!(changes.try_recv().is_err(), "nobody is told");
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert_eq!(changes.try_recv(), Ok(key(0)));
}

/// A write without an answer may have taken effect: what was held before it is no basis to say anything.
#[tokio::test(start_paused = true)]
async fn after_a_write_without_an_answer_ecs_is_read() {
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    wire.put("s0", 1);
    assert_eq!(desired_count(&live).await, Some(json!(1)));
    wire.put("s0", 2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    live.distrust(&key(0));
    let count = |seen: Seen| seen.json().unwrap()["desiredCount"].clone();
    assert_eq!(count(live.get(&key(0), None).await.unwrap()), 2);
    wire.put("s0", 3);
    assert_eq!(count(live.get(&key(0), None).await.unwrap()), 2, "read once");
}

/// Lists show what was made just now even later than a look at it does.
#[tokio::test(start_paused = true)]
async fn what_no_read_has_shown_yet_outlives_the_interest_in_it() {
    let wire = Wire::default();
    let (live, _changes) = live(&wire);
    live.keep(&key(0), Pace::Quiet);
    live.absorb(&key(0), service("s0", 1));
    live.forget(&key(0));
    assert!(live.peek(&key(0)).is_some());
    wire.put("s0", 1);
    assert_eq!(desired_count(&live).await, Some(json!(1)));
    live.forget(&key(0));
    assert!(live.peek(&key(0)).is_none(), "ECS shows it");
}
