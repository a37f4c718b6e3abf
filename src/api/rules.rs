//! CEL rules that several kinds share. The rules of one kind stand on its spec, those of one shape on the shape.
//! Each has a twin in Rust in the kind's `rules.rs`; one table of cases holds the two together.

use kube::core::{Message, Reason, Rule};

use crate::ecs::shapes::{CapacityProviderStrategyItem, Tag};

/// The effective AWS name (the spec's field, or `metadata.name`) never changes.
pub fn immutable_name(field: &str) -> Rule {
    Rule::new(format!(
        "(has(self.spec.{field}) ? self.spec.{field} : self.metadata.name) == \
         (has(oldSelf.spec.{field}) ? oldSelf.spec.{field} : oldSelf.metadata.name)"
    ))
    .message(Message::Expression(format!(
        "'spec.{field} is immutable: it is \\'' + \
         (has(oldSelf.spec.{field}) ? oldSelf.spec.{field} : oldSelf.metadata.name) + '\\''"
    )))
    .reason(Reason::FieldValueForbidden)
    .field_path(format!(".spec.{field}"))
}

/// A Kubernetes name may hold dots, an ECS name may not: then the ECS name must be written.
pub fn name_without_dot(field: &str) -> Rule {
    Rule::new(format!("oldSelf.hasValue() || has(self.spec.{field}) || self.metadata.name.matches('^[a-z0-9-]+$')"))
        .message(Message::Message(format!(
            "set spec.{field}: metadata.name has a dot, and names in ECS have only letters, digits, '-' and '_'"
        )))
        .field_path(format!(".spec.{field}"))
        .optional_old_self(true)
}

/// `metadata.name` has at most 128 characters. Judged at creation only.
pub fn short_name() -> Rule {
    Rule::new("oldSelf.hasValue() || size(self.metadata.name) <= 128")
        .message("metadata.name must have at most 128 characters")
        .field_path(".metadata.name")
        .optional_old_self(true)
}

/// The region never changes, whether the spec or the status says it.
pub fn immutable_region() -> Rule {
    Rule::new(
        "has(oldSelf.spec.region) ? has(self.spec.region) && self.spec.region == oldSelf.spec.region \
         : !has(self.spec.region) || !has(oldSelf.status) || !has(oldSelf.status.region) \
         || self.spec.region == oldSelf.status.region",
    )
    .message(Message::Expression(
        "'spec.region is immutable: it is \\'' + (has(oldSelf.spec.region) ? oldSelf.spec.region \
         : has(oldSelf.status) && has(oldSelf.status.region) ? oldSelf.status.region : '') + '\\''"
            .into(),
    ))
    .reason(Reason::FieldValueForbidden)
    .field_path(".spec.region")
}

/// A capacity provider strategy has at most one item with a base above 0.
pub fn one_base() -> Rule {
    Rule::new("self.filter(s, has(s.base) && s.base > 0).size() <= 1")
        .message("at most one item of a capacity provider strategy may have a base above 0")
}

/// Two or more items of a capacity provider strategy need a weight above 0 somewhere.
pub fn some_weight() -> Rule {
    Rule::new("size(self) < 2 || self.exists(s, has(s.weight) && s.weight > 0)").message(
        "at least one item of a capacity provider strategy must have a weight above 0 where there are two or more",
    )
}

/// A capacity provider strategy is of one kind of capacity.
pub fn one_kind_of_provider() -> Rule {
    Rule::new(
        "self.all(s, s.capacityProvider in ['FARGATE', 'FARGATE_SPOT']) \
         || !self.exists(s, s.capacityProvider in ['FARGATE', 'FARGATE_SPOT'])",
    )
    .message("a capacity provider strategy must not mix FARGATE or FARGATE_SPOT with other capacity providers")
}

/// Tag keys that AWS or the operator reserves are refused.
pub fn free_tag_keys() -> Rule {
    Rule::new("self.all(t, !t.key.lowerAscii().startsWith('aws:') && !t.key.startsWith('ecs-operator.dev/'))")
        .message("tag keys must not begin with 'aws:' or 'ecs-operator.dev/': these are reserved")
}

// === The twins of the rules above ===

/// A rule that an object breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, as a path: `spec.containerDefinitions[web].portMappings`.
    pub field: String,
    /// What is wrong and what is allowed. The same words as the CEL rule's, values aside.
    pub message: String,
}

impl Violation {
    /// A violation of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Twin of [`one_base`], [`some_weight`] and [`one_kind_of_provider`].
pub fn capacity_strategy(field: &str, items: &[CapacityProviderStrategyItem]) -> Vec<Violation> {
    let mut found = Vec::new();
    if items.iter().filter(|item| item.base.unwrap_or(0) > 0).count() > 1 {
        found.push(Violation::new(field, "at most one item of a capacity provider strategy may have a base above 0"));
    }
    if items.len() > 1 && items.iter().all(|item| item.weight.unwrap_or(0) <= 0) {
        found.push(Violation::new(
            field,
            "at least one item of a capacity provider strategy must have a weight above 0 where there are two or more",
        ));
    }
    let fargate = items.iter().filter(|item| on_fargate(&item.capacity_provider)).count();
    if fargate > 0 && fargate < items.len() {
        found.push(Violation::new(
            field,
            "a capacity provider strategy must not mix FARGATE or FARGATE_SPOT with other capacity providers",
        ));
    }
    found
}

/// Whether a capacity provider is Fargate's.
pub fn on_fargate(capacity_provider: &str) -> bool {
    matches!(capacity_provider, "FARGATE" | "FARGATE_SPOT")
}

/// Twin of [`free_tag_keys`].
pub fn tag_keys(field: &str, tags: &[Tag]) -> Option<Violation> {
    tags.iter().any(|tag| tag.key.to_lowercase().starts_with("aws:") || tag.key.starts_with("ecs-operator.dev/")).then(
        || Violation::new(field, "tag keys must not begin with 'aws:' or 'ecs-operator.dev/': these are reserved"),
    )
}

/// Twins of the root rules [`short_name`], [`name_without_dot`], [`immutable_name`], [`immutable_region`]: what an
/// object is called and where it lives. `old` is the stored object, absent at creation.
pub fn identity(name_field: &str, new: &Identity<'_>, old: Option<&Identity<'_>>) -> Vec<Violation> {
    let mut found = Vec::new();
    match old {
        None => {
            if new.metadata_name.len() > 128 {
                found.push(Violation::new("metadata.name", "metadata.name must have at most 128 characters"));
            }
            if new.spec_name.is_none() && new.metadata_name.contains('.') {
                found.push(Violation::new(
                    format!("spec.{name_field}"),
                    format!(
                        "set spec.{name_field}: metadata.name has a dot, and names in ECS have only letters, digits, \
                         '-' and '_'"
                    ),
                ));
            }
        }
        Some(old) => {
            let before = old.spec_name.unwrap_or(old.metadata_name);
            if new.spec_name.unwrap_or(new.metadata_name) != before {
                found.push(Violation::new(
                    format!("spec.{name_field}"),
                    format!("spec.{name_field} is immutable: it is '{before}'"),
                ));
            }
            let kept = match (old.spec_region, new.spec_region) {
                (Some(_), None) => false,
                (Some(before), Some(now)) => before == now,
                (None, None) => true,
                (None, Some(now)) => old.status_region.is_none_or(|bound| bound == now),
            };
            if !kept {
                let before = old.spec_region.or(old.status_region).unwrap_or_default();
                found.push(Violation::new("spec.region", format!("spec.region is immutable: it is '{before}'")));
            }
        }
    }
    found
}

/// What [`identity`] judges.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// `metadata.name`.
    pub metadata_name: &'a str,
    /// The spec's own name of the AWS object.
    pub spec_name: Option<&'a str>,
    /// `spec.region`.
    pub spec_region: Option<&'a str>,
    /// `status.region`.
    pub status_region: Option<&'a str>,
}
