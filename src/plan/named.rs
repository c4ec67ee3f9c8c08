//! The lists of a task definition whose entries have a name of their own.

use serde_json::{Map, Value};

/// A list whose entries are told apart by one of their fields.
#[derive(Debug, PartialEq)]
pub(super) struct NamedList {
    /// The field that holds the list.
    pub field: &'static str,
    /// The field of an entry that names it.
    pub key: &'static str,
    /// The field that a bare value stands for: `LOG_LEVEL: debug`.
    pub value: Option<&'static str>,
    /// The entry in a user's words: `container web`.
    pub word: &'static str,
}

const fn list(field: &'static str, key: &'static str, value: Option<&'static str>, word: &'static str) -> NamedList {
    NamedList { field, key, value, word }
}

/// All of them.
pub(super) const NAMED: [NamedList; 18] = [
    list("containerDefinitions", "name", None, "container"),
    list("environment", "name", Some("value"), "environment"),
    list("secrets", "name", Some("valueFrom"), "secret"),
    list("secretOptions", "name", Some("valueFrom"), "secret option"),
    list("environmentFiles", "value", Some("type"), "environment file"),
    list("volumes", "name", None, "volume"),
    list("tags", "key", Some("value"), "tag"),
    list("portMappings", "containerPort", None, "port"),
    list("mountPoints", "containerPath", None, "mount"),
    list("volumesFrom", "sourceContainer", None, "volumes from"),
    list("dependsOn", "containerName", Some("condition"), "depends on"),
    list("ulimits", "name", None, "ulimit"),
    list("systemControls", "namespace", Some("value"), "system control"),
    list("extraHosts", "hostname", Some("ipAddress"), "host"),
    list("resourceRequirements", "type", Some("value"), "resource"),
    list("properties", "name", Some("value"), "proxy property"),
    list("devices", "hostPath", None, "device"),
    list("tmpfs", "containerPath", None, "tmpfs"),
];

/// The list that stands in this field, if its entries have names.
pub(super) fn named_list(field: &str) -> Option<&'static NamedList> {
    NAMED.iter().find(|list| list.field == field)
}

impl NamedList {
    /// The entry's name as text; ports are numbers.
    pub fn name_of(&self, entry: &Value) -> Option<String> {
        match entry.get(self.key)? {
            Value::String(name) => Some(name.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// The list in a container's field, made when it is absent or null.
///
/// # Errors
/// A sentence, when something else stands there.
pub(super) fn list_in<'a>(container: &'a mut Map<String, Value>, field: &str) -> Result<&'a mut Vec<Value>, String> {
    let value = container.entry(field.to_owned()).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Array(Vec::new());
    }
    match value {
        Value::Array(items) => Ok(items),
        other => Err(format!("`{field}` is {}, not a list", crate::model::task_definition::kind(other))),
    }
}

/// The object in a field, made when it is absent or null.
///
/// # Errors
/// A sentence, when something else stands there.
pub(super) fn object_in<'a>(
    map: &'a mut Map<String, Value>,
    field: &str,
) -> Result<&'a mut Map<String, Value>, String> {
    let value = map.entry(field.to_owned()).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(object) => Ok(object),
        other => Err(format!("`{field}` is {}, not an object", crate::model::task_definition::kind(other))),
    }
}
