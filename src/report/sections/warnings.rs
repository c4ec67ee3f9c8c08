//! Remarks that did not change the verdict.

use crate::report::Report;
use crate::report::markdown::prose;

/// More remarks than these are read by nobody.
const MOST: usize = 20;

pub fn section(report: &Report) -> Option<String> {
    let unread = unread(report);
    let remarks: Vec<&str> = report.remarks().into_iter().filter(|remark| !unread.contains(remark)).collect();
    listed("> [!WARNING]", &remarks)
}

/// What of the evidence could not be read, and which permission it lacked.
pub fn missing(report: &Report) -> Option<String> {
    listed("> [!NOTE]\n> Not everything could be read. The verdict does not depend on it.\n>", &unread(report))
}

fn unread(report: &Report) -> Vec<&str> {
    report.evidence().into_iter().flat_map(|evidence| &evidence.missing).map(String::as_str).collect()
}

fn listed(head: &str, remarks: &[&str]) -> Option<String> {
    let more = remarks.len().saturating_sub(MOST);
    let mut lines: Vec<String> = remarks.iter().take(MOST).map(|remark| format!("> - {}", prose(remark))).collect();
    if more > 0 {
        lines.push(format!("> - … and {more} more, in the log"));
    }
    (!lines.is_empty()).then(|| format!("{head}\n{}", lines.join("\n")))
}
