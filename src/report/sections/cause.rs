//! Why it did not work, and the one thing to do.

use super::checks::{at, why};
use crate::error::Error;
use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::markdown::{code, prose, table};

/// More mistakes than these in one run are the same mistake.
const MOST: usize = 25;

pub fn section(report: &Report) -> Option<String> {
    let verdict = report.ending().filter(|verdict| !verdict.is_green())?;
    match report.failures().as_slice() {
        [] => None,
        [only] => Some(boxed(report, verdict, only)),
        several => Some(listed(report, several)),
    }
}

/// The verdict's sentence already says what: the box says why, and how to get out of it.
fn boxed(report: &Report, verdict: Verdict, error: &Error) -> String {
    let kind = match verdict {
        // Nothing is known to be broken.
        Verdict::TimedOut | Verdict::Superseded | Verdict::Cancelled => "WARNING",
        _ => "CAUTION",
    };
    let mut lines = vec![format!("> [!{kind}]")];
    let parts = (why(error, &report.named(&error.why)), prose(&report.named(&error.fix)));
    for (label, part) in [("Why", parts.0), ("Fix", parts.1)] {
        if !part.is_empty() {
            lines.extend([format!("> **{label}:** {part}"), ">".to_owned()]);
        }
    }
    lines.push(format!("> Reason: {}{}", code(error.code.slug()), found_by(report, error)));
    lines.join("\n")
}

/// Which check found it, and where.
fn found_by(report: &Report, error: &Error) -> String {
    let Some((checked, finding)) = report.finding(error) else { return String::new() };
    let place = finding.place.as_ref().map(|place| format!(" at {}", at(report, place))).unwrap_or_default();
    format!(", found by {}{place}", code(checked.check))
}

fn listed(report: &Report, errors: &[&Error]) -> String {
    let rows = errors.iter().take(MOST).map(|error| {
        let found_by = found_by(report, error);
        let what = format!("{}<br>{}{found_by}", prose(&report.named(&error.what)), code(error.code.slug()));
        [what, why(error, &report.named(&error.why)), prose(&report.named(&error.fix))]
    });
    let table = table(["What", "Why", "Fix"], rows);
    match errors.len().saturating_sub(MOST) {
        0 => table,
        more => format!("{table}\n\n… and {more} more, named in the log."),
    }
}
