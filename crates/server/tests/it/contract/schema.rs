//! JSON Schema as far as our document uses it; a keyword that it does not know fails the test, so that none goes unchecked.

use serde_json::Value;

use super::resolve;

/// What is wrong with `value` by `schema`, each fault with its place. An object may have no member that is not listed, even
/// where the document leaves room for later versions: what we answer today, the document must tell.
pub(crate) fn faults(schema: &'static Value, value: &Value, place: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => faults.extend(self::faults(resolve(schema), value, place)),
            "allOf" => {
                let parts = rule.as_array().unwrap();
                faults.extend(
                    parts
                        .iter()
                        .flat_map(|part| self::faults(part, value, place)),
                );
            }
            "items" => {
                let values = value.as_array().into_iter().flatten();
                faults.extend(values.flat_map(|value| self::faults(rule, value, place)));
            }
            "properties" => {
                for (name, part) in rule.as_object().unwrap() {
                    let place = format!("{place}.{name}");
                    faults.extend(
                        value
                            .get(name)
                            .into_iter()
                            .flat_map(|value| self::faults(part, value, &place)),
                    );
                }
            }
            _ if holds(schema, keyword, rule, value) => {}
            _ => faults.push(format!("{place}: {keyword} {rule}, found {value}")),
        }
    }
    faults
}

fn holds(schema: &Value, keyword: &str, rule: &Value, value: &Value) -> bool {
    let text = value.as_str();
    let length = text.map(|text| text.chars().count() as u64);
    let least = rule.as_u64().unwrap_or_default();
    match keyword {
        "type" => is_of_type(rule.as_str().unwrap(), value) && is_closed(schema, value),
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "required" => {
            let names = rule.as_array().unwrap().iter();
            names
                .map(|name| name.as_str().unwrap())
                .all(|name| value.get(name).is_some())
        }
        "minProperties" => members(value).is_none_or(|count| count >= least),
        "maxProperties" => members(value).is_none_or(|count| count <= least),
        "minLength" => length.is_none_or(|length| length >= least),
        "maxLength" => length.is_none_or(|length| length <= least),
        "minimum" => value.as_u64().is_some_and(|value| value >= least),
        "maximum" => value.as_u64().is_some_and(|value| value <= least),
        "maxItems" => value
            .as_array()
            .is_none_or(|values| values.len() as u64 <= least),
        "format" => text.is_none_or(|text| has_format(rule.as_str().unwrap(), text)),
        // Closed either way, by `type`.
        "additionalProperties" => *rule == false,
        // No crate for patterns is worth its while here: the unit tests of what ours describe hold them.
        "pattern" | "description" | "default" => true,
        other => panic!("the keyword {other} is not checked"),
    }
}

fn members(value: &Value) -> Option<u64> {
    value.as_object().map(|object| object.len() as u64)
}

fn is_of_type(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        other => panic!("the type {other} is not checked"),
    }
}

fn is_closed(schema: &Value, value: &Value) -> bool {
    match (schema["properties"].as_object(), value.as_object()) {
        (Some(listed), Some(found)) => found.keys().all(|name| listed.contains_key(name)),
        _ => true,
    }
}

fn has_format(format: &str, text: &str) -> bool {
    match format {
        "uuid" => text.len() == 36 && text.parse::<uuid::Uuid>().is_ok(),
        "date-time" => text.len() == 24 && text.parse::<jiff::Timestamp>().is_ok(),
        "email" => text.contains('@'),
        "password" => true,
        other => panic!("the format {other} is not checked"),
    }
}
