//! `patch`: a merge patch (RFC 7396) in which lists of named things may be written as maps by name.

use serde_json::{Map, Value};

use super::edits::{container_not_found, remove};
use super::named::{NamedList, named_list};
use crate::error::{Code, Error};
use crate::model::task_definition::{TaskDefinition, kind};

/// Why a patch cannot be applied.
enum Fault {
    NoContainer(String),
    Other(String),
}

/// Applies the patch, or says why it cannot be.
pub(super) fn apply(definition: &mut TaskDefinition, patch: &Value) -> Option<Error> {
    let Value::Object(patch) = patch else {
        return Some(refused(&format!("It is {}, not an object", kind(patch))));
    };
    let names: Vec<String> = definition.container_names().map(str::to_owned).collect();
    match merge(&mut definition.0, patch, "") {
        Ok(()) => None,
        Err(Fault::NoContainer(name)) => Some(container_not_found(&name, "patch", &names)),
        Err(Fault::Other(why)) => Some(refused(&why)),
    }
}

fn refused(why: &str) -> Error {
    Error::new(
        Code::InputInvalid,
        "`patch` cannot be applied.",
        format!("{why}."),
        "Write each entry of a list as a map under its name, or the whole list to replace it.",
    )
}

/// <https://www.rfc-editor.org/rfc/rfc7396#section-2>
fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>, place: &str) -> Result<(), Fault> {
    for (field, value) in patch {
        let place = if place.is_empty() { field.clone() } else { format!("{place}.{field}") };
        if value.is_null() {
            target.shift_remove(field);
            continue;
        }
        let Value::Object(inner) = value else {
            target.insert(field.clone(), value.clone());
            continue;
        };
        let current = target.entry(field.clone()).or_insert(Value::Null);
        match (named_list(field), &mut *current) {
            (_, Value::Object(current)) => merge(current, inner, &place)?,
            (Some(list), Value::Array(entries)) => merge_list(entries, inner, list, &place)?,
            (list, other) => {
                *other = if list.is_some() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
                match (list, other) {
                    (Some(list), Value::Array(entries)) => merge_list(entries, inner, list, &place)?,
                    (_, Value::Object(fresh)) => merge(fresh, inner, &place)?,
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// Merges a map by name into the list: `null` takes the entry out, a new name adds one.
fn merge_list(
    entries: &mut Vec<Value>,
    patch: &Map<String, Value>,
    list: &NamedList,
    place: &str,
) -> Result<(), Fault> {
    let is_containers = list.field == "containerDefinitions";
    for (name, value) in patch {
        let matches = |entry: &Value| list.name_of(entry).as_deref() == Some(name);
        let found = entries.iter().filter(|entry| matches(entry)).count();
        let place = format!("{place}.{name}");
        // A new container without an image is a misspelled one.
        if is_containers && found == 0 && value.get("image").is_none() {
            return Err(Fault::NoContainer(name.clone()));
        }
        let bare;
        let inner = match (value, list.value) {
            (Value::Null, _) => {
                entries.retain(|entry| !matches(entry));
                continue;
            }
            (Value::Object(inner), _) => inner,
            (Value::Array(_), _) | (_, None) => {
                let what = kind(value);
                return Err(Fault::Other(format!("`{place}` is {what}; it takes a map of the entry's fields")));
            }
            (scalar, Some(field)) => {
                bare = Map::from_iter([(field.to_owned(), scalar.clone())]);
                &bare
            }
        };
        if found > 1 {
            return Err(Fault::Other(format!(
                "`{place}` could be any of {found} entries; write the whole list instead"
            )));
        }
        if found == 0 {
            let key = name.parse::<u16>().ok().filter(|_| list.field == "portMappings");
            let key = key.map_or_else(|| Value::from(name.as_str()), Value::from);
            entries.push(Value::Object(Map::from_iter([(list.key.to_owned(), key)])));
        }
        if let Some(Value::Object(entry)) = entries.iter_mut().find(|entry| matches(entry)) {
            merge(entry, inner, &place)?;
            if is_containers {
                move_names(entry, inner);
            }
        }
    }
    Ok(())
}

/// ECS refuses a name that is both a variable and a secret: one that the patch gives in one list leaves the other.
fn move_names(container: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (given, other) in [("environment", "secrets"), ("secrets", "environment")] {
        let names_in = |field: &str| patch.get(field).and_then(Value::as_object);
        for (name, _) in names_in(given).into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            if names_in(other).is_none_or(|names| names.get(name).is_none_or(Value::is_null)) {
                remove(container, other, name);
            }
        }
    }
}
