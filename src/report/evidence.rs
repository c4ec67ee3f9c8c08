//! The evidence of a failure for the log: one group of lines for each piece.

use super::Report;
use super::clean::visible;
use super::sections::stopped::ended;
use crate::diagnose::{LogTail, StoppedGroup, TargetGroup};

/// More lines than these of one piece are in the report file.
const MOST: usize = 60;
/// Further logs tell the same.
const LOGS: usize = 6;

/// A title and its lines, for each piece that there is.
pub fn groups(report: &Report) -> Vec<(String, Vec<String>)> {
    let Some(evidence) = report.evidence() else { return Vec::new() };
    let stopped: Vec<String> = evidence.stopped.iter().flat_map(stopped).collect();
    let targets: Vec<String> = evidence.target_groups.iter().flat_map(targets).collect();
    let mut groups = vec![("Tasks that stopped".to_owned(), stopped), ("Health of the targets".to_owned(), targets)];
    groups.extend(evidence.logs.iter().take(LOGS).map(log));
    for (_, lines) in &mut groups {
        let more = lines.len().saturating_sub(MOST);
        lines.drain(..more);
    }
    groups.retain(|(_, lines)| !lines.is_empty());
    groups
}

fn stopped(group: &StoppedGroup) -> Vec<String> {
    let tasks = if group.count == 1 { "1 task".to_owned() } else { format!("{} tasks, the newest", group.count) };
    let why: Vec<&str> = group.stop_code.as_deref().into_iter().chain([group.reason.as_str()]).collect();
    let mut lines = vec![format!("  {tasks} {}: {}", group.newest_task, why.join(": "))];
    for (name, exit, reason) in &group.containers {
        let exit = exit.map(|exit| ended(exit, reason.as_deref(), group));
        let reason = reason.clone().filter(|reason| *reason != group.reason);
        let told: Vec<String> = exit.into_iter().chain(reason).collect();
        if !told.is_empty() {
            lines.push(format!("    container `{name}`: {}", told.join(", ")));
        }
    }
    lines
}

fn targets(group: &TargetGroup) -> Vec<String> {
    let sick = group.targets.iter().filter(|target| target.state != "healthy");
    sick.map(|target| {
        let said = target.description.as_deref().or(target.reason.as_deref());
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        format!("  {}:{} in `{}` is {}{said}", target.id, target.port, group.name, target.state)
    })
    .collect()
}

fn log(tail: &LogTail) -> (String, Vec<String>) {
    let text = tail.lines.iter().map(|line| visible(&line.text)).collect::<Vec<_>>().join("\n");
    let lines = text.lines().map(|line| format!("  {line}")).collect();
    let task = tail.task.get(..8).unwrap_or(&tail.task);
    (format!("Last log lines of container {} of task {task}", tail.container), lines)
}
