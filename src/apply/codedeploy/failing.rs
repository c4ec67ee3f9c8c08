//! Tasks of our deployment that keep failing for a reason that time does not mend: CodeDeploy would wait for them for an
//! hour.

use std::time::Duration;

use tokio::time::timeout;

use super::judge::{Facts, Goal, is_ours};
use crate::apply::What;
use crate::apply::{facts, fail_fast};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::plan::ServicePlan;

/// Between two looks at the tasks.
const PAUSE: Duration = Duration::from_secs(10);

/// How long one look may take: polling goes on.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of failing tasks.
#[derive(Debug)]
pub(super) struct Failing {
    /// `fail-fast-after`; 0 is never.
    after: u32,
    /// When the tasks were looked at last.
    looked: Duration,
}

impl Failing {
    pub(super) fn new(after: u32) -> Self {
        Self { after, looked: Duration::ZERO }
    }

    /// Looks at the tasks of our task set now and then, while they do not all run: how many failed, all in the same way.
    pub(super) async fn look(
        &mut self,
        facts: &Facts,
        goal: &Goal,
        plan: &ServicePlan,
        aws: &Aws,
        tell: &mut dyn FnMut(What),
    ) -> Option<usize> {
        let service = facts.service.as_ref()?;
        let ours = service.task_sets.iter().find(|set| is_ours(set, goal))?;
        let due = facts.now.saturating_sub(self.looked) >= PAUSE && !facts.late;
        if self.after == 0 || !due || ours.running_count >= service.desired_count {
            return None;
        }
        self.looked = facts.now;
        let goal = facts::Goal {
            deployment_id: ours.id.clone(),
            task_definition: goal.task_definition.clone(),
            ..facts::Goal::default()
        };
        let asked = async {
            let stopped = aws.stopped_tasks(&plan.cluster, &service.service_name).await?;
            let running = match ours.running_count {
                0 => Vec::new(),
                _ => aws.running_tasks(&plan.cluster, &service.service_name).await?,
            };
            Ok::<_, CallError>(fail_fast::decide(&stopped, &running, &goal, self.after))
        };
        match timeout(PATIENCE, asked).await {
            Ok(Ok(found)) => found.map(|group| group.count),
            Ok(Err(error)) => {
                tell(What::Warned(format!(
                    "tasks that fail for good cannot be recognised: `{}` fails: {}",
                    error.action, error.message
                )));
                self.after = 0;
                None
            }
            Err(_) => None,
        }
    }
}
