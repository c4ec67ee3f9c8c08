//! GitHub's OIDC token: asked for right before it is used, because it lives only minutes.
//! <https://docs.github.com/en/actions/reference/security/oidc>

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::mask::Mask;
use super::resend::jitter;
use crate::error::{Code, Error};
use crate::http::{Http, chain};
use crate::inputs::runner::OidcRequest;
use crate::model::secret::Secret;

/// How long GitHub is asked again when it cannot be reached or says that it is busy.
const PATIENCE: Duration = Duration::from_secs(15);

/// A token and what it says.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub jwt: Secret,
    pub claims: Claims,
}

/// What a token says of the job: the parts that a trust policy can ask for. None is secret; none is verified here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    pub sub: String,
    #[serde(deserialize_with = "one_or_many")]
    pub aud: String,
    pub iss: String,
    pub environment: Option<String>,
    pub repository: Option<String>,
    pub repository_id: Option<String>,
    pub repository_owner_id: Option<String>,
}

impl Token {
    /// Reads what a token says; a token that cannot be read says nothing.
    pub fn new(jwt: &str) -> Self {
        let payload = jwt.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok());
        let claims = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { jwt: Secret::new(jwt), claims }
    }
}

/// Asks GitHub for a token.
///
/// # Errors
/// [`Code::OidcTokenRefused`].
pub(super) async fn fetch(request: &OidcRequest, audience: &str, http: &Http, mask: &Mask) -> Result<Token, Error> {
    mask.hide(request.token.expose());
    let mut url = Url::parse(&request.url)
        .map_err(|error| refused(format!("ACTIONS_ID_TOKEN_REQUEST_URL is no URL: {error}")))?;
    url.query_pairs_mut().append_pair("audience", audience);
    let client = http.client(url.as_str())?;
    let started = Instant::now();
    let mut longest = 500;
    loop {
        let asked = client.get(url.clone()).bearer_auth(request.token.expose()).timeout(Duration::from_secs(10));
        let failure = match answer(asked.header("accept", "application/json")).await {
            Ok(jwt) => {
                mask.hide(&jwt);
                return Ok(Token::new(&jwt));
            }
            Err(failure) => failure,
        };
        let pause = Duration::from_millis(jitter(100, longest));
        if !failure.may_pass || started.elapsed() + pause > PATIENCE {
            return Err(refused(failure.why));
        }
        tracing::info!("GitHub gave no OIDC token ({:?}); asking again", failure.why);
        tokio::time::sleep(pause).await;
        longest *= 2;
    }
}

struct Failure {
    why: String,
    /// It may be otherwise in a moment.
    may_pass: bool,
}

async fn answer(request: reqwest::RequestBuilder) -> Result<String, Failure> {
    let unreachable = |error: reqwest::Error| Failure { why: chain(&error), may_pass: true };
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let body = response.text().await.map_err(unreachable)?;
    let document: Value = serde_json::from_str(&body).unwrap_or_default();
    if !status.is_success() {
        let message = document.get("message").and_then(Value::as_str).unwrap_or(&body);
        let message: String = message.chars().take(500).collect();
        let may_pass = status.is_server_error() || status.as_u16() == 429;
        return Err(Failure { why: format!("HTTP {status}: {message}"), may_pass });
    }
    match document.get("value").and_then(Value::as_str) {
        Some(jwt) if !jwt.is_empty() => Ok(jwt.to_owned()),
        // The body is not shown: whatever it is, it may hold a token.
        _ => Err(Failure { why: "the answer holds no token".to_owned(), may_pass: false }),
    }
}

fn refused(why: String) -> Error {
    Error::new(
        Code::OidcTokenRefused,
        "GitHub did not give this job an OIDC token.",
        why,
        "Check https://www.githubstatus.com and that the runner reaches GitHub, then run the job again.",
    )
}

/// `aud` may be a text or a list.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(one) => one,
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_its_claims_and_an_unreadable_one_nothing() {
        let payload =
            URL_SAFE_NO_PAD.encode(r#"{"sub":"repo:o/r:pull_request","aud":["a","b"],"iss":"i","environment":null}"#);
        let token = Token::new(&format!("e30.{payload}.c2ln"));
        assert_eq!((token.claims.sub.as_str(), token.claims.aud.as_str()), ("repo:o/r:pull_request", "a, b"));
        assert_eq!(Token::new("garbage").claims, Claims::default());
        assert!(!format!("{token:?}").contains("c2ln"), "a token is never shown");
    }
}
