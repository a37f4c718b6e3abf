//! Deployments, tasks and services, as a client of ECS sees them over time.

#[cfg(test)]
mod bed;
#[cfg(test)]
mod rolling;
