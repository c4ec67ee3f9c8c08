//! Whether what is planned may be done; and meanwhile, what a reader of the plan wants to know of its images.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Doors;
use crate::aws::Aws;
use crate::checks::{self, Checked, InFlight, Subject};
use crate::inputs::{Inputs, Mode};
use crate::observe;
use crate::plan::Plan;
use crate::report::Report;

/// Checks that take longer than this leave time enough for another deployment to begin.
const LONG: Duration = Duration::from_secs(30);

/// What a deployment has of the wait at least, however much of it the checks took.
const LEAST: Duration = Duration::from_mins(10);

/// Whether checks that began then took so long that everything has to be looked at again before the first write.
pub(super) fn took_long(began: Instant) -> bool {
    began.elapsed() > LONG
}

/// What the deployment has of the wait that was `asked` for when the checks have left so much of it.
pub(super) fn rest(left: Duration, asked: Duration) -> Duration {
    left.max(LEAST.min(asked))
}

/// Checks what will be written, into the report: what was found, and as errors what stands in the way. `in_flight` is
/// what is known of another deployment of the service. A service that is left as it is needs no check.
/// What an earlier look found is forgotten.
pub(super) async fn check(
    inputs: &Inputs,
    plan: &Plan,
    in_flight: &InFlight,
    report: &mut Report,
    doors: &Doors,
    aws: &Aws,
) {
    report.checked.clear();
    for (index, service) in plan.services.iter().enumerate().filter(|(_, service)| service.writes()) {
        let Some(observed) = &report.observed else { continue };
        let subject = Subject { inputs, observed, plan: service, in_flight, http: &doors.http };
        let stored = async {
            match inputs.deploy.mode {
                Mode::Plan => observe::images::stored(observed, aws).await,
                Mode::Deploy | Mode::Rollback => (BTreeMap::new(), None),
            }
        };
        let (checked, (stored, unread)) = Box::pin(async { tokio::join!(checks::check(&subject, aws), stored) }).await;
        report.checked.extend(checked);
        report.warnings.extend(unread);
        let told = report.plan.as_mut().and_then(|plan| plan.services.get_mut(index));
        told.into_iter().flat_map(|plan| &mut plan.images).for_each(|image| image.describe(&stored));
    }
    let blocking = report.checked.iter().flat_map(Checked::blocking).map(|finding| finding.error.clone());
    report.errors.extend(blocking.collect::<Vec<_>>());
}
