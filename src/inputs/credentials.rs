//! Who to be in AWS.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::model::names::Arn;
use crate::model::secret::Secret;

use super::definition::is_role;
use super::given::{Given, Remarks, given};
use super::raw::RawInputs;
use super::runner::Runner;
use super::suggest::shortened;

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

/// Session tags that the run itself sends with `AssumeRole`.
const OWN_TAGS: &[&str] = &[
    "GitHub",
    "Repository",
    "Workflow",
    "Action",
    "Actor",
    "Commit",
    "Branch",
    "EventName",
    "BaseRef",
    "HeadRef",
    "RunId",
    "Job",
    "TriggeringActor",
];

/// Session tags that there may be in all; seven of them are always the run's own.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const MOST_TAGS: usize = 50;

pub(super) fn parse(raw: &RawInputs, runner: &Runner, remarks: &mut Remarks) -> Credentials {
    let retries = given!(raw.max_retries).number(0..=1000, remarks).unwrap_or(5);
    let duration = given!(raw.role_duration_seconds).number(900..=43_200, remarks).unwrap_or(3600);
    let credentials = Credentials {
        role: role(given!(raw.role_to_assume), remarks),
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

fn role(input: Given<'_>, remarks: &mut Remarks) -> Option<Role> {
    let text = input.text()?;
    if !is_role(text) {
        let allowed = "It takes a role's ARN, `arn:aws:iam::ACCOUNT:role/NAME`, or its name";
        remarks.invalid(input, allowed, "Copy the ARN of the role from IAM.");
    }
    Some(if text.starts_with("arn:") { Role::Arn(text.to_owned()) } else { Role::Name(text.to_owned()) })
}

/// STS takes 2 to 64 of `[A-Za-z0-9_+=,.@-]`; workflow names have more.
fn session_name(input: Given<'_>, remarks: &mut Remarks) -> String {
    let asked = input.text().unwrap_or("GitHubActions");
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' };
    let mut name: String = asked.chars().map(allowed).take(64).collect();
    if name.len() < 2 {
        name.push('-');
    }
    if name != asked {
        remarks
            .warnings
            .push(format!("`role-session-name` is sent as `{name}`: STS takes 2 to 64 letters, digits and `_+=,.@-`."));
    }
    name
}

fn external_id(input: Given<'_>, remarks: &mut Remarks) -> Option<String> {
    let text = input.text()?;
    if !(2..=1224).contains(&text.chars().count()) {
        remarks.wrong(
            input,
            "is too short or too long",
            "STS takes 2 to 1224 characters",
            "Copy it from the role's trust policy.",
        );
    }
    Some(text.to_owned())
}

fn custom_tags(input: Given<'_>, remarks: &mut Remarks) -> Vec<(String, String)> {
    let Some(Value::Object(tags)) = input.object(remarks) else { return Vec::new() };
    if tags.len() > MOST_TAGS - 7 {
        let problem = format!("has {} tags", tags.len());
        let allowed = format!("A session has at most {MOST_TAGS}, and seven of them are the run's own");
        remarks.wrong(input, &problem, &allowed, "Leave some out.");
    }
    tags.into_iter().filter_map(|(key, value)| custom_tag(input, key, &value, remarks)).collect()
}

fn custom_tag(input: Given<'_>, key: String, value: &Value, remarks: &mut Remarks) -> Option<(String, String)> {
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    let fits = |text: &str, longest: usize| text.chars().count() <= longest && text.chars().all(is_tag_character);
    let problem = if OWN_TAGS.iter().any(|own| own.eq_ignore_ascii_case(&key)) {
        Some(("sets", "The run sends a tag of this name itself"))
    } else if key.is_empty() || !fits(&key, 128) {
        Some(("has a key", "A key is 1 to 128 letters, digits, blanks and `_.:/=+-@`"))
    } else if text.as_ref().is_none_or(|text| !fits(text, 256)) {
        Some((
            "has a wrong value for",
            "A value is a text, number or boolean, at most 256 letters, digits, blanks and `_.:/=+-@`",
        ))
    } else {
        None
    };
    match (problem, text) {
        (None, Some(text)) => Some((key, text)),
        (problem, _) => {
            let (verb, allowed) = problem.unwrap_or_default();
            remarks.wrong(
                input,
                &format!("{verb} `{}`", shortened(&key)),
                allowed,
                "Rename, shorten or remove this tag.",
            );
            None
        }
    }
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`
fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// The policy without its blanks: STS counts at most 2048 characters.
fn inline_policy(input: Given<'_>, remarks: &mut Remarks) -> Option<String> {
    let policy = input.object(remarks)?.to_string();
    let length = policy.chars().count();
    if length > 2048 {
        remarks.wrong(
            input,
            &format!("is {length} characters long"),
            "STS takes 2048, blanks apart",
            "Use `managed-session-policies`.",
        );
    }
    Some(policy)
}

fn managed_policies(input: Given<'_>, remarks: &mut Remarks) -> Vec<String> {
    let is_policy =
        |text: &str| Arn::parse(text).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("policy/"));
    let policies =
        input.items_that(is_policy, "It takes ARNs such as `arn:aws:iam::aws:policy/ReadOnlyAccess`", remarks);
    if policies.len() > 10 {
        remarks.wrong(input, &format!("has {} policies", policies.len()), "STS takes at most ten", "Leave some out.");
    }
    policies
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

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}
