//! Who to be: from the inputs to credentials that are proven.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds::client::error::ImdsError;
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, SdkConfig, imds};
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use serde_json::Value;

use super::call::find;
use super::mask::Mask;
use super::provider::{Ambient, AssumedRole, Proof, mask_keys};
use super::sts::{self, Asked};
use super::transport::{self, NoSuchOperation, Transport};
use super::{Aws, Identity, explain, tags};
use crate::error::{Code, Error};
use crate::http::{Http, chain};
use crate::inputs::runner::{OidcRequest, Runner};
use crate::inputs::{AccessKeys, Credentials, Role};
use crate::model::names::Arn;

impl Aws {
    /// Obtains credentials the way the inputs ask for, proves them, and checks the account against
    /// `allowed-account-ids`. Every secret is handed to `mask` the moment it exists. Beside AWS: remarks for the user.
    ///
    /// # Errors
    /// Credentials that cannot be had, each cause with its own explanation.
    pub async fn connect(
        credentials: &Credentials,
        region: &str,
        runner: &Runner,
        http: &Http,
        transport: &Transport,
        mask: fn(&str),
    ) -> Result<(Self, Vec<String>), Error> {
        let mask = Mask::new(mask);
        runner.oidc.iter().for_each(|request| mask.remember(request.token.expose()));
        let asked = Connection { credentials, region, runner, http, mask: &mask, transport };
        let way = Way::choose(credentials, runner);
        let warnings = way.warnings(credentials);
        if credentials.mask_account_id {
            // A refusal names the role before anybody says who we are.
            let of_role = match &credentials.role {
                Some(Role::Arn(arn)) => Arn::parse(arn).map(|arn| arn.account),
                _ => None,
            };
            of_role.iter().chain(&credentials.allowed_account_ids).for_each(|account| mask.hide(account));
        }
        let (keys, arn) = asked.obtain(way).await?;
        let identity = Identity::of(&arn);
        if credentials.mask_account_id && !identity.account.is_empty() {
            mask.hide(&identity.account);
        }
        let allowed = &credentials.allowed_account_ids;
        if !allowed.is_empty() && !allowed.contains(&identity.account) {
            return Err(explain::other_account(&identity.account, allowed));
        }
        let config = asked.config(Some(keys)).await;
        let ecs = aws_sdk_ecs::config::Builder::from(&config).retry_classifier(NoSuchOperation).build();
        let max_attempts = credentials.max_attempts;
        let ecs = aws_sdk_ecs::Client::from_conf(ecs);
        Ok((Self { identity, region: region.to_owned(), config, ecs, max_attempts, mask }, warnings))
    }
}

/// What the first credentials come from.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    /// GitHub's OIDC token, for the role.
    Oidc(&'a OidcRequest),
    /// Static keys, for the role if there is one.
    Keys(&'a AccessKeys),
    /// A token in a file, for the role.
    TokenFile(&'a str),
    /// Whatever the SDK's default chain finds, for the role if there is one.
    Ambient,
}

impl<'a> Way<'a> {
    /// As the official credentials action chooses.
    fn choose(credentials: &'a Credentials, runner: &'a Runner) -> Self {
        let token_file = credentials.web_identity_token_file.as_deref();
        match (&credentials.access_keys, token_file, &runner.oidc) {
            (Some(keys), _, _) => Self::Keys(keys),
            (None, Some(file), _) if credentials.role.is_some() => Self::TokenFile(file),
            (None, None, Some(request))
                if credentials.role.is_some() && !credentials.chaining && !credentials.force_skip_oidc =>
            {
                Self::Oidc(request)
            }
            _ => Self::Ambient,
        }
    }

    /// What only this choice shows; keys and tags without effect are remarked on with the inputs.
    fn warnings(self, credentials: &Credentials) -> Vec<String> {
        let unused = matches!(self, Self::Ambient)
            && credentials.role.is_none()
            && credentials.web_identity_token_file.is_some();
        unused
            .then(|| "`web-identity-token-file` has no effect without `role-to-assume`.".to_owned())
            .into_iter()
            .collect()
    }
}

struct Connection<'a> {
    credentials: &'a Credentials,
    region: &'a str,
    runner: &'a Runner,
    http: &'a Http,
    mask: &'a Mask,
    transport: &'a Transport,
}

impl Connection<'_> {
    async fn config(&self, keys: Option<SharedCredentialsProvider>) -> SdkConfig {
        transport::config(self.transport, self.region, self.credentials.max_attempts, keys).await
    }

    /// Credentials, and the ARN of whose they are.
    async fn obtain(&self, way: Way<'_>) -> Result<(SharedCredentialsProvider, String), Error> {
        let base = match way {
            Way::Oidc(request) => {
                let (audience, http) = (self.credentials.audience.clone(), self.http.clone());
                return self.with_token(Proof::Oidc { request: request.clone(), audience, http }).await;
            }
            Way::TokenFile(path) => {
                let workspace = self.runner.workspace.clone();
                return self.with_token(Proof::TokenFile { path: PathBuf::from(path), workspace }).await;
            }
            Way::Keys(keys) => SharedCredentialsProvider::new(self.static_keys(keys)),
            Way::Ambient => self.ambient().await?,
        };
        let config = self.config(Some(base.clone())).await;
        let client = sts::client(&config, self.credentials.sts_endpoint.as_deref());
        let role = match &self.credentials.role {
            None => return Ok((base, sts::caller(&client).await?)),
            Some(Role::Arn(arn)) => arn.clone(),
            Some(Role::Name(name)) => {
                let caller = Identity::of(&sts::caller(&client).await?);
                format!("arn:{}:iam::{}:role/{name}", caller.partition, caller.account)
            }
        };
        self.assume(Proof::Keys(tags::of(self.credentials, self.runner)), role, client).await
    }

    async fn with_token(&self, proof: Proof) -> Result<(SharedCredentialsProvider, String), Error> {
        let role = match (&self.credentials.role, self.credentials.allowed_account_ids.as_slice()) {
            (Some(Role::Arn(arn)), _) => arn.clone(),
            (Some(Role::Name(name)), [account]) => {
                format!("arn:{}:iam::{account}:role/{name}", partition_of(self.region))
            }
            (Some(Role::Name(name)), _) => return Err(explain::bare_role(name)),
            (None, _) => return Err(explain::no_credentials(false)),
        };
        // The call is not signed: the token is the proof.
        let client = sts::client(&self.config(None).await, self.credentials.sts_endpoint.as_deref());
        self.assume(proof, role, client).await
    }

    async fn assume(
        &self,
        proof: Proof,
        role: String,
        sts: aws_sdk_sts::Client,
    ) -> Result<(SharedCredentialsProvider, String), Error> {
        let asked = Asked::new(role, self.credentials);
        let (mask, now) = (self.mask.clone(), self.transport.now);
        let role = AssumedRole { proof, asked, sts, mask, now, kept: Mutex::new(None) };
        let session = role.assume().await?;
        Ok((SharedCredentialsProvider::new(role), session.arn))
    }

    fn static_keys(&self, keys: &AccessKeys) -> Keys {
        let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
        let keys = Keys::new(keys.id.expose(), keys.secret.expose(), token, None, "inputs");
        mask_keys(&keys, self.mask);
        keys
    }

    /// The SDK's default chain, once it has found something.
    async fn ambient(&self) -> Result<SharedCredentialsProvider, Error> {
        let provider = ProviderConfig::without_region()
            .with_region(Some(Region::new(self.region.to_owned())))
            .with_http_client(self.transport.clone());
        // A machine without instance metadata must not cost seconds: one attempt, one second.
        let second = Duration::from_secs(1);
        let metadata = imds::Client::builder()
            .configure(&provider)
            .max_attempts(1)
            .connect_timeout(second)
            .read_timeout(second)
            .operation_attempt_timeout(second)
            .build();
        let found = DefaultCredentialsChain::builder().configure(provider).imds_client(metadata).build().await;
        let ambient = Ambient { chain: found, mask: self.mask.clone() };
        match ambient.provide_credentials().await {
            Ok(_) => Ok(SharedCredentialsProvider::new(ambient)),
            Err(CredentialsError::CredentialsNotLoaded(_)) => Err(self.nothing_found()),
            // The chain asks the instance last. Other clouds answer at its address too, each in its own way.
            Err(error) if find::<ImdsError>(&error).is_some() => Err(self.nothing_found()),
            Err(error) => Err(Error::new(
                Code::CredentialsInvalid,
                "The credentials of this job's environment cannot be loaded.",
                chain(&error),
                "Correct the AWS_* variables or the profile, or set `role-to-assume` and `permissions: id-token: write`.",
            )),
        }
    }

    fn nothing_found(&self) -> Error {
        let wanted_oidc = self.credentials.role.is_some()
            && self.runner.is_actions
            && self.runner.oidc.is_none()
            && !self.credentials.chaining
            && !self.credentials.force_skip_oidc;
        if wanted_oidc {
            explain::no_oidc_permission(is_from_fork(self.runner))
        } else {
            explain::no_credentials(self.credentials.role.is_some())
        }
    }
}

/// Whether the run belongs to a pull request from a fork, as the event says.
fn is_from_fork(runner: &Runner) -> bool {
    let event = runner.event_path.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let event: Value = serde_json::from_str(&event).unwrap_or_default();
    let name = |side: &str| event.pointer(&format!("/pull_request/{side}/repo/full_name")).cloned();
    // A fork that was deleted since has no repository any more.
    event.get("pull_request").is_some() && name("head") != name("base")
}

/// The partition of a region: needed only to complete a bare role name.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
fn partition_of(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    BY_PREFIX.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}
