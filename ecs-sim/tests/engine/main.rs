//! Deployments, tasks and services, as a client of ECS sees them over time.

#[cfg(test)]
mod bed;
#[cfg(test)]
mod capacity;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod history;
#[cfg(test)]
mod rolling;
#[cfg(test)]
mod services;
#[cfg(test)]
mod task_sets;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod traffic;
