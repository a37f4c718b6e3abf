//! Making and reading ARNs, in the long format (ECS developer guide, "Amazon Resource Names (ARNs) and IDs").

use super::Caller;

/// Of an ECS resource: `resource` is all that comes after the account, such as `cluster/web`.
pub fn ecs(caller: &Caller, resource: &str) -> String {
    format!("arn:aws:ecs:{}:{}:{resource}", caller.region, caller.account)
}

/// Of a cluster.
pub fn cluster(caller: &Caller, cluster: &str) -> String {
    ecs(caller, &format!("cluster/{cluster}"))
}

/// Of a service.
pub fn service(caller: &Caller, cluster: &str, service: &str) -> String {
    ecs(caller, &format!("service/{cluster}/{service}"))
}

/// Of a task.
pub fn task(caller: &Caller, cluster: &str, id: &str) -> String {
    ecs(caller, &format!("task/{cluster}/{id}"))
}

/// Of a revision of a task definition.
pub fn task_definition(caller: &Caller, family: &str, revision: u64) -> String {
    ecs(caller, &format!("task-definition/{family}:{revision}"))
}

/// Of a container instance.
pub fn container_instance(caller: &Caller, cluster: &str, id: &str) -> String {
    ecs(caller, &format!("container-instance/{cluster}/{id}"))
}

/// Of a capacity provider.
pub fn capacity_provider(caller: &Caller, name: &str) -> String {
    ecs(caller, &format!("capacity-provider/{name}"))
}

/// The last part of an ARN, or the whole of what is a name or an id already.
pub fn name(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

/// An ECS ARN taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsArn<'a> {
    /// Such as `eu-west-1`.
    pub region: &'a str,
    /// 12 digits.
    pub account: &'a str,
    /// Such as `service`.
    pub kind: &'a str,
    /// What follows the kind, split at the slashes, such as cluster and service.
    pub path: Vec<&'a str>,
}

impl<'a> EcsArn<'a> {
    /// Reads one; none where the text is not the ARN of an ECS resource.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        if arn != "arn" || !partition.starts_with("aws") || service != "ecs" {
            return None;
        }
        let mut path = resource.split('/');
        let kind = path.next()?;
        let path: Vec<&str> = path.collect();
        (!path.is_empty()).then_some(Self { region, account, kind, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_reads_back_as_it_was_made() {
        let caller = Caller { account: "111122223333".into(), region: "eu-west-1".into() };
        let arn = service(&caller, "blue", "web");
        assert_eq!(arn, "arn:aws:ecs:eu-west-1:111122223333:service/blue/web");
        let read = EcsArn::read(&arn).unwrap();
        assert_eq!((read.region, read.account, read.kind), ("eu-west-1", "111122223333", "service"));
        assert_eq!(read.path, ["blue", "web"]);
        assert_eq!((name(&arn), name("web")), ("web", "web"));
        assert_eq!(EcsArn::read("arn:aws:s3:::bucket"), None);
        assert_eq!(EcsArn::read("web"), None);
    }
}
