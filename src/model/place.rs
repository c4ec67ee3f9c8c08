//! Where a value stands in a text.

use saphyr_parser::{Event, Marker, Parser};
use serde::Serialize;

/// A place in a file of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, relative to the workspace.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
}

/// Line and column of what a JSON pointer (RFC 6901) names in a JSON or YAML text; of the nearest thing around it when
/// the text has no such value. Keys stand for their values: an annotation belongs on the line of `"image":`.
pub fn place(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let wanted: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    // JSON is YAML, but for tabs between its tokens; one column each, they keep every place.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace('\t', " ");
    let mut parser = Parser::new_from_str(&text);
    let mut walk = Walk { wanted: &wanted, open: Vec::new(), best: None };
    while let Some(Ok((event, span))) = parser.next_event() {
        walk.take(&event, &span.start);
    }
    walk.best.map(|(_, at)| at)
}

/// The way through a document's events.
struct Walk<'a> {
    wanted: &'a [String],
    open: Vec<Open>,
    /// How many parts of the pointer were found, and where.
    best: Option<(usize, (usize, usize))>,
}

/// A list or mapping that is not at its end, and how many parts of the pointer lead to it; none: they lead elsewhere.
enum Open {
    List { found: Option<usize>, next: usize },
    Mapping { found: Option<usize>, key: Option<String> },
}

impl Walk<'_> {
    fn take(&mut self, event: &Event<'_>, at: &Marker) {
        match event {
            Event::Scalar(text, ..) if self.expects_key() => {
                if let Some(Open::Mapping { key, found }) = self.open.last_mut() {
                    *key = Some(text.to_string());
                    if let Some(found) = *found
                        && self.wanted.get(found).is_some_and(|part| part == text.as_ref())
                    {
                        note(&mut self.best, found + 1, at);
                    }
                }
            }
            Event::Scalar(..) | Event::Alias(_) => {
                self.begin(at);
            }
            Event::SequenceStart(..) => {
                let found = self.begin(at);
                self.open.push(Open::List { found, next: 0 });
            }
            Event::MappingStart(..) => {
                let found = self.begin(at);
                self.open.push(Open::Mapping { found, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            _ => {}
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Mapping { key: None, .. }))
    }

    /// A value begins here: how many parts of the pointer lead to it.
    fn begin(&mut self, at: &Marker) -> Option<usize> {
        let found = match self.open.last_mut() {
            None => Some(0),
            Some(Open::List { found, next }) => {
                let index = next.to_string();
                *next += 1;
                found.filter(|found| self.wanted.get(*found) == Some(&index)).map(|found| found + 1)
            }
            Some(Open::Mapping { found, key }) => {
                let key = key.take();
                found.filter(|found| self.wanted.get(*found) == key.as_ref()).map(|found| found + 1)
            }
        }?;
        note(&mut self.best, found, at);
        Some(found)
    }
}

/// Keeps the place when it is nearer to what is wanted than any before: of a key and its value, the key.
fn note(best: &mut Option<(usize, (usize, usize))>, found: usize, at: &Marker) {
    if best.is_none_or(|(depth, _)| depth < found) {
        *best = Some((found, (at.line().max(1), at.col() + 1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "{\n\t\"family\": \"web\",\n\t\"containerDefinitions\": [\n\t\t{\"name\": \"log\"},\n\t\t{\n\t\t\t\"name\": \"web\",\n\t\t\t\"image\": \"a/b:1\",\n\t\t\t\"a/b\": [1, {\"c~d\": 2}]\n\t\t}\n\t]\n}\n";
    const YAML: &str = "# the shop\nfamily: web\ncontainerDefinitions:\n  - name: log\n  - name: web\n    image: >-\n      a/b:1\n    environment: &e [{name: A, value: b}]\n    other: *e\n";

    #[test]
    fn a_pointer_leads_to_the_line_of_its_key() {
        for (pointer, place_in_json) in [
            ("/family", (2, 2)),
            ("/containerDefinitions/1/image", (7, 4)),
            ("/containerDefinitions/1", (5, 3)),
            ("/containerDefinitions/1/a~1b/1/c~0d", (8, 16)),
            ("", (1, 1)),
        ] {
            assert_eq!(place(JSON, pointer), Some(place_in_json), "{pointer}");
        }
        for (pointer, place_in_yaml) in [
            ("/containerDefinitions/1/image", (6, 5)),
            ("/containerDefinitions/0/name", (4, 5)),
            ("/containerDefinitions/1/environment/0/value", (8, 32)),
        ] {
            assert_eq!(place(YAML, pointer), Some(place_in_yaml), "{pointer}");
        }
    }

    #[test]
    fn what_is_not_written_is_placed_at_what_is_around_it() {
        assert_eq!(place(JSON, "/containerDefinitions/1/secrets/0"), Some((5, 3)));
        assert_eq!(place(JSON, "/cpu"), Some((1, 1)));
        assert_eq!(place(YAML, "/containerDefinitions/7/image"), Some((3, 1)));
        assert_eq!(place("", "/cpu"), None);
    }

    #[test]
    fn an_inner_mapping_with_the_same_keys_is_not_taken_for_the_outer_one() {
        let text = "a:\n  family: x\nfamily: web\n";
        assert_eq!(place(text, "/family"), Some((3, 1)));
    }
}
