//! The parts of the job summary, in reading order: one file each. A section that has nothing to say is absent.

mod cause;
mod changes;
mod checks;
pub mod cost;
mod events;
mod facts;
mod health;
mod images;
mod logs;
pub mod pause;
mod rollback;
mod rollout;
pub mod run;
mod steps;
pub mod stopped;
mod timeline;
mod verdict;
mod warnings;
pub mod will;

use super::Report;
use crate::model::verdict::Verdict;

/// One part of the summary, as Markdown.
pub type Section = fn(&Report) -> Option<String>;

/// The summary's sections: first what a reader in an incident needs, then the record.
pub const SECTIONS: &[Section] = &[
    verdict::section,
    cause::section,
    pause::section,
    rollback::urgent,
    logs::section,
    stopped::section,
    health::targets,
    health::containers,
    events::section,
    facts::section,
    warnings::missing,
    checks::section,
    images::section,
    changes::section,
    steps::section,
    will::section,
    timeline::section,
    rollback::section,
    warnings::section,
    run::section,
];

/// The comment's sections: the answer and its reason. The rest is a click away.
pub const COMMENT_SECTIONS: &[Section] = &[
    verdict::section,
    cause::section,
    pause::section,
    rollback::urgent,
    logs::first,
    stopped::section,
    health::few_targets,
    health::containers,
    facts::section,
    warnings::missing,
    checks::section,
    images::section,
    changes::section,
    steps::section,
    will::section,
    run::section,
];

/// The sections of a report as one text. A plan that changes nothing is one line.
pub fn told(report: &Report, sections: &[Section]) -> String {
    if is_idle(report) {
        return [verdict::section(report), run::section(report)].into_iter().flatten().collect::<Vec<_>>().join(" ");
    }
    sections.iter().filter_map(|section| section(report)).collect::<Vec<_>>().join("\n\n")
}

/// Whether it is a plan that changes nothing, and there is nothing to remark on either.
fn is_idle(report: &Report) -> bool {
    report.ending() == Some(Verdict::Planned)
        && report.service_plan().is_some_and(|plan| plan.steps.is_empty())
        && report.remarks().is_empty()
        && report.checked.is_empty()
}
