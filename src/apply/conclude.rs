//! What follows the ending: it goes into the outcome, and what serves is seen once more.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::ending::explain;
use super::facts::Goal;
use super::rollout::Ending;
use super::until;
use super::watch::Watch;
use super::{Outcome, What};
use crate::error::Code;
use crate::inputs::Until;
use crate::model::names::short_name;
use crate::model::service::{Deployment, Service};
use crate::model::verdict::Verdict;

/// How long a finished wait may look for what followed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a deployment was there before ours, by AWS's own times.
fn is_older(deployment: &Deployment, goal: &Goal) -> bool {
    goal.previous_deployment_id.as_ref() == Some(&deployment.id) && goal.is_new()
        || matches!((deployment.created_at, goal.created_at), (Some(theirs), Some(ours)) if theirs < ours)
}

impl Watch<'_> {
    /// Writes the ending into the outcome and tells it.
    pub(super) async fn conclude(
        &mut self,
        ending: &Ending,
        limit: Duration,
        outcome: &mut Outcome,
        tell: &mut dyn FnMut(What),
    ) {
        outcome.verdict = Some(ending.verdict);
        outcome.cause = explain(ending, &self.facts, self.goal, limit);
        outcome.superseded_by.clone_from(&ending.superseded_by);
        if ending.code == Some(Code::ServiceGone) {
            outcome.live_task_definition_arn = None;
        }
        if let Some(reached) = &ending.reached {
            let told = until::sentence(reached, &self.facts, self.goal);
            tell(What::Finished(told.clone()));
            outcome.reached = Some(told);
            return;
        }
        if ending.verdict != Verdict::Succeeded {
            return;
        }
        // The verdict stands already: a slow read must not hold it up.
        let _ = timeout(PATIENCE, self.catch_up(outcome)).await;
        let Some(service) = &self.facts.service else { return };
        let revision = short_name(&self.goal.task_definition);
        if service.desired_count == 0 {
            tell(What::Warned(format!(
                "`{}` is asked to run 0 tasks: {revision} is deployed, and nothing was started to prove it",
                self.goal.service
            )));
        }
        match service.primary() {
            // As a read that lags shows it: what was there before ours took nothing over.
            Some(before) if is_older(before, self.goal) => {
                outcome.live_task_definition_arn = Some(self.goal.task_definition.clone());
                tell(What::Finished(format!("{revision} serves; the service itself does not show it yet")));
            }
            Some(other) if other.id != self.goal.deployment_id => tell(What::Warned(format!(
                "another deployment began after this one was done: {}",
                short_name(&other.task_definition)
            ))),
            Some(ours) => {
                let (running, asked) = (ours.running_count, ours.desired_count);
                tell(What::Finished(format!("{revision} serves: {running} of {asked} tasks run")));
            }
            None => {}
        }
        // A read that does not show ours done yet is older than the ending: its old tasks may be gone by now.
        let done = self.facts.ours(self.goal).filter(|ours| ours.rollout_state.as_deref() == Some("COMPLETED"));
        let old = done.map_or(0, |ours| service.running_count - ours.running_count);
        if old > 0 {
            tell(What::Warned(format!("ECS calls the deployment successful while {old} older tasks still run")));
        }
        if self.goal.until == Until::Paused {
            tell(What::Warned("the deployment was finished without a pause that waits for somebody".to_owned()));
        }
    }

    /// A service deployment may be done while the read of the service is still old: looks again until it shows ours.
    async fn catch_up(&mut self, outcome: &mut Outcome) {
        for _ in 0..3 {
            if self.facts.service.as_ref().and_then(Service::primary).is_some_and(|p| p.id == self.goal.deployment_id) {
                // Proven by its own deployment, even while old tasks still drain.
                outcome.live_task_definition_arn = Some(self.goal.task_definition.clone());
                return;
            }
            sleep(Duration::from_millis(500)).await;
            let names = [self.goal.service.as_str()];
            if let Ok(services) = self.aws.describe_services(self.cluster, &names).await
                && let Some(service) = services.into_iter().next()
            {
                self.facts.read_service(service, self.goal);
                self.record(outcome);
            }
        }
    }
}
