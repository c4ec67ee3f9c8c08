//! What the runner tells about the run: `GITHUB_*`, `RUNNER_*`, `ACTIONS_*`.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>

use std::path::PathBuf;

use crate::model::secret::Secret;

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
    /// The page of this run and attempt.
    pub fn run_url(&self) -> Option<String> {
        let (repository, run) = (self.repository.as_ref()?, self.run_id.as_ref()?);
        let attempt = self.run_attempt.as_ref().map(|n| format!("/attempts/{n}")).unwrap_or_default();
        Some(format!("{}/{repository}/actions/runs/{run}{attempt}", self.server_url))
    }
}
