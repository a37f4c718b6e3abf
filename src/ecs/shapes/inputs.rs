//! What the inputs of ECS's operations are called, for the test that holds the specs against them.

use super::members;

/// An operation whose input users write as a spec, or as part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// CreateCluster.
    CreateCluster,
    /// UpdateCluster.
    UpdateCluster,
    /// PutClusterCapacityProviders.
    PutClusterCapacityProviders,
    /// RegisterTaskDefinition.
    RegisterTaskDefinition,
    /// CreateService.
    CreateService,
    /// UpdateService.
    UpdateService,
}

/// The member names of an operation's input, as ECS spells them.
pub fn members_of(operation: Input) -> Vec<String> {
    use aws_sdk_ecs::operation as sdk;
    members(match operation {
        Input::CreateCluster => sdk::create_cluster::CreateClusterInput::SCHEMA,
        Input::UpdateCluster => sdk::update_cluster::UpdateClusterInput::SCHEMA,
        Input::PutClusterCapacityProviders => {
            sdk::put_cluster_capacity_providers::PutClusterCapacityProvidersInput::SCHEMA
        }
        Input::RegisterTaskDefinition => sdk::register_task_definition::RegisterTaskDefinitionInput::SCHEMA,
        Input::CreateService => sdk::create_service::CreateServiceInput::SCHEMA,
        Input::UpdateService => sdk::update_service::UpdateServiceInput::SCHEMA,
    })
}
