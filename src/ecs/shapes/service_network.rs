//! Shapes of what connects a service: VPC, load balancers, Cloud Map, VPC Lattice, gateways.

use mirror::mirror;

use super::{Enum, sdk, sdk_enums};

sdk_enums!(AccessType, AssignPublicIp, GatewayConnectorHealthCheckProtocol);

/// The network of tasks in network mode awsvpc.
#[mirror(sdk::NetworkConfiguration)]
pub struct NetworkConfiguration {
    /// Subnets and security groups of the tasks. Required on Fargate.
    pub awsvpc_configuration: Option<AwsVpcConfiguration>,
}

/// Subnets and security groups of tasks.
#[mirror(sdk::AwsVpcConfiguration)]
pub struct AwsVpcConfiguration {
    /// Ids of the subnets, 1 to 16, all of one VPC.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 255)))]
    pub subnets: Vec<String>,
    /// Ids of the security groups, at most 5, of the same VPC. Absent or empty: the VPC's default group.
    #[schemars(length(max = 5), inner(length(min = 1, max = 255)))]
    pub security_groups: Option<Vec<String>>,
    /// Whether tasks get a public address: `ENABLED` or `DISABLED` (if absent). Only on Fargate.
    pub assign_public_ip: Option<Enum<sdk::AssignPublicIp>>,
}

/// A target group or Classic Load Balancer that the tasks are registered with.
#[mirror(sdk::LoadBalancer)]
#[x_kube(
    validation = Rule::new("has(self.targetGroupArn) != has(self.loadBalancerName)")
        .message("exactly one of targetGroupArn and loadBalancerName must be set")
        .field_path(".targetGroupArn"),
    validation = Rule::new("!has(self.advancedConfiguration) || has(self.targetGroupArn)")
        .message("advancedConfiguration is allowed only where targetGroupArn is set")
        .field_path(".advancedConfiguration")
)]
pub struct LoadBalancer {
    /// ARN of the target group of an Application, Network or Gateway Load Balancer. A listener must use it already. For
    /// awsvpc tasks its type must be `ip`.
    #[schemars(length(min = 1, max = 2048))]
    pub target_group_arn: Option<String>,
    /// Name of a Classic Load Balancer. It must then be the only one.
    #[schemars(length(min = 1, max = 255))]
    pub load_balancer_name: Option<String>,
    /// Name of the container that takes the traffic.
    #[schemars(length(min = 1, max = 255))]
    pub container_name: String,
    /// Port of the container, 0 to 65535; the task definition must map it.
    #[schemars(range(min = 0, max = 65535))]
    pub container_port: i32,
    /// What a blue/green, linear or canary deployment shifts traffic with. Required on every load balancer for those
    /// strategies; otherwise on all or on none.
    pub advanced_configuration: Option<AdvancedConfiguration>,
}

/// What a blue/green, linear or canary deployment shifts traffic with.
#[mirror(sdk::AdvancedConfiguration)]
#[x_kube(validation = Rule::new("!has(self.testListenerRule) || self.testListenerRule != self.productionListenerRule")
    .message("testListenerRule must differ from productionListenerRule")
    .field_path(".testListenerRule"))]
pub struct AdvancedConfiguration {
    /// ARN of the second target group. ECS alternates between the two; the spec stays as it is.
    #[schemars(length(min = 1, max = 2048))]
    pub alternate_target_group_arn: String,
    /// ARN of the listener rule (Application Load Balancer) or listener (Network Load Balancer) of production traffic. ECS
    /// rewrites its weights.
    #[schemars(length(min = 1, max = 2048))]
    pub production_listener_rule: String,
    /// ARN of the listener rule or listener of test traffic. Absent: no test traffic.
    #[schemars(length(min = 1, max = 2048))]
    pub test_listener_rule: Option<String>,
    /// ARN of the ECS infrastructure role with which ECS changes the load balancer.
    #[schemars(length(min = 1, max = 2048))]
    pub role_arn: String,
}

/// A Cloud Map service that the tasks are registered with.
#[mirror(sdk::ServiceRegistry)]
#[x_kube(
    validation = Rule::new("has(self.containerName) == (has(self.containerPort) && self.containerPort > 0)")
        .message("containerName and containerPort must be set together")
        .field_path(".containerName"),
    validation = Rule::new("!has(self.port) || self.port == 0 || !has(self.containerName)")
        .message("port must be absent where containerName and containerPort are set")
        .field_path(".port")
)]
pub struct ServiceRegistry {
    /// ARN of the Cloud Map service.
    #[schemars(length(min = 1, max = 2048))]
    pub registry_arn: String,
    /// Port for SRV records of awsvpc tasks, instead of `containerName` and `containerPort`. 0 counts as absent.
    #[schemars(range(min = 0, max = 65535))]
    pub port: Option<i32>,
    /// Container whose port is registered. Required with `containerPort` for bridge and host tasks.
    #[schemars(length(min = 1, max = 255))]
    pub container_name: Option<String>,
    /// Port of that container; the task definition must map it. 0 counts as absent.
    #[schemars(range(min = 0, max = 65535))]
    pub container_port: Option<i32>,
}

/// A VPC Lattice target group that the tasks are registered with.
#[mirror(sdk::VpcLatticeConfiguration)]
pub struct VpcLatticeConfiguration {
    /// ARN of the ECS infrastructure role with which ECS registers tasks.
    #[schemars(length(min = 1, max = 2048))]
    pub role_arn: String,
    /// ARN of the VPC Lattice target group.
    #[schemars(length(min = 1, max = 2048))]
    pub target_group_arn: String,
    /// Name of a port mapping in the task definition. Lower-case letters, digits, `_` and `-`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9_][a-z0-9_-]*$"))]
    pub port_name: String,
    /// What a blue/green deployment shifts traffic with.
    pub advanced_configuration: Option<VpcLatticeAdvancedConfiguration>,
}

/// What a blue/green deployment shifts VPC Lattice traffic with.
#[mirror(sdk::VpcLatticeAdvancedConfiguration)]
#[x_kube(validation = Rule::new(
    "!has(self.testListenerRule) || !has(self.productionListenerRule) || self.testListenerRule != self.productionListenerRule"
).message("testListenerRule must differ from productionListenerRule").field_path(".testListenerRule"))]
pub struct VpcLatticeAdvancedConfiguration {
    /// ARN of the second target group.
    #[schemars(length(min = 1, max = 2048))]
    pub alternate_target_group_arn: Option<String>,
    /// ARN of the listener rule or listener of production traffic.
    #[schemars(length(min = 1, max = 2048))]
    pub production_listener_rule: Option<String>,
    /// ARN of the listener rule or listener of test traffic.
    #[schemars(length(min = 1, max = 2048))]
    pub test_listener_rule: Option<String>,
}

/// Puts the service behind an ECS gateway that its cluster is associated with.
#[mirror(sdk::GatewayConnector)]
pub struct GatewayConnector {
    /// Name of a port mapping in the task definition. Lower-case letters, digits, `_` and `-`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9_][a-z0-9_-]*$"))]
    pub port_name: String,
    /// How the gateway checks the tasks. Absent: the gateway's defaults.
    pub health_check: Option<GatewayConnectorHealthCheck>,
    /// Which paths into the gateway lead to the service. Absent: all.
    pub filters: Option<GatewayConnectorFilters>,
}

/// How a gateway checks the tasks of a service.
#[mirror(sdk::GatewayConnectorHealthCheck)]
pub struct GatewayConnectorHealthCheck {
    /// `HTTP` or `HTTPS`. Absent: ECS's default.
    pub health_check_protocol: Option<Enum<sdk::GatewayConnectorHealthCheckProtocol>>,
    /// Port that is asked, 1 to 65535. Absent: the port of the traffic.
    #[schemars(range(min = 1, max = 65535))]
    pub health_check_port: Option<i32>,
    /// Path that is asked, such as `/health`. Absent: ECS's default.
    #[schemars(length(min = 1, max = 1024))]
    pub health_check_path: Option<String>,
    /// Seconds without an answer after which a check has failed, 1 to 300. Absent: ECS's default.
    #[schemars(range(min = 1, max = 300))]
    pub health_check_timeout_seconds: Option<i32>,
    /// Seconds between two checks of a task, 1 to 300. Absent: ECS's default.
    #[schemars(range(min = 1, max = 300))]
    pub health_check_interval_seconds: Option<i32>,
    /// Checks in a row that must pass until a task is healthy, 1 to 10. Absent: ECS's default.
    #[schemars(range(min = 1, max = 10))]
    pub healthy_threshold_count: Option<i32>,
    /// Checks in a row that must fail until a task is unhealthy, 1 to 10. Absent: ECS's default.
    #[schemars(range(min = 1, max = 10))]
    pub unhealthy_threshold_count: Option<i32>,
    /// Answers that count as healthy. Absent: ECS's default.
    pub matcher: Option<GatewayConnectorHealthCheckMatcher>,
}

/// Answers that count as healthy.
#[mirror(sdk::GatewayConnectorHealthCheckMatcher)]
pub struct GatewayConnectorHealthCheckMatcher {
    /// HTTP codes: one, a list or a range, such as `200`, `200,202` or `200-299`.
    #[schemars(length(min = 1, max = 255))]
    pub http_code: Option<String>,
    /// gRPC codes: one, a list or a range, such as `0` or `0-99`.
    #[schemars(length(min = 1, max = 255))]
    pub grpc_code: Option<String>,
}

/// Which paths into a gateway lead to a service.
#[mirror(sdk::GatewayConnectorFilters)]
pub struct GatewayConnectorFilters {
    /// `PUBLIC`, `PRIVATE` or both. Absent: both.
    #[schemars(length(max = 2))]
    pub access_types: Option<Vec<Enum<sdk::AccessType>>>,
}
