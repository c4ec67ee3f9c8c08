//! What the run shows on GitHub: a comment and a deployment. What is open is noted in the runner's state before anything
//! is changed, so that the step after the job can close it if this process is killed.

use std::pin::pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::sleep;
use uuid::Uuid;

use crate::apply::What;
use crate::github::{self, Ending, GitHubDeployment, Note, Opening, files};
use crate::http::Http;
use crate::inputs::{Mode, PrComment};
use crate::report::comment::Comment;
use crate::report::{Report, comment, deployment};

/// How long GitHub may hold up the first change.
const OPENING: Duration = Duration::from_secs(5);
/// How long the comment and the end of the deployment may take, side by side.
const CLOSING: Duration = Duration::from_secs(20);
/// The same after a signal: the runner kills the container's client 7.5 s later.
const CLOSING_WHEN_CANCELLED: Duration = Duration::from_millis(2300);

/// The name under which the state keeps the comment of a killed run.
pub(super) const COMMENT: &str = "comment";
/// The name under which the state keeps the open deployment.
pub(super) const DEPLOYMENT: &str = "deployment";

/// The longest note, in bytes: the runner gives it back as one variable, and Linux takes none of 128 KiB.
const LONGEST_NOTE: usize = 120_000;

/// The comment that the step after the job writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastWords {
    pub marker: String,
    pub body: String,
    /// Whether it tells how the run ended; else it is what is left behind if this process is killed.
    pub is_final: bool,
}

/// What is open on GitHub.
#[derive(Debug, Default)]
pub(super) struct Open {
    deployment: Option<GitHubDeployment>,
    comment: bool,
}

impl Open {
    /// Notes and opens what is to be closed at the end. GitHub's troubles are warnings.
    pub async fn open(&mut self, report: &Report, http: &Http, tell: &mut dyn FnMut(What)) {
        let Some(reporting) = report.inputs.as_ref().map(|inputs| &inputs.reporting) else { return };
        if reporting.pr_comment != PrComment::Never
            && let Some(comment) = comment::killed(report)
        {
            self.comment = true;
            note(report, COMMENT, words(comment, false)).unwrap_or_else(|warning| tell(What::Warned(warning)));
        }
        if reporting.github_deployment {
            self.open_deployment(report, http, tell).await;
        }
    }

    async fn open_deployment(&mut self, report: &Report, http: &Http, tell: &mut dyn FnMut(What)) {
        let Some(inputs) = &report.inputs else { return };
        let wanted = match (deployment::environment(report), github::commit(&report.runner)) {
            _ if inputs.deploy.mode == Mode::Rollback => Err("what is gone back to is not of this run's commit"),
            (None, _) => Err("no service is deployed"),
            (_, None) => Err("`GITHUB_SHA` names no commit"),
            (Some(environment), Some(commit)) => Ok((environment, commit)),
        };
        let (environment, commit) = match wanted {
            Ok(wanted) => wanted,
            Err(why) => return tell(What::Warned(format!("No GitHub deployment was created: {why}."))),
        };
        // Noted before GitHub is asked: an answer may be lost, or this process killed before it comes.
        let open = self.deployment.insert(GitHubDeployment {
            id: None,
            mark: Uuid::new_v4().to_string(),
            environment,
            is_named: inputs.reporting.environment.is_some(),
            environment_url: inputs.reporting.environment_url.clone(),
            commit,
            ending: None,
        });
        note(report, DEPLOYMENT, serde_json::to_string(open).ok())
            .unwrap_or_else(|warning| tell(What::Warned(warning)));
        let about = (deployment::description(report), deployment::payload(report));
        let (token, about) = (inputs.reporting.token.as_ref(), (about.0.as_str(), &about.1));
        let opening = github::open_deployment(&report.runner, token, http, open, about, OPENING).await;
        let is_open = matches!(opening, Opening::Open | Opening::Doubtful(_));
        tell(match opening {
            Opening::Open if open.is_named => {
                What::Finished(format!("opened a GitHub deployment of the environment `{}`", open.environment))
            }
            Opening::Open => What::Finished(format!(
                "opened a GitHub deployment; `environment` is not given, so its environment is `{}`",
                open.environment
            )),
            Opening::OfTheJob(name) => What::Finished(format!(
                "the job's own `environment: {name}` has a GitHub deployment already: there is no second one"
            )),
            Opening::Refused(warning) | Opening::Doubtful(warning) => What::Warned(warning),
        });
        let noted = if is_open { serde_json::to_string(open).ok() } else { None };
        note(report, DEPLOYMENT, noted).unwrap_or_else(|warning| tell(What::Warned(warning)));
        if !is_open {
            self.deployment = None;
        }
    }

    /// Writes the comment and ends the deployment, side by side; the warnings that came of it. `hurry` is over when a
    /// signal leaves little time: what is not done soon is then left to the step after the job.
    pub async fn close(mut self, report: &Report, http: &Http, hurry: impl Future<Output = ()>) -> Vec<String> {
        let (enough, given_up) = watch::channel(false);
        let open = self.deployment.take();
        let had_comment = self.comment;
        let comment = async {
            let written = in_time(write_comment(report, http), given_up.clone()).await;
            // What could not be written now is written after the job.
            let left = if written.is_err() { comment::comment(report) } else { None };
            let noted = match left {
                None if !had_comment => Ok(()),
                left => note(report, COMMENT, left.and_then(|comment| words(comment, true))),
            };
            [written, noted]
        };
        let deployment = async {
            let Some(mut open) = open else { return [Ok(()), Ok(())] };
            let (state, description) = deployment::ending(report);
            let ending = Ending { state: state.to_owned(), description };
            let token = report.inputs.as_ref().and_then(|inputs| inputs.reporting.token.as_ref());
            let ended = github::end_deployment(&report.runner, token, http, &open, &ending, CLOSING);
            let ended = in_time(ended, given_up.clone()).await;
            // What could not be ended now is ended after the job, as it should have been.
            let noted = if ended.is_err() {
                open.ending = Some(ending);
                serde_json::to_string(&open).ok()
            } else {
                None
            };
            [ended, note(report, DEPLOYMENT, noted)]
        };
        let mut both = pin!(async { tokio::join!(comment, deployment) });
        let (comment, deployment) = tokio::select! {
            biased;
            both = &mut both => both,
            () = async { hurry.await; sleep(CLOSING_WHEN_CANCELLED).await } => {
                enough.send_replace(true);
                both.await
            }
        };
        comment.into_iter().chain(deployment).filter_map(Result::err).collect()
    }
}

/// What came of a request, if it comes before it is given up.
async fn in_time(
    request: impl Future<Output = Result<(), String>>,
    mut given_up: watch::Receiver<bool>,
) -> Result<(), String> {
    tokio::select! {
        biased;
        done = request => done,
        _ = given_up.wait_for(|given_up| *given_up) => {
            Err("GitHub took too long to be told how the run ended: it was cancelled.".to_owned())
        }
    }
}

/// A comment as a note, unless it is too long to be one.
fn words(comment: Comment, is_final: bool) -> Option<String> {
    let words = LastWords { marker: comment.marker, body: comment.body, is_final };
    serde_json::to_string(&words).ok().filter(|note| note.len() <= LONGEST_NOTE)
}

/// Keeps a value for the step after the job; nothing means that nothing is open any more.
fn note(report: &Report, name: &str, value: Option<String>) -> Result<(), String> {
    files::append_state(report.runner.state.as_deref(), name, value.unwrap_or_default())
}

async fn write_comment(report: &Report, http: &Http) -> Result<(), String> {
    let Some(reporting) = report.inputs.as_ref().map(|inputs| &inputs.reporting) else { return Ok(()) };
    let Some(comment) = comment::comment(report) else { return Ok(()) };
    if reporting.pr_comment == PrComment::Never {
        return Ok(());
    }
    let wanted = reporting.pr_comment == PrComment::Always;
    let note = Note { marker: &comment.marker, body: &comment.body, wanted };
    github::comment(&report.runner, reporting.token.as_ref(), http, note, CLOSING).await
}
