//! `#[mirror(sdk::Shape)]`: one struct a shape of the ECS API, held against the SDK's shape by the compiler.
//!
//! The macro adds the derives that a shape in a custom resource needs, spells the fields as ECS's JSON does,
//! leaves absent fields out, and emits
//!
//! - `impl Mirror`, which ties the struct to the SDK's type and its schema,
//! - `impl Walk`, with which the coverage test reaches every shape at any depth,
//! - a function that is never called and only compiles while each field has the name and the type that
//!   the SDK's field has (whatever the SDK thinks of required and default).
//!
//! A union of the SDK (an enum with data) is mirrored by a struct of optional fields, one a variant, under
//! `#[mirror(sdk::Shape, union)]`.
//!
//! It must stand above every other attribute of the struct, because `KubeSchema`'s helper attributes must
//! follow the derive.
use proc_macro::TokenStream;
use quote::quote;
use syn::{Fields, Ident, ItemStruct, Path, Token, parse::Parse, parse::ParseStream};

struct Arguments {
    sdk: Path,
    union: bool,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let sdk = input.parse()?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
            input.parse::<Token![union]>()?;
            return Ok(Self { sdk, union: true });
        }
        Ok(Self { sdk, union: false })
    }
}

/// Ties a struct to a shape of the ECS SDK; see the crate's documentation.
#[proc_macro_attribute]
pub fn mirror(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let Arguments { sdk, union } = syn::parse_macro_input!(arguments as Arguments);
    let mut item = syn::parse_macro_input!(item as ItemStruct);
    let Fields::Named(fields) = &mut item.fields else {
        return syn::Error::new_spanned(&item.ident, "a mirror needs named fields").to_compile_error().into();
    };
    let mut names: Vec<Ident> = Vec::new();
    let mut types = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    for field in &mut fields.named {
        if let Some(name) = &field.ident {
            names.push(name.clone());
            keys.push(renamed(field).unwrap_or_else(|| camel_case(&name.to_string())));
            types.push(field.ty.clone());
        }
        if is_option(&field.ty) {
            field.attrs.push(syn::parse_quote!(#[serde(default, skip_serializing_if = "Option::is_none")]));
        }
    }
    let name = &item.ident;
    let check = if union {
        let variants: Vec<Ident> = keys.iter().map(|key| quote::format_ident!("{}", upper_first(key))).collect();
        quote!( #( if let #sdk::#variants(value) = shape { crate::ecs::shapes::same::<#types, _>(value); } )* )
    } else {
        quote!( #( crate::ecs::shapes::same::<#types, _>(&shape.#names); )* )
    };
    let bound = union.then(|| quote!(#[schemars(extend("minProperties" = 1))]));
    quote! {
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::kube::KubeSchema)]
        #[serde(rename_all = "camelCase")]
        #bound
        #item

        impl crate::ecs::shapes::Strip for #name {
            type Inner = #name;
        }
        impl crate::ecs::shapes::SdkField for #sdk {
            type Inner = #sdk;
        }
        impl crate::ecs::shapes::Like<#sdk> for #name {}

        impl crate::ecs::shapes::Mirror for #name {
            type Sdk = #sdk;
            const SCHEMA: &'static ::aws_smithy_schema::Schema<'static> = <#sdk>::SCHEMA;
        }

        impl crate::ecs::shapes::Walk for #name {
            fn walk(path: &str, visit: &mut dyn FnMut(crate::ecs::shapes::Visited<'_>)) {
                visit(crate::ecs::shapes::Visited::of::<Self>(path));
                #( <#types as crate::ecs::shapes::Walk>::walk(&format!("{path}.{}", #keys), visit); )*
            }
        }

        const _: () = {
            #[allow(dead_code)]
            fn held_against_the_sdk(shape: &#sdk) {
                #check
            }
        };
    }
    .into()
}

fn is_option(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"))
}

/// The name a field is given by `#[serde(rename = "...")]`.
fn renamed(field: &syn::Field) -> Option<String> {
    let mut found = None;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // Anything else inside #[serde(..)] is serde's own to judge.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                found = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            }
            Ok(())
        });
    }
    found
}

/// The variant of a union that a member's name stands for.
fn upper_first(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// As serde's `rename_all = "camelCase"`.
fn camel_case(field: &str) -> String {
    let mut out = String::new();
    for (index, word) in field.trim_start_matches("r#").split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if index > 0 => out.extend(first.to_uppercase().chain(letters)),
            Some(first) => out.extend(std::iter::once(first).chain(letters)),
            None => {}
        }
    }
    out
}
