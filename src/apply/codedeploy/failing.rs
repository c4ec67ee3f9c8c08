//! Tasks of our deployment that keep failing for a reason that time does not mend: CodeDeploy would wait for them for an
//! hour.

use std::time::Duration;

use super::judge::{Facts, Goal, is_ours};
use crate::apply::What;
use crate::apply::{facts, fail_fast};
use crate::aws::Aws;
use crate::plan::ServicePlan;

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
        let due = facts.now.saturating_sub(self.looked) >= fail_fast::PAUSE && !facts.late;
        if self.after == 0 || !due || ours.running_count >= service.desired_count {
            return None;
        }
        self.looked = facts.now;
        let goal = facts::Goal {
            service: service.service_name.clone(),
            // ECS writes the task set's id on the tasks that it starts for it.
            deployment_id: ours.id.clone(),
            task_definition: goal.task_definition.clone(),
            ..facts::Goal::default()
        };
        let found = fail_fast::recognise(&goal, ours.running_count, &mut self.after, &plan.cluster, aws, tell).await;
        found.map(|group| group.count)
    }
}
