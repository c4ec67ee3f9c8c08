//! The evidence of a rollout that goes wrong: gathered once, beside the polling, while it exists.

use tokio::task::JoinSet;

use super::Outcome;
use crate::aws::Aws;
use crate::diagnose::{Evidence, gather, in_hand, refresh};
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// The one look at what went wrong. Dropped, it ends.
#[derive(Debug, Default)]
pub(super) struct Inquiry {
    reading: JoinSet<Evidence>,
    has_begun: bool,
}

impl Inquiry {
    /// Begins, at the first sight of trouble.
    pub(super) fn begin(&mut self, plan: &ServicePlan, aws: &Aws, outcome: &Outcome) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let (plan, aws, outcome) = (plan.clone(), aws.clone(), outcome.clone());
        self.reading.spawn(async move {
            match outcome.subject(&plan) {
                Some(subject) => gather(&subject, &aws).await,
                None => Evidence::default(),
            }
        });
    }

    /// Writes what was found into the outcome as soon as it is there, so that a cancelled run shows it.
    pub(super) fn take(&mut self, outcome: &mut Outcome) {
        if let Some(Ok(evidence)) = self.reading.try_join_next() {
            outcome.evidence = Some(evidence);
        }
    }

    /// The wait is at its end: what is being read is waited for, and what the service said since is added. Of a rollout
    /// that went well, what is in hand is kept.
    pub(super) async fn finish(&mut self, plan: &ServicePlan, outcome: &mut Outcome) {
        if let Some(Ok(evidence)) = self.reading.join_next().await {
            outcome.evidence = Some(evidence);
        }
        let mut evidence = outcome.evidence.take();
        if let Some(subject) = outcome.subject(plan) {
            match &mut evidence {
                Some(evidence) => refresh(evidence, &subject),
                None if outcome.verdict == Some(Verdict::Succeeded) => evidence = Some(in_hand(&subject)),
                None => {}
            }
        }
        outcome.evidence = evidence;
    }
}
