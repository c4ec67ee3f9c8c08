//! Where in the base stands what a pointer into the rendered definition names. Edits add, remove and move entries of
//! lists: an entry is found again by its name.

use serde_json::Value;

use super::named::named_list;

/// The pointer into the base that leads to the same thing as `pointer` does in the rendered definition; to what is around
/// it where the base has no such thing.
pub fn origin(pointer: &str, rendered: &Value, base: &Value) -> String {
    let (mut field, mut rendered, mut base, mut origin) = ("", Some(rendered), base, String::new());
    for part in pointer.split('/').skip(1) {
        let there = match (rendered, base) {
            (Some(Value::Array(entries)), Value::Array(before)) => {
                let Some(index) = index_before(field, part, entries, before) else { break };
                index.to_string()
            }
            _ => part.to_owned(),
        };
        let Some(next) = child(base, &there) else { break };
        (field, rendered, base) = (part, rendered.and_then(|rendered| child(rendered, part)), next);
        origin = format!("{origin}/{there}");
    }
    origin
}

fn child<'a>(value: &'a Value, part: &str) -> Option<&'a Value> {
    value.pointer(&format!("/{part}"))
}

/// Where the entry stood in the base: the one of its name, or its equal where it has none. Of several, the one that did
/// not move.
fn index_before(field: &str, index: &str, entries: &[Value], before: &[Value]) -> Option<usize> {
    let index: usize = index.parse().ok()?;
    let entry = entries.get(index)?;
    let name = |entry: &Value| named_list(field)?.name_of(entry);
    let named = name(entry);
    let is_same = |other: &Value| if named.is_some() { name(other) == named } else { other == entry };
    let has_stayed = before.get(index).is_some_and(is_same);
    if has_stayed { Some(index) } else { before.iter().position(is_same) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_found_again_wherever_it_stood() {
        let base = json!({"family": "web", "containerDefinitions": [
            {"name": "log", "image": "log:1"},
            {"name": "web", "image": "web:1", "command": ["a", "b"],
             "secrets": [{"name": "A", "valueFrom": "a"}, {"name": "B", "valueFrom": "b"}],
             "portMappings": [{"containerPort": 53}, {"containerPort": 53, "protocol": "udp"}]},
        ]});
        let rendered = json!({"family": "web", "taskRoleArn": "web", "containerDefinitions": [
            {"name": "web", "image": "web:2", "command": ["b", "c"],
             "secrets": [{"name": "B", "valueFrom": "b"}, {"name": "NEW", "valueFrom": "n"}],
             "portMappings": [{"containerPort": 53}, {"containerPort": 53, "protocol": "udp"}]},
            {"name": "side", "image": "side:1"},
        ]});
        for (pointer, expected) in [
            ("/family", "/family"),
            ("/taskRoleArn", ""),
            ("/containerDefinitions/0/image", "/containerDefinitions/1/image"),
            ("/containerDefinitions/0/secrets/0/valueFrom", "/containerDefinitions/1/secrets/1/valueFrom"),
            ("/containerDefinitions/0/secrets/1/valueFrom", "/containerDefinitions/1/secrets"),
            ("/containerDefinitions/0/portMappings/1/protocol", "/containerDefinitions/1/portMappings/1/protocol"),
            ("/containerDefinitions/0/logConfiguration/options", "/containerDefinitions/1"),
            ("/containerDefinitions/0/command/0", "/containerDefinitions/1/command/1"),
            ("/containerDefinitions/0/command/1", "/containerDefinitions/1/command"),
            ("/containerDefinitions/1/image", "/containerDefinitions"),
            ("/containerDefinitions/7/image", "/containerDefinitions"),
        ] {
            assert_eq!(origin(pointer, &rendered, &base), expected, "{pointer}");
        }
    }
}
