//! What differs in the task definition beside its images, folded when long or when something else is the question.

use crate::model::verdict::Verdict;
use crate::plan::diff::Change;
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::markdown::{code, details, prose, table};

/// More rows than these are folded.
const OPEN: usize = 8;
/// More rows than these are not shown: the report file has them.
const MOST: usize = 200;

pub fn section(report: &Report) -> Option<String> {
    let plan = report.service_plan()?;
    // The images have a table of their own.
    let has_row = |change: &&Change| change.image_of().is_some_and(|it| plan.images.iter().any(|i| i.container == it));
    let (images, changes): (Vec<&Change>, Vec<&Change>) = plan.changes.iter().partition(has_row);
    if changes.is_empty() || report.ending() == Some(Verdict::Invalid) {
        return None;
    }
    let side = |value: &Option<String>, absent: &str| {
        value.as_deref().map_or_else(|| absent.to_owned(), |value| code(&shorten(value, 200)))
    };
    let rows = changes
        .iter()
        .take(MOST)
        .map(|change| [prose(&change.named_path()), side(&change.from, "–"), side(&change.to, "_removed_")]);
    let table = table(["What", "Before", report.newer()], rows);
    let table = match changes.len().saturating_sub(MOST) {
        0 => table,
        more => format!("{table}\n\n… and {more} more, in the report file."),
    };
    let more = if images.is_empty() { "" } else { "more " };
    let title = match changes.len() {
        1 => format!("1 {more}change in the task definition"),
        n => format!("{n} {more}changes in the task definition"),
    };
    let failed = report.ending().is_some_and(|verdict| !verdict.is_green() && verdict != Verdict::Blocked);
    Some(if changes.len() > OPEN || failed { details(&title, &table) } else { format!("#### {title}\n\n{table}") })
}
