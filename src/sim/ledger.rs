//! The ledger: every call that came in, in order, and which of them changed something.

use serde_json::{Value, json};

/// One call and its answer.
#[derive(Debug, Clone)]
pub struct Call {
    /// `aws`, `github`, `registry` or `oidc`.
    pub door: String,
    /// As IAM names it, such as `ecs` and `elasticloadbalancing`; or `github` or `oidc`.
    pub service: String,
    /// AWS's name of the operation, or GitHub's operation id such as `issues/create-comment`.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query without `?`.
    pub query: String,
    /// The request's body: JSON where it is JSON, what the CBOR says, an object of the form's pairs, else null.
    pub request: Value,
    /// The request's body as it was sent; as JSON where that was CBOR.
    pub sent: String,
    /// The HTTP status; 0 when the connection was closed without an answer.
    pub status: u16,
    /// The answer's body.
    pub answer: String,
    /// Whether the operation is one that changes something.
    pub changing: bool,
    /// Whether it did what it says: a refused call is not applied, one whose answer was lost is.
    pub applied: bool,
    /// When it came in, in seconds since 1970 on the stage's clock.
    pub came: f64,
    /// When it was answered, by the same clock.
    pub at: f64,
}

impl Call {
    /// The call as one line of recorded traffic, with `secrets` blotted out.
    #[must_use]
    pub fn traffic(&self, secrets: &[String]) -> String {
        let blot = |text: &str| {
            secrets
                .iter()
                .filter(|secret| !secret.is_empty())
                .fold(text.to_owned(), |text, secret| text.replace(secret, "REDACTED"))
        };
        json!({
            "door": self.door, "service": self.service, "operation": self.operation,
            "method": self.method, "path": self.path, "query": blot(&self.query),
            "request": blot(&self.sent), "status": self.status, "response": blot(&self.answer),
        })
        .to_string()
    }
}

/// All calls so far.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    calls: Vec<Call>,
    unknown: Vec<String>,
}

impl Ledger {
    /// Writes a call down.
    pub fn enter(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// Remembers that something was asked which nobody here knows.
    pub fn puzzled(&mut self, what: impl Into<String>) {
        self.unknown.push(what.into());
    }

    /// Every call.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The calls that changed something in AWS.
    #[must_use]
    pub fn writes(&self) -> Vec<Call> {
        self.calls.iter().filter(|call| call.door == "aws" && call.changing && call.applied).cloned().collect()
    }

    /// The changing calls to AWS, refused ones included.
    #[must_use]
    pub fn attempts(&self) -> Vec<Call> {
        self.calls.iter().filter(|call| call.door == "aws" && call.changing).cloned().collect()
    }

    /// Names of what nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        self.unknown.clone()
    }
}
