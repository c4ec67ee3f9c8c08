//! The verdict of the whole run.

use std::time::Duration;

use crate::error::{Code, Error};
use crate::model::verdict::Verdict;
use crate::report::Report;

/// The verdict, from how the story ended.
pub(super) fn conclude(report: &mut Report, ended: Result<(), Vec<Error>>, duration: Duration) -> Verdict {
    report.duration = duration;
    let verdict = match ended {
        Ok(()) => {
            report.errors.extend(report.outcome.cause.clone());
            report.verdict.or(report.outcome.verdict)
        }
        // A signal that comes while the cause is looked for does not undo an ending that was already seen.
        Err(errors) if report.outcome.verdict.is_some() && errors.iter().all(|error| error.code == Code::Cancelled) => {
            report.errors.extend(report.outcome.cause.clone());
            report.warnings.extend(errors.into_iter().map(|error| format!("{} {}", error.what, error.why)));
            report.outcome.verdict
        }
        Err(errors) => {
            let verdict = errors.first().map(|error| after(error.code, report.outcome.changed));
            report.errors.extend(errors);
            verdict
        }
    };
    // A story without an ending cannot be green.
    let verdict = verdict.unwrap_or(Verdict::Failed);
    report.verdict = Some(verdict);
    verdict
}

/// Whether a run that ended so has a cause to look for in the service's tasks.
pub(super) fn calls_for_evidence(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::RolledBack | Verdict::Failed | Verdict::RollbackFailed | Verdict::TimedOut)
}

/// `invalid` and `blocked` promise that nothing was written: after a change they would be a lie. A request that AWS
/// refuses then leaves the job half done, which is more than `denied`.
fn after(code: Code, changed: bool) -> Verdict {
    match code.verdict() {
        Verdict::Invalid | Verdict::Blocked if changed => Verdict::Failed,
        Verdict::Denied if changed && code == Code::RequestRefused => Verdict::Failed,
        other => other,
    }
}
