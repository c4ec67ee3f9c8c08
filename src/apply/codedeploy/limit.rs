//! How long a deployment by CodeDeploy may take: its group and its configuration ask for waits that are no failure.

use std::time::Duration;

use tokio::time::timeout;

use crate::apply::What;
use crate::apply::progress::minutes;
use crate::aws::Aws;
use crate::model::code_deploy::CodeDeployment;

/// The longest wait, whatever the group adds.
const LONGEST: Duration = Duration::from_hours(6);

/// How long a look may take at what only adds to the wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// The configuration that moves all traffic at once, which needs no look.
const ALL_AT_ONCE: &str = "CodeDeployDefault.ECSAllAtOnce";

/// The limit with the waits that the deployment's group and configuration ask for, where that is longer; told then.
pub(super) async fn with_its_waits(
    limit: Duration,
    deployment: &CodeDeployment,
    aws: &Aws,
    tell: &mut dyn FnMut(What),
) -> Option<Duration> {
    let waits = deployment.blue_green_deployment_configuration.as_ref();
    let (ready, termination) = waits.map_or((0, 0), |waits| (waits.ready_minutes(), waits.termination_minutes()));
    let shift = match deployment.deployment_config_name.as_deref() {
        Some(name) if name != ALL_AT_ONCE => shift_minutes(name, aws, tell).await,
        _ => 0,
    };
    let longer = with_waits(limit, [ready, shift, termination])?;
    tell(What::Progress(format!(
        "waiting for {} at most: its deployment group waits {ready} min before traffic is shifted, shifts it in \
         {shift} min, and waits {termination} min before the old tasks are removed",
        minutes(longer)
    )));
    Some(longer)
}

/// How long a configuration takes to move traffic; 0 where that cannot be read, which is told.
async fn shift_minutes(configuration: &str, aws: &Aws, tell: &mut dyn FnMut(What)) -> u32 {
    let missing = match timeout(PATIENCE, aws.traffic_routing(configuration)).await {
        Ok(Ok(routing)) => return routing.minutes(),
        Ok(Err(error)) => format!("`{}` failed: {}", error.action, error.message),
        Err(_) => format!("AWS took longer than {} seconds", PATIENCE.as_secs()),
    };
    tell(What::Warned(format!(
        "how long `{configuration}` takes to move traffic is not known, and not added to the wait: {missing}"
    )));
    0
}

/// The limit with so many minutes of waits more, where that is longer.
pub(super) fn with_waits(limit: Duration, waits: [u32; 3]) -> Option<Duration> {
    let longer = limit + Duration::from_mins(waits.into_iter().map(u64::from).sum());
    Some(longer.min(LONGEST)).filter(|longer| *longer > limit)
}
