//! How to go on with a deployment that waits for somebody, as was asked for.

use crate::apply::until::continuing;
use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::markdown::fence;

/// The command on its own, ready to be copied.
pub fn section(report: &Report) -> Option<String> {
    Some(format!("To go on with it:\n\n{}", fence("sh", &command(report)?.replace(" --", " \\\n  --"))))
}

/// The command that continues the deployment.
pub fn command(report: &Report) -> Option<String> {
    let deployment = report.outcome.service_deployment.as_ref()?;
    let hook = deployment.pauses().next().filter(|_| report.ending() == Some(Verdict::Paused))?;
    Some(continuing(deployment, hook))
}
