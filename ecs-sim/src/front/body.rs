//! The bodies of answers.

use std::{ops::Deref, sync::OnceLock};

use serde_json::Value;

/// JSON: a text, as it goes over the wire, and a [`Value`] once somebody looks into it.
#[derive(Clone, Debug)]
pub struct Body {
    text: String,
    value: OnceLock<Value>,
}

impl Body {
    pub(super) fn new(text: String) -> Self {
        Self { text, value: OnceLock::new() }
    }

    /// As it goes over the wire.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Deref for Body {
    type Target = Value;

    fn deref(&self) -> &Value {
        // What ECS answers is always JSON.
        self.value.get_or_init(|| serde_json::from_str(&self.text).unwrap_or_default())
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || **self == **other
    }
}
