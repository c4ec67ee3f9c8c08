//! How the service's load balancers find its tasks.

use serde_json::Value;
use tokio::join;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::gather::before;
use super::{Target, TargetGroup};
use crate::aws::Aws;
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::task::Task;

/// Target groups looked at: with traffic shifts each load balancer has two.
const GROUPS: usize = 4;

/// Targets kept of one group.
const TARGETS: usize = 20;

/// The service's target groups with their targets, as far as they arrive; and what does not.
pub async fn read(service: &Service, aws: &Aws, until: Instant) -> (Vec<TargetGroup>, Vec<String>) {
    let mut groups = named(service);
    if groups.is_empty() {
        return (groups, Vec::new());
    }
    let mut reading = JoinSet::new();
    for group in &groups {
        let (aws, arn) = (aws.clone(), group.arn.clone());
        reading.spawn(async move {
            let read = before(until, "The health of the targets", aws.describe_target_health(&arn)).await;
            (arn, read)
        });
    }
    let arns = groups.iter().map(|group| group.arn.clone()).collect();
    let settings = before(until, "The settings of the health checks", aws.describe_target_groups(arns));
    let (settings, health) = join!(settings, reading.join_all());
    let mut missing = Vec::new();
    match settings {
        Ok(found) => {
            for group in &mut groups {
                if let Some(found) = found.iter().find(|found| found.arn == group.arn) {
                    *group = TargetGroup { container: group.container.take(), ..found.clone() };
                }
            }
        }
        Err(why) => missing.push(why),
    }
    for (arn, read) in health {
        match (read, groups.iter_mut().find(|group| group.arn == arn)) {
            (Ok(targets), Some(group)) => group.targets = targets,
            (Err(why), _) => missing.push(why),
            (Ok(_), None) => {}
        }
    }
    (groups, missing)
}

/// The target groups that the service names, with the container each sends traffic to.
fn named(service: &Service) -> Vec<TargetGroup> {
    let groups = service.load_balancers.iter().flat_map(|balancer| {
        let alternate = balancer.advanced_configuration.as_ref().and_then(|it| it.get("alternateTargetGroupArn"));
        let arns = balancer.target_group_arn.as_deref().into_iter().chain(alternate.and_then(Value::as_str));
        arns.map(|arn| TargetGroup {
            arn: arn.to_owned(),
            name: arn.split('/').nth(1).unwrap_or(arn).to_owned(),
            container: balancer.container_name.clone().zip(balancer.container_port),
            ..TargetGroup::default()
        })
    });
    groups.take(GROUPS).collect()
}

/// Says which task each target is, and keeps those of ours and those that are not healthy.
pub fn join_tasks(groups: &mut [TargetGroup], tasks: &[Task]) {
    for target in groups.iter_mut().flat_map(|group| &mut group.targets) {
        let task = tasks.iter().find(|task| task.addresses().any(|address| address == target.id));
        target.task = task.map(|task| short_name(&task.task_arn).to_owned());
    }
    for group in groups {
        group.targets.retain(|target| target.task.is_some() || target.state != "healthy");
        group.targets.sort_by_key(|target| (target.task.is_none(), rank(target)));
        group.targets.truncate(TARGETS);
    }
}

/// What explains most comes first.
fn rank(target: &Target) -> u8 {
    match target.state.as_str() {
        "unhealthy" => 0,
        "initial" => 1,
        "healthy" => 3,
        _ => 2,
    }
}
