//! Elastic Load Balancing, in its query protocol: target groups, and how they find the tasks of their services.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ecs::Task;
use super::rollout::Trouble;
use super::sts::escape;
use super::wire::{Refusal, text};
use super::world::World;

/// The namespace of its answers.
pub(super) const SPACE: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";

/// A target group of an Application Load Balancer.
#[derive(Debug, Clone)]
pub struct TargetGroup {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What its targets are: `ip` or `instance`.
    pub target_type: String,
    /// The port of its health check: `traffic-port` or a number.
    pub port: String,
    /// The path of its health check.
    pub path: String,
    /// The codes that count as healthy.
    pub matcher: String,
}

/// All target groups, and what they found of tasks that fail.
#[derive(Debug, Clone, Default)]
pub struct LoadBalancing {
    /// The groups.
    pub groups: Vec<TargetGroup>,
    /// Reason and description of targets that fail, by the task's id.
    failing: BTreeMap<String, (String, String)>,
}

impl World {
    /// Puts a service behind a target group that asks its container `web` for `/healthz` on port 8080.
    #[must_use]
    pub fn behind_target_group(mut self, service: &str, name: &str) -> Self {
        let arn = self.arn("elasticloadbalancing", &format!("targetgroup/{name}/0123456789abcdef"));
        let balancers = json!([{"targetGroupArn": arn, "containerName": "web", "containerPort": 8080}]);
        self.change_service(service, |service| {
            service.settings.insert("loadBalancers".into(), balancers);
        });
        let (path, matcher) = ("/healthz".into(), "200".into());
        self.load_balancing.groups.push(TargetGroup {
            name: name.into(),
            arn,
            target_type: "ip".into(),
            port: "traffic-port".into(),
            path,
            matcher,
        });
        self
    }
}

/// The private address of a task, which never changes.
#[must_use]
pub fn address(task: &str) -> String {
    let byte = |at: usize| task.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(1);
    format!("10.0.{}.{}", byte(0), byte(2))
}

/// The load balancer finds a task unhealthy.
pub(super) fn notice(world: &mut World, task: &Task, trouble: &Trouble) {
    if let Some(found) = &trouble.target {
        world.load_balancing.failing.insert(task.id.clone(), found.clone());
    }
}

/// The inner XML of the answer to one call; none when the operation is not known here.
pub(super) fn answer(world: &World, operation: &str, form: &Value) -> Option<Result<String, Refusal>> {
    Some(match operation {
        "DescribeTargetGroups" => describe_groups(world, form),
        "DescribeTargetHealth" => describe_health(world, form),
        _ => return None,
    })
}

fn find<'a>(world: &'a World, arn: &str) -> Result<&'a TargetGroup, Refusal> {
    let missing = || Refusal::new("TargetGroupNotFound", "One or more target groups not found");
    world.load_balancing.groups.iter().find(|group| group.arn == arn).ok_or_else(missing)
}

fn describe_groups(world: &World, form: &Value) -> Result<String, Refusal> {
    let asked = (1..).map_while(|nth| text(form, &format!("TargetGroupArns.member.{nth}")));
    let groups = asked.map(|arn| find(world, arn)).collect::<Result<Vec<_>, _>>()?;
    let members: String = groups.into_iter().map(described).collect();
    Ok(format!("<TargetGroups>{members}</TargetGroups>"))
}

fn described(group: &TargetGroup) -> String {
    format!(
        "<member><TargetGroupArn>{}</TargetGroupArn><TargetGroupName>{}</TargetGroupName><Protocol>HTTP</Protocol>\
         <Port>80</Port><VpcId>vpc-0123456789abcdef0</VpcId><HealthCheckProtocol>HTTP</HealthCheckProtocol>\
         <HealthCheckPort>{}</HealthCheckPort><HealthCheckEnabled>true</HealthCheckEnabled>\
         <HealthCheckIntervalSeconds>30</HealthCheckIntervalSeconds>\
         <HealthCheckTimeoutSeconds>5</HealthCheckTimeoutSeconds><HealthyThresholdCount>5</HealthyThresholdCount>\
         <UnhealthyThresholdCount>2</UnhealthyThresholdCount><HealthCheckPath>{}</HealthCheckPath>\
         <Matcher><HttpCode>{}</HttpCode></Matcher><TargetType>{}</TargetType></member>",
        escape(&group.arn),
        escape(&group.name),
        escape(&group.port),
        escape(&group.path),
        escape(&group.matcher),
        escape(&group.target_type),
    )
}

fn describe_health(world: &World, asked: &Value) -> Result<String, Refusal> {
    let group = find(world, text(asked, "TargetGroupArn").unwrap_or_default())?;
    let members: String = world
        .ecs
        .services
        .iter()
        .filter_map(|service| {
            let balancers = service.settings.get("loadBalancers")?.as_array()?;
            let ours = balancers.iter().find(|balancer| text(balancer, "targetGroupArn") == Some(&group.arn))?;
            let port = ours.get("containerPort").and_then(Value::as_i64).unwrap_or(80);
            let name = format!("service:{}", service.name);
            let tasks = world.ecs.tasks.iter().filter(|task| task.group == name && task.started.is_some());
            let newest = tasks.clone().rfind(|task| world.load_balancing.failing.contains_key(&task.id));
            let newest = newest.map(|task| task.id.clone());
            Some(tasks.filter_map(|task| member(world, task, port, newest.as_deref())).collect::<String>())
        })
        .collect();
    Ok(format!("<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"))
}

/// A task as a target. The newest that fails is still there, those before it are being taken out; `newest` is its id.
fn member(world: &World, task: &Task, port: i64, newest: Option<&str>) -> Option<String> {
    let told = |state: &str, reason: &str, description: &str| {
        let tag = |name: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("<{name}>{}</{name}>", escape(text)) }
        };
        let health = format!("{}{}{}", tag("State", state), tag("Reason", reason), tag("Description", description));
        format!(
            "<member><HealthCheckPort>{port}</HealthCheckPort><TargetHealth>{health}</TargetHealth><Target><Id>{}</Id>\
             <Port>{port}</Port><AvailabilityZone>{}a</AvailabilityZone></Target></member>",
            address(&task.id),
            world.region
        )
    };
    match (world.load_balancing.failing.get(&task.id), task.stopped) {
        (Some((reason, description)), _) if newest == Some(&task.id) => Some(told("unhealthy", reason, description)),
        (Some(_), _) => {
            Some(told("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"))
        }
        (None, None) => Some(told("healthy", "", "")),
        (None, Some(_)) => None,
    }
}
