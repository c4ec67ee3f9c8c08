//! What happened, in one order by AWS's clock; and where the time went. Pure.

use std::collections::BTreeSet;

use super::{LogTail, Moment, Spent};
use crate::model::names::short_name;
use crate::model::service::ServiceEvent;
use crate::model::task::Task;

/// Lines kept: the beginning and the end tell the story.
const MOST: usize = 120;

/// Tasks whose lines are told: the first and the last ones.
const TASKS: usize = 8;

/// Lines told of each log: the last ones.
const LOG_LINES: usize = 3;

/// The lines of the service, of tasks, of containers and of their logs, `since` the deployment began.
pub fn moments(since: f64, events: &[ServiceEvent], tasks: &[Task], logs: &[LogTail]) -> Vec<Moment> {
    let mut lines: Vec<(f64, String, String)> = Vec::new();
    for event in events {
        lines.push((event.created_at, "service".to_owned(), without_service(&event.message).to_owned()));
    }
    for task in some(tasks) {
        of_task(task, events, &mut lines);
    }
    for tail in logs {
        let last = tail.lines.iter().skip(tail.lines.len().saturating_sub(LOG_LINES));
        lines.extend(last.map(|line| (line.at, format!("log {}", tail.container), line.text.clone())));
    }
    lines.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
    let mut told = BTreeSet::new();
    lines.retain(|(at, who, what)| told.insert((format!("{at:.0}"), who.clone(), what.clone())));
    if lines.len() > MOST {
        let last = lines.split_off(lines.len() - MOST * 2 / 3);
        lines.truncate(MOST - last.len());
        lines.extend(last);
    }
    let relative = |at: f64| ((at - since) * 1000.0).round() / 1000.0;
    lines.into_iter().map(|(at, who, what)| Moment { at: relative(at), who, what }).collect()
}

/// The first and the last tasks.
fn some(tasks: &[Task]) -> Vec<&Task> {
    let mut tasks: Vec<&Task> = tasks.iter().collect();
    tasks.sort_by(|one, other| one.created_at.unwrap_or_default().total_cmp(&other.created_at.unwrap_or_default()));
    if tasks.len() > TASKS {
        let last = tasks.split_off(tasks.len() - TASKS / 2);
        tasks.truncate(TASKS - last.len());
        tasks.extend(last);
    }
    tasks
}

fn of_task(task: &Task, events: &[ServiceEvent], lines: &mut Vec<(f64, String, String)>) {
    let id = short_name(&task.task_arn);
    let short = id.get(..8).unwrap_or(id);
    // The service tells itself which tasks it starts.
    let told = events.iter().any(|event| event.message.contains("has started") && event.message.contains(id));
    let mut tell = |at: Option<f64>, what: &str| {
        lines.extend(at.map(|at| (at, format!("task {short}"), what.to_owned())));
    };
    tell(task.created_at.filter(|_| !told), "was created");
    tell(task.pull_started_at, "pulls its images");
    tell(task.pull_stopped_at, "has its images");
    tell(task.started_at, "runs");
    tell(task.stopping_at.filter(|at| task.stopped_at != Some(*at)), "is being stopped");
    let ended = task.execution_stopped_at.or(task.stopping_at).or(task.stopped_at);
    for container in &task.containers {
        if let (Some(at), Some(code)) = (ended, container.exit_code) {
            let reason = container.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let what = format!("exits with code {code} in task {short}{reason}");
            lines.push((at, format!("container {}", container.name), what));
        }
    }
    if let Some(at) = task.stopped_at {
        let parts = [task.stop_code.as_deref(), task.stopped_reason.as_deref()];
        let why: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        lines.push((at, format!("task {short}"), format!("stopped: {}", why.join(": "))));
    }
}

/// `(service web) has started …` without its beginning.
fn without_service(message: &str) -> &str {
    message.strip_prefix("(service ").and_then(|rest| rest.split_once(") ")).map_or(message, |(_, rest)| rest)
}

/// Where the time of the deployment's tasks went; none when nothing can be told.
pub fn spent(deployment_id: &str, events: &[ServiceEvent], tasks: &[Task]) -> Option<Spent> {
    let pull = tasks.iter().filter_map(|task| Some(task.pull_stopped_at? - task.pull_started_at?));
    let completed = |message: &str| message.contains(deployment_id) && message.contains("deployment completed");
    let is_proven = events.iter().any(|event| completed(&event.message));
    let is_proof = |event: &&ServiceEvent| is_proven && (completed(&event.message) || is_replacing(&event.message));
    let proven = |from: f64| events.iter().filter(is_proof).find(|event| event.created_at >= from);
    let starts = starts(events, tasks);
    let healthy = starts.iter().filter_map(|from| Some(proven(*from)?.created_at - from));
    let registered = |from: f64| events.iter().find(|it| it.created_at >= from && is_registering(&it.message));
    let registration = starts.iter().filter_map(|from| Some(registered(*from)?.created_at - from));
    let draining = events.iter().filter(|event| event.message.contains("has begun draining connections on"));
    let stopped = |from: f64| events.iter().find(|it| it.created_at >= from && it.message.contains("has stopped"));
    let drain = draining.filter_map(|event| Some(stopped(event.created_at)?.created_at - event.created_at));
    let spent = Spent {
        pull: median(pull.collect()),
        healthy: median(healthy.collect()),
        registration: median(registration.collect()),
        drain: median(drain.collect()),
    };
    (spent != Spent::default()).then_some(spent)
}

/// In a deployment that goes well, ECS takes tasks away once those that replace them are healthy.
fn is_replacing(message: &str) -> bool {
    message.contains("has begun draining connections on") || message.contains("running tasks:")
}

fn is_registering(message: &str) -> bool {
    message.contains(" registered ") && message.contains("(target-group ")
}

/// When each task came to run; where no task was read, when the service said that it starts it.
fn starts(events: &[ServiceEvent], tasks: &[Task]) -> Vec<f64> {
    let of_tasks: Vec<f64> =
        tasks.iter().filter(|task| task.stopped_at.is_none()).filter_map(|it| it.started_at).collect();
    if !tasks.is_empty() {
        return of_tasks;
    }
    events.iter().filter(|event| event.message.contains("has started")).map(|event| event.created_at).collect()
}

fn median(mut seconds: Vec<f64>) -> Option<f64> {
    seconds.retain(|seconds| seconds.is_finite() && *seconds >= 0.0);
    seconds.sort_by(f64::total_cmp);
    let middle = *seconds.get(seconds.len() / 2)?;
    Some((middle * 10.0).round() / 10.0)
}
