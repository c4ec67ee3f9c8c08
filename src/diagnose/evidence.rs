//! What counts as evidence: whose tasks, which stops, and which of them are the same. Pure.

use std::collections::BTreeSet;

use super::StoppedGroup;
use crate::model::names::short_name;
use crate::model::service::{Service, ServiceEvent};
use crate::model::task::Task;

/// Stops that say nothing about the revision: scale-in, a person, the platform.
const ROUTINE_CODES: &[&str] = &["UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"];

/// The beginning of ECS's sentence when it stops a task that it does not need any more.
const ROUTINE_REASON: &str = "Scaling activity initiated by";

/// Whether a task belongs to our deployment.
///
/// ECS says who started a task by the deployment's id. Where something else stands there, the task definition tells.
pub fn belongs(task: &Task, deployment_id: &str, task_definition: &str) -> bool {
    let started_by = task.started_by.as_deref().unwrap_or_default();
    let names_a_deployment = started_by
        .strip_prefix("ecs-svc/")
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if names_a_deployment {
        started_by == deployment_id
    } else {
        short_name(&task.task_definition_arn) == short_name(task_definition)
    }
}

/// Whether a task stopped in the ordinary course of things, which says nothing about its revision.
pub fn is_routine(task: &Task) -> bool {
    let code = task.stop_code.as_deref().unwrap_or_default();
    let reason = task.stopped_reason.as_deref().unwrap_or_default();
    ROUTINE_CODES.contains(&code) || reason.starts_with(ROUTINE_REASON)
}

/// Tasks grouped by equal reason, most frequent first, of equally many the newest first.
pub fn group<'a>(tasks: impl Iterator<Item = &'a Task>) -> Vec<StoppedGroup> {
    let mut groups: Vec<(String, f64, StoppedGroup)> = Vec::new();
    for task in tasks {
        let one = StoppedGroup {
            count: 1,
            newest_task: short_name(&task.task_arn).to_owned(),
            stop_code: task.stop_code.clone(),
            reason: task.stopped_reason.clone().unwrap_or_default(),
            containers: failed_containers(task),
        };
        let stopped_at = task.stopped_at.or(task.created_at).unwrap_or_default();
        let key = likeness(&one);
        match groups.iter_mut().find(|(other, ..)| *other == key) {
            Some((_, newest, group)) if stopped_at > *newest => {
                *newest = stopped_at;
                *group = StoppedGroup { count: group.count + 1, ..one };
            }
            Some((_, _, group)) => group.count += 1,
            None => groups.push((key, stopped_at, one)),
        }
    }
    groups.sort_by(|(_, a_at, a), (_, b_at, b)| b.count.cmp(&a.count).then(b_at.total_cmp(a_at)));
    groups.into_iter().map(|(_, _, group)| group).collect()
}

/// The containers to blame: those that gave a reason or a bad exit code; when none did, those that ended at all.
fn failed_containers(task: &Task) -> Vec<(String, Option<i64>, Option<String>)> {
    let told = |container: &crate::model::task::Container| {
        (container.name.clone(), container.exit_code, container.reason.clone())
    };
    let blamed = task
        .containers
        .iter()
        .filter(|container| container.reason.is_some() || container.exit_code.is_some_and(|code| code != 0));
    let blamed: Vec<_> = blamed.map(told).collect();
    if blamed.is_empty() {
        return task.containers.iter().filter(|container| container.exit_code.is_some()).map(told).collect();
    }
    blamed
}

/// What makes two stops the same: everything but the ids in the sentences.
fn likeness(group: &StoppedGroup) -> String {
    let containers: Vec<String> = group
        .containers
        .iter()
        .map(|(name, code, reason)| format!("{name} {code:?} {}", without_ids(reason.as_deref().unwrap_or_default())))
        .collect();
    format!("{:?} {} {}", group.stop_code, without_ids(&group.reason), containers.join(" "))
}

/// A sentence without task and request ids.
fn without_ids(sentence: &str) -> String {
    let is_id = |word: &str| word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let plain =
        |word: &str| if is_id(word.trim_matches(|c: char| !c.is_alphanumeric())) { "*" } else { word }.to_owned();
    sentence.split_whitespace().map(plain).collect::<Vec<_>>().join(" ")
}

/// The events that were not there before, oldest first.
pub fn events(before: &Service, after: Option<&Service>) -> Vec<ServiceEvent> {
    let old: BTreeSet<&str> = before.events.iter().map(|event| event.id.as_str()).collect();
    let events = after.into_iter().flat_map(|service| service.events.iter().rev());
    events.filter(|event| !old.contains(event.id.as_str())).cloned().collect()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::model::task::Container;

    fn task(id: &str, started_by: &str, reason: &str) -> Task {
        Task {
            task_arn: format!("arn:aws:ecs:r:1:task/prod/{id}"),
            started_by: Some(started_by.to_owned()),
            task_definition_arn: "arn:aws:ecs:r:1:task-definition/web:8".to_owned(),
            stopped_reason: Some(reason.to_owned()),
            stopped_at: Some(f64::from(u8::try_from(id.len()).unwrap_or_default())),
            ..Task::default()
        }
    }

    #[test]
    fn a_task_is_ours_by_the_deployment_that_started_it() {
        let ours = |started_by: &str| belongs(&task("a", started_by, ""), "ecs-svc/2", "web:8");
        assert!(ours("ecs-svc/2"));
        assert!(!ours("ecs-svc/1"));
        assert!(ours("web"));
        assert!(!belongs(&task("a", "web", ""), "ecs-svc/2", "web:9"));
    }

    #[test]
    fn scale_in_people_and_the_platform_stop_tasks_without_blame() {
        let routine = |code: &str, reason: &str| {
            is_routine(&Task { stop_code: Some(code.to_owned()), ..task("a", "ecs-svc/2", reason) })
        };
        assert!(routine("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/3)"));
        for code in ["SpotInterruption", "UserInitiated", "TerminationNotice", "InfrastructureHealth"] {
            assert!(routine(code, "whatever"), "{code}");
        }
        assert!(!routine("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group x)"));
        assert!(!routine("EssentialContainerExited", "Essential container in task exited"));
    }

    #[test]
    fn stops_that_differ_only_in_ids_are_one_group_and_the_most_frequent_comes_first() {
        let id = "0123456789abcdef0123456789abcdef";
        let tasks = [
            task("ccc", "w", "health checks failed"),
            task("a", "w", &format!("exited (task {id})")),
            task("bb", "w", "exited (task fedcba98-7654-3210-fedc-ba9876543210)"),
        ];
        let groups = group(tasks.iter());
        let told: Vec<_> = groups.iter().map(|group| (group.count, group.newest_task.as_str())).collect();
        assert_eq!(told, [(2, "bb"), (1, "ccc")]);
    }

    #[test]
    fn a_container_that_only_was_stopped_along_is_not_blamed() {
        let container = |name: &str, exit_code, reason: Option<&str>| Container {
            name: name.to_owned(),
            exit_code,
            reason: reason.map(str::to_owned),
            ..Container::default()
        };
        let mut stopped = task("a", "w", "Essential container in task exited");
        stopped.containers = vec![container("log", Some(0), None), container("web", Some(1), None)];
        assert_eq!(group([&stopped].into_iter())[0].containers, [("web".to_owned(), Some(1), None)]);
        stopped.containers = vec![container("web", Some(0), None), container("never", None, None)];
        assert_eq!(group([&stopped].into_iter())[0].containers, [("web".to_owned(), Some(0), None)]);
    }
}
