//! What the runner tells about the run: `GITHUB_*`, `RUNNER_*`, `ACTIONS_*`.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>

use std::path::PathBuf;

use crate::model::secret::Secret;

use super::environment::Environment;

/// The run, as the runner describes it. Every part is optional: the binary also runs on a laptop.
#[derive(Debug, Clone, Default)]
pub struct Runner {
    /// `GITHUB_WORKSPACE`; the current folder when absent.
    pub workspace: PathBuf,
    /// `RUNNER_TEMP`.
    pub temp: Option<PathBuf>,
    /// `GITHUB_OUTPUT`.
    pub output: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`.
    pub step_summary: Option<PathBuf>,
    /// `GITHUB_STATE`.
    pub state: Option<PathBuf>,
    /// `GITHUB_EVENT_PATH`.
    pub event_path: Option<PathBuf>,
    /// `GITHUB_EVENT_NAME`.
    pub event_name: Option<String>,
    /// `GITHUB_API_URL`, default `https://api.github.com`.
    pub api_url: String,
    /// `GITHUB_SERVER_URL`, default `https://github.com`.
    pub server_url: String,
    /// `GITHUB_REPOSITORY`, `owner/name`.
    pub repository: Option<String>,
    /// `GITHUB_REPOSITORY_ID`.
    pub repository_id: Option<String>,
    /// `GITHUB_REPOSITORY_OWNER_ID`.
    pub repository_owner_id: Option<String>,
    /// `GITHUB_SHA`; the merge commit on pull requests.
    pub sha: Option<String>,
    /// `GITHUB_REF`.
    pub git_ref: Option<String>,
    /// `GITHUB_HEAD_REF`.
    pub head_ref: Option<String>,
    /// `GITHUB_BASE_REF`.
    pub base_ref: Option<String>,
    /// `GITHUB_RUN_ID`.
    pub run_id: Option<String>,
    /// `GITHUB_RUN_ATTEMPT`.
    pub run_attempt: Option<String>,
    /// `GITHUB_WORKFLOW`.
    pub workflow: Option<String>,
    /// `GITHUB_ACTION`.
    pub action: Option<String>,
    /// `GITHUB_JOB`.
    pub job: Option<String>,
    /// `GITHUB_ACTOR`.
    pub actor: Option<String>,
    /// `GITHUB_TRIGGERING_ACTOR`.
    pub triggering_actor: Option<String>,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`, when the job has `id-token: write`.
    pub oidc: Option<OidcRequest>,
    /// `GITHUB_ACTIONS` is `true`: workflow commands are understood.
    pub is_actions: bool,
    /// `AWS_REGION`, or else `AWS_DEFAULT_REGION`: the region when `aws-region` is not given.
    pub aws_region: Option<String>,
}

/// Where and how to ask GitHub for an OIDC token.
#[derive(Debug, Clone)]
pub struct OidcRequest {
    /// The URL, which already has a query.
    pub url: String,
    /// The bearer token for it.
    pub token: Secret,
}

impl Runner {
    /// The run that the environment describes. Variables that are empty count as not set.
    #[must_use]
    pub fn from_env(environment: &Environment) -> Self {
        let text = |name: &str| environment.text(name).map(str::to_owned);
        let path = |name: &str| environment.os(name).map(PathBuf::from);
        let url =
            |name: &str, default: &str| environment.text(name).unwrap_or(default).trim_end_matches('/').to_owned();
        let oidc = |url: &str, token: &str| OidcRequest { url: url.to_owned(), token: Secret::new(token) };
        Self {
            workspace: path("GITHUB_WORKSPACE").unwrap_or_else(|| PathBuf::from(".")),
            temp: path("RUNNER_TEMP"),
            output: path("GITHUB_OUTPUT"),
            step_summary: path("GITHUB_STEP_SUMMARY"),
            state: path("GITHUB_STATE"),
            event_path: path("GITHUB_EVENT_PATH"),
            event_name: text("GITHUB_EVENT_NAME"),
            api_url: url("GITHUB_API_URL", "https://api.github.com"),
            server_url: url("GITHUB_SERVER_URL", "https://github.com"),
            repository: text("GITHUB_REPOSITORY"),
            repository_id: text("GITHUB_REPOSITORY_ID"),
            repository_owner_id: text("GITHUB_REPOSITORY_OWNER_ID"),
            sha: text("GITHUB_SHA"),
            git_ref: text("GITHUB_REF"),
            head_ref: text("GITHUB_HEAD_REF"),
            base_ref: text("GITHUB_BASE_REF"),
            run_id: text("GITHUB_RUN_ID"),
            run_attempt: text("GITHUB_RUN_ATTEMPT"),
            workflow: text("GITHUB_WORKFLOW"),
            action: text("GITHUB_ACTION"),
            job: text("GITHUB_JOB"),
            actor: text("GITHUB_ACTOR"),
            triggering_actor: text("GITHUB_TRIGGERING_ACTOR"),
            oidc: environment
                .text("ACTIONS_ID_TOKEN_REQUEST_URL")
                .zip(environment.text("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
                .map(|(url, token)| oidc(url, token)),
            is_actions: environment.text("GITHUB_ACTIONS") == Some("true"),
            aws_region: text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION")),
        }
    }

    /// The page of this run and attempt.
    #[must_use]
    pub fn run_url(&self) -> Option<String> {
        let (repository, run) = (self.repository.as_ref()?, self.run_id.as_ref()?);
        let attempt = self.run_attempt.as_ref().map(|n| format!("/attempts/{n}")).unwrap_or_default();
        Some(format!("{}/{repository}/actions/runs/{run}{attempt}", self.server_url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_laptop_has_no_runner_and_gets_the_defaults() {
        let runner = Runner::from_env(&Environment::default());
        assert_eq!(runner.workspace, PathBuf::from("."));
        assert_eq!(
            (runner.api_url.as_str(), runner.server_url.as_str()),
            ("https://api.github.com", "https://github.com")
        );
        assert!(!runner.is_actions && runner.oidc.is_none() && runner.run_url().is_none());
    }

    #[test]
    fn a_run_is_read_from_the_variables() {
        let runner = Runner::from_env(&Environment::from_iter([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", "https://git.example/api/v3/"),
            ("GITHUB_SERVER_URL", "https://git.example"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_RUN_ID", "9"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_HEAD_REF", ""),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://token.example/?a=b"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2"),
        ]));
        assert_eq!(runner.run_url().as_deref(), Some("https://git.example/o/r/actions/runs/9/attempts/2"));
        assert_eq!(runner.api_url, "https://git.example/api/v3");
        assert_eq!(runner.aws_region.as_deref(), Some("eu-west-1"));
        assert_eq!(runner.head_ref, None, "an empty variable is not a branch");
        assert!(runner.is_actions);
        let debug = format!("{runner:?}");
        assert!(runner.oidc.is_some() && !debug.contains("hunter2"), "{debug}");
    }

    #[test]
    fn half_an_oidc_request_is_none() {
        let runner =
            Runner::from_env(&Environment::from_iter([("ACTIONS_ID_TOKEN_REQUEST_URL", "https://token.example")]));
        assert!(runner.oidc.is_none());
    }
}
