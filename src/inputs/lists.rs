//! The formats of several values in one input: lists, `KEY=value` lines, JSON and YAML.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::{Code, Error};
use crate::model::document;

use super::given::{Given, Remarks};
use super::suggest::shortened;

impl<'a> Given<'a> {
    /// The entries of a list, separated by commas or lines. Blank entries, and lines that begin with `#`, are left out.
    pub(super) fn items(self) -> Vec<&'a str> {
        let lines = self.value.unwrap_or_default().lines().map(str::trim).filter(|line| !line.starts_with('#'));
        lines.flat_map(|line| line.split(',')).map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// The entries of a list, each checked by `fits`; `allowed` says what one looks like.
    pub(super) fn items_that(self, fits: impl Fn(&str) -> bool, allowed: &str, remarks: &mut Remarks) -> Vec<String> {
        let items = self.items();
        for item in items.iter().filter(|item| !fits(item)) {
            remarks.wrong(
                self,
                &format!("has an entry `{}`", shortened(item)),
                allowed,
                "Correct this entry, or take it out.",
            );
        }
        items.into_iter().map(str::to_owned).collect()
    }

    /// `KEY=value` lines. The value is everything after the first `=`, blanks and quotes included; it is never shown.
    pub(super) fn pairs(self, remarks: &mut Remarks) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut seen = BTreeSet::new();
        for (number, line) in (1..).zip(self.value.unwrap_or_default().lines()) {
            let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once('=').map(|(key, value)| (key.trim_end(), value)) {
                Some((key, value)) if !key.is_empty() => {
                    if !seen.insert(key) {
                        let problem = format!("names `{}` twice", shortened(key));
                        remarks.wrong(self, &problem, &format!("Line {number} repeats it"), "Keep one of the lines.");
                    }
                    pairs.push((key.to_owned(), value.to_owned()));
                }
                _ => {
                    let problem = format!("has a line without a name and `=`: line {number}");
                    let fix = "Write each entry on one line, as `NAME=value`; a value cannot span lines.";
                    remarks.wrong(
                        self,
                        &problem,
                        "Its lines are `NAME=value`; the line is not shown, it may be secret",
                        fix,
                    );
                }
            }
        }
        pairs
    }

    /// A JSON or YAML document.
    pub(super) fn document(self, remarks: &mut Remarks) -> Option<Value> {
        match document::parse(self.text()?) {
            Ok(value) => Some(value),
            Err(fault) => {
                let what = format!("The input `{}` is neither JSON nor YAML.", self.name());
                let why =
                    format!("Line {}, column {}: {}.", fault.line, fault.column, fault.message.trim_end_matches('.'));
                let fix = "Correct it there; in a workflow, write it as a block below `|`.";
                remarks.mistakes.push(Error::new(Code::DocumentUnparsable, what, why, fix));
                None
            }
        }
    }

    /// A JSON or YAML document that is an object.
    pub(super) fn object(self, remarks: &mut Remarks) -> Option<Value> {
        let value = self.document(remarks)?;
        if !value.is_object() {
            let problem = format!("is {}", kind(&value));
            remarks.wrong(
                self,
                &problem,
                "It takes an object: names with their values",
                "Write it as `name: value` lines or `{…}`.",
            );
        }
        Some(value)
    }
}

/// What a JSON value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
