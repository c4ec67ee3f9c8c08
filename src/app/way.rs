//! Makes way for our deployment, before the first write: `on-concurrent` decides where another one is in progress.

use tokio::time::Instant;

use super::timeline_of;
use crate::apply::concurrent;
use crate::aws::Aws;
use crate::error::Error;
use crate::inputs::{Inputs, Mode, OnConcurrent, Wait};
use crate::plan::Plan;
use crate::report::Report;

/// Whether our deployment may begin now.
pub(super) enum Way {
    /// It may; what is to be known of another one in progress.
    Open(Option<Error>),
    /// Another one was awaited: everything has to be looked at again.
    AwaitedAnother,
}

/// Waits for the other deployment where that is asked for.
///
/// # Errors
/// Ours must not begin beside it, or it could not be awaited.
pub(super) async fn make_way(
    inputs: &Inputs,
    plan: &Plan,
    wait: &Wait,
    aws: &Aws,
    report: &mut Report,
    started: Instant,
    say: fn(&str),
) -> Result<Way, Error> {
    let Some(service) = plan.services.first() else { return Ok(Way::Open(None)) };
    let (other, remark) = concurrent::other(service, aws).await;
    report.warnings.extend(remark);
    let Some(other) = other else { return Ok(Way::Open(None)) };
    let asked = inputs.deploy.on_concurrent;
    match (inputs.deploy.mode, asked) {
        (Mode::Plan, _) => Ok(Way::Open(Some(other.remarked(asked)))),
        // Going back from it is what was asked for.
        (Mode::Rollback, OnConcurrent::Replace) if other.may_be_replaced() => {
            report.warnings.push(other.replaced());
            Ok(Way::Open(None))
        }
        (_, OnConcurrent::Replace) if other.may_be_replaced() => Ok(Way::Open(Some(other.remarked(asked)))),
        (_, OnConcurrent::Replace | OnConcurrent::Fail) => Err(other.refused(None)),
        (_, OnConcurrent::Wait) => {
            let timeline = &mut report.timeline;
            let mut tell = |what| timeline_of(timeline, started, say, what);
            concurrent::wait(other, service, wait, aws, &mut tell).await.map(|()| Way::AwaitedAnother)
        }
    }
}
