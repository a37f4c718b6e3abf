//! The mirror zone of a spec: the fields that are ECS's. The coverage test walks it to find every name that ECS has
//! and the spec has not, at any depth.

use crate::ecs::shapes::{Visited, inputs::Input};

/// What the coverage test asks of a spec. Implemented by `mirror_zone!`.
pub trait MirrorZone {
    /// The operations whose inputs the spec mirrors.
    const OPERATIONS: &'static [Input];
    /// The names of the fields that are the operator's own.
    fn owner_zone() -> Vec<String>;
    /// Calls `visit` for every mirrored shape below the spec.
    fn walk(visit: &mut dyn FnMut(Visited<'_>));
}

/// Implements [`MirrorZone`]. Every field of the spec must be in one of the two lists, or it doesn't compile.
macro_rules! mirror_zone {
    ($spec:ident: $($operation:ident),+; mirror { $($field:ident),+ $(,)? } owner { $($own:ident),+ $(,)? }) => {
        impl $crate::api::mirror_zone::MirrorZone for $spec {
            const OPERATIONS: &'static [$crate::ecs::shapes::inputs::Input] =
                &[$($crate::ecs::shapes::inputs::Input::$operation),+];

            fn owner_zone() -> Vec<String> {
                vec![$($crate::api::mirror_zone::json_name(stringify!($own))),+]
            }

            fn walk(visit: &mut dyn FnMut($crate::ecs::shapes::Visited<'_>)) {
                #[allow(dead_code)]
                fn every_field_is_listed(spec: &$spec) {
                    let $spec { $($field: _,)+ $($own: _,)+ } = spec;
                }
                $( $crate::api::mirror_zone::below(|spec: &$spec| &spec.$field, stringify!($field), visit); )+
            }
        }
    };
}
pub(crate) use mirror_zone;

/// Walks what is below a field; the function only tells the field's type.
pub(crate) fn below<S, T: crate::ecs::shapes::Walk>(_: fn(&S) -> &T, field: &str, visit: &mut dyn FnMut(Visited<'_>)) {
    T::walk(&format!(".{}", json_name(field)), visit);
}

/// A field's name as serde's `camelCase` writes it.
pub(crate) fn json_name(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        name + &letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    })
}
