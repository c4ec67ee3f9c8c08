//! Door: GitHub: the runner's files, and its REST API by octocrab.
//!
//! Nothing here can change a verdict: what cannot be delivered comes back as a warning.

mod api;
mod comments;
mod event;
pub mod files;
pub mod mask;
mod pull_request;

use std::time::Duration;

use crate::http::Http;
use crate::inputs::runner::Runner;
use crate::model::secret::Secret;

use self::api::Api;
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
    match tokio::time::timeout(limit, publish).await {
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

#[cfg(all(test, feature = "sim"))]
mod tests;
