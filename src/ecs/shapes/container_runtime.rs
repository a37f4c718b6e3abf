//! Stand-in, replaced at the merge.

use std::collections::BTreeMap;

use mirror::mirror;

use super::{Enum, sdk, sdk_enums};

sdk_enums!(LogDriver);

/// Where a container's log goes. // replaced at the merge
#[mirror(sdk::LogConfiguration)]
pub struct LogConfiguration {
    /// Log driver.
    pub log_driver: Enum<sdk::LogDriver>,
    /// Options of the driver.
    #[schemars(extend("maxProperties" = 50))]
    pub options: Option<BTreeMap<String, String>>,
    /// Options whose values are secrets.
    #[schemars(length(max = 20))]
    pub secret_options: Option<Vec<Secret>>,
}

/// A name and where its secret value is kept. // replaced at the merge
#[mirror(sdk::Secret)]
pub struct Secret {
    /// Name of the variable.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// ARN of the secret.
    #[schemars(length(min = 1, max = 2048))]
    pub value_from: String,
}
