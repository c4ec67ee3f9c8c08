//! Credentials that renew themselves: whoever waits longer than a session gets the next one, with a fresh token.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts::Client;

use super::call::{CallError, CallErrorKind};
use super::mask::Mask;
use super::oidc::{self, Token};
use super::resend::jitter;
use super::sts::{Asked, Session};
use super::tags::Tags;
use super::transport::RENEW_BEFORE;
use super::{explain, token_file};
use crate::error::Error;
use crate::http::Http;
use crate::inputs::runner::OidcRequest;

/// What proves to STS that the role may be assumed.
pub(super) enum Proof {
    /// GitHub's OIDC token.
    Oidc { request: OidcRequest, audience: String, http: Http },
    /// A token that something else keeps fresh in a file.
    TokenFile { path: PathBuf, workspace: PathBuf },
    /// The credentials of the STS client, with tags for the session.
    Keys(Tags),
}

/// The credentials of a role.
pub(super) struct AssumedRole {
    pub proof: Proof,
    pub asked: Asked,
    pub sts: Client,
    pub mask: Mask,
    /// The time of day.
    pub now: fn() -> SystemTime,
    pub kept: Mutex<Option<Keys>>,
}

impl AssumedRole {
    /// A new session, now.
    pub async fn assume(&self) -> Result<Session, Error> {
        let session = match &self.proof {
            Proof::Keys(tags) => self.with_keys(tags).await,
            Proof::Oidc { .. } | Proof::TokenFile { .. } => self.with_token().await,
        }?;
        mask_keys(&session.keys, &self.mask);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.keys.clone());
        Ok(session)
    }

    async fn with_token(&self) -> Result<Session, Error> {
        let mut token = self.token().await?;
        let mut attempt = 1;
        loop {
            let error = match self.asked.with_token(&self.sts, token.jwt.expose()).await {
                Ok(session) => return Ok(session),
                Err(error) => error,
            };
            let next = next(&error, attempt);
            if next == Next::GiveUp {
                return Err(explain::web_identity(error, &token.claims, &self.asked.role_arn));
            }
            tracing::info!("the role was refused ({:?}); trying again", error.evidence());
            tokio::time::sleep(pause(attempt)).await;
            if next == Next::NewToken {
                token = self.token().await?;
            }
            attempt += 1;
        }
    }

    async fn token(&self) -> Result<Token, Error> {
        match &self.proof {
            Proof::Oidc { request, audience, http } => oidc::fetch(request, audience, http, &self.mask).await,
            Proof::TokenFile { path, workspace } => token_file::read(path, workspace, &self.mask),
            Proof::Keys(_) => Ok(Token::new("")),
        }
    }

    async fn with_keys(&self, tags: &Tags) -> Result<Session, Error> {
        let mut sent: Vec<_> = tags.always.iter().chain(&tags.droppable).cloned().collect();
        let mut attempt = 1;
        loop {
            let error = match self.asked.with_keys(&self.sts, &sent).await {
                Ok(session) => return Ok(session),
                Err(error) => error,
            };
            let too_large = error.code.as_deref().is_some_and(|code| code.starts_with("PackedPolicyTooLarge"));
            if too_large && sent.len() > tags.always.len() {
                sent.clone_from(&tags.always);
                continue;
            }
            match next(&error, attempt) {
                Next::Again => tokio::time::sleep(pause(attempt)).await,
                Next::GiveUp | Next::NewToken => return Err(explain::assume_role(error, &self.asked.role_arn)),
            }
            attempt += 1;
        }
    }

    /// The session kept, when it lives at least so long.
    fn kept(&self, at_least: Duration) -> Option<Keys> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let lives = kept.expiry().is_none_or(|expiry| expiry > (self.now)() + at_least);
        lives.then_some(kept)
    }

    async fn keys(&self) -> Result<Keys, CredentialsError> {
        if let Some(kept) = self.kept(RENEW_BEFORE) {
            return Ok(kept);
        }
        match self.assume().await {
            Ok(session) => Ok(session.keys),
            // Renewing begins early: while the old session still lives, a failure to renew is not yet one of the run.
            Err(error) => self.kept(Duration::from_secs(5)).ok_or_else(|| CredentialsError::provider_error(error)),
        }
    }
}

/// What to do after a refusal.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    GiveUp,
    Again,
    NewToken,
}

/// Only what can pass is tried again, and briefly: IAM takes seconds to spread a new role, and STS sometimes fails to
/// fetch GitHub's keys. Outages and throttling were already tried again by the SDK.
fn next(error: &CallError, attempt: u32) -> Next {
    let provider_missing = error.message.contains("No OpenIDConnect provider") || error.message.contains("audience");
    match error.code.as_deref() {
        _ if error.kind == CallErrorKind::Denied && attempt < 3 => Next::Again,
        Some("InvalidIdentityToken") if attempt < 2 && !provider_missing => Next::NewToken,
        Some("ExpiredTokenException" | "IDPRejectedClaim") if attempt < 2 => Next::NewToken,
        _ => Next::GiveUp,
    }
}

fn pause(attempt: u32) -> Duration {
    let longest = 1000 * u64::from(attempt);
    Duration::from_millis(jitter(longest / 2, longest))
}

/// The SDK's default chain; whatever it finds is masked.
#[derive(Debug)]
pub(super) struct Ambient {
    pub chain: DefaultCredentialsChain,
    pub mask: Mask,
}

/// Masks credentials the moment they exist.
pub(super) fn mask_keys(keys: &Keys, mask: &Mask) {
    for secret in [Some(keys.access_key_id()), Some(keys.secret_access_key()), keys.session_token()] {
        secret.filter(|secret| !secret.is_empty()).into_iter().for_each(|secret| mask.hide(secret));
    }
}

impl ProvideCredentials for Ambient {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let keys = self.chain.provide_credentials().await?;
            mask_keys(&keys, &self.mask);
            Ok(keys)
        })
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.keys())
    }
}

impl std::fmt::Debug for AssumedRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssumedRole").field("asked", &self.asked).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_that_can_pass_is_tried_again() {
        let refused =
            |code: &str, message: &str, kind| CallError { kind, ..CallError::refused("sts:x", code, message) };
        let denied = refused("AccessDenied", "Not authorized", CallErrorKind::Denied);
        assert_eq!([1, 2, 3].map(|attempt| next(&denied, attempt)), [Next::Again, Next::Again, Next::GiveUp]);
        let other = |code, message| refused(code, message, CallErrorKind::Refused);
        let absent = other("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://x");
        assert_eq!(next(&absent, 1), Next::GiveUp);
        let keys = other("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider");
        assert_eq!([1, 2].map(|attempt| next(&keys, attempt)), [Next::NewToken, Next::GiveUp]);
        let expired = refused("ExpiredTokenException", "Token expired", CallErrorKind::Credentials);
        assert_eq!([1, 2].map(|attempt| next(&expired, attempt)), [Next::NewToken, Next::GiveUp]);
        assert_eq!(next(&other("ValidationError", "Request ARN is invalid"), 1), Next::GiveUp);
    }
}
