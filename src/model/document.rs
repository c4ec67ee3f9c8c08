//! JSON or YAML text as one JSON document.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::yaml;

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

impl fmt::Display for Unparsable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, line, column } = self;
        write!(f, "line {line}, column {column}: {message}")
    }
}

/// Reads a text as JSON, or else as YAML 1.2 (core schema).
///
/// Duplicate keys are an error. A YAML scalar whose text a JSON number would not keep (`080`, `012345678901`) stays the
/// string it is written as.
///
/// # Errors
/// The text is neither, or holds several YAML documents. A text that begins like JSON is told JSON's complaint.
pub fn parse(text: &str) -> Result<Value, Unparsable> {
    // Editors on Windows write a byte order mark; neither grammar wants it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json_error = match serde_json::from_str::<Strict>(text) {
        Ok(Strict(document)) => return Ok(document),
        Err(error) => error,
    };
    yaml::parse(text).map_err(|yaml_error| {
        if text.trim_start().starts_with(['{', '[']) { from_json(&json_error) } else { yaml_error }
    })
}

/// `serde_json`'s error without the position that it also writes into its message.
fn from_json(error: &serde_json::Error) -> Unparsable {
    let (line, column) = (error.line(), error.column());
    let whole = error.to_string();
    let message = whole.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&whole).to_owned();
    Unparsable { message, line: line.max(1), column: column.max(1) }
}

/// JSON in which a key that stands twice is an error: `serde_json`'s own `Value` silently keeps the last.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Strict)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if entries.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` stands twice in one object")));
            }
            let Strict(value) = map.next_value()?;
            entries.insert(key, value);
        }
        Ok(Value::Object(entries))
    }
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
    fn json_is_kept_as_it_is() {
        let text = "\u{feff}{\"b\": [null, \"\", -1, 1.5, 18446744073709551615], \"a\": {\"on\": true}}";
        assert_eq!(
            serde_json::to_string(&parse(text).unwrap()).unwrap(),
            r#"{"b":[null,"",-1,1.5,18446744073709551615],"a":{"on":true}}"#
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error_in_json_too() {
        assert_eq!(
            error("{\n \"cpu\": 1,\n \"cpu\": 2\n}"),
            "line 3, column 6: the key `cpu` stands twice in one object"
        );
    }

    #[test]
    fn broken_json_is_told_in_jsons_words() {
        assert_eq!(error("{\n  \"family\": \"web\"\n  \"cpu\": 1\n}"), "line 3, column 3: expected `,` or `}`");
        assert_eq!(error("{\"a\": [1, 2"), "line 1, column 11: EOF while parsing a list");
    }

    #[test]
    fn json_with_comments_or_trailing_commas_is_read_as_the_yaml_that_it_is() {
        assert_eq!(parse("{\"a\": 1, # why\n \"b\": [2,],}").unwrap(), json!({"a": 1, "b": [2]}));
    }

    #[test]
    fn deep_nesting_is_refused_instead_of_exhausting_the_stack() {
        let text = "[".repeat(200_000);
        assert!(parse(&text).is_err());
        let yaml = "- ".repeat(200_000) + "x";
        assert!(error(&yaml).contains("nested too deeply"), "{}", error(&yaml));
    }
}
