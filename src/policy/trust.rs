//! Who may have the role: the jobs of one repository, by the subject of the token that GitHub gives them.
//!
//! <https://docs.github.com/en/actions/reference/security/oidc>

use serde_json::json;

use super::{Policy, Scope};
use crate::inputs::runner::Runner;

/// Stands for the repository when the run does not name it. No account of GitHub can have such a name: a policy that was
/// not filled in trusts nobody.
const REPOSITORY: &str = "<OWNER>/<REPOSITORY>";

/// The trust policy of the role, for this repository and its environment, branch or pull requests.
pub fn trust(scope: &Scope<'_>) -> Policy {
    let (runner, credentials) = (scope.runner, &scope.inputs.credentials);
    let mut remarks: Vec<String> = scope.account_remark().into_iter().collect();
    let issuer = issuer(&runner.server_url);
    let tail = tail(scope, &mut remarks);
    let subjects: Vec<String> = names(runner, &mut remarks).map(|name| format!("repo:{name}:{tail}")).to_vec();
    let by_token = credentials.access_keys.is_none() && !credentials.chaining && !credentials.force_skip_oidc;
    if !by_token {
        remarks.push(
            "These inputs have the role assumed with other credentials: it must trust whoever has those, and they need \
             `sts:AssumeRole` and `sts:TagSession` on it. Without them GitHub's token is enough."
                .to_owned(),
        );
    }
    let provider = scope.arn_in("", "iam", &format!("oidc-provider/{issuer}"));
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider},
            "Condition": {"StringEquals": {
                format!("{issuer}:aud"): credentials.audience,
                format!("{issuer}:sub"): subjects,
            }},
        }],
    });
    Policy { document, remarks }
}

/// The repository in both forms: by names alone, and with the ids that stay when it is renamed.
/// <https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims>
fn names(runner: &Runner, remarks: &mut Vec<String>) -> [String; 2] {
    let repository = runner.repository.as_deref().unwrap_or(REPOSITORY);
    let (owner, name) = repository.split_once('/').unwrap_or((repository, "<REPOSITORY>"));
    let (owner_id, id) = (runner.repository_owner_id.as_deref(), runner.repository_id.as_deref());
    if runner.repository.is_none() {
        remarks.push(format!("`{REPOSITORY}` stands for the repository: set `GITHUB_REPOSITORY`."));
    }
    if owner_id.is_none() || id.is_none() {
        remarks.push(format!(
            "`OWNER_ID` and `REPOSITORY_ID` stand for ids: set `GITHUB_REPOSITORY_OWNER_ID` and `GITHUB_REPOSITORY_ID`; \
             `gh api 'repos/{repository}' --jq '.owner.id, .id'` tells them."
        ));
    }
    let (owner_id, id) = (owner_id.unwrap_or("OWNER_ID"), id.unwrap_or("REPOSITORY_ID"));
    [format!("{owner}/{name}"), format!("{owner}@{owner_id}/{name}@{id}")]
}

/// What of the repository: an environment, its pull requests, or a branch or tag; the first that applies, as in the token.
fn tail(scope: &Scope<'_>, remarks: &mut Vec<String>) -> String {
    let runner = scope.runner;
    // A colon would end the part.
    let part = |text: &str| text.replace(':', "%3A");
    if let Some(environment) = &scope.inputs.reporting.environment {
        remarks.push(format!(
            "It is for a job with `environment: {environment}`: the token names the job's environment, whatever the input says."
        ));
        return format!("environment:{}", part(environment));
    }
    let is_merge = |git_ref: &str| git_ref.starts_with("refs/pull/");
    match runner.git_ref.as_deref() {
        _ if runner.event_name.as_deref() == Some("pull_request") => "pull_request".to_owned(),
        Some(git_ref) if is_merge(git_ref) => "pull_request".to_owned(),
        Some(git_ref) => format!("ref:{}", part(git_ref)),
        None => {
            remarks.push(
                "`BRANCH` stands for the branch that deploys: set `GITHUB_REF`, or give `environment` for a job that has \
                 one."
                    .to_owned(),
            );
            "ref:refs/heads/BRANCH".to_owned()
        }
    }
}

/// Who signs the tokens: GitHub for all, GitHub for one enterprise, or a server of one's own.
fn issuer(server_url: &str) -> String {
    let host = server_url.split_once("://").map_or(server_url, |(_, host)| host).trim_end_matches('/');
    match host.strip_suffix(".ghe.com") {
        Some(enterprise) => format!("token.actions.{enterprise}.ghe.com"),
        None if host == "github.com" || host.is_empty() => "token.actions.githubusercontent.com".to_owned(),
        None => format!("{host}/_services/token"),
    }
}
