//! The verdict in one sentence: the first thing to read.

use crate::model::names::Arn;
use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::markdown::prose;
use crate::report::message::{message, title};

pub fn section(report: &Report) -> Option<String> {
    let verdict = report.ending()?;
    Some(format!("### {} {}: {}", emoji(verdict), title(verdict), prose(&without_arns(&message(report)))))
}

/// The sentence with the names of resources in place of their ARNs, which stand below.
fn without_arns(sentence: &str) -> String {
    let part = |(index, part): (usize, &str)| match Arn::parse(part).filter(|_| index % 2 == 1) {
        Some(arn) => arn.resource.split_once([':', '/']).map_or(arn.resource.clone(), |(_, name)| name.to_owned()),
        None => part.to_owned(),
    };
    sentence.split('`').enumerate().map(part).collect::<Vec<String>>().join("`")
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
