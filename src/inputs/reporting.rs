//! What to publish on GitHub.

use crate::model::secret::Secret;

use super::given::{Remarks, given};
use super::raw::RawInputs;

/// What to publish on GitHub.
#[derive(Debug, Clone)]
pub struct Reporting {
    /// `github-token`.
    pub token: Option<Secret>,
    /// `job-summary`.
    pub job_summary: bool,
    /// `pr-comment`.
    pub pr_comment: PrComment,
    /// `github-deployment`.
    pub github_deployment: bool,
    /// `environment`.
    pub environment: Option<String>,
    /// `environment-url`.
    pub environment_url: Option<String>,
}

/// `pr-comment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrComment {
    /// When the run belongs to a pull request.
    Auto,
    /// Always; a run without a pull request is a warning.
    Always,
    /// Never.
    Never,
}

const PR_COMMENT: &[(&str, PrComment)] =
    &[("auto", PrComment::Auto), ("always", PrComment::Always), ("never", PrComment::Never)];

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Reporting {
    Reporting {
        token: given!(raw.github_token).text().map(Secret::new),
        job_summary: given!(raw.job_summary).boolean(remarks).unwrap_or(true),
        pr_comment: given!(raw.pr_comment).word(PR_COMMENT, remarks).unwrap_or(PrComment::Auto),
        github_deployment: given!(raw.github_deployment).boolean(remarks).unwrap_or(false),
        environment: given!(raw.environment).owned(),
        environment_url: address(raw, remarks),
    }
}

/// GitHub takes the addresses of web pages alone.
fn address(raw: &RawInputs, remarks: &mut Remarks) -> Option<String> {
    let input = given!(raw.environment_url);
    let text = input.text()?;
    let is_page =
        ["https://", "http://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    if !is_page || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        remarks.invalid(
            input,
            "It takes the address of a page, as in `https://web.example`",
            "Write it with `https://`.",
        );
    }
    Some(text.to_owned())
}
