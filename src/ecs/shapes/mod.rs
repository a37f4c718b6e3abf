//! The ECS shapes that users write, each once: names, types, documentation, bounds, list types and rules.
//!
//! Every struct stands under `#[mirror(sdk::Shape)]`, so that a name or a type that ECS doesn't have fails to
//! compile, and a test walks the SDK's own schemas against these structs, so that a member that ECS has
//! and we don't is named by a test.

mod cluster;
mod container;
mod container_runtime;
mod deployment;
pub mod inputs;
mod quantity;
mod service;
mod service_connect;
mod service_network;
mod tag;
mod task_definition;
mod volume;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    marker::PhantomData,
};

use aws_smithy_json::codec::{JsonCodec, JsonCodecSettings};
use aws_smithy_schema::{
    Schema,
    codec::Codec,
    serde::{SerdeError, SerializableStruct, ShapeDeserializer, ShapeSerializer},
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use self::{
    cluster::*, container::*, container_runtime::*, deployment::*, quantity::*, service::*, service_connect::*,
    service_network::*, tag::*, task_definition::*, volume::*,
};

/// The SDK's types, for the shapes only.
pub(crate) use aws_sdk_ecs::types as sdk;

/// A struct that mirrors a shape of the ECS SDK. Implemented by `#[mirror(..)]`.
pub trait Mirror: Serialize + DeserializeOwned + JsonSchema {
    /// The SDK's type.
    type Sdk: SerializableStruct;
    /// The SDK's schema of it: the wire names of its members.
    const SCHEMA: &'static Schema<'static>;
}

/// One mirrored struct, met at a path below a spec.
pub struct Visited<'a> {
    /// Where it was met, such as `.containerDefinitions[].portMappings[]`.
    pub path: &'a str,
    /// The property names that users can write.
    pub ours: Vec<String>,
    /// The member names that ECS has.
    pub theirs: Vec<String>,
}

impl<'a> Visited<'a> {
    /// What `M` offers and what the SDK's shape has.
    pub fn of<M: Mirror>(path: &'a str) -> Self {
        Self { path, ours: properties::<M>(), theirs: members(M::SCHEMA) }
    }
}

/// The property names in the JSON schema of `T`.
pub fn properties<T: JsonSchema>() -> Vec<String> {
    let schema = SchemaSettings::openapi3()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>();
    schema.get("properties").and_then(Value::as_object).map(|all| all.keys().cloned().collect()).unwrap_or_default()
}

/// The member names in an SDK schema.
pub fn members(schema: &Schema<'_>) -> Vec<String> {
    schema.members().iter().filter_map(|member| member.member_name()).map(str::to_owned).collect()
}

/// Reaches every mirrored struct below a type. Leaves have nothing below them.
pub trait Walk {
    /// Calls `visit` for each mirrored struct at and below `path`.
    fn walk(path: &str, visit: &mut dyn FnMut(Visited<'_>)) {
        let _ = (path, visit);
    }
}

impl Walk for String {}
impl Walk for i32 {}
impl Walk for i64 {}
impl Walk for f64 {}
impl Walk for bool {}
impl Walk for Json {}
impl<T> Walk for Enum<T> {}
impl<T: Walk> Walk for Option<T> {
    fn walk(path: &str, visit: &mut dyn FnMut(Visited<'_>)) {
        T::walk(path, visit);
    }
}
impl<T: Walk> Walk for Vec<T> {
    fn walk(path: &str, visit: &mut dyn FnMut(Visited<'_>)) {
        T::walk(&format!("{path}[]"), visit);
    }
}
impl<T: Walk> Walk for BTreeMap<String, T> {
    fn walk(path: &str, visit: &mut dyn FnMut(Visited<'_>)) {
        T::walk(&format!("{path}{{}}"), visit);
    }
}

// === The compile-time check ===

/// Looks through `Option`: whether a member is required is our word, not the SDK's.
pub trait Strip {
    /// The type without its `Option`.
    type Inner;
}
impl<T> Strip for Option<T> {
    type Inner = T;
}

/// `Self` is how we write what the SDK has as `S`.
pub trait Like<S> {}

macro_rules! leaves {
    ($($leaf:ty),*) => { $(
        impl Strip for $leaf { type Inner = $leaf; }
        impl Like<$leaf> for $leaf {}
    )* };
}
leaves!(String, i32, i64, f64, bool);

impl<T> Strip for Vec<T> {
    type Inner = Vec<T>;
}
impl<K, T> Strip for BTreeMap<K, T> {
    type Inner = BTreeMap<K, T>;
}
impl<K, T, S> Strip for HashMap<K, T, S> {
    type Inner = Self;
}
impl<M: Like<S>, S> Like<Vec<S>> for Vec<M> {}
impl<M: Like<S>, S> Like<HashMap<String, S>> for BTreeMap<String, M> {}
impl<T> Like<T> for Enum<T> {}
impl<T> Strip for Enum<T> {
    type Inner = Enum<T>;
}
impl Strip for Json {
    type Inner = Json;
}
impl Like<aws_smithy_types::Document> for Json {}
impl Strip for aws_smithy_types::Document {
    type Inner = aws_smithy_types::Document;
}

/// Compiles only where our field `M` can stand for the SDK's field `S`.
pub fn same<M, S>(_: &S)
where
    M: Strip,
    S: SdkField,
    M::Inner: Like<S::Inner>,
{
}

/// [`Strip`] on the SDK's side, where every other type stands for itself.
pub trait SdkField {
    /// The type without its `Option`.
    type Inner;
}
impl<T> SdkField for Option<T> {
    type Inner = T;
}
macro_rules! sdk_fields { ($($field:ty),*) => { $( impl SdkField for $field { type Inner = $field; } )* }; }
sdk_fields!(String, i32, i64, f64, bool);
impl<T> SdkField for Vec<T> {
    type Inner = Vec<T>;
}

// === Leaves of our own ===

/// An enum of the SDK as users write it. The CRD allows the values that the SDK knows; a value that
/// ECS answers and the SDK doesn't know passes through.
pub struct Enum<T>(String, PhantomData<fn() -> T>);

impl<T> Enum<T> {
    /// The value as ECS spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T> From<&str> for Enum<T> {
    fn from(value: &str) -> Self {
        Self(value.to_owned(), PhantomData)
    }
}

impl<T> Clone for Enum<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<T> PartialEq for Enum<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> fmt::Debug for Enum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> Serialize for Enum<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Enum<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|value| Self(value, PhantomData))
    }
}

/// An enum of the SDK that can list its values.
pub trait Values {
    /// Every value that this version of the SDK knows.
    fn values() -> &'static [&'static str];
}

impl<T: Values> JsonSchema for Enum<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        std::any::type_name::<T>().into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        json_schema!({ "type": "string", "enum": T::values() })
    }
}

/// Ties enums of the SDK to [`Values`] and to the compile-time check.
macro_rules! sdk_enums {
    ($($name:ident),* $(,)?) => { $(
        impl $crate::ecs::shapes::Values for $crate::ecs::shapes::sdk::$name {
            fn values() -> &'static [&'static str] { $crate::ecs::shapes::sdk::$name::values() }
        }
        impl $crate::ecs::shapes::SdkField for $crate::ecs::shapes::sdk::$name {
            type Inner = $crate::ecs::shapes::sdk::$name;
        }
    )* };
}
pub(crate) use sdk_enums;

/// A JSON document that ECS passes on as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Json(pub Value);

impl JsonSchema for Json {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Json".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
    }
}

// === JSON to the SDK's types and back ===

/// JSON that is not of the SDK's shape, or a shape that can't be written.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    /// The JSON could not be written or read at all.
    #[error("the JSON of an ECS shape can't be written or read: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON is not of the shape.
    #[error("the JSON is not of the ECS shape: {0}")]
    Shape(#[from] SerdeError),
}

/// A shape of the SDK from JSON in ECS's own spelling; `read` is the shape's `deserialize`.
/// Unknown members are passed over, which is why the coverage test must hold.
pub fn sdk_from_json<S>(
    json: &impl Serialize,
    read: impl FnOnce(&mut dyn ShapeDeserializer) -> Result<S, SerdeError>,
) -> Result<S, ShapeError> {
    let bytes = serde_json::to_vec(json)?;
    let codec = JsonCodec::new(JsonCodecSettings::builder().build());
    Ok(read(&mut codec.create_deserializer(&bytes))?)
}

/// A shape of the SDK as JSON in ECS's own spelling.
pub fn sdk_to_json(shape: &impl SerializableStruct) -> Result<Value, ShapeError> {
    let mut serializer = JsonCodec::new(JsonCodecSettings::builder().build()).create_serializer();
    serializer.write_struct(shape.schema(), shape)?;
    Ok(serde_json::from_slice(&serializer.finish())?)
}
