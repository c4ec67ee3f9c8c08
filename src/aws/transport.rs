//! How requests reach AWS: one HTTP client for every service, time-outs, and how often a call is tried.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
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
#[derive(Debug, Clone, Default)]
pub(super) struct Transport {
    connectors: Arc<Mutex<HashMap<TimeOuts, SharedHttpConnector>>>,
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
