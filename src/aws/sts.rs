//! STS: the three calls that turn a token or keys into a session and say who it is.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials as Keys;
use aws_sdk_sts::Client;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials as Issued, PolicyDescriptorType, Tag};

use super::call::CallError;
use crate::inputs::Credentials;

/// The client for a service at its own endpoint, or at `sts-endpoint`.
pub(super) fn client(config: &SdkConfig, endpoint: Option<&str>) -> Client {
    let mut builder = aws_sdk_sts::config::Builder::from(config);
    if let Some(endpoint) = endpoint {
        let scheme = if endpoint.contains("://") { "" } else { "https://" };
        builder = builder.endpoint_url(format!("{scheme}{endpoint}"));
    }
    Client::from_conf(builder.build())
}

/// What is asked of a role session.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub role_arn: String,
    session_name: String,
    duration: Duration,
    external_id: Option<String>,
    policy: Option<String>,
    policies: Vec<String>,
    transitive_tag_keys: Vec<String>,
}

/// A role session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub keys: Keys,
    /// `arn:P:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
}

impl Asked {
    pub fn new(role_arn: String, inputs: &Credentials) -> Self {
        Self {
            role_arn,
            session_name: inputs.session_name.clone(),
            duration: inputs.duration,
            external_id: inputs.external_id.clone(),
            policy: inputs.inline_session_policy.clone(),
            policies: inputs.managed_session_policies.clone(),
            transitive_tag_keys: inputs.transitive_tag_keys.clone(),
        }
    }

    /// A session for a web identity token; the call itself is not signed.
    pub async fn with_token(&self, sts: &Client, jwt: &str) -> Result<Session, CallError> {
        const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
        let answer = sts
            .assume_role_with_web_identity()
            .role_arn(&self.role_arn)
            .role_session_name(&self.session_name)
            .web_identity_token(jwt)
            .duration_seconds(self.seconds())
            .set_policy(self.policy.clone())
            .set_policy_arns(self.policies())
            .send()
            .await
            .map_err(|error| CallError::from_sdk(ACTION, &error))?;
        session(ACTION, answer.credentials, answer.assumed_role_user)
    }

    /// A session for credentials that the client already has.
    pub async fn with_keys(&self, sts: &Client, tags: &[(String, String)]) -> Result<Session, CallError> {
        const ACTION: &str = "sts:AssumeRole";
        // Only keys that are really there: STS refuses others.
        let is_there = |key: &String| tags.iter().any(|(name, _)| name == key);
        let transitive: Vec<_> = self.transitive_tag_keys.iter().filter(|key| is_there(key)).cloned().collect();
        let tags = tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect();
        let answer = sts
            .assume_role()
            .role_arn(&self.role_arn)
            .role_session_name(&self.session_name)
            .duration_seconds(self.seconds())
            .set_external_id(self.external_id.clone())
            .set_policy(self.policy.clone())
            .set_policy_arns(self.policies())
            .set_tags(some(tags))
            .set_transitive_tag_keys(some(transitive))
            .send()
            .await
            .map_err(|error| CallError::from_sdk(ACTION, &error))?;
        session(ACTION, answer.credentials, answer.assumed_role_user)
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.duration.as_secs()).unwrap_or(i32::MAX)
    }

    fn policies(&self) -> Option<Vec<PolicyDescriptorType>> {
        some(self.policies.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build()).collect())
    }
}

/// The ARN of whoever the client's credentials are: needs no permission, so it proves them.
pub(super) async fn caller(sts: &Client) -> Result<String, CallError> {
    const ACTION: &str = "sts:GetCallerIdentity";
    let answer = sts.get_caller_identity().send().await.map_err(|error| CallError::from_sdk(ACTION, &error))?;
    answer.arn.ok_or_else(|| CallError::unreadable(ACTION, "it holds no ARN"))
}

/// A list, or nothing when it is empty: an empty list on the wire is not the same to AWS.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

fn session(action: &'static str, issued: Option<Issued>, who: Option<AssumedRoleUser>) -> Result<Session, CallError> {
    let (Some(issued), Some(who)) = (issued, who) else {
        return Err(CallError::unreadable(action, "it holds no credentials"));
    };
    let expiry = SystemTime::try_from(issued.expiration).ok();
    let keys = Keys::new(issued.access_key_id, issued.secret_access_key, Some(issued.session_token), expiry, "role");
    Ok(Session { keys, arn: who.arn })
}
