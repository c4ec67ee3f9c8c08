//! Masks: values that the runner replaces by `***` in the log.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log>

use std::io::{self, Write as _};

use crate::inputs::runner::Runner;
use crate::model::command::Command;

/// Masking anything shorter would blot out half the log and hide nothing.
const SHORTEST: usize = 6;

/// What makes a value a secret of the log: in a workflow a command to the runner, elsewhere nothing.
pub fn for_runner(runner: &Runner) -> fn(&str) {
    if runner.is_actions { print } else { |_| {} }
}

/// The runner reads the mask from stdout, before any line could show the value. Nobody may be reading any more, as
/// after a cancel: that is no reason to die.
fn print(value: &str) {
    if let Some(command) = command(value) {
        let _ = writeln!(io::stdout(), "{command}");
    }
}

/// The command; the runner takes a value of several lines as a whole and line by line, and masks its base64 too.
fn command(value: &str) -> Option<Command> {
    (value.trim().chars().count() >= SHORTEST).then(|| Command::new("add-mask", value))
}

#[cfg(test)]
mod unit {
    use super::*;

    fn told(value: &str) -> Option<String> {
        command(value).map(|command| command.to_string())
    }

    #[test]
    fn a_secret_is_masked_in_one_line_whatever_it_holds() {
        assert_eq!(told("hunter2").as_deref(), Some("::add-mask::hunter2"));
        assert_eq!(told("50%:\r\nsecond line").as_deref(), Some("::add-mask::50%25:%0D%0Asecond line"));
    }

    #[test]
    fn nothing_short_or_empty_is_masked() {
        for value in ["", "   ", "1", "true", "     12345 "] {
            assert_eq!(told(value), None, "{value:?}");
        }
    }
}
