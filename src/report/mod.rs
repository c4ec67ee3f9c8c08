//! 7 Tell it: one report, rendered as outputs, job summary, comment, annotations, log lines and JSON. Pure.

pub mod clean;
pub mod comment;
pub mod console;
pub mod deployment;
mod evidence;
pub mod json;
pub mod links;
pub mod markdown;
pub mod message;
pub mod outputs;
pub mod sections;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod stories;
pub mod summary;
pub mod view;

use std::time::Duration;

use crate::apply::{Event, Outcome};
use crate::aws::Identity;
use crate::checks::Checked;
use crate::error::Error;
use crate::inputs::Inputs;
use crate::inputs::runner::Runner;
use crate::model::verdict::Verdict;
use crate::observe::Observed;
use crate::plan::Plan;

/// Everything known about the run. Every field after the inputs is optional: one report serves a typo, a refused check
/// and a rolled-back canary.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The ending; absent only while the run goes on.
    pub verdict: Option<Verdict>,
    /// Every failure, the cause first.
    pub errors: Vec<Error>,
    /// Remarks that do not change the verdict.
    pub warnings: Vec<String>,
    /// The run, as the runner describes it.
    pub runner: Runner,
    /// What was asked, once it is known to be valid.
    pub inputs: Option<Inputs>,
    /// Who we are in AWS.
    pub identity: Option<Identity>,
    /// What was true before.
    pub observed: Option<Observed>,
    /// What was decided.
    pub plan: Option<Plan>,
    /// What the checks before the first write said.
    pub checked: Vec<Checked>,
    /// Where the deployment stands.
    pub outcome: Outcome,
    /// What happened, in order.
    pub timeline: Vec<Event>,
    /// The rendered task definition's file, relative to the workspace.
    pub task_definition_path: Option<String>,
    /// This report's file as JSON, relative to the workspace.
    pub report_path: Option<String>,
    /// When the run began, in seconds since 1970.
    pub began: Option<i64>,
    /// How long the run took.
    pub duration: Duration,
}

/// The text without the numbers of accounts, where the user asked for that: nobody but us masks a comment.
///
/// Every word of twelve digits goes: a run that AWS refused does not know its own account, but AWS's words, a role and
/// `allowed-account-ids` name it.
fn discreet(report: &Report, text: String) -> String {
    if !report.inputs.as_ref().is_some_and(|inputs| inputs.credentials.mask_account_id) {
        return text;
    }
    let text = match &report.identity {
        Some(identity) if !identity.account.is_empty() => text.replace(&identity.account, "***"),
        _ => text,
    };
    let is_account = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut discreet = String::with_capacity(text.len());
    for part in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        if is_account(word) {
            discreet.push_str("***");
            discreet.push_str(part.get(word.len()..).unwrap_or_default());
        } else {
            discreet.push_str(part);
        }
    }
    discreet
}
