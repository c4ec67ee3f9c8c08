//! Door: GitHub: the runner's files, and its REST API by octocrab.
//!
//! Nothing here can change a verdict: what cannot be delivered comes back as a warning.

mod api;
mod comments;
mod deployments;
mod event;
pub mod files;
pub mod mask;
mod pull_request;

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::http::Http;
use crate::inputs::runner::Runner;
use crate::model::secret::Secret;

use self::api::{Api, Trouble};
use self::deployments::Run;
pub use self::deployments::{Ending, GitHubDeployment, Opening};
use self::event::Payload;

/// What to put on the pull request.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// The hidden line that the body begins with.
    pub marker: &'a str,
    /// The whole comment.
    pub body: &'a str,
    /// Whether a run without a pull request is worth a warning.
    pub wanted: bool,
}

/// Writes the comment on the run's pull request, or edits the one that is there, within `limit`.
///
/// # Errors
/// A sentence for a warning: why there is no comment, and which permission it needs.
pub async fn comment(
    runner: &Runner,
    token: Option<&Secret>,
    http: &Http,
    note: Note<'_>,
    limit: Duration,
) -> Result<(), String> {
    let payload = Payload::read(runner.event_path.as_deref());
    let known = payload.pull_request();
    let token = match token {
        Some(token) => token,
        None if note.wanted || known.is_some() => return Err(warning("`github-token` is empty")),
        None => return Ok(()),
    };
    let publish = async {
        let api = Api::new(runner, token, http)?;
        let number = match known {
            Some(number) => Some(number),
            None => match payload.head_sha().or(runner.sha.as_deref()) {
                Some(sha) => pull_request::of_commit(&api, sha).await?,
                None => None,
            },
        };
        match number {
            Some(number) => comments::publish(&api, number, note.marker, note.body).await.map(|()| true),
            None => Ok(false),
        }
    };
    match timeout(limit, publish).await {
        Err(_) => Err(warning(&format!("GitHub took longer than {} seconds", limit.as_secs()))),
        Ok(Err(trouble)) => Err(warning(&trouble.to_string())),
        Ok(Ok(false)) if note.wanted => {
            Err("No comment was written: this commit belongs to no pull request.".to_owned())
        }
        Ok(Ok(_)) => Ok(()),
    }
}

fn warning(why: &str) -> String {
    format!(
        "The comment on the pull request was not written: {why}. It needs `permissions: pull-requests: write` in the \
         workflow; runs for pull requests from forks cannot have it."
    )
}

/// The commit that the run is for. On a pull request `GITHUB_SHA` is a merge that nobody made: there it is the newest
/// commit of the branch.
pub fn commit(runner: &Runner) -> Option<String> {
    let payload = Payload::read(runner.event_path.as_deref());
    let is_pull_request = runner.event_name.as_deref() == Some("pull_request");
    let of_branch = if is_pull_request { payload.pull_request_sha() } else { payload.head_sha() };
    of_branch.or(runner.sha.as_deref()).map(str::to_owned)
}

/// Makes a GitHub deployment and sets it in progress, within `limit`. `wanted.id` is set as soon as GitHub tells it.
pub async fn open_deployment(
    runner: &Runner,
    token: Option<&Secret>,
    http: &Http,
    wanted: &mut GitHubDeployment,
    (description, about): (&str, &Value),
    limit: Duration,
) -> Opening {
    let Some(token) = token else { return Opening::Refused(no_deployment("`github-token` is empty")) };
    let url = runner.run_url();
    let run_page = url.as_deref().and_then(|url| url.split("/attempts/").next());
    let opening = async {
        let api = Api::new(runner, token, http)?;
        let commit = wanted.commit.clone();
        let run = Run { commits: [Some(&commit), runner.sha.as_deref()], url: run_page };
        if let Some(environment) = deployments::of_the_job(&api, wanted, run).await? {
            return Ok::<_, Trouble>(Opening::OfTheJob(environment));
        }
        let id = deployments::create(&api, wanted, description, about).await?;
        wanted.id = Some(id);
        let begun = deployments::say(&api, id, "in_progress", description, wanted, url.as_deref()).await;
        Ok(begun.map_or_else(|trouble| Opening::Doubtful(no_status("in_progress", &trouble)), |()| Opening::Open))
    };
    match timeout(limit, opening).await {
        Ok(Ok(opening)) => opening,
        Ok(Err(trouble)) if trouble.may_pass() => Opening::Doubtful(in_doubt(&trouble.to_string())),
        Ok(Err(trouble)) => Opening::Refused(no_deployment(&trouble.to_string())),
        Err(_) => Opening::Doubtful(in_doubt(&format!("GitHub took longer than {} seconds", limit.as_secs()))),
    }
}

/// Ends a GitHub deployment that this run has made, or may have made, within `limit`.
///
/// # Errors
/// A sentence for a warning.
pub async fn end_deployment(
    runner: &Runner,
    token: Option<&Secret>,
    http: &Http,
    open: &GitHubDeployment,
    ending: &Ending,
    limit: Duration,
) -> Result<(), String> {
    let Some(token) = token else { return Err("`github-token` is empty".to_owned()) };
    let end = async {
        let api = Api::new(runner, token, http)?;
        let id = match open.id {
            Some(id) => Some(id),
            None => deployments::marked(&api, open).await?,
        };
        let Some(id) = id else { return Ok(()) };
        deployments::say(&api, id, &ending.state, &ending.description, open, runner.run_url().as_deref()).await
    };
    let silent = || Trouble { status: None, message: format!("GitHub took longer than {} seconds", limit.as_secs()) };
    let ended = timeout(limit, end).await.unwrap_or_else(|_| Err(silent()));
    ended.map_err(|trouble| no_status(&ending.state, &trouble))
}

fn no_deployment(why: &str) -> String {
    format!(
        "No GitHub deployment was created: {why}. It needs `permissions: deployments: write` in the workflow; runs for \
         pull requests from forks cannot have it."
    )
}

fn in_doubt(why: &str) -> String {
    format!("It is not known whether GitHub has created the deployment asked for: {why}.")
}

fn no_status(state: &str, trouble: &Trouble) -> String {
    format!("The GitHub deployment could not be set to `{state}`: {trouble}.")
}

#[cfg(all(test, feature = "sim"))]
mod tests;
