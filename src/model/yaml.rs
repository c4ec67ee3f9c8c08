//! YAML 1.2 (core schema) as JSON, without ever changing what a scalar says.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

use super::document::Unparsable;

/// Deeper than any task definition, far from the end of the stack.
const MAX_DEPTH: usize = 100;

/// What anchors and aliases may add to a document, in bytes, roughly: an alias bomb ends here.
const ALIAS_BUDGET: usize = 4 << 20;

/// Reads one YAML document. Merge keys (`<<`) are honoured, aliases too, within a budget.
pub(super) fn parse(text: &str) -> Result<Value, Unparsable> {
    let mut builder = Builder { open: Vec::new(), anchors: HashMap::new(), budget: ALIAS_BUDGET, document: None };
    for event in (Events { parser: Parser::new_from_str(text) }) {
        let (event, start) = event?;
        builder.take(event).map_err(|message| unparsable(start, message))?;
    }
    builder.document.ok_or(Unparsable { message: "there is nothing in it".to_owned(), line: 1, column: 1 })
}

fn unparsable(at: Marker, message: String) -> Unparsable {
    Unparsable { message, line: at.line().max(1), column: at.col() + 1 }
}

/// The parser as an iterator that says where each event begins.
struct Events<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<(Event<'a>, Marker), Unparsable>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.parser.next_event()? {
            Ok((event, span)) => Ok((event, span.start)),
            Err(error) => Err(unparsable(*error.marker(), error.info().to_owned())),
        })
    }
}

/// The document while it is being read: what is open, and what aliases can name.
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    budget: usize,
    document: Option<Value>,
}

/// A list or mapping whose end has not come yet.
enum Open {
    List { anchor: usize, items: Vec<Value> },
    Mapping { anchor: usize, entries: Map<String, Value>, key: Option<Key>, merged: Option<Value> },
}

/// The key whose value comes next.
enum Key {
    Name(String),
    /// `<<`: the value's entries are merged in.
    Merge,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(_) if self.document.is_some() => {
                Err("a second YAML document begins here; only one is expected".to_owned())
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.expects_key() {
                    if anchor > 0 {
                        self.remember(anchor, &Value::from(text.as_ref()))?;
                    }
                    return self.take_key(&text, style);
                }
                let value = scalar(&text, style, tag.as_deref())?;
                self.take_value(value, anchor)
            }
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor).cloned() else {
                    return Err("this alias stands inside of what it names".to_owned());
                };
                self.charge(&value)?;
                match value {
                    Value::String(text) if self.expects_key() => self.take_key(&text, ScalarStyle::DoubleQuoted),
                    value => self.take_value(value, 0),
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(tag.as_deref(), "seq", Open::List { anchor, items: Vec::new() })
            }
            Event::MappingStart(anchor, tag) => {
                let mapping = Open::Mapping { anchor, entries: Map::new(), key: None, merged: None };
                self.begin(tag.as_deref(), "map", mapping)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { anchor, items }) => self.take_value(Value::Array(items), anchor),
                Some(Open::Mapping { anchor, mut entries, merged, .. }) => {
                    merge(&mut entries, merged)?;
                    self.take_value(Value::Object(entries), anchor)
                }
                None => Ok(()),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Mapping { key: None, .. }))
    }

    fn begin(&mut self, tag: Option<&Tag>, expected: &str, open: Open) -> Result<(), String> {
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == expected)) {
            return Err(foreign(tag));
        }
        if self.expects_key() {
            return Err("a key must be a text, not a list or a mapping".to_owned());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("nested too deeply: more than {MAX_DEPTH} levels"));
        }
        self.open.push(open);
        Ok(())
    }

    fn take_key(&mut self, text: &str, style: ScalarStyle) -> Result<(), String> {
        let Some(Open::Mapping { entries, key, merged, .. }) = self.open.last_mut() else {
            return Ok(());
        };
        let is_merge = text == "<<" && style == ScalarStyle::Plain;
        if (is_merge && merged.is_some()) || entries.contains_key(text) {
            return Err(format!("the key `{text}` stands twice in one mapping"));
        }
        *key = Some(if is_merge { Key::Merge } else { Key::Name(text.to_owned()) });
        Ok(())
    }

    fn take_value(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            self.remember(anchor, &value)?;
        }
        match self.open.last_mut() {
            None => self.document = Some(value),
            Some(Open::List { items, .. }) => items.push(value),
            Some(Open::Mapping { entries, key, merged, .. }) => match key.take() {
                Some(Key::Name(name)) => {
                    entries.insert(name, value);
                }
                Some(Key::Merge) => *merged = Some(value),
                None => return Err("a key must be a text, not a list or a mapping".to_owned()),
            },
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, value: &Value) -> Result<(), String> {
        self.charge(value)?;
        self.anchors.insert(anchor, value.clone());
        Ok(())
    }

    /// Takes a copy's size from the budget.
    fn charge(&mut self, value: &Value) -> Result<(), String> {
        self.budget = self
            .budget
            .checked_sub(weight(value))
            .ok_or("anchors and aliases make the document grow beyond all measure")?;
        Ok(())
    }
}

/// The size of a value in memory, roughly.
fn weight(value: &Value) -> usize {
    64 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + weight(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Adds what `<<` named: a mapping, or several in a list, where the mapping has no such key of its own.
/// <https://yaml.org/type/merge.html>
fn merge(entries: &mut Map<String, Value>, merged: Option<Value>) -> Result<(), String> {
    let sources = match merged {
        None => return Ok(()),
        Some(Value::Array(sources)) => sources,
        Some(source) => vec![source],
    };
    for source in sources {
        let Value::Object(source) = source else {
            return Err("the merge key `<<` takes a mapping, or a list of them".to_owned());
        };
        for (key, value) in source {
            entries.entry(key).or_insert(value);
        }
    }
    Ok(())
}

/// The value of a scalar. <https://yaml.org/spec/1.2.2/#103-core-schema>
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain { plain(text) } else { text.into() });
    };
    if tag.is_yaml_core_schema() {
        let value = plain(text);
        let fits = match tag.suffix.as_str() {
            "str" => return Ok(text.into()),
            "int" => value.is_i64() || value.is_u64(),
            "float" => value.is_number(),
            "bool" => value.is_boolean(),
            "null" => value.is_null(),
            _ => return Err(foreign(tag)),
        };
        return if fits { Ok(value) } else { Err(format!("`{text}` is no `!!{}`", tag.suffix)) };
    }
    if tag.handle.is_empty() && tag.suffix == "!" || tag.handle == "!" && tag.suffix.is_empty() {
        return Ok(text.into());
    }
    Err(foreign(tag))
}

/// The value of an unquoted scalar. One that a JSON number would write otherwise (`080`, `1e3`) stays a string: an
/// account id with a leading zero is not a number.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match serde_json::from_str::<Number>(text) {
            Ok(number) if number.to_string() == text => Value::Number(number),
            _ => text.into(),
        },
    }
}

fn foreign(tag: &Tag) -> String {
    format!("the YAML tag `{tag}` has no meaning here; write the value without it")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_scalar_is_a_number_only_when_a_number_keeps_its_text() {
        for (text, value) in [
            ("8080", json!(8080)),
            ("-1", json!(-1)),
            ("0.5", json!(0.5)),
            ("080", json!("080")),
            ("012", json!("012")),
            ("012345678901", json!("012345678901")),
            ("1e3", json!("1e3")),
            ("1.50", json!("1.50")),
            ("1_000", json!("1_000")),
            ("+1", json!("+1")),
            ("0x1F", json!("0x1F")),
            ("123456789012345678901234567890", json!("123456789012345678901234567890")),
            (".inf", json!(".inf")),
            ("12:30:45", json!("12:30:45")),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("NO", json!("NO")),
            ("true", json!(true)),
            ("FALSE", json!(false)),
            ("~", json!(null)),
            ("'8080'", json!("8080")),
            ("\"true\"", json!("true")),
            ("!!str 8080", json!("8080")),
            ("! 8080", json!("8080")),
            ("!!int 7", json!(7)),
            ("|\n  8080\n", json!("8080\n")),
        ] {
            assert_eq!(parse(&format!("v: {text}")).unwrap(), json!({"v": value}), "{text}");
        }
    }

    #[test]
    fn keys_are_the_texts_they_are_written_as() {
        assert_eq!(
            parse("{8080: a, true: b, ~: c, on: d}").unwrap(),
            json!({"8080": "a", "true": "b", "~": "c", "on": "d"})
        );
    }

    #[test]
    fn anchors_and_merge_keys_are_honoured() {
        let text = "base: &base {cpu: 1, memory: 2}\nweb:\n  <<: *base\n  cpu: 3\nboth:\n  <<: [{cpu: 9}, *base]\nagain: *base\n";
        assert_eq!(
            parse(text).unwrap(),
            json!({
                "base": {"cpu": 1, "memory": 2},
                "web": {"cpu": 3, "memory": 2},
                "both": {"cpu": 9, "memory": 2},
                "again": {"cpu": 1, "memory": 2},
            })
        );
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        insta::assert_snapshot!(
            [
                "a: 1\nb: 2\n'a': 3",
                "a: 1\n---\nb: 2",
                "a: 1\n b: 2",
                "role: !Ref Role",
                "? [a, b]\n: c",
                "a:\n  <<: 5",
                "a: &x [*x]",
                "n: !!int seven",
                "",
            ]
            .map(error)
            .join("\n"),
            @r"
        line 3, column 1: the key `a` stands twice in one mapping
        line 2, column 1: a second YAML document begins here; only one is expected
        line 2, column 3: mapping values are not allowed in this context
        line 1, column 7: the YAML tag `!Ref` has no meaning here; write the value without it
        line 1, column 3: a key must be a text, not a list or a mapping
        line 3, column 1: the merge key `<<` takes a mapping, or a list of them
        line 1, column 8: this alias stands inside of what it names
        line 1, column 4: `seven` is no `!!int`
        line 1, column 1: there is nothing in it
        "
        );
    }

    #[test]
    fn an_alias_bomb_is_refused_quickly() {
        let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        for level in 1..10 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            text.extend(["a", &level.to_string(), ": &a", &level.to_string(), " [", &aliases, "]\n"]);
        }
        assert!(error(&text).contains("anchors and aliases"), "{}", error(&text));
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(", "));
        assert!(error(&long).contains("anchors and aliases"));
    }
}
