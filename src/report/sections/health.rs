//! How the load balancers and the containers' own checks find our tasks.

use crate::diagnose::{Target, TargetGroup};
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::markdown::{code, table, text};

/// Targets shown of each group in the summary, and in the comment.
const MOST: usize = 20;
const FEW: usize = 3;
/// More target groups than these, or sick containers, are not shown.
const GROUPS: usize = 4;
const CONTAINERS: usize = 10;

pub fn targets(report: &Report) -> Option<String> {
    groups(report, MOST)
}

/// The same with few targets, for the comment.
pub fn few_targets(report: &Report) -> Option<String> {
    groups(report, FEW)
}

/// Containers that run and are not healthy.
pub fn containers(report: &Report) -> Option<String> {
    let sick = &report.evidence()?.unhealthy;
    let more = sick.len().saturating_sub(CONTAINERS);
    let mut lines: Vec<String> = (sick.iter().take(CONTAINERS))
        .map(|(task, container, health)| {
            format!("- Container {} of task {} is {}.", code(container), report.task(task), code(health))
        })
        .collect();
    if more > 0 {
        lines.push(format!("- … and {more} more"));
    }
    (!lines.is_empty()).then(|| format!("#### Container health\n\n{}", lines.join("\n")))
}

fn groups(report: &Report, most: usize) -> Option<String> {
    let groups = report.evidence()?.target_groups.iter().filter(|group| !group.targets.is_empty());
    let told: Vec<String> = groups.take(GROUPS).map(|group| told(report, group, most)).collect();
    (!told.is_empty()).then(|| told.join("\n\n"))
}

fn told(report: &Report, group: &TargetGroup, most: usize) -> String {
    let mut parts = vec![format!("#### Health check of target group {}", code(&group.name))];
    parts.extend(asks(group));
    if group.targets.iter().all(|target| target.state == "healthy") {
        parts.push(format!("All its targets of this deployment are healthy: {}.", group.targets.len()));
        return parts.join("\n\n");
    }
    let rows = group.targets.iter().take(most).map(|target| row(report, target));
    parts.push(table(["Target", "State", "The load balancer says", "Task"], rows));
    let more = group.targets.len().saturating_sub(most);
    if more > 0 {
        parts.push(format!("… and {more} more"));
    }
    parts.join("\n\n")
}

/// The health check's own settings, where they are known.
fn asks(group: &TargetGroup) -> Option<String> {
    if group.protocol.is_empty() {
        return None;
    }
    let port = match (group.port.as_str(), &group.container) {
        ("traffic-port", Some((name, port))) => format!("port {port} of container {}", code(name)),
        ("traffic-port", None) => "the traffic port".to_owned(),
        (port, _) => format!("port {}", code(port)),
    };
    let over = text(&group.protocol);
    Some(match (&group.path, &group.matcher) {
        (Some(path), Some(matcher)) => {
            format!("It asks {} over {over} on {port} and wants {}.", code(&format!("GET {path}")), code(matcher))
        }
        (Some(path), None) => format!("It asks {} over {over} on {port}.", code(&format!("GET {path}"))),
        (None, _) => format!("It connects over {over} to {port}."),
    })
}

fn row(report: &Report, target: &Target) -> [String; 4] {
    let said = target.description.as_deref().map(|said| text(&shorten(said, 300)));
    let said = said.or_else(|| target.reason.as_deref().map(code)).unwrap_or_else(|| "–".to_owned());
    let task = target.task.as_deref().map_or_else(|| "–".to_owned(), |task| report.task(task));
    [code(&format!("{}:{}", target.id, target.port)), text(&target.state), said, task]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::stories;

    #[test]
    fn a_target_group_says_how_it_checks_as_far_as_that_is_known() {
        let mut report = stories::health_check();
        let group = |report: &mut Report| -> TargetGroup {
            report.outcome.evidence.as_mut().unwrap().target_groups.first().unwrap().clone()
        };
        let tcp = TargetGroup { protocol: "TCP".to_owned(), path: None, matcher: None, ..group(&mut report) };
        let own = TargetGroup { port: "9000".to_owned(), matcher: None, ..group(&mut report) };
        let denied = TargetGroup { protocol: String::new(), ..group(&mut report) };
        assert_eq!(asks(&tcp).unwrap(), "It connects over TCP to port 8080 of container `web`.");
        assert_eq!(asks(&own).unwrap(), "It asks `GET /healthz` over HTTP on port `9000`.");
        assert_eq!(asks(&denied), None);
    }

    #[test]
    fn healthy_targets_are_one_sentence_and_a_group_without_targets_is_none() {
        let mut report = stories::health_check();
        let groups = &mut report.outcome.evidence.as_mut().unwrap().target_groups;
        groups[0].targets.iter_mut().for_each(|target| target.state = "healthy".to_owned());
        assert!(targets(&report).unwrap().ends_with("All its targets of this deployment are healthy: 3."));
        report.outcome.evidence.as_mut().unwrap().target_groups[0].targets.clear();
        assert_eq!(targets(&report), None);
    }

    #[test]
    fn a_container_that_is_sick_is_named_with_its_task() {
        let mut report = stories::health_check();
        let sick = ("0f1e2d3c4b5a".to_owned(), "web".to_owned(), "UNHEALTHY".to_owned());
        report.outcome.evidence.as_mut().unwrap().unhealthy = vec![sick; 12];
        let told = containers(&report).unwrap();
        assert!(
            told.contains("- Container `web` of task [`0f1e2d3c`](https://") && told.ends_with("- … and 2 more"),
            "{told}"
        );
    }
}
