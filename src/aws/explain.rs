//! Why there are no credentials, and the one thing to do about it.

use serde_json::json;

use super::call::{CallError, CallErrorKind};
use super::oidc::Claims;
use super::refusal;
use crate::error::{Code, Error};
use crate::model::names::Arn;

/// STS refused a web identity token for a role.
pub(super) fn web_identity(error: CallError, claims: &Claims, role: &str) -> Error {
    let why = format!("{}. {}", error.evidence().trim_end_matches('.'), token_says(claims));
    let account = Arn::parse(role).map(|arn| arn.account).unwrap_or_default();
    let message = error.message.to_lowercase();
    match error.code.as_deref() {
        Some("InvalidIdentityToken") if message.contains("audience") => Error::new(
            Code::OidcProviderMissing,
            format!("The OIDC provider in account {account} does not take the audience `{}`.", claims.aud),
            why,
            format!(
                "Add `{}` to the audiences (client IDs) of the provider for {}, or set `audience` to one that it has.",
                claims.aud, claims.iss
            ),
        ),
        Some("InvalidIdentityToken") if message.contains("provider found") => Error::new(
            Code::OidcProviderMissing,
            format!("Account {account} has no OIDC provider for {}.", claims.iss),
            why,
            format!(
                "Create it once: aws iam create-open-id-connect-provider --url {} --client-id-list {}; or correct the \
                 account in `role-to-assume`.",
                claims.iss, claims.aud
            ),
        ),
        Some("InvalidIdentityToken") => Error::new(
            Code::RoleRefused,
            format!("AWS could not verify the token for the role `{role}`."),
            why,
            format!("Check that AWS can reach {}, then run the job again.", claims.iss),
        ),
        Some("ExpiredTokenException" | "IDPRejectedClaim") => Error::new(
            Code::RoleRefused,
            format!("AWS says that the token for the role `{role}` has expired, twice in a row."),
            why,
            "Check the clock of the runner; with `web-identity-token-file`, have the file renewed.",
        ),
        _ if error.kind == CallErrorKind::Denied => Error::new(
            Code::RoleRefused,
            format!("AWS did not let this job assume the role `{role}`."),
            format!("{why} AWS answers the same when the role does not exist."),
            format!("Check the role's name, and give its trust policy this condition: {}", condition(claims)),
        ),
        _ => either_way(error, role),
    }
}

/// STS refused credentials for a role.
pub(super) fn assume_role(error: CallError, role: &str) -> Error {
    if error.kind != CallErrorKind::Denied {
        return either_way(error, role);
    }
    let why = format!("{}.", error.evidence().trim_end_matches('.'));
    if error.message.contains("sts:TagSession") {
        return Error::new(
            Code::RoleRefused,
            format!("AWS did not let the session of the role `{role}` have tags."),
            why,
            "Allow `sts:TagSession` beside `sts:AssumeRole`, in the caller's policy and in the role's trust policy, or \
             set `role-skip-session-tagging: true`.",
        );
    }
    let why = format!("{why} AWS answers the same when the role does not exist.");
    let allow = refusal::denied("sts:AssumeRole", &error.message, String::new()).fix;
    Error::new(
        Code::RoleRefused,
        format!("AWS did not let these credentials assume the role `{role}`."),
        why,
        format!(
            "{allow}. The role's trust policy must name the caller too, with its `sts:ExternalId` if it asks for one."
        ),
    )
}

/// Refusals that do not depend on how the role is assumed.
fn either_way(error: CallError, role: &str) -> Error {
    let why = error.evidence();
    let invalid = |what: String, fix: &str| Error::new(Code::InputInvalid, what, why.clone(), fix);
    match error.code.as_deref() {
        Some("RegionDisabledException") => Error::new(
            Code::RoleRefused,
            "STS is switched off in this region for the role's account.",
            why,
            "Activate the region in the account's settings, or set `sts-endpoint: https://sts.us-east-1.amazonaws.com`.",
        ),
        Some("MalformedPolicyDocument" | "MalformedPolicyDocumentException") => invalid(
            "AWS does not understand the session policy.".to_owned(),
            "Correct `inline-session-policy` or `managed-session-policies`.",
        ),
        Some("PackedPolicyTooLarge" | "PackedPolicyTooLargeException") => invalid(
            "The session policies and tags are too large together.".to_owned(),
            "Shorten `inline-session-policy` or `custom-tags`, or set `role-skip-session-tagging: true`.",
        ),
        _ if error.message.contains("DurationSeconds") => invalid(
            format!("The role `{role}` does not allow so long a session."),
            "Lower `role-duration-seconds`, or raise the role's maximum session duration (1 to 12 hours; a chained role \
             has 1 hour at most). Long waits need no long session: it renews itself.",
        ),
        Some("ValidationError") => invalid(
            format!("AWS does not accept the request for the role `{role}`."),
            "Correct `role-to-assume`: arn:aws:iam::<account>:role/<name>, without quotes, spaces or line breaks.",
        ),
        _ => error.into(),
    }
}

/// What the token says of the job: what a trust policy compares. Never the token itself.
fn token_says(claims: &Claims) -> String {
    let parts = [
        ("sub", Some(claims.sub.as_str())),
        ("aud", Some(claims.aud.as_str())),
        ("iss", Some(claims.iss.as_str())),
        ("environment", claims.environment.as_deref()),
        ("repository", claims.repository.as_deref()),
    ];
    let said: Vec<_> = parts
        .iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .map(|(name, value)| format!("{name} `{value}`"))
        .collect();
    if said.is_empty() {
        "The token cannot be read.".to_owned()
    } else {
        format!("The token says: {}.", said.join(", "))
    }
}

/// The condition of a trust policy that this token meets, with the subject in both forms that GitHub uses.
/// <https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims>
fn condition(claims: &Claims) -> String {
    let host = claims.iss.trim_start_matches("https://");
    json!({"StringEquals": {format!("{host}:aud"): claims.aud, format!("{host}:sub"): subjects(claims)}}).to_string()
}

/// The token's subject, and then the same in GitHub's other form: with names alone, or with the ids that stay.
fn subjects(claims: &Claims) -> Vec<String> {
    let mut subjects = vec![claims.sub.clone()];
    let forms = || {
        let (owner, name) = claims.repository.as_deref()?.split_once('/')?;
        let (owner_id, id) = (claims.repository_owner_id.as_deref()?, claims.repository_id.as_deref()?);
        let (_, tail) = claims.sub.strip_prefix("repo:")?.split_once(':')?;
        Some([format!("repo:{owner}/{name}:{tail}"), format!("repo:{owner}@{owner_id}/{name}@{id}:{tail}")])
    };
    let forms = forms().unwrap_or_default();
    // A customised subject has no other form.
    if forms.contains(&claims.sub) {
        subjects.extend(forms.into_iter().filter(|form| *form != claims.sub));
    }
    subjects
}

/// A role is to be assumed with GitHub's token, and the job may not ask for one.
pub(super) fn no_oidc_permission(from_fork: bool) -> Error {
    let (why, fix) = if from_fork {
        (
            "The run belongs to a pull request from a fork: GitHub gives those no OIDC token and no secrets.",
            "Deploy after the merge: run this job on `push` to the branch, not on `pull_request`.",
        )
    } else {
        (
            "GitHub gives a token only to jobs with the permission `id-token: write`, and naming any permission takes \
             away the ones that are not named. No other AWS credentials were found.",
            "Add to the job (and to the caller of a reusable workflow): permissions: { id-token: write, contents: read }",
        )
    };
    Error::new(Code::OidcPermissionMissing, "This job may not ask GitHub for an OIDC token.", why, fix)
}

/// Nothing that could be credentials was found.
pub(super) fn no_credentials(has_role: bool) -> Error {
    let fix = if has_role {
        "Give the job `permissions: id-token: write`, so that the role can be assumed with GitHub's token, and leave \
         out `force-skip-oidc` and `role-chaining`; or give keys."
    } else {
        "Set `role-to-assume` to the ARN of a role that trusts this repository, and give the job `permissions: \
         id-token: write`."
    };
    Error::new(
        Code::CredentialsMissing,
        "No AWS credentials were found.",
        "Looked at: the inputs `role-to-assume`, `aws-access-key-id` and `web-identity-token-file`; the variables \
         AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE; the AWS profile files; the container's credentials endpoint; \
         the instance's metadata.",
        fix,
    )
}

/// A bare role name, and no account to complete it with.
pub(super) fn bare_role(name: &str) -> Error {
    Error::new(
        Code::RoleNameBare,
        format!("`role-to-assume: {name}` is a name, and the account it belongs to is not known."),
        "A token does not tell the account; only keys, or exactly one entry in `allowed-account-ids`, do.",
        format!("Write the whole ARN: arn:aws:iam::<account>:role/{name}"),
    )
}

/// The credentials are those of another account than the user allows.
pub(super) fn other_account(account: &str, allowed: &[String]) -> Error {
    Error::new(
        Code::AccountNotAllowed,
        format!("The credentials belong to account {account}, which `allowed-account-ids` does not name."),
        format!("Allowed: {}. Nothing was changed.", allowed.join(", ")),
        "Correct `role-to-assume` or the keys, or add the account to `allowed-account-ids`.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

    fn claims() -> Claims {
        let text = |text: &str| Some(text.to_owned());
        Claims {
            sub: "repo:octo/shop:environment:production".to_owned(),
            aud: "sts.amazonaws.com".to_owned(),
            iss: "https://token.actions.githubusercontent.com".to_owned(),
            environment: text("production"),
            repository: text("octo/shop"),
            repository_id: text("456"),
            repository_owner_id: text("123"),
        }
    }

    fn refused(code: &str, message: &str) -> CallError {
        CallError::refused("sts:AssumeRoleWithWebIdentity", code, message)
    }

    #[test]
    fn a_refused_role_shows_the_condition_that_its_trust_policy_needs() {
        let denied = CallError {
            kind: CallErrorKind::Denied,
            request_id: Some("4f1c".to_owned()),
            ..refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        };
        insta::assert_snapshot!(web_identity(denied, &claims(), ROLE), @r#"
        AWS did not let this job assume the role `arn:aws:iam::123456789012:role/deploy`. [role-refused]
          why: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity (request id 4f1c). The token says: sub `repo:octo/shop:environment:production`, aud `sts.amazonaws.com`, iss `https://token.actions.githubusercontent.com`, environment `production`, repository `octo/shop`. AWS answers the same when the role does not exist.
          fix: Check the role's name, and give its trust policy this condition: {"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com","token.actions.githubusercontent.com:sub":["repo:octo/shop:environment:production","repo:octo@123/shop@456:environment:production"]}}
        "#);
    }

    #[test]
    fn a_subject_is_shown_in_both_forms_unless_it_is_customised() {
        let mut claims = claims();
        claims.sub = "repo:octo@123/shop@456:ref:refs/heads/main".to_owned();
        let both = ["repo:octo@123/shop@456:ref:refs/heads/main", "repo:octo/shop:ref:refs/heads/main"];
        assert_eq!(subjects(&claims), both);
        claims.sub = "repository_id:456:workflow:deploy".to_owned();
        assert_eq!(subjects(&claims), ["repository_id:456:workflow:deploy"]);
    }

    #[test]
    fn an_absent_provider_and_a_wrong_audience_are_told_apart() {
        let absent = refused(
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com",
        );
        insta::assert_snapshot!(web_identity(absent, &claims(), ROLE), @r"
        Account 123456789012 has no OIDC provider for https://token.actions.githubusercontent.com. [oidc-provider-missing]
          why: InvalidIdentityToken: No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com. The token says: sub `repo:octo/shop:environment:production`, aud `sts.amazonaws.com`, iss `https://token.actions.githubusercontent.com`, environment `production`, repository `octo/shop`.
          fix: Create it once: aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com; or correct the account in `role-to-assume`.
        ");
        let audience = refused("InvalidIdentityToken", "Incorrect token audience");
        insta::assert_snapshot!(web_identity(audience, &claims(), ROLE), @r"
        The OIDC provider in account 123456789012 does not take the audience `sts.amazonaws.com`. [oidc-provider-missing]
          why: InvalidIdentityToken: Incorrect token audience. The token says: sub `repo:octo/shop:environment:production`, aud `sts.amazonaws.com`, iss `https://token.actions.githubusercontent.com`, environment `production`, repository `octo/shop`.
          fix: Add `sts.amazonaws.com` to the audiences (client IDs) of the provider for https://token.actions.githubusercontent.com, or set `audience` to one that it has.
        ");
    }

    #[test]
    fn a_malformed_arn_a_long_session_and_a_disabled_region_are_told_apart() {
        let arn = refused("ValidationError", "Request ARN is invalid");
        insta::assert_snapshot!(web_identity(arn, &claims(), "deploy"), @r"
        AWS does not accept the request for the role `deploy`. [input-invalid]
          why: ValidationError: Request ARN is invalid
          fix: Correct `role-to-assume`: arn:aws:iam::<account>:role/<name>, without quotes, spaces or line breaks.
        ");
        let long = refused(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        );
        insta::assert_snapshot!(web_identity(long, &claims(), ROLE), @r"
        The role `arn:aws:iam::123456789012:role/deploy` does not allow so long a session. [input-invalid]
          why: ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.
          fix: Lower `role-duration-seconds`, or raise the role's maximum session duration (1 to 12 hours; a chained role has 1 hour at most). Long waits need no long session: it renews itself.
        ");
        let region =
            refused("RegionDisabledException", "STS is not activated in this region for account:123456789012.");
        insta::assert_snapshot!(web_identity(region, &claims(), ROLE), @r"
        STS is switched off in this region for the role's account. [role-refused]
          why: RegionDisabledException: STS is not activated in this region for account:123456789012.
          fix: Activate the region in the account's settings, or set `sts-endpoint: https://sts.us-east-1.amazonaws.com`.
        ");
    }

    #[test]
    fn a_refused_chain_names_the_caller_and_a_refused_tag_the_way_out() {
        let denied = |action: &str| CallError {
            kind: CallErrorKind::Denied,
            ..refused(
                "AccessDenied",
                &format!(
                    "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: {action} on resource: {ROLE}"
                ),
            )
        };
        insta::assert_snapshot!(assume_role(denied("sts:AssumeRole"), ROLE), @r#"
        AWS did not let these credentials assume the role `arn:aws:iam::123456789012:role/deploy`. [role-refused]
          why: AccessDenied: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/deploy. AWS answers the same when the role does not exist.
          fix: Add this statement to a policy of the user `ci`: {"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/deploy"}. The role's trust policy must name the caller too, with its `sts:ExternalId` if it asks for one.
        "#);
        insta::assert_snapshot!(assume_role(denied("sts:TagSession"), ROLE), @r"
        AWS did not let the session of the role `arn:aws:iam::123456789012:role/deploy` have tags. [role-refused]
          why: AccessDenied: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:TagSession on resource: arn:aws:iam::123456789012:role/deploy.
          fix: Allow `sts:TagSession` beside `sts:AssumeRole`, in the caller's policy and in the role's trust policy, or set `role-skip-session-tagging: true`.
        ");
    }

    #[test]
    fn a_missing_permission_a_fork_and_missing_credentials_are_told_apart() {
        insta::assert_snapshot!(no_oidc_permission(false), @r"
        This job may not ask GitHub for an OIDC token. [oidc-permission-missing]
          why: GitHub gives a token only to jobs with the permission `id-token: write`, and naming any permission takes away the ones that are not named. No other AWS credentials were found.
          fix: Add to the job (and to the caller of a reusable workflow): permissions: { id-token: write, contents: read }
        ");
        insta::assert_snapshot!(no_oidc_permission(true), @r"
        This job may not ask GitHub for an OIDC token. [oidc-permission-missing]
          why: The run belongs to a pull request from a fork: GitHub gives those no OIDC token and no secrets.
          fix: Deploy after the merge: run this job on `push` to the branch, not on `pull_request`.
        ");
        insta::assert_snapshot!(no_credentials(false), @r"
        No AWS credentials were found. [credentials-missing]
          why: Looked at: the inputs `role-to-assume`, `aws-access-key-id` and `web-identity-token-file`; the variables AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE; the AWS profile files; the container's credentials endpoint; the instance's metadata.
          fix: Set `role-to-assume` to the ARN of a role that trusts this repository, and give the job `permissions: id-token: write`.
        ");
    }
}
