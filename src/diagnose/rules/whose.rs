//! Whose task something was said of: while a deployment goes on, the service's events and targets speak of the tasks of
//! earlier revisions too, which may be just as ill.

use std::net::IpAddr;

use super::{Scene, Sign, health};
use crate::diagnose::{Evidence, Target};

/// Whose task it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// One of our deployment, or the deployment itself.
    Ours,
    /// One of the service; which revision it runs is not known.
    Unknown,
    /// One of another deployment.
    Others,
}

/// Whose an event is: by the deployment or the task that it names. One that names neither is about the whole service,
/// ours included, unless it tells of a task's health.
pub fn of_event(event: &Sign<'_>, scene: &Scene<'_>) -> Whose {
    if let Some(named) = event.after("(deployment ", &[')', ' ']) {
        let is_ours = scene.subject.is_some_and(|subject| subject.deployment_id == named);
        return if is_ours { Whose::Ours } else { Whose::Others };
    }
    match (event.after("(task ", &[')', ' ', ',']), &scene.evidence.tasks) {
        (Some(named), Some(ours)) if ours.iter().any(|task| task == named) => Whose::Ours,
        (Some(_), Some(_)) => Whose::Others,
        (Some(_), None) => Whose::Unknown,
        (None, _) if health::is_of_a_task(event) => Whose::Unknown,
        (None, _) => Whose::Ours,
    }
}

/// Whose a target is. An address belongs to one task; behind an instance there may be tasks of several revisions.
pub fn of_target(target: &Target, evidence: &Evidence) -> Whose {
    if target.task.is_some() {
        return Whose::Ours;
    }
    let is_address = target.id.parse::<IpAddr>().is_ok();
    if is_address && evidence.tasks.is_some() { Whose::Others } else { Whose::Unknown }
}
