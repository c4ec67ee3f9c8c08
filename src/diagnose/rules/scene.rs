//! Names for the things that a fix speaks of, from the rendered definition, the service and the evidence.

use serde_json::{Map, Value};

use super::sign::Sign;
use crate::diagnose::{Evidence, LogTail, Subject, TargetGroup};
use crate::model::image::{ImageRef, Registry};
use crate::model::names::{Arn, short_name};
use crate::model::reference::shown_value_from;
use crate::model::service::Service;
use crate::model::task_definition::TaskDefinition;

/// Longest name or sentence from outside within one of ours.
const LONGEST: usize = 300;

/// What stands around a sign.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Everything that was found.
    pub evidence: &'a Evidence,
    /// What is asked about; none when only the stop itself is looked at.
    pub subject: Option<&'a Subject<'a>>,
}

/// A name from outside as code, in one of our sentences.
pub fn quoted(name: &str) -> String {
    let short: String = name.chars().take(LONGEST).collect();
    let cut = if short.len() < name.len() { "…" } else { "" };
    format!("`{}{cut}`", short.replace('`', "'").split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Names as a list: `a`, `b`.
pub fn all_quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

impl<'a> Scene<'a> {
    /// The rendered definition.
    pub fn definition(&self) -> Option<&'a TaskDefinition> {
        self.subject.map(|subject| &subject.plan.definition)
    }

    /// The service as seen last, else as it was before.
    pub fn service(&self) -> Option<&'a Service> {
        self.subject.and_then(|subject| subject.service.or(subject.plan.service.as_ref()))
    }

    /// The service's name, as code.
    pub fn service_name(&self) -> String {
        self.service().map_or_else(|| "the service".to_owned(), |service| quoted(&service.service_name))
    }

    /// The cluster as the user named it.
    pub fn cluster(&self) -> &'a str {
        self.subject.map_or("default", |subject| subject.plan.cluster.as_str())
    }

    /// The region of the revision.
    pub fn region(&self) -> String {
        let arn = self.subject.and_then(|subject| Arn::parse(subject.task_definition));
        arn.map(|arn| arn.region).filter(|region| !region.is_empty()).unwrap_or_else(|| "REGION".to_owned())
    }

    /// The role that ECS pulls images, reads secrets and writes logs with.
    pub fn execution_role(&self) -> String {
        match self.definition().map(|definition| definition.text("executionRoleArn")) {
            Some(Some(arn)) => format!("the execution role {}", quoted(arn)),
            Some(None) => "the container instance's role (the task definition has no `executionRoleArn`)".to_owned(),
            None => "the task's execution role".to_owned(),
        }
    }

    /// A container of the definition.
    pub fn container(&self, name: &str) -> Option<&'a Map<String, Value>> {
        self.definition()?.containers().find(|container| container.get("name").and_then(Value::as_str) == Some(name))
    }

    /// A number in a container's definition, written as a number or as a text.
    pub fn number(&self, container: &str, field: &str) -> Option<i64> {
        as_number(self.container(container)?.get(field)?)
    }

    /// The task's own memory, in MiB.
    pub fn task_memory(&self) -> Option<i64> {
        as_number(self.definition()?.0.get("memory")?)
    }

    /// Whether the task's end is the container's too.
    fn is_essential(&self, name: &str) -> bool {
        self.container(name).and_then(|container| container.get("essential")?.as_bool()).unwrap_or(true)
    }

    /// The container to blame for a stop and its exit code: an essential one that failed by itself, not one that was
    /// ended along with it.
    pub fn culprit(&self, sign: &Sign<'a>) -> Option<(&'a str, i64)> {
        let ended = sign.stop?.containers.iter().filter_map(|(name, code, _)| Some((name.as_str(), (*code)?)));
        let rank = |(name, code): &(&str, i64)| {
            let along = matches!(code, 137 | 143);
            (!self.is_essential(name), along, *code == 0)
        };
        ended.min_by_key(rank)
    }

    /// The container that a sentence about starting speaks of: the one with a reason, else the only one there is.
    pub fn starting(&self, sign: &Sign<'a>) -> Option<String> {
        let with_reason = sign.stop.and_then(|group| group.containers.iter().find(|(_, _, reason)| reason.is_some()));
        let blamed = with_reason.or_else(|| sign.stop.and_then(|group| group.containers.first()));
        blamed.map(|(name, ..)| name.clone()).or_else(|| {
            let mut all = self.definition()?.container_names();
            all.next().filter(|_| all.next().is_none()).map(str::to_owned)
        })
    }

    /// The container in words: "container `web`", or "the container".
    pub fn starting_in_words(&self, sign: &Sign<'a>) -> String {
        self.starting(sign).map_or_else(|| "the container".to_owned(), |name| format!("container {}", quoted(&name)))
    }

    /// The image that a sentence speaks of: the one it names, else that of the container it blames.
    pub fn image(&self, sign: &Sign<'a>) -> Option<(&'a str, &'a str)> {
        let definition = self.definition()?;
        let named = definition.images().find(|(_, image)| sign.says(&image.to_ascii_lowercase()));
        named.or_else(|| {
            let container = self.starting(sign)?;
            definition.images().find(|(name, _)| *name == container)
        })
    }

    /// The image in words: "image `registry/web:v9`", or "its image".
    pub fn image_in_words(&self, sign: &Sign<'a>) -> String {
        self.image(sign).map_or_else(|| "its image".to_owned(), |(_, image)| format!("image {}", quoted(image)))
    }

    /// The registry that the image comes from, where it is known.
    pub fn registry(&self, sign: &Sign<'a>) -> Option<Registry> {
        let (_, image) = self.image(sign)?;
        Some(ImageRef::parse(image).ok()?.registry)
    }

    /// `X86_64 on LINUX`, as the definition asks for or ECS assumes.
    pub fn platform(&self) -> (String, String) {
        let platform = self.definition().and_then(|definition| definition.0.get("runtimePlatform"));
        let asked = |field: &str, default: &str| {
            let value = platform.and_then(|platform| platform.get(field)?.as_str());
            value.unwrap_or(default).to_owned()
        };
        (asked("cpuArchitecture", "X86_64"), asked("operatingSystemFamily", "LINUX"))
    }

    /// An option of a container's log driver.
    pub fn log_option(&self, container: &str, option: &str) -> Option<&'a str> {
        self.container(container)?.get("logConfiguration")?.get("options")?.get(option)?.as_str()
    }

    /// The log group of the containers, when they have only one.
    pub fn log_group(&self) -> Option<&'a str> {
        let group = |name| self.log_option(name, "awslogs-group");
        let mut groups: Vec<&str> = self.definition()?.container_names().filter_map(group).collect();
        groups.dedup();
        groups.first().copied().filter(|_| groups.len() == 1)
    }

    /// What a container wrote last.
    pub fn log(&self, container: &str) -> Option<&'a LogTail> {
        self.evidence.logs.iter().find(|log| log.container == container && !log.lines.is_empty())
    }

    /// Every `valueFrom` of the containers' secrets, and of their logs', as it may be shown.
    pub fn secrets(&self) -> Vec<&'a str> {
        let containers = self.definition().into_iter().flat_map(TaskDefinition::containers);
        let mut found: Vec<&str> = containers
            .flat_map(|container| {
                let of = |holder: Option<&'a Value>| holder.and_then(Value::as_array).into_iter().flatten();
                let logs = container.get("logConfiguration").and_then(|logs| logs.get("secretOptions"));
                of(container.get("secrets"))
                    .chain(of(logs))
                    .filter_map(|secret| Some(shown_value_from(secret.get("valueFrom")?.as_str()?)))
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn awsvpc(&self, field: &str) -> Option<&'a Value> {
        self.service()?.network_configuration.as_ref()?.get("awsvpcConfiguration")?.get(field)
    }

    /// Whether the tasks get public addresses; none for tasks without a network of their own.
    pub fn has_public_addresses(&self) -> Option<bool> {
        self.awsvpc("subnets")?;
        Some(self.awsvpc("assignPublicIp").and_then(Value::as_str) == Some("ENABLED"))
    }

    /// The tasks' subnets, in words.
    pub fn subnets(&self) -> String {
        match self.listed("subnets") {
            names if names.is_empty() => "the tasks' subnets".to_owned(),
            names => format!("the subnets {names}"),
        }
    }

    /// The tasks' security groups, in words.
    pub fn security_groups(&self) -> String {
        match self.listed("securityGroups") {
            names if names.is_empty() => "the tasks' security group".to_owned(),
            names => format!("the tasks' security group {names}"),
        }
    }

    fn listed(&self, field: &str) -> String {
        let names = self.awsvpc(field).and_then(Value::as_array).into_iter().flatten();
        all_quoted(names.filter_map(Value::as_str))
    }

    /// The target group that a sentence names, or the only one.
    pub fn target_group(&self, sign: &Sign<'a>) -> Option<&'a TargetGroup> {
        let groups = &self.evidence.target_groups;
        let named = named_target_group(sign);
        let is_named = |group: &&TargetGroup| named.is_some_and(|named| named == group.arn || named == group.name);
        groups.iter().find(is_named).or_else(|| groups.first().filter(|_| groups.len() == 1))
    }

    /// The container and port that the load balancer reaches, as the target group or the service tells.
    pub fn registered(&self, sign: &Sign<'a>) -> Option<(String, i64)> {
        if let Some(registered) = self.target_group(sign).and_then(|group| group.container.clone()) {
            return Some(registered);
        }
        let balancers = &self.service()?.load_balancers;
        let named = named_target_group(sign);
        let named = balancers.iter().find(|balancer| named.is_some() && balancer.target_group_arn.as_deref() == named);
        let balancer = named.or_else(|| balancers.first().filter(|_| balancers.len() == 1))?;
        Some((balancer.container_name.clone()?, balancer.container_port?))
    }
}

/// The ARN or name after `target-group`.
pub fn named_target_group<'s>(sign: &'s Sign<'_>) -> Option<&'s str> {
    sign.after("target-group ", &[')', ' ', ','])
}

/// The short name of a target group's ARN: `web` of `…:targetgroup/web/0123`.
pub fn target_group_name(arn: &str) -> &str {
    arn.split(":targetgroup/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_else(|| short_name(arn))
}

fn as_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}
