//! Door: plain requests (GitHub's OIDC token, registries of images), and the one HTTP client that the GitHub door shares.

pub mod registry;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use crate::error::{Code, Error};

/// How every request of this program introduces itself.
pub const USER_AGENT: &str = concat!("ecs-deploy-action/", env!("CARGO_PKG_VERSION"));

/// How long a small document may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// The largest document that is read.
const LARGEST: usize = 1024 * 1024;

/// The HTTP client, made on first use: reading the system's CA roots takes milliseconds, so plain `http://` addresses
/// get a client without them.
///
/// Proxies come from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, CA roots from `SSL_CERT_FILE` or the system. No
/// redirect is followed: a request that carries a token goes where it was sent, or nowhere.
#[derive(Debug, Clone, Default)]
pub struct Http {
    tls: Arc<OnceLock<reqwest::Client>>,
    plain: Arc<OnceLock<reqwest::Client>>,
}

impl Http {
    /// The client for the host of `url`. Clones of one `Http` share its connections.
    ///
    /// # Errors
    /// [`Code::Unreachable`]: no client can be made, for example because there are no CA roots.
    pub fn client(&self, url: &str) -> Result<reqwest::Client, Error> {
        let needs_tls = !url.starts_with("http://");
        let made = if needs_tls { &self.tls } else { &self.plain };
        if let Some(client) = made.get() {
            return Ok(client.clone());
        }
        let client = make(needs_tls).map_err(|error| {
            Error::new(
                Code::Unreachable,
                "No HTTPS client could be made.",
                chain(&error),
                "Check `SSL_CERT_FILE` and the proxy variables of the job.",
            )
        })?;
        Ok(made.get_or_init(|| client).clone())
    }

    /// A small document that its address alone gives access to. The address never stands in the error.
    ///
    /// # Errors
    /// Why it could not be read, in a few words.
    pub async fn document(&self, url: &str) -> Result<String, String> {
        let read = async {
            let client = self.client(url).map_err(|error| error.why)?;
            let answer = client.get(url).send().await.map_err(|error| chain(&error.without_url()))?;
            match answer.status() {
                StatusCode::OK => text(answer, LARGEST).await,
                status => Err(format!("HTTP {}", status.as_u16())),
            }
        };
        timeout(PATIENCE, read).await.unwrap_or_else(|_| Err("there was no answer in time".to_owned()))
    }
}

/// The body of an answer, as long as it is not too large.
async fn text(mut answer: Response, largest: usize) -> Result<String, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| chain(&error.without_url()))? {
        body.extend_from_slice(&chunk);
        if body.len() > largest {
            return Err("the answer is too large".to_owned());
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn make(needs_tls: bool) -> Result<reqwest::Client, reqwest::Error> {
    // An error means that it is installed already, by an earlier client.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(20))
        .timeout(Duration::from_secs(30))
        .redirect(Policy::none());
    if needs_tls { builder.build() } else { builder.tls_certs_only([]).build() }
}

/// An error and its sources in one line: the transport's last words are in the innermost.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_made_once_for_each_kind_of_address() {
        let http = Http::default();
        assert!(http.client("http://127.0.0.1:1/").is_ok());
        assert!(http.plain.get().is_some());
        assert!(http.tls.get().is_none(), "a plain address must not cost the CA roots");
        assert!(http.client("https://127.0.0.1:1/").is_ok());
        assert!(http.clone().tls.get().is_some(), "clones share the client");
    }
}
