//! What changes in the task definition, by container and by name, with environment values masked, and
//! whatever stands where a secret is to be named and is no such name.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::named::{NAMED, NamedList, named_list};
use crate::model::normal::comparable;
use crate::model::reference::{HIDDEN, shown_credentials, shown_value_from};
use crate::model::task_definition::TaskDefinition;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where, in words a user knows: `container web › environment LOG_LEVEL`, `cpu`.
    pub path: String,
    /// Before; absent when added. Already masked.
    pub from: Option<String>,
    /// After; absent when removed. Already masked.
    pub to: Option<String>,
}

/// What registering `to` would change for a service that runs `from`; what only ECS filled in is no change.
pub fn diff(from: &TaskDefinition, to: &TaskDefinition) -> Vec<Change> {
    let (to, from) = comparable(to, from);
    let mut changes = Vec::new();
    diff_fields(&from, &to, &Place::default(), &mut changes);
    // What is about the whole task comes before what is about one container.
    changes.sort_by_key(|change| change.path.starts_with(CONTAINER));
    changes
}

const CONTAINER: &str = "container ";
const THEN: &str = " › ";

impl Change {
    /// The container whose image it is, if it is one.
    pub fn image_of(&self) -> Option<&str> {
        self.path.strip_prefix(CONTAINER)?.strip_suffix(" › image")
    }

    /// The path with what is a name, and no word of ours, in backticks.
    pub fn named_path(&self) -> String {
        let part = |part: &str| match words().find_map(|word| Some((word, part.strip_prefix(word)?.strip_prefix(' ')?)))
        {
            Some((word, name)) => format!("{word} `{name}`"),
            None if words().any(|word| word == part) => part.to_owned(),
            None => format!("`{part}`"),
        };
        self.path.split(THEN).map(part).collect::<Vec<_>>().join(THEN)
    }
}

/// The words that come before a name, the longer before those that they begin with.
fn words() -> impl Iterator<Item = &'static str> {
    let longer = ["environment file", "secret option", "log option", "log driver", "label"];
    longer.into_iter().chain(NAMED.iter().map(|list| list.word))
}

/// Where in the definition we are.
#[derive(Clone, Default)]
struct Place {
    words: Vec<String>,
    /// The map whose keys come next, when its own name is left out of the words.
    within: &'static str,
    is_secret: bool,
    /// What may be shown of the texts here, where they are to name secrets.
    shown: Option<fn(&str) -> &str>,
}

impl Place {
    fn then(&self, word: String) -> Self {
        let mut words = self.words.clone();
        words.push(word);
        Self { words, within: "", ..self.clone() }
    }

    fn within(&self, map: &'static str) -> Self {
        Self { within: map, ..self.clone() }
    }

    /// The place of a field, in a user's words.
    fn field(&self, field: &str) -> Self {
        let place = match (self.within, field) {
            ("", "dockerLabels") => self.within("label"),
            ("", "logConfiguration") => self.within("log"),
            ("log", "options") => self.within("log option"),
            ("log", "logDriver") => self.then("log driver".to_owned()),
            ("" | "log", _) => self.then(field.to_owned()),
            (map, key) => self.then(format!("{map} {key}")),
        };
        let is_free = matches!(self.within, "label" | "log option");
        let is_secret = match field {
            // Mount options of a volume driver: `o: username=…,password=…`.
            "environment" | "driverOpts" if self.within.is_empty() => true,
            _ if is_free => may_be_secret(field),
            _ => is_telling(field),
        };
        let shown: Option<fn(&str) -> &str> = match (self.within, field) {
            ("" | "log", "secrets" | "secretOptions") => Some(shown_value_from),
            ("", "credentialsParameter") => Some(shown_credentials),
            _ => self.shown,
        };
        Self { is_secret: self.is_secret || is_secret, shown, ..place }
    }
}

fn diff_fields(from: &Map<String, Value>, to: &Map<String, Value>, place: &Place, changes: &mut Vec<Change>) {
    let added = to.keys().filter(|key| !from.contains_key(*key));
    for key in from.keys().chain(added) {
        let (from, to) = (from.get(key), to.get(key));
        if from != to {
            diff_values(key, from, to, &place.field(key), changes);
        }
    }
}

fn diff_values(field: &str, from: Option<&Value>, to: Option<&Value>, place: &Place, changes: &mut Vec<Change>) {
    let empty = Value::Array(Vec::new());
    if let Some(list) = named_list(field)
        && let (Value::Array(before), Value::Array(after)) = (from.unwrap_or(&empty), to.unwrap_or(&empty))
        && let (Some(before), Some(after)) = (by_name(list, before), by_name(list, after))
    {
        let told = changes.len();
        diff_entries(list, &before, &after, place, changes);
        if changes.len() == told {
            // Every entry is as before: only their order is another.
            let order =
                |entries: &Entries<'_>| Value::from(entries.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
            changes.push(change(place, Some(&order(&before)), Some(&order(&after))));
        }
        return;
    }
    let nothing = Map::new();
    match (from, to) {
        (Some(Value::Object(from)), Some(Value::Object(to))) => diff_fields(from, to, place, changes),
        (Some(Value::Object(from)), None) => diff_fields(from, &nothing, place, changes),
        (None, Some(Value::Object(to))) => diff_fields(&nothing, to, place, changes),
        (from, to) => changes.push(change(place, from, to)),
    }
}

type Entries<'a> = Vec<(String, &'a Value)>;

/// The entries with their names; nothing when a name is missing or stands twice.
fn by_name<'a>(list: &NamedList, entries: &'a [Value]) -> Option<Entries<'a>> {
    let named: Option<Entries<'a>> = entries.iter().map(|entry| Some((name_of(list, entry)?, entry))).collect();
    named.filter(|entries| entries.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len() == entries.len())
}

/// A port may be a range, and the same for TCP and UDP.
fn name_of(list: &NamedList, entry: &Value) -> Option<String> {
    if list.field != "portMappings" {
        return list.name_of(entry);
    }
    let range = || entry.get("containerPortRange")?.as_str().map(str::to_owned);
    let port = list.name_of(entry).or_else(range)?;
    let protocol = entry.get("protocol").and_then(Value::as_str);
    Some(protocol.map_or_else(|| port.clone(), |protocol| format!("{port}/{protocol}")))
}

fn diff_entries(list: &NamedList, from: &Entries<'_>, to: &Entries<'_>, place: &Place, changes: &mut Vec<Change>) {
    let find = |entries: &Entries<'_>, name: &str| {
        entries.iter().find(|(other, _)| other == name).map(|(_, entry)| (*entry).clone())
    };
    let added = to.iter().filter(|(name, _)| from.iter().all(|(other, _)| other != name));
    for (name, _) in from.iter().chain(added) {
        // `place` ends in the list's own field: the entry's words say it better.
        let mut here = place.clone();
        here.words.pop();
        let here = here.then(format!("{} {name}", list.word));
        let (from, to) = (find(from, name), find(to, name));
        if from == to {
            continue;
        }
        match (list.value, &from, &to) {
            (None, Some(Value::Object(from)), Some(Value::Object(to))) => diff_fields(from, to, &here, changes),
            (None, _, _) => {
                let gist = |entry: &Option<Value>| entry.as_ref().map(|entry| gist(list, entry));
                changes.push(change(&here, gist(&from).as_ref(), gist(&to).as_ref()));
            }
            (Some(field), _, _) => {
                let value =
                    |entry: &Option<Value>| entry.as_ref().map(|entry| entry.get(field).cloned().unwrap_or_default());
                changes.push(change(&here, value(&from).as_ref(), value(&to).as_ref()));
            }
        }
    }
}

/// An entry that is added or removed whole: a container is told by its image, another by its fields but the name.
fn gist(list: &NamedList, entry: &Value) -> Value {
    match (list.field, entry) {
        ("containerDefinitions", _) => entry.get("image").cloned().unwrap_or_default(),
        (_, Value::Object(fields)) => {
            let rest = fields.iter().filter(|(key, _)| *key != list.key);
            let mut gist: Map<String, Value> = rest.map(|(key, value)| (key.clone(), value.clone())).collect();
            if let Some(options) = gist.get_mut("dockerVolumeConfiguration").and_then(|it| it.get_mut("driverOpts")) {
                *options = HIDDEN.into();
            }
            let login = gist.get_mut("fsxWindowsFileServerVolumeConfiguration");
            if let Some(Value::String(text)) = login.and_then(|it| it.pointer_mut(LOGIN)) {
                *text = shown_credentials(text).to_owned();
            }
            gist.into()
        }
        _ => entry.clone(),
    }
}

/// The login of a Windows file system, in the settings of its volume.
const LOGIN: &str = "/authorizationConfig/credentialsParameter";

fn change(place: &Place, from: Option<&Value>, to: Option<&Value>) -> Change {
    let shown = |value: &Value| match (place.shown, value) {
        _ if place.is_secret => HIDDEN.to_owned(),
        (Some(shown), Value::String(text)) => shown(text).to_owned(),
        (Some(_), Value::Array(_) | Value::Object(_)) => HIDDEN.to_owned(),
        _ => show(value),
    };
    let (from, mut to) = (from.map(shown), to.map(shown));
    if from.as_deref() == Some(HIDDEN) && to == from {
        to = Some(format!("{HIDDEN} (changed)"));
    }
    Change { path: place.words.join(THEN), from, to }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a value under this name may be a secret, where everybody names things as they like: variables of the
/// environment, labels.
pub fn may_be_secret(name: &str) -> bool {
    is_telling(name) || may_tell(name)
}

/// Keys of options under which people put secrets: `splunk-token`.
fn is_telling(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["token", "password", "passwd", "apikey", "api-key", "api_key"].iter().any(|word| key.contains(word))
}

/// Keys of labels and log options, which everybody names as they like: `Shared_Key`, `licenseKey`, `basicauth`.
fn may_tell(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "credential", "auth", "key"].iter().any(|word| key.contains(word))
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
