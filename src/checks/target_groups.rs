//! `target-groups`: the load balancers of the service find its tasks after the deployment, too.
//!
//! What CodeDeploy registers, and where, stands in its AppSpec file and its deployment group, which `plan` judges.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html>

mod health;

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::{Finding, Ruling, Subject};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::error::{Code, Error};
use crate::model::service::LoadBalancer;
use crate::model::target_group::TargetGroup;
use crate::model::task_definition::{Registered, TaskDefinition};

/// What Elastic Load Balancing says of the target groups.
#[derive(Debug, Default)]
struct Read {
    groups: Vec<TargetGroup>,
    /// The ARNs of those that do not exist.
    missing: BTreeSet<String>,
}

/// Reads the target groups of the service, all by one call, and judges them; nothing where ECS registers none.
pub(super) async fn check(subject: &Subject<'_>, aws: &Aws) -> Option<Ruling> {
    let balancers = &subject.moved_by_ecs()?.load_balancers;
    let arns: BTreeSet<String> = balancers.iter().flat_map(arns).map(str::to_owned).collect();
    if arns.is_empty() {
        return Some(judge(subject, balancers, &Read::default()));
    }
    Some(match read(arns, aws).await {
        Ok(read) => judge(subject, balancers, &read),
        Err(error) => {
            let unread = Ruling::unread("whether the service's target groups exist and fit", &error);
            judge(subject, balancers, &Read::default()).and(unread)
        }
    })
}

/// The target group, and the other one of the strategies that shift traffic.
fn arns(balancer: &LoadBalancer) -> impl Iterator<Item = &str> {
    let advanced = balancer.advanced_configuration.as_ref();
    let alternate = advanced.and_then(|advanced| advanced.get("alternateTargetGroupArn")).and_then(Value::as_str);
    balancer.target_group_arn.as_deref().into_iter().chain(alternate)
}

/// One call for all of them; where one is missing, AWS does not say which: then each is asked for alone.
async fn read(arns: BTreeSet<String>, aws: &Aws) -> Result<Read, CallError> {
    let is_missing = |error: &CallError| error.code.as_deref() == Some("TargetGroupNotFound");
    match aws.describe_target_groups(arns.iter().cloned().collect()).await {
        Ok(groups) => return Ok(Read { groups, ..Read::default() }),
        Err(error) if !is_missing(&error) => return Err(error),
        Err(_) if arns.len() == 1 => return Ok(Read { missing: arns, ..Read::default() }),
        Err(_) => {}
    }
    let mut asking = JoinSet::new();
    for arn in arns {
        let aws = aws.clone();
        asking.spawn(async move { (aws.describe_target_groups(vec![arn.clone()]).await, arn) });
    }
    let mut read = Read::default();
    for (answer, arn) in asking.join_all().await {
        match answer {
            Ok(groups) => read.groups.extend(groups),
            Err(error) if is_missing(&error) => drop(read.missing.insert(arn)),
            Err(error) => return Err(error),
        }
    }
    read.groups.sort_by(|one, other| one.arn.cmp(&other.arn));
    Ok(read)
}

fn judge(subject: &Subject<'_>, balancers: &[LoadBalancer], read: &Read) -> Ruling {
    let definition = &subject.plan.definition;
    let running = subject.observed.running.as_ref().map(Registered::definition);
    let mut findings: Vec<Finding> = read.missing.iter().map(|arn| missing(arn)).collect();
    for balancer in balancers {
        findings.extend(registered(balancer, definition));
        for group in arns(balancer).filter_map(|arn| read.groups.iter().find(|group| group.arn == arn)) {
            findings.extend(target_type(group, definition));
            findings.extend(health::judge(group, balancer, definition, running.as_ref()));
        }
    }
    findings.into_iter().map(Ruling::found).collect()
}

fn missing(arn: &str) -> Finding {
    let name = named(arn);
    Finding::new(Error::new(
        Code::TargetGroupMissing,
        format!("The target group `{name}` of the service does not exist."),
        format!("Elastic Load Balancing does not know `{arn}`."),
        "Create it again, or give the service another one where it is defined.",
    ))
}

/// The name in a target group's ARN: `targetgroup/web/0123456789abcdef`.
fn named(arn: &str) -> &str {
    arn.rsplit('/').nth(1).unwrap_or(arn)
}

/// The container and port that the service registers must still be there.
fn registered(balancer: &LoadBalancer, definition: &TaskDefinition) -> Option<Finding> {
    let container = balancer.container_name.as_deref()?;
    let group = balancer.target_group_arn.as_deref().map(named);
    let at = group.or(balancer.load_balancer_name.as_deref()).unwrap_or_default();
    let mismatch = |what: String, why: String, fix: String, pointer: String| {
        Some(Finding::new(Error::new(Code::TargetGroupMismatch, what, why, fix)).at(pointer))
    };
    let Some((index, fields)) = find(definition, container) else {
        let names: Vec<&str> = definition.container_names().collect();
        return mismatch(
            format!("The task definition has no container `{container}`, which the service registers in `{at}`."),
            format!("Its containers are `{}`; ECS refuses to update the service.", names.join("`, `")),
            format!("Keep the name `{container}`, or change the load balancer of the service where it is defined."),
            "/containerDefinitions".to_owned(),
        );
    };
    let port = balancer.container_port?;
    if maps(fields, "containerPort", port) {
        return None;
    }
    let ports: Vec<String> = mappings(fields).filter_map(|it| it.get("containerPort")).map(Value::to_string).collect();
    let why = match ports.as_slice() {
        [] => "It maps no port; ECS refuses to update the service.".to_owned(),
        ports => format!("Its ports are {}; ECS refuses to update the service.", ports.join(", ")),
    };
    mismatch(
        format!("The container `{container}` has no port {port}, which the service registers in `{at}`."),
        why,
        format!("Add `containerPort: {port}` to its `portMappings`, or change the load balancer of the service."),
        format!("/containerDefinitions/{index}/portMappings"),
    )
}

/// A task with a network interface of its own is found by its address, any other by its instance.
fn target_type(group: &TargetGroup, definition: &TaskDefinition) -> Option<Finding> {
    let mode = definition.text("networkMode").unwrap_or("bridge");
    let needed = match mode {
        "awsvpc" => "ip",
        "bridge" | "host" | "default" => "instance",
        _ => return None,
    };
    let (name, has) = (&group.name, group.target_type.as_str());
    (!has.is_empty() && has != needed).then(|| {
        Finding::new(Error::new(
            Code::TargetGroupMismatch,
            format!(
                "The target group `{name}` has targets of type `{has}`, which tasks with `networkMode: {mode}` are not."
            ),
            format!("With that mode ECS registers targets of type `{needed}` only, and refuses to update the service."),
            format!("Give the service a target group of type `{needed}`, or keep the network mode."),
        ))
        .at("/networkMode")
    })
}

fn find<'a>(definition: &'a TaskDefinition, name: &str) -> Option<(usize, &'a Map<String, Value>)> {
    definition.containers().enumerate().find(|(_, fields)| fields.get("name").and_then(Value::as_str) == Some(name))
}

fn mappings(container: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    container.get("portMappings").and_then(Value::as_array).into_iter().flatten()
}

/// Whether a container maps a port, alone or within a range.
fn maps(container: &Map<String, Value>, field: &str, port: i64) -> bool {
    mappings(container).any(|mapping| {
        let range = mapping.get("containerPortRange").and_then(Value::as_str).and_then(|range| range.split_once('-'));
        let range = range.and_then(|(first, last)| Some(first.parse::<i64>().ok()?..=last.parse::<i64>().ok()?));
        mapping.get(field).and_then(Value::as_i64) == Some(port) || range.is_some_and(|range| range.contains(&port))
    })
}

#[cfg(test)]
mod tests;
