//! Which run tells this.

use crate::report::Report;
use crate::report::links::segment;
use crate::report::markdown::code;

/// The line under everything that is told.
pub fn section(report: &Report) -> Option<String> {
    let runner = &report.runner;
    let url = runner.run_url().filter(|url| !url.contains(|c: char| c.is_whitespace() || "()<>\\\"".contains(c)))?;
    let attempt = runner.run_attempt.as_deref().filter(|attempt| *attempt != "1");
    let attempt = attempt.map(|attempt| format!(", attempt {}", segment(attempt))).unwrap_or_default();
    let commit = runner.sha.as_deref().and_then(|sha| sha.get(..7)).map(|sha| format!(" of commit {}", code(sha)));
    Some(format!("<sub>Told by [this run]({url}){}{attempt}.</sub>", commit.unwrap_or_default()))
}
