//! How requests reach AWS: one HTTP client for every service, time-outs, and how often a call is tried.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::identity::IdentityCache;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::call::is_page;

/// Credentials are renewed this long before they end, so that no call of a long wait meets their end.
pub(super) const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// The settings that every client of one identity shares. Endpoints come from `AWS_ENDPOINT_URL` and
/// `AWS_ENDPOINT_URL_<SERVICE>`, proxies from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
pub(super) async fn config(
    transport: &Transport,
    region: &str,
    max_attempts: u32,
    credentials: Option<SharedCredentialsProvider>,
) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_secs(90))
        .build();
    let cache = IdentityCache::lazy().buffer_time(RENEW_BEFORE).load_timeout(Duration::from_mins(1)).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(transport.clone())
        .time_source(Clock(transport.now))
        .region(Region::new(region.to_owned()))
        .retry_config(retries(max_attempts))
        .timeout_config(timeouts)
        .identity_cache(cache);
    if let Ok(name) = AppName::new("ecs-deploy-action") {
        loader = loader.app_name(name);
    }
    match credentials {
        Some(credentials) => loader.credentials_provider(credentials),
        None => loader.no_credentials(),
    }
    .load()
    .await
}

/// Exponential back-off with full jitter, for throttling, server errors and lost connections alike.
///
/// Not the SDK's mode named "adaptive": after two throttled calls it slows every later call of the service down to one
/// in many seconds, and a run of ten calls took half a minute.
fn retries(max_attempts: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(max_attempts)
}

/// The one HTTP client. Connectors are made on first use, and only an `https://` address makes the one that costs
/// reading the CA roots.
#[derive(Clone)]
pub struct Transport {
    connectors: Arc<Mutex<HashMap<TimeOuts, SharedHttpConnector>>>,
    courier: Option<Courier>,
    /// The time of day, by which requests are signed and credentials end.
    pub(super) now: fn() -> SystemTime,
}

/// What carries a request to AWS and brings the answer back, where that is not the network.
pub type Courier = Arc<dyn Fn(http::Request<Vec<u8>>) -> Carried + Send + Sync>;

/// An answer on its way; an error is a connection that was lost.
pub type Carried = Pin<Box<dyn Future<Output = io::Result<http::Response<Vec<u8>>>> + Send>>;

impl Default for Transport {
    /// The network, at the time it is.
    fn default() -> Self {
        Self { connectors: Arc::default(), courier: None, now: SystemTime::now }
    }
}

impl Transport {
    /// A transport that hands every request to `courier` and lives by the clock `now`.
    pub fn by(courier: Courier, now: fn() -> SystemTime) -> Self {
        Self { courier: Some(courier), now, ..Self::default() }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// The transport's clock, for the SDK.
#[derive(Debug)]
struct Clock(fn() -> SystemTime);

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        (self.0)()
    }
}

/// Time-outs to connect and to read; the SDK's own clients (instance metadata) want others than ours.
type TimeOuts = (Option<Duration>, Option<Duration>);

impl HttpClient for Transport {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let key = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        connectors
            .entry(key)
            .or_insert_with(|| {
                let settings = settings.clone();
                if let Some(courier) = &self.courier {
                    let read_timeout = settings.read_timeout().unwrap_or(Duration::MAX);
                    return SharedHttpConnector::new(ByCourier { courier: Arc::clone(courier), read_timeout });
                }
                let (direct, plain, tls) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
                SharedHttpConnector::new(BySecurity { settings, direct, plain, tls })
            })
            .clone()
    }
}

#[derive(Debug)]
struct BySecurity {
    settings: HttpConnectorSettings,
    direct: OnceLock<Connector>,
    plain: OnceLock<Connector>,
    tls: OnceLock<Connector>,
}

impl HttpConnector for BySecurity {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let builder = || Connector::builder().connector_settings(self.settings.clone());
        let proxied = || builder().proxy_config(ProxyConfig::from_env());
        let connector = if request.uri().starts_with("http://169.254.") {
            // The machine's own metadata and credentials: a proxy would answer for another machine.
            self.direct.get_or_init(|| builder().build_http())
        } else if request.uri().starts_with("http://") {
            self.plain.get_or_init(|| proxied().build_http())
        } else {
            self.tls.get_or_init(|| proxied().tls_provider(Provider::Rustls(CryptoMode::Ring)).build())
        };
        connector.call(request)
    }
}

struct ByCourier {
    courier: Courier,
    read_timeout: Duration,
}

impl HttpConnector for ByCourier {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let unusable = |error: &str| ConnectorError::user(error.to_owned().into());
        let (courier, read_timeout) = (Arc::clone(&self.courier), self.read_timeout);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| unusable(&error.to_string()))?;
            let (head, body) = request.into_parts();
            // Read to its end: the SDK watches whether a body is taken, and takes a connection that does not for dead.
            let body = ByteStream::new(body).collect().await.map_err(|error| unusable(&error.to_string()))?.to_vec();
            let carried = tokio::time::timeout(read_timeout, courier(http::Request::from_parts(head, body)));
            let answer = carried.await.map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?;
            let answer = answer.map_err(|lost| ConnectorError::io(lost.into()))?.map(SdkBody::from);
            HttpResponse::try_from(answer).map_err(|error| unusable(&error.to_string()))
        })
    }
}

impl fmt::Debug for ByCourier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByCourier").finish_non_exhaustive()
    }
}

/// Stops the SDK from repeating a call that the endpoint does not have: stand-ins for AWS answer such a call with status
/// 500 and an HTML page, which looks like an outage.
#[derive(Debug)]
pub(super) struct NoSuchOperation;

impl ClassifyRetry for NoSuchOperation {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let missing = context
            .response()
            .is_some_and(|response| response.status().as_u16() == 500 && response.body().bytes().is_some_and(is_page));
        if missing { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "no such operation"
    }
}
