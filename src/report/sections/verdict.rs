//! The verdict in one sentence: the first thing to read.

use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::markdown::prose;
use crate::report::message::{message, title};

pub fn section(report: &Report) -> Option<String> {
    let verdict = report.ending()?;
    Some(format!("### {} {}: {}", emoji(verdict), title(verdict), prose(&message(report))))
}

fn emoji(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded | Verdict::Unchanged => "✅",
        Verdict::Planned => "📝",
        Verdict::Started => "🚀",
        Verdict::Paused => "⏸️",
        Verdict::Invalid | Verdict::Failed => "❌",
        Verdict::Blocked => "⛔",
        Verdict::RolledBack => "↩️",
        Verdict::RollbackFailed => "🚨",
        Verdict::TimedOut => "⏱️",
        Verdict::Denied => "🔒",
        Verdict::Superseded => "⏭️",
        Verdict::Cancelled => "🛑",
    }
}
