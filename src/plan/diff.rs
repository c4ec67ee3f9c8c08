//! What changes in the task definition, by container and by name, with environment values masked.

use serde::Serialize;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where, in words a user knows: `container web › environment LOG_LEVEL`, `cpu`.
    pub path: String,
    /// Before; absent when added. Already masked.
    pub from: Option<String>,
    /// After; absent when removed. Already masked.
    pub to: Option<String>,
}
