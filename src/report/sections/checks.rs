//! What the checks before the first write said: findings first, what could not be known, and what passed.

use crate::checks::{Checked, Finding, Mark};
use crate::report::Report;
use crate::report::markdown::{code, details, prose, table};

/// More findings of one check than these are the same finding.
const MOST: usize = 10;

pub fn section(report: &Report) -> Option<String> {
    let rows: Vec<[String; 3]> = [Mark::Block, Mark::Warn, Mark::Skip]
        .into_iter()
        .flat_map(|mark| report.checked.iter().filter(move |checked| checked.mark() == mark))
        .map(|checked| [sign(checked.mark()).to_owned(), code(checked.check), said(checked)])
        .collect();
    let passed: Vec<String> =
        report.checked.iter().filter(|one| one.mark() == Mark::Pass).map(|one| code(one.check)).collect();
    if report.checked.is_empty() {
        return None;
    }
    let passed = match passed.len() {
        0 => None,
        1 => Some(format!("{} 1 check passed: {}", sign(Mark::Pass), passed.join(", "))),
        n => Some(format!("{} {n} checks passed: {}", sign(Mark::Pass), passed.join(", "))),
    };
    let table = (!rows.is_empty()).then(|| table(["", "Check", "What it says"], rows));
    let body: Vec<String> = table.into_iter().chain(passed).collect();
    let body = body.join("\n\n");
    let found = report.checked.iter().any(|checked| matches!(checked.mark(), Mark::Block | Mark::Warn));
    let skipped = report.checked.iter().filter(|checked| checked.mark() == Mark::Skip).count();
    Some(match skipped {
        _ if found => format!("#### Checks\n\n{body}"),
        0 => body,
        1 => details("Checks: nothing was found, 1 could not be done", &body),
        n => details(&format!("Checks: nothing was found, {n} could not be done"), &body),
    })
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

fn said(checked: &Checked) -> String {
    let findings = checked.ruling.findings.iter().take(MOST).map(|finding| {
        // Why and how to mend what blocks stands at the top already.
        let rest = (!checked.is_blocked_by(finding)).then(|| format!("<br>**Fix:** {}", prose(&finding.error.fix)));
        format!("{}{}{}", prose(&finding.error.what), at(finding), rest.unwrap_or_default())
    });
    let more = checked.ruling.findings.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("… and {more} more, in the report file."));
    let skipped = checked.ruling.skipped.iter().map(|why| format!("Skipped: {}", prose(why)));
    findings.chain(more).chain(skipped).collect::<Vec<_>>().join("<br>")
}

fn at(finding: &Finding) -> String {
    let place = finding.place.as_ref();
    place.map(|place| format!(" {}", code(&format!("{}:{}", place.file, place.line)))).unwrap_or_default()
}
