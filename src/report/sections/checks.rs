//! What the checks before the first write said: what they found, what could not be known, and what passed. What keeps
//! the deploy from being begun stands at the top, as the cause.

use crate::checks::{Checked, Finding, Mark};
use crate::model::place::Place;
use crate::report::Report;
use crate::report::links::file;
use crate::report::markdown::{code, details, link, prose, table};

/// More findings of one check than these are the same finding.
const MOST: usize = 10;

pub fn section(report: &Report) -> Option<String> {
    if report.checked.is_empty() {
        return None;
    }
    let found: Vec<[String; 3]> = report.checked.iter().filter_map(|checked| found(report, checked)).collect();
    let skipped = report.checked.iter().flat_map(|checked| {
        checked.ruling.skipped.iter().map(|why| [sign(Mark::Skip).to_owned(), code(checked.check), prose(why)])
    });
    let skipped: Vec<[String; 3]> = skipped.collect();
    let named = |mark: Mark| -> Vec<String> {
        report.checked.iter().filter(|one| one.mark() == mark).map(|one| code(one.check)).collect()
    };
    let (passed, blocked) = (named(Mark::Pass), named(Mark::Block));
    let counted = |n: usize, what: &str| format!("{n} {}{what}", if n == 1 { "check " } else { "checks " });
    let told = [
        (!blocked.is_empty())
            .then(|| format!("{} {}: {}", sign(Mark::Block), counted(blocked.len(), "refused"), blocked.join(", "))),
        (!passed.is_empty())
            .then(|| format!("{} {}: {}", sign(Mark::Pass), counted(passed.len(), "passed"), passed.join(", "))),
    ];
    let told = told.into_iter().flatten().collect::<Vec<_>>().join("<br>");
    let head = ["", "Check", "What it says"];
    if !found.is_empty() {
        let table = table(head, found.into_iter().chain(skipped));
        return Some([format!("#### Checks\n\n{table}"), told].join("\n\n").trim_end().to_owned());
    }
    let title = match (blocked.len(), skipped.len()) {
        (0, 0) => format!("{} {}", sign(Mark::Pass), counted(passed.len(), "passed")),
        (0, n) => format!("{} {}, {n} could not be done", sign(Mark::Pass), counted(passed.len(), "passed")),
        (_, 0) => format!("{} {}, {} passed", sign(Mark::Block), counted(blocked.len(), "refused"), passed.len()),
        (_, n) => format!(
            "{} {}, {} passed, {n} could not be done",
            sign(Mark::Block),
            counted(blocked.len(), "refused"),
            passed.len()
        ),
    };
    let table = (!skipped.is_empty()).then(|| table(head, skipped));
    // The title has told that they passed.
    let told = if table.is_none() && blocked.is_empty() { passed.join(", ") } else { told };
    let body: Vec<String> = table.into_iter().chain((!told.is_empty()).then_some(told)).collect();
    Some(details(&title, &body.join("\n\n")))
}

/// The sign of how a check ended.
fn sign(mark: Mark) -> &'static str {
    match mark {
        Mark::Pass => "✅",
        Mark::Warn => "⚠️",
        Mark::Block => "⛔",
        Mark::Skip => "➖",
    }
}

/// The findings of a check that do not stand at the top already.
fn found(report: &Report, checked: &Checked) -> Option<[String; 3]> {
    let findings: Vec<&Finding> =
        checked.ruling.findings.iter().filter(|finding| !checked.is_blocked_by(finding)).collect();
    let told = findings.iter().take(MOST).map(|finding| {
        let error = &finding.error;
        let place = finding.place.as_ref().map(|place| format!(" {}", at(report, place))).unwrap_or_default();
        let parts = [
            format!("**{}**{place}", prose(&error.what)),
            prose(&error.why),
            format!("**Fix:** {}", prose(&error.fix)),
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("<br>")
    });
    let more = findings.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("… and {more} more, in the report file."));
    let told: Vec<String> = told.chain(more).collect();
    (!told.is_empty()).then(|| [sign(Mark::Warn).to_owned(), code(checked.check), told.join("<br><br>")])
}

/// A line of the task definition's file, linked to the commit.
pub(super) fn at(report: &Report, place: &Place) -> String {
    let page = file(&report.runner, place);
    link(&format!("{}:{}", place.file, place.line), page.as_deref())
}
