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

/// What DescribeTaskDefinition answers and RegisterTaskDefinition refuses.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>
const READ_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

impl TaskDefinition {
    /// The document as text for a file: indented, its fields in the order they came in.
    pub fn pretty(&self) -> String {
        format!("{:#}\n", Value::Object(self.0.clone()))
    }

    /// Takes a document for a task definition: as RegisterTaskDefinition takes it, or a whole answer of
    /// DescribeTaskDefinition. The read-only fields and AWS's own tags are left out, all else is kept.
    ///
    /// # Errors
    /// A sentence that says what the document is instead.
    pub fn from_document(document: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = document else {
            return Err(format!("it is {}, not an object", kind(&document)));
        };
        if !fields.contains_key("containerDefinitions")
            && let Some(Value::Object(inner)) = fields.get_mut("taskDefinition")
        {
            let mut inner = std::mem::take(inner);
            if let Some(Value::Array(tags)) = fields.get("tags")
                && !tags.is_empty()
                && !inner.contains_key("tags")
            {
                inner.insert("tags".to_owned(), Value::Array(tags.clone()));
            }
            fields = inner;
        }
        fields.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        if let Some(Value::Array(tags)) = fields.get_mut("tags") {
            tags.retain(|tag| !is_aws_tag(tag));
        }
        Ok(Self(fields))
    }

    /// The family, empty when the document has none.
    pub fn family(&self) -> &str {
        self.text("family").unwrap_or_default()
    }

    /// A field of the definition itself that is a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Value::as_str)
    }

    /// The container definitions that are objects, in their order.
    pub fn containers(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let list = self.0.get("containerDefinitions").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_object)
    }

    /// The container definitions that are objects, to be edited.
    pub fn containers_mut(&mut self) -> impl Iterator<Item = &mut Map<String, Value>> {
        let list = self.0.get_mut("containerDefinitions").and_then(Value::as_array_mut);
        list.into_iter().flatten().filter_map(Value::as_object_mut)
    }

    /// The names of the containers.
    pub fn container_names(&self) -> impl Iterator<Item = &str> {
        self.containers().filter_map(|container| container.get("name").and_then(Value::as_str))
    }

    /// Each container's name and image.
    pub fn images(&self) -> impl Iterator<Item = (&str, &str)> {
        self.containers()
            .filter_map(|container| Some((container.get("name")?.as_str()?, container.get("image")?.as_str()?)))
    }
}

impl Registered {
    /// The revision as a definition that could be registered again, tags included.
    pub fn definition(&self) -> TaskDefinition {
        TaskDefinition::from_document(self.answer()).unwrap_or(TaskDefinition(Map::new()))
    }

    /// The revision as DescribeTaskDefinition answers it: the definition and the tags beside it.
    pub fn answer(&self) -> Value {
        serde_json::json!({"taskDefinition": self.document, "tags": self.tags})
    }

    /// Whether services may be given this revision.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

/// Tags that AWS itself put there (`aws:…`); nobody else may register them.
fn is_aws_tag(tag: &Value) -> bool {
    tag.get("key").and_then(Value::as_str).is_some_and(|key| key.starts_with("aws:"))
}

/// What kind of value it is, in words: `a list`.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_describe_answer_is_unwrapped_and_its_read_only_fields_left_out() {
        let mut inner =
            json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx"}], "newField": null});
        let plain = TaskDefinition::from_document(inner.clone()).unwrap();
        for field in READ_ONLY {
            inner[field] = json!("x");
        }
        let bare = TaskDefinition::from_document(inner.clone()).unwrap();
        assert_eq!(bare, plain);
        let tags = json!([{"key": "team", "value": "a"}, {"key": "aws:cloudformation:stack-name", "value": "s"}]);
        let wrapped = TaskDefinition::from_document(json!({"taskDefinition": inner, "tags": tags})).unwrap();
        assert_eq!(wrapped.0["tags"], json!([{"key": "team", "value": "a"}]));
        assert_eq!(wrapped.0["newField"], json!(null));
        assert_eq!(wrapped.images().collect::<Vec<_>>(), [("web", "nginx")]);
        let untagged = TaskDefinition::from_document(json!({"taskDefinition": inner, "tags": []})).unwrap();
        assert_eq!(untagged, plain);
    }

    #[test]
    fn a_document_that_is_no_object_is_refused() {
        assert_eq!(TaskDefinition::from_document(json!([1])).unwrap_err(), "it is a list, not an object");
    }
}
