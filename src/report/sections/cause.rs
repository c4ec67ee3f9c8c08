//! Why it did not work, and the one thing to do.

use crate::error::Error;
use crate::report::Report;
use crate::report::markdown::{code, prose, table};

/// More mistakes than these in one run are the same mistake.
const MOST: usize = 25;

pub fn section(report: &Report) -> Option<String> {
    if report.ending()?.is_green() {
        return None;
    }
    match report.failures().as_slice() {
        [] => None,
        [only] => Some(boxed(only)),
        several => Some(listed(several)),
    }
}

/// The verdict's sentence already says what: the box says why, and how to get out of it.
fn boxed(error: &Error) -> String {
    let mut lines = vec!["> [!CAUTION]".to_owned()];
    for (label, part) in [("Why", &error.why), ("Fix", &error.fix)] {
        let part = prose(part);
        if !part.is_empty() {
            lines.extend([format!("> **{label}:** {part}"), ">".to_owned()]);
        }
    }
    lines.push(format!("> Reason: {}", code(error.code.slug())));
    lines.join("\n")
}

fn listed(errors: &[&Error]) -> String {
    let rows = errors.iter().take(MOST).map(|error| {
        let what = format!("{}<br>{}", prose(&error.what), code(error.code.slug()));
        [what, prose(&error.why), prose(&error.fix)]
    });
    let table = table(["What", "Why", "Fix"], rows);
    match errors.len().saturating_sub(MOST) {
        0 => table,
        more => format!("{table}\n\n… and {more} more, named in the log."),
    }
}
