//! Who to be in AWS.

use std::time::Duration;

use url::Url;

use crate::model::secret::Secret;

use super::arns::is_account;
use super::given::{Given, Remarks, given};
use super::raw::RawInputs;
use super::runner::Runner;
use super::session::{custom_tags, external_id, inline_policy, managed_policies, session_name};

/// Who to be in AWS.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an input of its own; no two of them are one state")]
pub struct Credentials {
    /// `role-to-assume`.
    pub role: Option<Role>,
    /// `audience` of the OIDC token.
    pub audience: String,
    /// `role-session-name`, already what STS allows.
    pub session_name: String,
    /// `role-duration-seconds`.
    pub duration: Duration,
    /// `role-external-id`.
    pub external_id: Option<String>,
    /// `role-chaining`.
    pub chaining: bool,
    /// `role-skip-session-tagging`.
    pub skip_session_tagging: bool,
    /// `transitive-tag-keys`.
    pub transitive_tag_keys: Vec<String>,
    /// `custom-tags`.
    pub custom_tags: Vec<(String, String)>,
    /// `inline-session-policy`.
    pub inline_session_policy: Option<String>,
    /// `managed-session-policies`.
    pub managed_session_policies: Vec<String>,
    /// `web-identity-token-file`, as given; relative to the workspace.
    pub web_identity_token_file: Option<String>,
    /// `sts-endpoint`.
    pub sts_endpoint: Option<String>,
    /// `force-skip-oidc`.
    pub force_skip_oidc: bool,
    /// `aws-access-key-id` and its companions.
    pub access_keys: Option<AccessKeys>,
    /// `allowed-account-ids`; empty means any.
    pub allowed_account_ids: Vec<String>,
    /// `mask-aws-account-id`.
    pub mask_account_id: bool,
    /// `max-retries`: attempts of one AWS call, at least 1.
    pub max_attempts: u32,
}

/// `role-to-assume`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A whole ARN.
    Arn(String),
    /// A bare name, completed when the account is known.
    Name(String),
}

/// Static keys.
#[derive(Debug, Clone)]
pub struct AccessKeys {
    /// `aws-access-key-id`.
    pub id: Secret,
    /// `aws-secret-access-key`.
    pub secret: Secret,
    /// `aws-session-token`.
    pub session_token: Option<Secret>,
}

pub(super) fn parse(raw: &RawInputs, runner: &Runner, remarks: &mut Remarks) -> Credentials {
    let retries = given!(raw.max_retries).number(0..=1000, remarks).unwrap_or(5);
    let duration = given!(raw.role_duration_seconds).number(900..=43_200, remarks).unwrap_or(3600);
    let credentials = Credentials {
        role: given!(raw.role_to_assume).role(remarks).map(role),
        audience: given!(raw.audience).text().unwrap_or("sts.amazonaws.com").to_owned(),
        session_name: session_name(given!(raw.role_session_name), remarks),
        duration: Duration::from_secs(u64::from(duration)),
        external_id: external_id(given!(raw.role_external_id), remarks),
        chaining: given!(raw.role_chaining).boolean(remarks).unwrap_or(false),
        skip_session_tagging: given!(raw.role_skip_session_tagging).boolean(remarks).unwrap_or(false),
        transitive_tag_keys: given!(raw.transitive_tag_keys).items().into_iter().map(str::to_owned).collect(),
        custom_tags: custom_tags(given!(raw.custom_tags), remarks),
        inline_session_policy: inline_policy(given!(raw.inline_session_policy), remarks),
        managed_session_policies: managed_policies(given!(raw.managed_session_policies), remarks),
        web_identity_token_file: given!(raw.web_identity_token_file).owned(),
        sts_endpoint: endpoint(given!(raw.sts_endpoint), remarks),
        force_skip_oidc: given!(raw.force_skip_oidc).boolean(remarks).unwrap_or(false),
        access_keys: access_keys(raw, remarks),
        allowed_account_ids: given!(raw.allowed_account_ids).items_that(
            is_account,
            "An account id is twelve digits",
            remarks,
        ),
        mask_account_id: given!(raw.mask_aws_account_id).boolean(remarks).unwrap_or(false),
        max_attempts: retries.max(1),
    };
    without_effect(&credentials, runner, remarks);
    credentials
}

/// Inputs that the way the role is assumed cannot use: said, not dropped in silence.
fn without_effect(credentials: &Credentials, runner: &Runner, remarks: &mut Remarks) {
    let by_token = credentials.web_identity_token_file.is_some()
        || (runner.oidc.is_some()
            && credentials.access_keys.is_none()
            && !credentials.chaining
            && !credentials.force_skip_oidc);
    if credentials.role.is_some() && by_token && !credentials.custom_tags.is_empty() {
        remarks
            .warnings
            .push("`custom-tags` has no effect: a session by OIDC or token file carries no tags.".to_owned());
    }
    if credentials.role.is_none() && (credentials.chaining || credentials.external_id.is_some()) {
        remarks
            .warnings
            .push("`role-chaining` and `role-external-id` have no effect without `role-to-assume`.".to_owned());
    }
    if credentials.chaining && credentials.duration.as_secs() > 3600 {
        let limit = "AWS limits a session that was assumed from another role to 3600";
        remarks.warnings.push(format!("`role-duration-seconds` is {}; {limit}.", credentials.duration.as_secs()));
    }
}

fn role(text: &str) -> Role {
    if text.starts_with("arn:") { Role::Arn(text.to_owned()) } else { Role::Name(text.to_owned()) }
}

fn endpoint(input: Given<'_>, remarks: &mut Remarks) -> Option<String> {
    let text = input.text()?;
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    if url.is_none() {
        remarks.invalid(input, "It takes a URL, `https://HOST`", "Leave it out for the endpoint of the region.");
    }
    Some(text.to_owned())
}

fn access_keys(raw: &RawInputs, remarks: &mut Remarks) -> Option<AccessKeys> {
    let (id, secret) = (given!(raw.aws_access_key_id), given!(raw.aws_secret_access_key));
    let token = given!(raw.aws_session_token);
    match (id.text(), secret.text()) {
        (Some(key), Some(value)) => {
            let advice = "a role by OIDC (`role-to-assume` with `id-token: write`) leaves no long-lived key in GitHub";
            remarks.warnings.push(format!("Static access keys are in use; {advice}."));
            Some(AccessKeys {
                id: Secret::new(key),
                secret: Secret::new(value),
                session_token: token.text().map(Secret::new),
            })
        }
        (Some(_), None) => {
            remarks.missing(secret, "`aws-access-key-id` is of no use without it");
            None
        }
        (None, Some(_)) => {
            remarks.missing(id, "`aws-secret-access-key` is of no use without it");
            None
        }
        (None, None) => {
            if token.text().is_some() {
                remarks.missing(id, "`aws-session-token` is of no use without it");
            }
            None
        }
    }
}
