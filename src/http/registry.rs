//! What a registry of container images tells somebody it does not know: no credentials are ever sent.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>, with the tokens for everybody of
//! <https://distribution.github.io/distribution/spec/auth/token/>.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use tokio::time::timeout;
use url::{Origin, Url};

use super::{Http, chain, text};
use crate::model::image::{ImageRef, Registry};
use crate::model::manifest::{Manifest, Platform};

/// A runner may have no way to a registry: then it is not waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// The largest manifest that registries take.
const LARGEST: usize = 4 * 1024 * 1024;

/// How often a registry may send us on.
const MOST_HOPS: usize = 5;

/// Every kind of manifest.
const MEDIA_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// What a registry says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It is there.
    Found {
        /// What its manifest says, where it was read.
        manifest: Option<Manifest>,
        /// The platform of an image that is in no index, where it was read.
        platform: Option<Platform>,
    },
    /// The registry says clearly that it is not there, as far as everybody may see.
    Missing,
    /// It could not be looked up; why.
    Unknown(String),
}

impl Http {
    /// Looks an image up as anybody may, in 3 seconds at most. Docker Hub counts every manifest that is read as a pull,
    /// so it is asked for the headers alone. <https://docs.docker.com/docker-hub/usage/pulls/>
    pub async fn look_up(&self, image: &ImageRef) -> Looked {
        let (host, is_hub) = match &image.registry {
            Registry::Ecr { .. } => return Looked::Unknown("it is in a private ECR registry".to_owned()),
            Registry::EcrPublic => ("public.ecr.aws", false),
            Registry::Other(host) if host == "docker.io" => ("registry-1.docker.io", true),
            Registry::Other(host) => (host.as_str(), false),
        };
        let scheme = if is_loopback(host) { "http" } else { "https" };
        let Ok(base) = Url::parse(&format!("{scheme}://{host}/v2/{}/", image.repository)) else {
            return Looked::Unknown(format!("`{host}` is no host's name"));
        };
        let mut visit = Visit { http: self, host, repository: &image.repository, base, token: None };
        let method = if is_hub { Method::HEAD } else { Method::GET };
        match timeout(PATIENCE, visit.look_up(image, &method)).await {
            Ok(looked) => looked.unwrap_or_else(Looked::Unknown),
            Err(_) => Looked::Unknown(format!("`{host}` did not answer within {} seconds", PATIENCE.as_secs())),
        }
    }
}

/// One visit to a registry.
struct Visit<'a> {
    http: &'a Http,
    host: &'a str,
    repository: &'a str,
    /// `https://<host>/v2/<repository>/`.
    base: Url,
    /// The token that everybody gets, and who gave it: nobody else is shown it.
    token: Option<(Origin, String)>,
}

impl Visit<'_> {
    async fn look_up(&mut self, image: &ImageRef, method: &Method) -> Result<Looked, String> {
        let which = image.digest.as_deref().or(image.tag.as_deref()).unwrap_or("latest");
        let answer = self.ask(method, &format!("manifests/{which}"), MEDIA_TYPES).await?;
        let status = answer.status();
        if status == StatusCode::NOT_FOUND {
            // A proxy's page for what it does not know is no registry's word.
            let is_registry = answer.headers().contains_key("docker-distribution-api-version");
            let said = text(answer, LARGEST).await.unwrap_or_default();
            let clear = is_registry || ["MANIFEST_UNKNOWN", "NAME_UNKNOWN"].iter().any(|code| said.contains(code));
            return if clear { Ok(Looked::Missing) } else { Err(format!("`{}` answers 404", self.host)) };
        }
        if status != StatusCode::OK {
            return Err(self.refused(status));
        }
        // Whoever wants a login may show its page, and call it a success.
        let is_named = answer.headers().contains_key("docker-content-digest");
        let another = || format!("`{}` answers with something that is no manifest", self.host);
        if *method == Method::HEAD {
            return if is_named { Ok(Looked::Found { manifest: None, platform: None }) } else { Err(another()) };
        }
        let manifest = Manifest::recognise(&text(answer, LARGEST).await?);
        let manifest = manifest.or_else(|| is_named.then(Manifest::default)).ok_or_else(another)?;
        let platform = match &manifest.config {
            // That it is there is known, whatever becomes of this.
            Some(config) => self.configuration(&config.digest).await.ok().and_then(|text| Platform::of_config(&text)),
            None => None,
        };
        Ok(Looked::Found { manifest: Some(manifest), platform })
    }

    async fn configuration(&mut self, digest: &str) -> Result<String, String> {
        let answer = self.ask(&Method::GET, &format!("blobs/{digest}"), "*/*").await?;
        if answer.status() == StatusCode::OK { text(answer, LARGEST).await } else { Err(self.refused(answer.status())) }
    }

    /// One request, sent on as often as the registry does so, with the token that everybody gets where one is wanted. A
    /// registry may send a manifest's request to another one, as `registry.k8s.io` does, but never to any other page.
    /// <https://github.com/kubernetes/registry.k8s.io/blob/main/cmd/archeio/docs/request-handling.md>
    async fn ask(&mut self, method: &Method, path: &str, accept: &str) -> Result<Response, String> {
        let mut url = self.base.join(path).map_err(|error| error.to_string())?;
        let is_manifest = path.starts_with("manifests/");
        for _ in 0..MOST_HOPS {
            let client = self.http.client(url.as_str()).map_err(|error| error.why)?;
            let mut request = client.request(method.clone(), url.clone()).header(ACCEPT, accept);
            let ours = self.token.as_ref().filter(|(origin, _)| *origin == url.origin());
            let is_known = ours.is_some();
            if let Some((_, token)) = ours {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            let answer = request.send().await.map_err(|error| self.unreachable(error))?;
            let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            if answer.status() == StatusCode::UNAUTHORIZED && !is_known {
                let challenge = header(WWW_AUTHENTICATE).unwrap_or_default();
                self.token = Some((url.origin(), self.token_for_everybody(&challenge).await?));
            } else if answer.status().is_redirection() {
                let location = header(LOCATION).and_then(|location| url.join(&location).ok());
                let fits = |to: &Url| self.may_ask(to) && (!is_manifest || to.path().contains("/manifests/"));
                url = location.filter(fits).ok_or_else(|| self.refused(answer.status()))?;
            } else {
                return Ok(answer);
            }
        }
        Err(format!("`{}` sends us on again and again", self.host))
    }

    async fn token_for_everybody(&self, challenge: &str) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
        }
        let login = || format!("`{}` wants a login", self.host);
        let realm = parameter(challenge, "realm").filter(|_| challenge.to_ascii_lowercase().starts_with("bearer "));
        let realm = realm.and_then(|realm| Url::parse(realm).ok()).filter(|url| self.may_ask(url));
        let mut url = realm.ok_or_else(login)?;
        let scope = format!("repository:{}:pull", self.repository);
        let scope = parameter(challenge, "scope").unwrap_or(&scope);
        let service = parameter(challenge, "service").map(|service| ("service", service));
        url.query_pairs_mut().extend_pairs(service).append_pair("scope", scope);
        let client = self.http.client(url.as_str()).map_err(|error| error.why)?;
        let answer = client.get(url).send().await.map_err(|error| self.unreachable(error))?;
        if answer.status() != StatusCode::OK {
            return Err(if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                self.refused(answer.status())
            } else {
                login()
            });
        }
        let answer: Answer = serde_json::from_str(&text(answer, LARGEST).await?).map_err(|_| login())?;
        let token = answer.token.or(answer.access_token).unwrap_or_default();
        let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(token) } else { Err(login()) }
    }

    /// Only a registry on this machine is spoken to in the clear, as Docker does.
    fn may_ask(&self, url: &Url) -> bool {
        url.scheme() == "https" || (url.scheme() == "http" && self.base.scheme() == "http")
    }

    fn refused(&self, status: StatusCode) -> String {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                format!("`{}` does not show it to everybody (HTTP {})", self.host, status.as_u16())
            }
            StatusCode::TOO_MANY_REQUESTS => format!("`{}` was asked too often (HTTP 429)", self.host),
            _ => format!("`{}` answers {}", self.host, status.as_u16()),
        }
    }

    fn unreachable(&self, error: reqwest::Error) -> String {
        format!("`{}` cannot be reached ({})", self.host, chain(&error.without_url()))
    }
}

/// Whether a host is this machine itself.
fn is_loopback(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// A parameter of a challenge: `Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for (host, is_ours) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.8.0.1", true),
            ("10.0.0.1:5000", false),
            ("localhost.example.com", false),
            ("docker.io", false),
        ] {
            assert_eq!(is_loopback(host), is_ours, "{host}");
        }
    }

    #[test]
    fn a_challenge_names_who_gives_tokens() {
        let challenge =
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:pull,push""#;
        assert_eq!(parameter(challenge, "realm"), Some("https://auth.docker.io/token"));
        assert_eq!(parameter(challenge, "scope"), Some("a:b:pull,push"));
        assert_eq!(parameter("Basic", "realm"), None);
    }
}
