//! Tags.

use mirror::mirror;

use super::sdk;

/// A tag on an ECS object.
#[mirror(sdk::Tag)]
pub struct Tag {
    /// Key of the tag. 1 to 128 characters; must not begin with `aws:` or `ecs-operator.dev/`, which are
    /// reserved for AWS and for the operator.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$"))]
    pub key: String,
    /// Value of the tag, at most 256 characters. Absent means empty.
    #[schemars(length(max = 256), regex(pattern = r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$"))]
    pub value: Option<String>,
}
