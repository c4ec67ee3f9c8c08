//! The parts of the job summary, in reading order: one file each. A section that has nothing to say is absent.

mod cause;
mod changes;
mod events;
mod facts;
mod images;
mod rollback;
pub mod run;
mod steps;
mod stopped;
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
    stopped::section,
    events::section,
    facts::section,
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
    stopped::section,
    facts::section,
    steps::section,
    images::section,
    changes::section,
    run::section,
];
