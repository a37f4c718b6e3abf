//! Everything AWS. Nothing outside this room names a type of the AWS SDK.

pub mod canon;
pub mod shapes;
