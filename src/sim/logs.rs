//! `CloudWatch` Logs: groups, their streams, and what the containers of failing tasks wrote into them.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::clock::millis;
use super::ecs::{Task, task_definitions};
use super::wire::{Answered, Refusal, list, text};
use super::world::World;

/// Every log group, in whichever region.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    /// The lines of each stream, by region, group and stream.
    pub streams: BTreeMap<(String, String, String), Vec<(f64, String)>>,
    /// The groups, by region and name.
    pub groups: BTreeSet<(String, String)>,
    /// Seconds from a line's writing until it can be read.
    pub delivery: f64,
}

impl Logs {
    /// Whether there is a group in this region.
    #[must_use]
    pub fn has_region(&self, region: &str) -> bool {
        self.groups.iter().any(|(other, _)| other == region)
    }
}

/// A task of the service ends: the lines of the container that failed, or of its first one, where they go to a group
/// which exists.
pub(super) fn write(world: &mut World, task: &Task, lines: &[String], at: f64) {
    let document = task_definitions::find(world, &task.task_definition).map(|known| known.document.clone());
    let containers = document.as_ref().map_or(&[][..], |document| list(document, "containerDefinitions"));
    let whose = |container: &&Value| {
        task.failed_container.is_none() || text(container, "name") == task.failed_container.as_deref()
    };
    let stream = containers.iter().filter(whose).find_map(|container| {
        let configuration =
            container.get("logConfiguration").filter(|log| text(log, "logDriver") == Some("awslogs"))?;
        let option = |name: &str| configuration.get("options").and_then(|options| text(options, name));
        let region = option("awslogs-region").unwrap_or(&world.region).to_owned();
        let stream = match option("awslogs-stream-prefix") {
            Some(prefix) => format!("{prefix}/{}/{}", text(container, "name")?, task.id),
            None => format!("{}-{}", task.id, task.id.get(..12)?),
        };
        Some((region, option("awslogs-group")?.to_owned(), stream))
    });
    let Some(stream) = stream.filter(|(region, group, _)| world.logs.groups.contains(&(region.clone(), group.clone())))
    else {
        return;
    };
    if !lines.is_empty() {
        world.logs.streams.entry(stream).or_default().extend(lines.iter().map(|line| (at, line.clone())));
    }
}

/// The answer to one call; `region` is the one it was sent to.
pub(super) fn answer(world: &World, operation: &str, input: &Value, region: &str) -> Option<Answered> {
    Some(match operation {
        "GetLogEvents" => get_log_events(world, input, region),
        "DescribeLogGroups" => describe_log_groups(world, input, region),
        _ => return None,
    })
}

/// A page of the groups of this region whose names begin so, sorted by name.
fn describe_log_groups(world: &World, input: &Value, region: &str) -> Answered {
    let limit = input.get("limit").and_then(Value::as_u64).unwrap_or(50);
    if !(1..=50).contains(&limit) {
        return Err(Refusal::invalid("1 validation error detected: limit must be between 1 and 50"));
    }
    let begin: usize = text(input, "nextToken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let prefix = text(input, "logGroupNamePrefix").unwrap_or_default();
    let named = |(other, name): &&(String, String)| other == region && name.starts_with(prefix);
    let all: Vec<&str> = world.logs.groups.iter().filter(named).map(|(_, name)| name.as_str()).collect();
    let end = begin.saturating_add(usize::try_from(limit).unwrap_or(50)).min(all.len());
    let groups: Vec<Value> =
        all.get(begin..end).unwrap_or_default().iter().map(|name| group(world, region, name)).collect();
    let mut answer = json!({"logGroups": groups});
    if let (true, Some(answer)) = (end < all.len(), answer.as_object_mut()) {
        answer.insert("nextToken".into(), end.to_string().into());
    }
    Ok(answer)
}

fn group(world: &World, region: &str, name: &str) -> Value {
    let arn = format!("arn:aws:logs:{region}:{}:log-group:{name}", world.account);
    json!({
        "logGroupName": name, "logGroupArn": arn, "arn": format!("{arn}:*"), "logGroupClass": "STANDARD",
        "creationTime": millis(world.now() - 5_000_000.0), "metricFilterCount": 0, "storedBytes": 0,
    })
}

fn get_log_events(world: &World, input: &Value, region: &str) -> Answered {
    let missing =
        |what: &str| Refusal::new("ResourceNotFoundException", format!("The specified log {what} does not exist."));
    let group = text(input, "logGroupName").or(text(input, "logGroupIdentifier")).unwrap_or_default().to_owned();
    let stream = text(input, "logStreamName").unwrap_or_default().to_owned();
    if !world.logs.groups.contains(&(region.to_owned(), group.clone())) {
        return Err(missing("group"));
    }
    let lines = world.logs.streams.get(&(region.to_owned(), group, stream)).ok_or_else(|| missing("stream"))?;
    let limit = input.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(10_000);
    if !(1..=10_000).contains(&limit) {
        return Err(Refusal::invalid("1 validation error detected: limit must be between 1 and 10000"));
    }
    let there: Vec<_> = lines.iter().filter(|(at, _)| at + world.logs.delivery <= world.now()).collect();
    let from_head = input.get("startFromHead").and_then(Value::as_bool).unwrap_or(false);
    let skip = if from_head { 0 } else { there.len().saturating_sub(limit) };
    let events: Vec<Value> = there
        .into_iter()
        .skip(skip)
        .take(limit)
        .map(|(at, line)| {
            let (written, read) = (millis(*at), millis(at + world.logs.delivery));
            json!({"timestamp": written, "message": line, "ingestionTime": read})
        })
        .collect();
    Ok(json!({"events": events, "nextForwardToken": "f/1", "nextBackwardToken": "b/1"}))
}
