//! Remarks that did not change the verdict.

use crate::report::Report;
use crate::report::markdown::prose;

/// More remarks than these are read by nobody.
const MOST: usize = 20;

pub fn section(report: &Report) -> Option<String> {
    let remarks = report.remarks();
    let more = remarks.len().saturating_sub(MOST);
    let mut lines: Vec<String> = remarks.iter().take(MOST).map(|remark| format!("> - {}", prose(remark))).collect();
    if more > 0 {
        lines.push(format!("> - … and {more} more, in the log"));
    }
    (!lines.is_empty()).then(|| format!("> [!WARNING]\n{}", lines.join("\n")))
}
