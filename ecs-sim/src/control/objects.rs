//! What is in the world, behind ECS's back.

use serde_json::json;

use super::{Call, Endpoint, Refusal};
use crate::{
    Caller,
    front::Front,
    world::{World, instances},
};

pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    method: "POST",
    path: "instances",
    about: "registers a container instance: {cluster, cpu, memory, availabilityZone, instanceType, attributes: \
                {name: value}, capacityProvider, external}, all with defaults",
    answer: |front, call| {
        let registration = call.read()?;
        let now = front.simulator().clock().now();
        let arn = with_world(front, call, |world, caller| {
            instances::register(world.region(caller), caller, now, &registration)
        })??;
        Ok(json!({ "containerInstanceArn": arn }))
    },
}];

/// Does something to the world as it is now.
fn with_world<T>(front: &Front, call: &Call<'_>, act: impl FnOnce(&mut World, &Caller) -> T) -> Result<T, Refusal> {
    let caller = call.caller()?;
    Ok(act(&mut front.simulator().world(), &caller))
}
