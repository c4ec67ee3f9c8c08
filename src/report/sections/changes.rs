//! What differs in the task definition, folded when long or when something else is the question.

use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::markdown::{code, details, prose, table};

/// More rows than these are folded.
const OPEN: usize = 8;
/// More rows than these are not shown: the report file has them.
const MOST: usize = 200;

pub fn section(report: &Report) -> Option<String> {
    let changes = &report.service_plan()?.changes;
    if changes.is_empty() || report.ending() == Some(Verdict::Invalid) {
        return None;
    }
    let side = |value: &Option<String>| value.as_deref().map_or_else(|| "–".to_owned(), |v| code(&shorten(v, 200)));
    let rows = changes.iter().take(MOST).map(|change| [prose(&change.path), side(&change.from), side(&change.to)]);
    let table = table(["What", "Before", report.newer()], rows);
    let table = match changes.len().saturating_sub(MOST) {
        0 => table,
        more => format!("{table}\n\n… and {more} more, in the report file."),
    };
    let title = match changes.len() {
        1 => "1 change in the task definition".to_owned(),
        n => format!("{n} changes in the task definition"),
    };
    let failed = report.ending().is_some_and(|verdict| !verdict.is_green());
    Some(if changes.len() > OPEN || failed { details(&title, &table) } else { format!("#### {title}\n\n{table}") })
}
