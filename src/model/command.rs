//! A workflow command: a line on stdout by which a step speaks to the runner.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fmt;

/// `::name key=value,key=value::data`, escaped by the runner's rules when displayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// `error`, `warning`, `notice`, `group`, `endgroup`, `add-mask`, …
    pub name: &'static str,
    /// Properties; one with an empty value is left out.
    pub properties: Vec<(&'static str, String)>,
    /// The message or value; may have several lines.
    pub data: String,
}

impl Command {
    /// A command without properties.
    pub fn new(name: &'static str, data: impl Into<String>) -> Self {
        Self { name, properties: Vec::new(), data: data.into() }
    }

    /// The same command with one more property.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.properties.push((key, value.into()));
        self
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "::{}", self.name)?;
        let given = self.properties.iter().filter(|(_, value)| !value.is_empty());
        for (index, (key, value)) in given.enumerate() {
            let before = if index == 0 { ' ' } else { ',' };
            write!(f, "{before}{key}={}", escape_data(value).replace(':', "%3A").replace(',', "%2C"))?;
        }
        write!(f, "::{}", escape_data(&self.data))
    }
}

/// `%` comes first, so that the runner gets back what went in.
fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_properties_are_escaped_by_the_runners_rules() {
        let command = Command::new("error", "50%:\r\nof, it").with("title", "a: b, c%").with("file", "");
        assert_eq!(command.to_string(), "::error title=a%3A b%2C c%25::50%25:%0D%0Aof, it");
    }

    #[test]
    fn a_command_without_properties_has_no_blank() {
        assert_eq!(Command::new("endgroup", "").to_string(), "::endgroup::");
    }
}
