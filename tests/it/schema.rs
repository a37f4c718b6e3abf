//! The CRDs held against the conventions of Kubernetes APIs: what every property, list, number and condition has, so
//! that each tool, and the API server's own estimate of what the rules cost, can rely on it.

use ecs_operator::api::{EcsClusterSpec, EcsServiceSpec, EcsTaskDefinitionSpec, Reason, crd, mirror_zone::MirrorZone};
use serde_json::{Value, json};

/// What departs from a convention on purpose: a finding, as it is reported, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "EcsService .spec.deploymentConfiguration.canaryConfiguration.canaryPercent: a float",
        "ECS takes steps of 0.1, and its JSON has a number here",
    ),
    (
        "EcsService .spec.deploymentConfiguration.linearConfiguration.stepPercent: a float",
        "ECS takes steps of 0.1, and its JSON has a number here",
    ),
    (
        "EcsService .spec.deploymentConfiguration.lifecycleHooks[].hookDetails: takes any field",
        "a document that ECS hands to the hook as it is",
    ),
];

/// `kubectl explain` would be silent, a rule too dear to install, or a tool misled.
#[test]
fn the_crds_keep_the_conventions() {
    let crds = crd::all().unwrap();
    let owned = [EcsClusterSpec::owner_zone(), EcsTaskDefinitionSpec::owner_zone(), EcsServiceSpec::owner_zone()];
    let mut found: Vec<String> = crds.iter().zip(owned).flat_map(|(crd, own)| Check::of(crd, own)).collect();
    for (finding, reason) in EXCEPTIONS {
        match found.iter().position(|one| one == finding) {
            Some(place) => drop(found.remove(place)),
            None => found.push(format!("no longer an exception: {finding} ({reason})")),
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The check is worth what it finds.
#[test]
fn what_breaks_a_convention_is_found() {
    let mut crd = crd::all().unwrap().remove(0);
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    let broken = json!({
        "silent": { "type": "string", "maxLength": 5 },
        "open": { "type": "string", "description": "A" },
        "number": { "type": "number", "description": "A", "minimum": 0, "maximum": 1 },
        "count": { "type": "integer", "format": "uint32", "description": "A", "minimum": 0 },
        "list": { "type": "array", "description": "A", "maxItems": 3, "items": { "type": "string" } },
        "map": { "type": "array", "description": "A", "maxItems": 3, "x-kubernetes-list-type": "map",
                 "x-kubernetes-list-map-keys": ["name"],
                 "items": { "type": "object", "properties": {
                     "name": { "type": "string", "description": "A", "maxLength": 3 } } } },
        "labels": { "type": "object", "description": "A", "additionalProperties": { "type": "string" } },
        "null": { "type": "boolean", "description": "A", "nullable": true },
        "either": { "type": "boolean", "description": "A", "oneOf": [{}] },
        "filled": { "type": "boolean", "description": "A", "default": true },
        "startTimestamp": { "type": "string", "description": "A", "maxLength": 9 },
        "anything": { "type": "object", "description": "A", "x-kubernetes-preserve-unknown-fields": true },
    });
    schema["spec"]["properties"] = broken;
    schema["status"]["default"] = Value::Null;
    schema["status"]["properties"]["conditions"]["items"]["required"] = json!(["type"]);
    crd["spec"]["versions"][0]["selectableFields"] = json!([]);
    let found = Check::of(&crd, vec!["null".into()]);
    for part in [
        ".spec.silent: no description",
        ".spec.open: no maxLength",
        ".spec.number: a float",
        ".spec.count: format uint32",
        ".spec.count: no maximum",
        ".spec.list: no list type",
        ".spec.list[]: no maxLength",
        ".spec.map: the key name is not required",
        ".spec.labels: no maxProperties",
        ".spec.labels{}: no maxLength",
        ".spec.null: nullable",
        ".spec.null: a boolean of our own",
        ".spec.either: oneOf",
        ".spec.filled: a default",
        ".spec.startTimestamp: a name for a time that is not ...Time",
        ".spec.anything: takes any field",
        ".status: no default",
        ".status.conditions: not metav1.Condition",
        "selectableFields: an empty list",
    ] {
        assert!(found.iter().any(|one| one == &format!("EcsCluster {part}")), "not found: {part} in {found:#?}");
    }
}

/// The STATUS column is 16 letters wide, and a script that waits for a reason must not meet it with two meanings.
#[test]
fn reasons_fit_their_column_and_are_one_word_each() {
    let mut words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    for word in &words {
        let camel_case =
            word.starts_with(char::is_uppercase) && word.chars().all(|letter| letter.is_ascii_alphabetic());
        assert!(camel_case && word.len() <= 16, "{word}");
    }
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Reason::ALL.len(), "a reason is there twice");
    for (reason, word) in Reason::ALL.iter().map(|reason| (format!("{reason:?}"), reason.as_str())) {
        assert_eq!(reason, word);
    }
}

/// What one CRD does other than the conventions say.
struct Check {
    kind: String,
    own: Vec<String>,
    found: Vec<String>,
}

impl Check {
    fn of(crd: &Value, own: Vec<String>) -> Vec<String> {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        let mut check = Self { kind, own, found: Vec::new() };
        check.definition(crd);
        check.found
    }

    fn find(&mut self, path: &str, what: impl std::fmt::Display) {
        self.found.push(format!("{} {path}: {what}", self.kind));
    }

    fn demand(&mut self, kept: bool, path: &str, what: &str) {
        if !kept {
            self.find(path, what);
        }
    }

    fn definition(&mut self, crd: &Value) {
        let bytes = crd.to_string().len();
        self.demand(bytes < 200_000, "CRD", &format!("{bytes} bytes, which must stay below 200 kB"));
        self.empty_lists("", crd);
        let names = &crd["spec"]["names"];
        let short = names["shortNames"].as_array().is_some_and(|all| {
            !all.is_empty() && all.iter().all(|one| one.as_str().is_some_and(|one| one.starts_with("ecs")))
        });
        self.demand(short, "names", "no short name that begins with ecs");
        self.demand(names["categories"] == json!(["ecs"]), "names", "the category is not ecs");
        self.demand(crd["spec"]["scope"] == "Namespaced", "scope", "not Namespaced");
        let version = &crd["spec"]["versions"][0];
        self.demand(crd["spec"]["versions"].as_array().is_some_and(|all| all.len() == 1), "versions", "not one");
        self.demand(version["served"] == true && version["storage"] == true, "versions", "not served and stored");
        self.demand(version["subresources"]["status"].is_object(), "subresources", "no status");
        let scale = &version["subresources"]["scale"];
        self.demand((self.kind == "EcsService") == scale.is_object(), "subresources", "scale is for services alone");
        let schema = &version["schema"]["openAPIV3Schema"];
        self.top(schema);
        for path in ["specReplicasPath", "statusReplicasPath", "labelSelectorPath"] {
            if let Some(path) = scale[path].as_str() {
                self.demand(at(schema, path).is_some(), path, "scale names a field that is not there");
            }
        }
        for selectable in version["selectableFields"].as_array().into_iter().flatten() {
            let path = selectable["jsonPath"].as_str().unwrap();
            self.demand(at(schema, path).is_some_and(|field| field["type"] == "string"), path, "is not selectable");
        }
        self.columns(schema, &version["additionalPrinterColumns"]);
    }

    fn empty_lists(&mut self, path: &str, value: &Value) {
        match value {
            Value::Array(items) if items.is_empty() => {
                self.find(path.rsplit('.').next().unwrap_or_default(), "an empty list");
            }
            Value::Array(items) => items.iter().for_each(|item| self.empty_lists(path, item)),
            Value::Object(fields) => {
                fields.iter().for_each(|(name, field)| self.empty_lists(&format!("{path}.{name}"), field));
            }
            _ => {}
        }
    }

    /// The root: spec and status and nothing else of ours.
    fn top(&mut self, schema: &Value) {
        let fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        self.demand(fields == ["metadata", "spec", "status"], "schema", "other fields than metadata, spec and status");
        self.demand(schema["required"] == json!(["spec"]), "schema", "spec is not the one required field");
        let text = schema["description"].as_str().unwrap_or_default();
        self.demand(text.starts_with("An Amazon ECS "), "schema", "a description that says nothing");
        let status = &schema["properties"]["status"];
        let default = &status["default"];
        let pending = default["observedGeneration"] == -1
            && default["conditions"][0]["type"] == "Ready"
            && default["conditions"][0]["status"] == "Unknown";
        self.demand(pending, ".status", "no default that says that nobody has looked yet");
        self.demand(!default.is_null(), ".status", "no default");
        self.property(".spec", &schema["properties"]["spec"], Zone::Spec);
        self.property(".status", status, Zone::Status);
        self.conditions(&status["properties"]["conditions"]);
    }

    fn conditions(&mut self, conditions: &Value) {
        let path = ".status.conditions";
        let item = &conditions["items"];
        let kinds = [
            ("type", "string"),
            ("status", "string"),
            ("observedGeneration", "integer"),
            ("lastTransitionTime", "string"),
            ("reason", "string"),
            ("message", "string"),
        ];
        let fields = kinds.iter().all(|(name, kind)| item["properties"][name]["type"] == *kind)
            && item["properties"].as_object().is_some_and(|all| all.len() == kinds.len());
        let required = item["required"] == json!(["type", "status", "lastTransitionTime", "reason", "message"]);
        let values = item["properties"]["status"]["enum"] == json!(["True", "False", "Unknown"]);
        self.demand(fields && required && values, path, "not metav1.Condition");
        self.demand(conditions["x-kubernetes-list-map-keys"] == json!(["type"]), path, "not a map by type");
    }

    fn columns(&mut self, schema: &Value, columns: &Value) {
        for column in columns.as_array().into_iter().flatten() {
            let (name, path) = (column["name"].as_str().unwrap(), column["jsonPath"].as_str().unwrap());
            let word = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
            self.demand(word, name, "a column whose name is not one word");
            // The API server knows metadata without the schema; a filter leads to a condition.
            let known =
                path.starts_with(".metadata.") || path.contains("[?(@.type==\"Ready\")]") || at(schema, path).is_some();
            self.demand(known, name, "a column that shows nothing");
        }
    }

    fn property(&mut self, path: &str, schema: &Value, zone: Zone) {
        match schema["description"].as_str() {
            None => self.find(path, "no description"),
            Some(text) => {
                let letters = text.chars().count();
                self.demand(letters <= 260, path, &format!("a description of {letters} letters"));
                self.demand(text.ends_with('.') && !text.starts_with("Auto-generated"), path, "no sentence");
                let either = schema["x-kubernetes-int-or-string"] == true;
                self.demand(!either || text.contains("integer or string"), path, "explain says Object of it");
            }
        }
        let name = path.rsplit('.').next().unwrap_or_default();
        self.demand(!name.ends_with("Timestamp"), path, "a name for a time that is not ...Time");
        self.demand(!name.eq_ignore_ascii_case("phase"), path, "a phase");
        let ours = path.strip_prefix(".spec.").is_some_and(|name| self.own.iter().any(|own| own == name));
        if ours {
            self.demand(schema["type"] != "boolean", path, "a boolean of our own");
            let words = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let camel = |word: &str| word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase);
            self.demand(words.into_iter().all(camel), path, "values that are not CamelCase");
        }
        self.value(path, schema, zone);
    }

    /// A property, an item of a list or a value of a map.
    fn value(&mut self, path: &str, schema: &Value, zone: Zone) {
        for word in ["nullable", "oneOf", "allOf", "not", "title"] {
            self.demand(schema[word].is_null(), path, word);
        }
        let either = schema["x-kubernetes-int-or-string"] == true;
        self.demand(either || schema["anyOf"].is_null(), path, "anyOf");
        self.demand(zone == Zone::Status || schema["default"].is_null(), path, "a default");
        let open = schema["x-kubernetes-preserve-unknown-fields"] == true;
        self.demand(!open, path, "takes any field");
        if !schema["enum"].is_null() {
            return;
        }
        match schema["type"].as_str() {
            Some("string") if schema["format"] == "date-time" => {}
            Some("string") => self.bounds(path, schema, &["maxLength"]),
            Some(number @ ("integer" | "number")) => {
                self.demand(number == "integer", path, "a float");
                let format = schema["format"].as_str().unwrap_or("none");
                self.demand(matches!(format, "int32" | "int64" | "none" | "double"), path, &format!("format {format}"));
                self.bounds(path, schema, &["minimum", "maximum"]);
            }
            Some("array") => self.list(path, schema, zone),
            Some("object") if schema["properties"].is_object() => self.fields(path, schema, zone),
            Some("object") if !open => {
                self.bounds(path, schema, &["maxProperties"]);
                self.value(&format!("{path}{{}}"), &schema["additionalProperties"], zone);
            }
            Some("boolean" | "object") => {}
            None if either => self.bounds(path, schema, &["maxLength", "minimum", "maximum"]),
            other => self.find(path, format!("type {other:?}")),
        }
    }

    fn bounds(&mut self, path: &str, schema: &Value, bounds: &[&str]) {
        for bound in bounds {
            let safe = schema[*bound].as_f64().is_none_or(|number| number.abs() <= 9_007_199_254_740_991.0);
            self.demand(!schema[*bound].is_null(), path, &format!("no {bound}"));
            self.demand(safe, path, &format!("{bound} is more than JSON's numbers hold"));
        }
    }

    fn fields(&mut self, path: &str, schema: &Value, zone: Zone) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.property(&format!("{path}.{name}"), field, zone);
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.demand(!schema["properties"][name].is_null(), path, &format!("{name} is required and not there"));
        }
        let reference = path.ends_with("Ref") && path.starts_with(".spec.");
        self.demand(!reference || schema["x-kubernetes-map-type"] == "atomic", path, "a reference that is not atomic");
    }

    fn list(&mut self, path: &str, schema: &Value, zone: Zone) {
        self.bounds(path, schema, &["maxItems"]);
        let items = &schema["items"];
        match schema["x-kubernetes-list-type"].as_str() {
            None => self.find(path, "no list type"),
            Some("atomic") => {}
            Some("map") => {
                for key in schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten() {
                    let key = key.as_str().unwrap();
                    let required = items["required"].as_array().is_some_and(|all| all.iter().any(|one| one == key));
                    self.demand(required, path, &format!("the key {key} is not required"));
                }
            }
            // A set keeps the union when the field's owner changes.
            Some(other) => self.find(path, format!("list type {other}")),
        }
        self.value(&format!("{path}[]"), items, zone);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Zone {
    Spec,
    Status,
}

/// The schema of a field by its path.
fn at<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    path.trim_start_matches('.').split('.').try_fold(schema, |schema, name| schema["properties"].get(name))
}
