//! GitHub's REST API, as far as comments and deployments need it.
//! <https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api>

use std::fmt;
use std::time::Duration;

use octocrab::Octocrab;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::{Http, chain};
use crate::inputs::runner::Runner;
use crate::model::secret::Secret;

/// More pages than these are not read: a pull request with more comments has other troubles.
const MOST_PAGES: usize = 30;
/// Before the one repetition of a request that may be repeated.
const PAUSE: Duration = Duration::from_millis(400);

/// The API of the repository that the run belongs to.
#[derive(Debug)]
pub struct Api {
    octocrab: Octocrab,
    base: String,
    repository: String,
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// GitHub's message, or the transport's. Text from outside.
    pub message: String,
}

impl Trouble {
    /// Whether it may be otherwise in a moment; then a request may have been carried out all the same.
    pub fn may_pass(&self) -> bool {
        self.status.is_none_or(|status| status >= 500)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message.trim().trim_end_matches('.');
        match self.status {
            Some(_) if message.to_ascii_lowercase().contains("rate limit") => {
                write!(f, "GitHub's rate limit is used up ({message})")
            }
            Some(status) => write!(f, "GitHub answered {status} ({message})"),
            None => write!(f, "{message}"),
        }
    }
}

/// The HTTP methods that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates: never repeated, since a lost answer may hide a success.
    Post,
    /// Edits.
    Patch,
    /// Removes.
    Delete,
}

impl Api {
    /// The API, asked with this token.
    pub fn new(runner: &Runner, token: &Secret, http: &Http) -> Result<Self, Trouble> {
        let silent = |message: String| Trouble { status: None, message };
        let repository = runner.repository.clone().filter(|name| is_repository(name));
        let repository = repository.ok_or_else(|| silent("`GITHUB_REPOSITORY` names no repository".to_owned()))?;
        // The client would panic over a token that no header can carry.
        if token.expose().is_empty() || !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(silent("`github-token` is no token".to_owned()));
        }
        let client = http.client(&runner.api_url).map_err(|error| silent(error.why))?;
        let octocrab = (Octocrab::builder().base_uri(runner.api_url.as_str()))
            .and_then(|builder| builder.personal_token(token.expose().to_owned()).build_with_reqwest(client))
            .map_err(|error| silent(format!("`GITHUB_API_URL` cannot be used: {}", chain(&error))))?;
        Ok(Self { octocrab, base: runner.api_url.trim_end_matches('/').to_owned(), repository })
    }

    /// Everything of a list of the repository: `path` stands below `/repos/{owner}/{repo}/`.
    pub async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Trouble> {
        let mut all = Vec::new();
        let mut next = Some(format!("{}?per_page=100", self.address(path)));
        for _ in 0..MOST_PAGES {
            let Some(address) = next.take() else { break };
            let (page, link) = self.send::<Vec<T>>(Method::Get, &address, None::<&()>).await?;
            all.extend(page);
            // The token must not follow a link to another host.
            next = link.as_deref().and_then(next_page).filter(|link| self.is_ours(link)).map(str::to_owned);
        }
        Ok(all)
    }

    /// One request below the repository.
    pub async fn call(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Value, Trouble> {
        Ok(self.send(method, &self.address(path), body).await?.0)
    }

    /// The login that the token belongs to, if it is a person's.
    pub async fn login(&self) -> Option<String> {
        let (user, _) = self.send::<Value>(Method::Get, &format!("{}/user", self.base), None::<&()>).await.ok()?;
        Some(user.get("login")?.as_str()?.to_owned())
    }

    fn address(&self, path: &str) -> String {
        format!("{}/repos/{}/{path}", self.base, self.repository)
    }

    /// Whether an address lies on the API's own host.
    fn is_ours(&self, address: &str) -> bool {
        let (Ok(base), Ok(address)) = (url::Url::parse(&self.base), url::Url::parse(address)) else { return false };
        base.origin() == address.origin()
    }

    /// Sends, and once more when that can do no harm and may help; gives the answer and its `Link` header.
    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        address: &str,
        body: Option<&impl Serialize>,
    ) -> Result<(T, Option<String>), Trouble> {
        let first = self.once(method, address, body).await;
        match &first {
            Err(trouble) if method != Method::Post && trouble.may_pass() => {
                tokio::time::sleep(PAUSE).await;
                self.once(method, address, body).await
            }
            _ => first,
        }
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: Method,
        address: &str,
        body: Option<&impl Serialize>,
    ) -> Result<(T, Option<String>), Trouble> {
        let answer = match method {
            Method::Get => self.octocrab._get(address).await,
            Method::Post => self.octocrab._post(address, body).await,
            Method::Patch => self.octocrab._patch(address, body).await,
            Method::Delete => self.octocrab._delete(address, body).await,
        };
        let answer = octocrab::map_github_error(answer.map_err(trouble)?).await.map_err(trouble)?;
        let link = answer.headers().get("link").and_then(|link| link.to_str().ok()).map(str::to_owned);
        let text = self.octocrab.body_to_string(answer).await.map_err(trouble)?;
        let text = if text.is_empty() { "null" } else { &text };
        let parsed = serde_json::from_str(text)
            .map_err(|error| Trouble { status: None, message: format!("GitHub's answer cannot be read: {error}") })?;
        Ok((parsed, link))
    }
}

/// The address of the next page in a `Link` header.
fn next_page(link: &str) -> Option<&str> {
    let part = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    part.split_once('<')?.1.split_once('>').map(|(address, _)| address)
}

/// Whether the text is `owner/name` and nothing that would lead elsewhere.
fn is_repository(text: &str) -> bool {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..") && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}

fn trouble(error: octocrab::Error) -> Trouble {
    match error {
        // Its own Display is the bare word "GitHub".
        octocrab::Error::GitHub { source, .. } => {
            let details = source.errors.iter().flatten().filter_map(|error| error.get("message")?.as_str());
            let message = std::iter::once(source.message.as_str()).chain(details).collect::<Vec<_>>().join(": ");
            let message = message.chars().take(300).collect();
            Trouble { status: Some(source.status_code.as_u16()), message }
        }
        other => Trouble { status: None, message: format!("GitHub could not be reached: {}", chain(&other)) },
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_the_link_header() {
        let link =
            r#"<https://x/a?page=1>; rel="prev", <https://x/a?page=3>; rel="next", <https://x/a?page=9>; rel="last""#;
        assert_eq!(next_page(link), Some("https://x/a?page=3"));
        assert_eq!(next_page(r#"<https://x/a?page=1>; rel="first""#), None);
    }

    #[test]
    fn only_a_repository_becomes_part_of_an_address() {
        assert!(is_repository("octo-org/shop.js"));
        for not in ["", "octo", "octo/", "../x", "octo/../x", "octo/sh op", "octo/shop?x"] {
            assert!(!is_repository(not), "{not}");
        }
    }
}
