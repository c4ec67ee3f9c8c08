//! `CodeDeploy` for ECS services: deployment groups, deployments, and the task sets that they move.
//!
//! A deployment plays its [`Course`], one step a tick: each read of it is a tick, or so much time.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-ecs.html>

mod play;
mod show;

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::ecs::Service;
use super::rollout::Trouble;
use super::signature::sha256;
use super::wire::{Answered, Refusal, list, text, texts};
use super::world::World;

/// Everything `CodeDeploy` knows.
#[derive(Debug, Default)]
pub struct CodeDeploy {
    /// Deployment groups.
    pub groups: Vec<Group>,
    /// All deployments ever, oldest first.
    pub deployments: Vec<Deployment>,
    /// Whether `GetDeployment` leaves out the digest of the revision.
    pub hides_digest: bool,
}

/// A deployment group of one service.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its application's name.
    pub application: String,
    /// Its name.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The events on which it goes back; none: it does not.
    pub rolls_back_on: Vec<String>,
    /// `deploymentReadyOption.waitTimeInMinutes`; 0: traffic is shifted at once.
    pub ready_minutes: u32,
    /// `terminationWaitTimeInMinutes`.
    pub termination_minutes: u32,
    /// How the next deployments go; when empty: well.
    pub script: VecDeque<Course>,
}

/// How a deployment goes.
#[derive(Debug, Clone, Default)]
pub enum Course {
    /// All of its events succeed.
    #[default]
    Succeeds,
    /// The hook of this event fails.
    HookFails {
        /// The event's name.
        event: String,
        /// Whether the way back fails too.
        and_back: bool,
    },
    /// An alarm fires while traffic is shifted.
    Alarm {
        /// The alarm's name.
        name: String,
    },
    /// A person stops it in the console while traffic is shifted.
    StoppedByHand {
        /// Whether they let it go back.
        rolls_back: bool,
    },
    /// The new tasks are up, and it waits for somebody to let it go on.
    Waits,
    /// Installing the new tasks never ends.
    Stalls,
    /// The new tasks keep stopping, until `CodeDeploy` gives up.
    NeverSteady {
        /// How they end.
        trouble: Trouble,
        /// Ticks until it gives up.
        after: u32,
    },
    /// The old tasks are kept for ever: it never ends.
    Keeps,
}

/// A deployment.
#[derive(Debug, Clone, Default)]
pub struct Deployment {
    /// `d-…`.
    pub id: String,
    /// Where its group stands.
    pub group: usize,
    /// `user` or `codeDeployRollback`.
    pub creator: String,
    /// `status`.
    pub status: String,
    /// What it was made with: everything but the revision's content.
    pub request: Value,
    /// The digest of the revision's content.
    pub digest: String,
    /// The task definition it deploys.
    pub task_definition: String,
    /// The events on which it goes back.
    pub rolls_back_on: Vec<String>,
    /// How it goes.
    pub course: Course,
    /// Events done so far.
    pub done: usize,
    /// The event that failed, and what its hook said.
    pub failed: Option<(usize, String)>,
    /// Ticks so far.
    pub ticks: u32,
    /// Since when the wall clock's ticks count.
    pub ticking_since: f64,
    /// The task sets it moves between, old and new.
    pub task_sets: (String, String),
    /// Share of traffic that the new one has.
    pub weight: f64,
    /// `errorInformation`.
    pub error: Option<(String, String)>,
    /// It is to go back at its next tick.
    pub goes_back: bool,
    /// The deployment that goes back from it.
    pub rollback: Option<String>,
    /// The deployment from which it goes back.
    pub triggered_by: Option<String>,
    /// Production is on the new tasks, and the old ones wait for their end.
    pub is_terminating: bool,
    /// When it was created.
    pub created: f64,
    /// When it ended.
    pub completed: Option<f64>,
}

impl Deployment {
    fn is_closed(&self) -> bool {
        matches!(self.status.as_str(), "Succeeded" | "Failed" | "Stopped")
    }
}

/// The events of a deployment, in their order.
const EVENTS: [&str; 8] = [
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "AllowTestTraffic",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AllowTraffic",
    "AfterAllowTraffic",
];

/// Puts `CodeDeploy` in charge of the usual service, by an application and a group with their default names.
pub(super) fn take_over(mut world: World, course: Course) -> World {
    world = world.with_service(Service::code_deploy("prod", "web", 2), "web:7");
    world.code_deploy.groups.push(Group {
        application: "AppECS-prod-web".into(),
        name: "DgpECS-prod-web".into(),
        cluster: "prod".into(),
        service: "web".into(),
        rolls_back_on: vec!["DEPLOYMENT_FAILURE".into(), "DEPLOYMENT_STOP_ON_ALARM".into()],
        ready_minutes: 0,
        termination_minutes: 0,
        script: VecDeque::from([course]),
    });
    world
}

/// The answer to one call.
pub(super) fn answer(world: &mut World, operation: &str, input: &Value) -> Option<Answered> {
    Some(match operation {
        "GetDeploymentGroup" => get_group(world, input),
        "CreateDeployment" => create(world, input),
        "GetDeployment" => get(world, input),
        "GetDeploymentConfig" => get_config(input),
        "ListDeployments" => list_them(world, input),
        "BatchGetDeploymentTargets" => targets(world, input),
        "StopDeployment" => stop(world, input),
        _ => return None,
    })
}

fn find_group(world: &World, input: &Value) -> Result<usize, Refusal> {
    let application = text(input, "applicationName").unwrap_or_default();
    let name = text(input, "deploymentGroupName").unwrap_or_default();
    let groups = &world.code_deploy.groups;
    if !groups.iter().any(|group| group.application == application) {
        let message = format!("No application found for name: {application}");
        return Err(Refusal::new("ApplicationDoesNotExistException", message));
    }
    groups.iter().position(|group| group.application == application && group.name == name).ok_or_else(|| {
        let message = format!("No Deployment Group found for name: {name}");
        Refusal::new("DeploymentGroupDoesNotExistException", message)
    })
}

fn find(world: &World, input: &Value) -> Result<usize, Refusal> {
    let id = text(input, "deploymentId").unwrap_or_default();
    world.code_deploy.deployments.iter().position(|deployment| deployment.id == id).ok_or_else(|| {
        Refusal::new("DeploymentDoesNotExistException", format!("The deployment {id} could not be found"))
    })
}

fn get_group(world: &mut World, input: &Value) -> Answered {
    let at = find_group(world, input)?;
    Ok(json!({"deploymentGroupInfo": show::group(world, at)}))
}

fn create(world: &mut World, input: &Value) -> Answered {
    let group = find_group(world, input)?;
    // A way back that is about to begin has the group, too.
    let is_busy = |other: &&Deployment| other.group == group && (!other.is_closed() || other.goes_back);
    let busy = world.code_deploy.deployments.iter().find(is_busy);
    if let Some(other) = busy {
        let name = text(input, "deploymentGroupName").unwrap_or_default();
        let message = format!("The Deployment Group '{name}' already has an active Deployment '{}'", other.id);
        return Err(Refusal::new("DeploymentLimitExceededException", message));
    }
    if text(input, "description").is_some_and(|text| text.chars().count() > 512) {
        return Err(Refusal::new("DescriptionTooLongException", "The description is too long."));
    }
    let (content, task_definition) = revision(input)?;
    let of_group = world.code_deploy.groups.get(group).map(|group| group.rolls_back_on.clone()).unwrap_or_default();
    let own = input.get("autoRollbackConfiguration").filter(|own| own.get("enabled") == Some(&Value::Bool(true)));
    let rolls_back_on = own.map_or(of_group, |own| texts(own, "events"));
    let course = world.code_deploy.groups.get_mut(group).and_then(|group| group.script.pop_front());
    let mut request = input.clone();
    if let Some(request) = request.as_object_mut() {
        request.shift_remove("revision");
    }
    let (id, now) = (format!("d-{}", world.dice.capitals(9)), world.now());
    world.code_deploy.deployments.push(Deployment {
        id: id.clone(),
        group,
        creator: "user".into(),
        status: "Created".into(),
        request,
        digest: sha256(content.as_bytes()),
        task_definition,
        rolls_back_on,
        course: course.unwrap_or_default(),
        ticking_since: now,
        created: now,
        ..Deployment::default()
    });
    Ok(json!({"deploymentId": id}))
}

/// The revision's content and the task definition in it.
fn revision(input: &Value) -> Result<(String, String), Refusal> {
    let invalid = |message: &str| Refusal::new("InvalidRevisionException", message);
    let revision =
        input.get("revision").ok_or_else(|| Refusal::new("RevisionRequiredException", "Revision is missing."))?;
    let appspec = revision.get("appSpecContent").ok_or_else(|| invalid("The revision has no AppSpec content."))?;
    let content = text(appspec, "content").unwrap_or_default();
    if text(appspec, "sha256").is_some_and(|digest| digest != sha256(content.as_bytes())) {
        return Err(invalid("The sha256 of the AppSpec content does not match."));
    }
    let parsed: Value = serde_json::from_str(content).map_err(|_| invalid("The AppSpec file cannot be parsed."))?;
    let under = |value: &Value, name: &str| {
        let fields = value.as_object().into_iter().flatten();
        fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let resources = under(&parsed, "Resources").unwrap_or_default();
    let first = resources.as_array().and_then(|list| list.first()).and_then(Value::as_object);
    let target = first.and_then(|first| first.values().next()).cloned().unwrap_or_default();
    if under(&target, "Type") != Some("AWS::ECS::Service".into()) {
        return Err(invalid("The AppSpec file contains an invalid resource type."));
    }
    let properties = under(&target, "Properties").unwrap_or_default();
    let definition = under(&properties, "TaskDefinition").and_then(|value| value.as_str().map(str::to_owned));
    definition.map(|definition| (content.to_owned(), definition)).ok_or_else(|| invalid("TaskDefinition is missing."))
}

fn get(world: &mut World, input: &Value) -> Answered {
    let at = find(world, input)?;
    play::pass(world, at);
    Ok(json!({"deploymentInfo": show::deployment(world, at)}))
}

/// A predefined configuration; nobody made others here.
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>
fn get_config(input: &Value) -> Answered {
    let name = text(input, "deploymentConfigName").unwrap_or_default();
    let canary = |interval| json!({"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": interval}});
    let linear = |interval| json!({"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 10, "linearInterval": interval}});
    let routing = match name.strip_prefix("CodeDeployDefault.ECS") {
        Some("AllAtOnce") => json!({"type": "AllAtOnce"}),
        Some("Canary10Percent5Minutes") => canary(5),
        Some("Canary10Percent15Minutes") => canary(15),
        Some("Linear10PercentEvery1Minutes") => linear(1),
        Some("Linear10PercentEvery3Minutes") => linear(3),
        _ => {
            let message = format!("No Deployment Config found for name: {name}");
            return Err(Refusal::new("DeploymentConfigDoesNotExistException", message));
        }
    };
    Ok(json!({"deploymentConfigInfo":
        {"deploymentConfigName": name, "computePlatform": "ECS", "trafficRoutingConfig": routing}}))
}

fn list_them(world: &mut World, input: &Value) -> Answered {
    let group = find_group(world, input)?;
    // Who polls only this must see time pass, too.
    for at in 0..world.code_deploy.deployments.len() {
        play::pass(world, at);
    }
    let wanted = texts(input, "includeOnlyStatuses");
    let of_group = world.code_deploy.deployments.iter().rev().filter(|deployment| deployment.group == group);
    let listed = of_group.filter(|deployment| wanted.is_empty() || wanted.contains(&deployment.status));
    Ok(json!({"deployments": listed.map(|deployment| deployment.id.clone()).collect::<Vec<_>>()}))
}

fn targets(world: &mut World, input: &Value) -> Answered {
    let at = find(world, input)?;
    let asked = list(input, "targetIds").first().and_then(Value::as_str).unwrap_or_default();
    let Some(deployment) = world.code_deploy.deployments.get(at) else { return Ok(json!({})) };
    let group = world.code_deploy.groups.get(deployment.group);
    if group.is_some_and(|group| asked != format!("{}:{}", group.cluster, group.service)) {
        let message = format!("The deployment target {asked} does not exist");
        return Err(Refusal::new("DeploymentTargetDoesNotExistException", message));
    }
    if deployment.ticks == 0 {
        return Err(Refusal::new("DeploymentNotStartedException", "The deployment has not started."));
    }
    Ok(json!({"deploymentTargets": [{"deploymentTargetType": "ECSTarget", "ecsTarget": show::target(world, at)}]}))
}

fn stop(world: &mut World, input: &Value) -> Answered {
    let at = find(world, input)?;
    let rolls_back = input.get("autoRollbackEnabled").and_then(Value::as_bool);
    if world.code_deploy.deployments.get(at).is_some_and(Deployment::is_closed) {
        return Err(Refusal::new("DeploymentAlreadyCompletedException", "The deployment has already completed."));
    }
    play::stop(world, at, rolls_back);
    Ok(json!({"status": "Succeeded", "statusMessage": "The deployment was stopped."}))
}
