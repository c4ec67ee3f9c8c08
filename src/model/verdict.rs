//! How a run ended, and the exit code that says so.

use serde::Serialize;
use strum::{EnumIter, EnumMessage, IntoStaticStr};

/// The ending of a run. The doc comment of each is its line in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, EnumIter, EnumMessage, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Verdict {
    /// The revision asked for is what serves, proven by its own deployment.
    Succeeded,
    /// It already was; nothing was registered or updated.
    Unchanged,
    /// `mode: plan`.
    Planned,
    /// Not waiting, as asked.
    Started,
    /// A pause hook was reached and `wait-until: paused` asked for it.
    Paused,
    /// Inputs, files or edits wrong; nothing written.
    Invalid,
    /// A check refused; nothing written.
    Blocked,
    /// Failed; the earlier revision serves again.
    RolledBack,
    /// Failed and not rolled back.
    Failed,
    /// Failed, and so did the way back.
    RollbackFailed,
    /// Still moving at the limit.
    TimedOut,
    /// AWS or GitHub refused or could not be reached.
    Denied,
    /// Another deployment took over.
    Superseded,
    /// The run was cancelled.
    Cancelled,
}

impl Verdict {
    /// The verdict as the output `verdict` carries it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The process exit code. 1 is left for bugs.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Succeeded | Self::Unchanged | Self::Planned | Self::Started | Self::Paused => 0,
            Self::Invalid => 2,
            Self::Blocked => 3,
            Self::RolledBack => 4,
            Self::Failed | Self::RollbackFailed => 5,
            Self::TimedOut => 6,
            Self::Denied => 7,
            Self::Superseded => 8,
            Self::Cancelled => 130,
        }
    }

    /// Whether the step is green.
    pub fn is_green(self) -> bool {
        self.exit_code() == 0
    }
}
