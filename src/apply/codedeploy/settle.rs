//! Follows a change of settings alone, which CodeDeploy has no part in.

use tokio::time::{Instant, sleep};

use super::watch::{BLIND, STRIKES, passes};
use crate::apply::facts::live;
use crate::apply::once::Once;
use crate::apply::progress::minutes;
use crate::apply::{Outcome, What};
use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::inputs::Wait;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// Waits until as many tasks run as are asked for.
///
/// # Errors
/// The service cannot be read.
pub async fn settle(
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let deadline = Instant::now() + wait.limit;
    let (mut strikes, mut blind, mut warned) = (0, 0, Once::default());
    loop {
        let name = outcome.service.as_ref().map(|service| service.service_name.clone()).unwrap_or_default();
        let services = match aws.describe_services(&plan.cluster, &[&name]).await {
            Ok(services) => {
                (strikes, blind) = (0, 0);
                services
            }
            Err(error) => {
                blind += 1;
                strikes += u32::from(!passes(&error));
                // At the limit, what nobody saw is not called slow.
                if strikes >= STRIKES || (blind >= BLIND && Instant::now() >= deadline) {
                    let mut error = Error::from(error);
                    error.what = format!(
                        "{} The settings of `{name}` were changed; whether as many tasks run as asked for is not known.",
                        error.what
                    );
                    return Err(error);
                }
                if warned.is_first() {
                    tell(What::Warned(format!("`{}` fails and is tried again: {}", error.action, error.message)));
                }
                Vec::new()
            }
        };
        if let Some(service) = services.into_iter().next() {
            let runs = service
                .primary_task_set()
                .is_some_and(|primary| primary.running_count == service.desired_count && primary.pending_count == 0);
            outcome.live_task_definition_arn = live(&service).map(str::to_owned);
            outcome.service = Some(service);
            if runs {
                outcome.verdict = Some(Verdict::Succeeded);
                return Ok(());
            }
        }
        if Instant::now() >= deadline {
            outcome.verdict = Some(Verdict::TimedOut);
            outcome.cause = Some(Error::new(
                Code::TimedOut,
                format!("`{name}` does not run as many tasks as asked for after {}.", minutes(wait.limit)),
                "Its settings were changed, and ECS goes on with them.",
                "Read the service's events; raise `wait-for-minutes` if it is only slow.",
            ));
            return Ok(());
        }
        sleep(wait.max_delay.min(deadline.saturating_duration_since(Instant::now()))).await;
        tokio::task::yield_now().await;
    }
}
