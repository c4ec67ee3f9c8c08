//! A task definition is its JSON document, never a struct: every field survives, known to us or not.

use serde_json::{Map, Value};

/// A task definition as RegisterTaskDefinition takes it: no read-only fields, `tags` inside.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskDefinition(pub Map<String, Value>);

/// A registered revision, as DescribeTaskDefinition and RegisterTaskDefinition answer it.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// The revision's ARN.
    pub arn: String,
    /// ACTIVE, INACTIVE or DELETE_IN_PROGRESS.
    pub status: String,
    /// The answer's `taskDefinition` object, whole.
    pub document: Value,
    /// The answer's `tags`, which stand beside the definition.
    pub tags: Vec<Value>,
}

impl TaskDefinition {
    /// The family, empty when the document has none.
    pub fn family(&self) -> &str {
        self.0.get("family").and_then(Value::as_str).unwrap_or_default()
    }
}
