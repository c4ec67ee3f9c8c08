//! One AWS call that failed, in words rooms can decide by.

use crate::error::Error;

/// A failed call.
#[derive(Debug, Clone)]
pub struct CallError {
    /// The IAM action, e.g. `ecs:UpdateService`.
    pub action: &'static str,
    /// What kind of failure it is.
    pub kind: CallErrorKind,
    /// AWS's error code, e.g. `ClusterNotFoundException`.
    pub code: Option<String>,
    /// AWS's message, or what the transport said. Text from outside.
    pub message: String,
    /// AWS's request id.
    pub request_id: Option<String>,
}

/// What kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// AccessDenied: a permission is missing.
    Denied,
    /// The credentials are expired or not known.
    Credentials,
    /// Throttled until the attempts were used up.
    Throttled,
    /// No connection, a time-out, or a server error until the attempts were used up.
    Unreachable,
    /// The endpoint does not know the operation.
    UnknownOperation,
    /// Refused for another reason: see the code.
    Refused,
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        let _ = error;
        todo!()
    }
}
