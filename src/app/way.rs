//! Makes way for our deployment, before the first write: `on-concurrent` decides where another one is in progress.

use tokio::time::Instant;

use super::timeline_of;
use crate::apply::concurrent;
use crate::aws::Aws;
use crate::checks::InFlight;
use crate::error::Error;
use crate::inputs::{Check, Inputs, Level, Mode, OnConcurrent, Wait};
use crate::plan::Plan;
use crate::report::Report;

/// Whether our deployment may begin now.
pub(super) enum Way {
    /// It may; what is known of another one in progress.
    Open(InFlight),
    /// Another one was awaited: everything has to be looked at again.
    AwaitedAnother,
}

/// Waits for the other deployment where that is asked for.
///
/// # Errors
/// Ours must not begin beside it, or it could not be awaited, or it is not known whether there is one.
pub(super) async fn make_way(
    inputs: &Inputs,
    plan: &Plan,
    wait: &Wait,
    aws: &Aws,
    report: &mut Report,
    started: Instant,
    say: fn(&str),
) -> Result<Way, Error> {
    let service = plan.services.first().filter(|service| concurrent::takes_a_place(service));
    let Some(service) = service else { return Ok(Way::Open(InFlight::NotAsked)) };
    let asked = inputs.deploy.on_concurrent;
    let only_told = inputs.deploy.mode == Mode::Plan || asked == OnConcurrent::Replace;
    let other = match concurrent::other(service, aws).await {
        Ok(Some(other)) => other,
        Ok(None) => return Ok(Way::Open(InFlight::No)),
        Err(error) => {
            let name = service.service.as_ref().map_or("", |service| service.service_name.as_str());
            if !only_told {
                return Err(concurrent::unread(error, name));
            }
            if inputs.checks.level(Check::InFlight) == Level::Off {
                warn(report, format!("Whether another deployment of `{name}` is in progress is not known: {error}"));
            }
            return Ok(Way::Open(InFlight::Unread(error)));
        }
    };
    if let Some(remark) = other.unread() {
        warn(report, remark);
    }
    match (inputs.deploy.mode, asked) {
        (Mode::Plan, _) => Ok(Way::Open(InFlight::Other(other.remarked(asked)))),
        // Going back from it is what was asked for.
        (Mode::Rollback, OnConcurrent::Replace) if other.may_be_replaced() => {
            warn(report, other.replaced());
            Ok(Way::Open(InFlight::NotAsked))
        }
        (_, OnConcurrent::Replace) if other.may_be_replaced() => Ok(Way::Open(InFlight::Other(other.remarked(asked)))),
        (_, OnConcurrent::Replace | OnConcurrent::Fail) => Err(other.refused(None)),
        (_, OnConcurrent::Wait) => {
            let timeline = &mut report.timeline;
            let mut tell = |what| timeline_of(timeline, started, say, what);
            concurrent::wait(other, service, wait, aws, &mut tell).await.map(|()| Way::AwaitedAnother)
        }
    }
}

/// Tells it once, however often the way is made.
fn warn(report: &mut Report, remark: String) {
    if !report.warnings.contains(&remark) {
        report.warnings.push(remark);
    }
}
