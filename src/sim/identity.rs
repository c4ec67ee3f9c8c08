//! Who exists: roles, keys, the web tokens that were given out.

use serde_json::{Map, Value};

/// A role that can be assumed.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Subjects its trust policy allows; `*` stands for anything.
    pub subjects: Vec<String>,
    /// Audiences its trust policy allows.
    pub audiences: Vec<String>,
    /// Longest session in seconds.
    pub max_session: u64,
    /// What `AssumeRole` must send as `ExternalId`.
    pub external_id: Option<String>,
    /// Session policies and tags together are said to be too large while this is true and tags are sent.
    pub packed_too_large: bool,
}

impl Role {
    /// A role that trusts GitHub's issuer for one subject.
    #[must_use]
    pub fn trusting(arn: &str, subject: &str) -> Self {
        Self {
            arn: arn.into(),
            subjects: vec![subject.into()],
            audiences: vec!["sts.amazonaws.com".into()],
            max_session: 3600,
            external_id: None,
            packed_too_large: false,
        }
    }

    /// Its name without the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }
}

/// An access key, long-lived or issued.
#[derive(Debug, Clone)]
pub struct Key {
    /// `AKIA…` or `ASIA…`.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token of an issued key.
    pub session: Option<String>,
    /// Seconds since 1970 after which it is refused.
    pub expires: Option<f64>,
    /// Whom it stands for.
    pub arn: String,
}

/// A web token the runner's endpoint gave out.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token itself.
    pub token: String,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// Everything about who is who.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Roles of the account.
    pub roles: Vec<Role>,
    /// Known keys.
    pub keys: Vec<Key>,
    /// Web tokens given out so far.
    pub tokens: Vec<Issued>,
    /// Whether the account has an OIDC provider for the issuer.
    pub provider: bool,
    /// The token that the runner's endpoint wants to see.
    pub request_token: String,
    /// `iss` of the web tokens.
    pub issuer: String,
    /// `sub` of the web tokens.
    pub subject: String,
    /// Claims that replace or add to the usual ones; null removes.
    pub claims: Map<String, Value>,
    /// Seconds a web token lives.
    pub token_lifetime: i64,
    /// Issued keys live this many seconds, whatever was asked (for stories about refreshing).
    pub session_override: Option<u64>,
    /// Whether the signature itself is computed and compared, as AWS does.
    pub verify_signatures: bool,
}

/// Whether a pattern with `*` matches, as in `StringLike`.
#[must_use]
pub fn like(pattern: &str, value: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == value,
        Some((head, tail)) => {
            let Some(rest) = value.strip_prefix(head) else { return false };
            (0..=rest.len()).filter_map(|at| rest.get(at..)).any(|rest| like(tail, rest))
        }
    }
}
