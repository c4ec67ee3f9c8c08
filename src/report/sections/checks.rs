//! What the checks before the first write said: what they found, what could not be known, and what passed. What keeps
//! the deploy from being begun stands at the top, as the cause.

use std::cmp::Reverse;

use crate::checks::{Checked, Finding, Mark};
use crate::error::{Code, Error};
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
            why(error, &error.why),
            format!("**Fix:** {}", prose(&error.fix)),
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("<br>")
    });
    let more = findings.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("… and {more} more, in the report file."));
    let told: Vec<String> = told.chain(more).collect();
    (!told.is_empty()).then(|| [sign(Mark::Warn).to_owned(), code(checked.check), told.join("<br><br>")])
}

/// Where advisories are published. Addresses in a scan come from outside: only these become links.
const ADVISORIES: [&str; 12] = [
    "https://nvd.nist.gov/",
    "https://www.cve.org/",
    "https://cve.mitre.org/",
    "https://github.com/advisories/",
    "https://alas.aws.amazon.com/",
    "https://explore.alas.aws.amazon.com/",
    "https://security-tracker.debian.org/",
    "https://security.alpinelinux.org/",
    "https://ubuntu.com/security/",
    "https://people.ubuntu.com/~ubuntu-security/",
    "https://access.redhat.com/",
    "https://linux.oracle.com/",
];

/// `text`, which is why there is this error; the advisories that a scan names in it are links.
pub(super) fn why(error: &Error, text: &str) -> String {
    let told = prose(text);
    if error.code != Code::ImageVulnerable {
        return told;
    }
    let words = text.split_whitespace().map(|word| word.trim_end_matches([',', '.']));
    let mut pages: Vec<&str> = words.filter(|word| is_advisory(word)).collect();
    // The longest first: one may begin as another does.
    pages.sort_by_key(|page| Reverse(page.len()));
    pages.into_iter().fold(told, |told, page| told.replace(&prose(page), &format!("<{page}>")))
}

fn is_advisory(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:=?%+".contains(&byte);
    word.bytes().all(is_plain) && ADVISORIES.iter().any(|known| word.starts_with(known))
}

/// A line of the task definition's file, linked to the commit.
pub(super) fn at(report: &Report, place: &Place) -> String {
    let page = file(&report.runner, place);
    link(&format!("{}:{}", place.file, place.line), page.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_advisory_that_a_scan_names_becomes_a_link() {
        let said = "The worst: CVE-1 https://nvd.nist.gov/vuln/detail/CVE-1, CVE-10 https://nvd.nist.gov/vuln/detail/CVE-10, \
                    CVE-2 https://people.ubuntu.com/~ubuntu-security/cve/CVE_2, CVE-3 https://nvd.nist.gov.evil.example/3, \
                    CVE-4 https://nvd.nist.gov/|evil, CVE-5 http://nvd.nist.gov/5, CVE-6 https://evil.example/6.";
        let told = |code| why(&Error::new(code, "", said, ""), said);
        insta::assert_snapshot!(told(Code::ImageVulnerable));
        assert_eq!(told(Code::ImageNotFound), prose(said));
    }
}
