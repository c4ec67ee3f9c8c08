//! The step after the job: closes what a killed run left open on GitHub, and writes what GitHub did not take in time. It never fails the job, and says nothing where
//! nothing is open.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#runspost-entrypoint>

use std::time::Duration;

use crate::github::{self, Ending, GitHubDeployment, Note};
use crate::http::Http;
use crate::inputs::environment::Environment;
use crate::inputs::raw::Asked;
use crate::inputs::runner::Runner;
use crate::model::command::Command;
use crate::model::secret::Secret;
use crate::report::clean::log_line;

use super::publish::{COMMENT, DEPLOYMENT, LastWords};

/// How long GitHub may take for each.
const LIMIT: Duration = Duration::from_secs(20);

/// What the run noted in its state, and what is needed to close it.
#[derive(Debug)]
pub struct LeftOpen {
    runner: Runner,
    token: Option<Secret>,
    comment: Option<LastWords>,
    deployment: Option<GitHubDeployment>,
}

impl LeftOpen {
    /// Reads the state that the runner gives back as `STATE_<name>`.
    pub fn from_env(environment: &Environment) -> Self {
        let runner = Runner::from_env(environment);
        let variables = environment.inputs().map(|(name, value)| (name, value.to_owned()));
        let token = Asked::new(variables, runner.clone()).raw.github_token;
        Self {
            runner,
            token: token.map(|token| Secret::new(token.trim())),
            comment: noted(environment, COMMENT),
            deployment: noted(environment, DEPLOYMENT),
        }
    }

    /// Closes it, and tells each thing that was closed or could not be.
    pub async fn close(self, http: &Http, say: fn(&str)) {
        let token = self.token.as_ref();
        if let Some(open) = &self.deployment {
            let ending = open.ending.clone().unwrap_or_else(killed);
            let ended = github::end_deployment(&self.runner, token, http, open, &ending, LIMIT).await;
            let done =
                format!("The GitHub deployment of the environment `{}` ended as `{}`.", open.environment, ending.state);
            self.tell(ended, &done, say);
        }
        if let Some(LastWords { marker, body, is_final }) = &self.comment {
            let note = Note { marker, body, wanted: false };
            let written = github::comment(&self.runner, token, http, note, LIMIT).await;
            let done = if *is_final {
                "The comment on the pull request tells now how the run ended."
            } else {
                "The run was killed before it could tell how the deploy ended; ECS goes on with what was begun."
            };
            self.tell(written, done, say);
        }
    }

    fn tell(&self, done: Result<(), String>, words: &str, say: fn(&str)) {
        match done {
            Ok(()) => say(&log_line(words)),
            Err(warning) if self.runner.is_actions => say(&Command::new("warning", log_line(&warning)).to_string()),
            Err(warning) => say(&log_line(&warning)),
        }
    }
}

/// What the run noted under a name; a note that cannot be read is none.
fn noted<T: for<'de> serde::Deserialize<'de>>(environment: &Environment, name: &str) -> Option<T> {
    serde_json::from_str(environment.text(&format!("STATE_{name}"))?).ok()
}

fn killed() -> Ending {
    Ending {
        state: "error".to_owned(),
        description: "The run was killed before it could tell how the deploy ended.".to_owned(),
    }
}
