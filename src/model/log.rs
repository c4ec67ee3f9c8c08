//! What a container wrote.

use serde::Serialize;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// When it was written, in seconds since 1970.
    pub at: f64,
    /// The line. Text from outside.
    pub text: String,
}
