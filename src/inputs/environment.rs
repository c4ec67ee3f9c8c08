//! The environment of the process, as a value: `main.rs` reads it once and hands it on.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

/// Variables by name. Values may be secret, and need not be UTF-8.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// The value of a variable, or nothing when it is unset, empty or not UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }

    /// The value of a variable as it is, or nothing when it is unset or empty. For paths.
    #[must_use]
    pub fn os(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The inputs among the variables, `INPUT_<NAME>`: the name in lower case, and the value as it is.
    pub fn inputs(&self) -> impl Iterator<Item = (String, &OsStr)> {
        self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix("INPUT_")?.to_lowercase(), value.as_os_str())))
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(variables: T) -> Self {
        // A name that is not UTF-8 is none that anything here asks for.
        let utf8 = |(name, value): (K, V)| Some((name.into().into_string().ok()?, value.into()));
        Self(variables.into_iter().filter_map(utf8).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let environment = Environment::from_iter([("A", "x"), ("B", "")]);
        assert_eq!((environment.text("A"), environment.text("B"), environment.text("C")), (Some("x"), None, None));
        assert_eq!(environment.os("B"), None);
    }

    #[test]
    fn inputs_keep_their_hyphens() {
        let environment = Environment::from_iter([("INPUT_TASK-DEFINITION", "td.json"), ("PATH", "/bin")]);
        assert_eq!(environment.inputs().collect::<Vec<_>>(), [("task-definition".to_owned(), OsStr::new("td.json"))]);
    }

    #[test]
    fn debug_shows_names_alone() {
        assert_eq!(format!("{:?}", Environment::from_iter([("TOKEN", "hunter2")])), r#"{"TOKEN"}"#);
    }
}
