//! What a run found: a short table for people and one flat JSON object for programs.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::failure::{Doing, Result};

/// The findings of one run, in the order in which they were noted.
#[derive(Debug)]
pub(crate) struct Report {
    title: String,
    rows: Vec<Row>,
    broken: Vec<String>,
}

#[derive(Debug)]
struct Row {
    key: &'static str,
    value: Value,
    remark: String,
}

impl Report {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            rows: Vec::new(),
            broken: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, key: &'static str, value: impl Into<Value>) {
        self.remark(key, value, "");
    }

    /// A figure with its unit or target beside it; a fraction is cut to four digits.
    pub(crate) fn remark(&mut self, key: &'static str, value: impl Into<Value>, remark: &str) {
        let value = match value.into() {
            Value::Number(number) if number.is_f64() => {
                let exact = number.as_f64().unwrap_or_default();
                Value::from((exact * 10_000.0).round() / 10_000.0)
            }
            other => other,
        };
        self.rows.push(Row {
            key,
            value,
            remark: remark.to_owned(),
        });
    }

    /// Notes a promise that did not hold.
    pub(crate) fn broken(&mut self, what: impl Into<String>) {
        self.broken.push(what.into());
    }

    pub(crate) fn held(&self) -> bool {
        self.broken.is_empty()
    }

    pub(crate) fn print(&self) {
        println!("{}", self.title);
        for row in &self.rows {
            let value = row.value.to_string();
            println!("  {:<28} {:>14}  {}", row.key, value, row.remark);
        }
        for what in self.broken.iter().take(20) {
            println!("  BROKEN: {what}");
        }
        if self.broken.len() > 20 {
            println!("  … and {} more", self.broken.len() - 20);
        }
    }

    /// # Errors
    /// The file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let mut object: Map<String, Value> = Map::new();
        for row in &self.rows {
            object.insert(row.key.to_owned(), row.value.clone());
        }
        object.insert("held".to_owned(), self.held().into());
        object.insert("broken".to_owned(), self.broken.clone().into());
        let text = format!("{:#}\n", Value::Object(object));
        fs::write(path, text).doing(format!("writing {}", path.display()))
    }
}
