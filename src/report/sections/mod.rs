//! The parts of the job summary, in reading order: one file each. A section that has nothing to say is absent.

mod cause;
mod changes;
mod checks;
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

use super::Report;

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
    steps::section,
    images::section,
    changes::section,
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
    steps::section,
    images::section,
    changes::section,
    run::section,
];
