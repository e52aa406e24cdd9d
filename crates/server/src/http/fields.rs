//! The fields of a body: every fault is named at once, and no value ever appears in an error.

use std::{collections::BTreeSet, fmt, ops::RangeInclusive};

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    arrival::cut,
    problem::{Code, FieldError, Problem},
};

/// More faults than this are not listed.
const MOST_FAULTS: usize = 16;

/// The fields of a body that were not taken yet, and the faults found so far.
#[derive(Default)]
pub(super) struct Fields {
    values: Vec<(String, Held)>,
    faults: Vec<FieldError>,
}

/// A value that nobody took yet: it may be a secret, and is overwritten when it is dropped.
struct Held(Value);

impl Drop for Held {
    fn drop(&mut self) {
        if let Value::String(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

impl Fields {
    /// Those of a JSON object; none of an empty body.
    pub(super) fn of_json(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        match (bytes.is_empty(), media_type(headers).as_str()) {
            (true, _) => Ok(Self::default()),
            (false, "application/json") => Self::from_json(bytes),
            (false, _) => Err(Problem::new(Code::UnsupportedMediaType)
                .detail("Send the body as application/json.")),
        }
    }

    /// Those of a JSON object or of a form.
    pub(super) fn of_json_or_form(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        match media_type(headers).as_str() {
            "application/x-www-form-urlencoded" if !bytes.is_empty() => Self::from_form(bytes),
            _ => Self::of_json(headers, bytes),
        }
    }

    /// The parameters behind the `?`: each of them a text.
    pub(super) fn of_query(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let values = pairs
            .map(|(name, value)| (name.into_owned(), Held(Value::String(value.into_owned()))))
            .collect();
        let faults = Vec::new();
        Self { values, faults }.without_duplicates()
    }

    /// Those of a form.
    pub(super) fn of_form(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        match (bytes.is_empty(), media_type(headers).as_str()) {
            (true, _) => Ok(Self::default()),
            (false, "application/x-www-form-urlencoded") => Self::from_form(bytes),
            (false, _) => Err(Problem::new(Code::UnsupportedMediaType)
                .detail("Send the body as application/x-www-form-urlencoded.")),
        }
    }

    fn from_json(bytes: &Bytes) -> Result<Self, Problem> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Problem::field("body", "malformed", "The body is not UTF-8."))?;
        let Object(values) = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let detail = if error.is_data() {
                "The body must be a JSON object.".to_owned()
            } else {
                format!("The body is not JSON: the fault is at line {line}, column {column}.")
            };
            Problem::field("body", "malformed", detail)
        })?;
        let values = values.into_iter();
        Ok(Self {
            values: values.map(|(name, value)| (name, Held(value))).collect(),
            faults: Vec::new(),
        }
        .without_duplicates())
    }

    fn from_form(bytes: &Bytes) -> Result<Self, Problem> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Problem::field("body", "malformed", "The body is not UTF-8."))?;
        let pairs = form_urlencoded::parse(text.as_bytes());
        let values = pairs
            .map(|(name, value)| (name.into_owned(), Held(Value::String(value.into_owned()))))
            .collect();
        Ok(Self {
            values,
            faults: Vec::new(),
        }
        .without_duplicates())
    }

    /// Whoever writes a field twice may mean either, and a proxy may have checked the other one.
    fn without_duplicates(mut self) -> Self {
        let mut seen = std::collections::HashSet::new();
        let twice: Vec<_> = self
            .values
            .iter()
            .filter(|(name, _)| !seen.insert(name.as_str()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in twice {
            self.fault(&name, "duplicate", "This field comes more than once.");
        }
        self
    }

    /// Whether it is there and was not taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.iter().any(|value| value.0 == name)
    }

    /// A text that must be there.
    pub(super) fn string(&mut self, name: &str) -> Option<String> {
        let value = self.optional_string(name);
        let faulty = self.faults.iter().any(|fault| fault.field == name);
        if value.is_none() && !faulty {
            self.fault(name, "missing", "This field is required.");
        }
        value
    }

    /// A text that may be there.
    pub(super) fn optional_string(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            other => self.wrong_type(name, "a text", &other),
        }
    }

    /// A truth value; false if it is not there.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.take(name) {
            None => false,
            Some(Value::Bool(truth)) => truth,
            Some(other) => self
                .wrong_type(name, "true or false", &other)
                .unwrap_or(false),
        }
    }

    /// A parameter that is a number within a range; `default` if it is not there.
    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some(text) = self.optional_string(name) else {
            return default;
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (least, most) = (range.start(), range.end());
                let detail = format!("Expected a number from {least} to {most}.");
                self.fault(name, "out_of_range", detail);
                default
            }
        }
    }

    /// A text that is one of these, if it is there.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.optional_string(name)?;
        self.chosen(name, &text, choices)
    }

    /// The same where it must be there.
    pub(super) fn required_choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = self.string(name)?;
        self.chosen(name, &text, choices)
    }

    fn chosen<T: Copy>(&mut self, name: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let chosen = choices.iter().find(|choice| choice.0 == text);
        if chosen.is_none() {
            let names: Vec<_> = choices.iter().map(|choice| choice.0).collect();
            let detail = format!("Expected one of: {}.", names.join(", "));
            self.fault(name, "invalid_format", detail);
        }
        chosen.map(|choice| choice.1)
    }

    /// A list of texts that must be there, each read by `parse`; none of it if one of them cannot be read.
    pub(super) fn list<T: Ord, F: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, F>,
    ) -> Option<BTreeSet<T>> {
        let values = match self.take(name) {
            Some(Value::Array(values)) => values,
            Some(other) => return self.wrong_type(name, "a list of texts", &other),
            None => {
                self.fault(name, "missing", "This field is required.");
                return None;
            }
        };
        let mut read = BTreeSet::new();
        for value in values {
            let Value::String(text) = value else {
                return self.wrong_type(name, "a list of texts", &value);
            };
            match parse(&text) {
                Ok(one) => read.insert(one),
                Err(fault) => {
                    self.fault(name, "invalid_format", format!("Not as expected: {fault}."));
                    return None;
                }
            };
        }
        Some(read)
    }

    /// A text that must be there and is read by `parse`, whose fault `describe` puts into words.
    pub(super) fn parsed<T, F>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, F>,
        describe: impl FnOnce(F) -> (&'static str, &'static str),
    ) -> Option<T> {
        // A password comes this way, too.
        let text = Zeroizing::new(self.string(name)?);
        match parse(&text) {
            Ok(value) => Some(value),
            Err(fault) => {
                let (code, detail) = describe(fault);
                self.fault(name, code, detail);
                None
            }
        }
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, field: &str, code: &'static str, detail: impl Into<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(FieldError {
                field: cut(field, 64).to_owned(),
                code,
                detail: detail.into(),
            });
        }
    }

    /// Whether the body was all right, now that everything known was taken.
    pub(super) fn finish(&mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.values) {
            if !self.faults.iter().any(|fault| fault.field == name) {
                self.fault(&name, "unknown", "There is no such field here.");
            }
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(std::mem::take(&mut self.faults)))
        }
    }

    /// The same where others may be there, too (RFC 6749 §3.2).
    pub(super) fn finish_known(&mut self) -> Result<(), Problem> {
        self.values.clear();
        self.finish()
    }

    /// What is wrong, where something must be.
    pub(super) fn refused(mut self) -> Problem {
        self.finish()
            .err()
            .unwrap_or_else(|| Problem::new(Code::InvalidRequest))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.values.iter().position(|value| value.0 == name)?;
        let mut held = self.values.swap_remove(place).1;
        Some(std::mem::take(&mut held.0))
    }

    fn wrong_type<T>(&mut self, name: &str, expected: &str, found: &Value) -> Option<T> {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.fault(
            name,
            "wrong_type",
            format!("Expected {expected}, found {found}."),
        );
        None
    }
}

/// What the body is said to be, without parameters and in small letters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// The members of a JSON object in their order, duplicates included.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a body holds, each field is taken once, or each fault is told, within bounds.
    #[test]
    fn fuzz_body() {
        let target = fuzz::Target {
            name: "body",
            seeds: &[
                br#"{"username":"ada","password":"correct horse","remember_me":true}"#,
                br#"{"refresh_token":"relatch_rt_AAAA","device":"a \u00e9\ud83d\ude00"}"#,
                b"username=ada&password=correct+horse&remember_me=true&refresh_token=%41%42",
            ],
            words: &[
                r"\ud800",
                r"\u0000",
                "null",
                "{}",
                "[[[[[[[[",
                "1e999",
                "%zz",
                "&&",
                r#""username":1,"#,
            ],
        };
        fuzz::run(&target, |input| {
            let bytes = Bytes::copy_from_slice(input);
            for read in [Fields::from_json, Fields::from_form] {
                let Ok(mut fields) = read(&bytes) else {
                    continue;
                };
                let _ = fields.string("username");
                let _ = fields.optional_string("refresh_token");
                let _ = fields.flag("remember_me");
                assert!(fields.faults.len() <= input.len() + 2);
                let _ = fields.finish();
            }
        });
    }
}
