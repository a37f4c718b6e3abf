//! ARNs, as far as people read them.

/// What an ARN names, which is what follows its last `/`: `web:3` of a task definition, the name of a cluster or a
/// service. A name alone stays as it is.
pub fn named(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, last)| last)
}
