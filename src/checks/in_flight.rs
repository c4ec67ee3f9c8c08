//! `in-flight`: another deployment of the service is in progress. `on-concurrent` has decided already what becomes of it.

use super::{Finding, InFlight, Ruling, Subject};
use crate::inputs::OnConcurrent;

/// Judges what was seen of it; nothing where ours takes no deployment's place.
pub(super) fn judge(subject: &Subject<'_>) -> Option<Ruling> {
    let other = match subject.in_flight {
        InFlight::NotAsked => return None,
        InFlight::No => return Some(Ruling::default()),
        InFlight::Unread(error) => {
            return Some(Ruling::unread("whether another deployment of the service is in progress", error));
        }
        InFlight::Other(other) => other,
    };
    let finding = Finding::new(other.clone());
    // A deploy that waits for its end is not in its way.
    let waits = subject.inputs.deploy.on_concurrent == OnConcurrent::Wait;
    Some(Ruling::found(if waits { finding.doubtful() } else { finding }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::Story;
    use crate::checks::{Checked, Mark};
    use crate::error::{Code, Error};

    #[test]
    fn another_deployment_keeps_ours_from_being_begun_unless_ours_would_wait() {
        let other = InFlight::Other(Error::new(Code::DeploymentInProgress, "what", "why", "fix"));
        let mark = |on_concurrent, in_flight| {
            let mut story = Story::default();
            story.inputs.deploy.on_concurrent = on_concurrent;
            let ruling = judge(&Subject { in_flight, ..story.subject() });
            ruling.map(|ruling| Checked { check: "in-flight", blocks: true, ruling }.mark())
        };
        assert_eq!(mark(OnConcurrent::Replace, &InFlight::NotAsked), None);
        assert_eq!(mark(OnConcurrent::Replace, &InFlight::No), Some(Mark::Pass));
        assert_eq!(mark(OnConcurrent::Replace, &other), Some(Mark::Block));
        assert_eq!(mark(OnConcurrent::Wait, &other), Some(Mark::Warn));
    }
}
