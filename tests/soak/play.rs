//! Plays one story: the whole program, from its inputs to its exit code, against the stage, in virtual time and without
//! a socket.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use ecs_deploy::app::{self, Doors};
use ecs_deploy::aws::{Carried, Courier, Transport};
use ecs_deploy::cli::{self, Command};
use ecs_deploy::http::Http;
use ecs_deploy::inputs::Asked as Step;
use ecs_deploy::inputs::environment::Environment;
use ecs_deploy::model::verdict::Verdict;
use ecs_deploy::sim::ecs::{Place, Service};
use ecs_deploy::sim::{Asked, Call, Clock, Outcome, Sim, World};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::draw::{Before, Kind, Other, Story};

/// Longer than any run may take, in virtual time.
pub const FOREVER: Duration = Duration::from_hours(2);

/// Ticks after which a deployment of the past that has not ended never does.
const FAR: u32 = 60;

/// What CodeDeploy is told of the service.
const APPSPEC: &str = "version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 8080
";

thread_local! {
    /// What was said, and when.
    static SAID: RefCell<Vec<(Duration, String)>> = const { RefCell::new(Vec::new()) };
    /// When the run began, by both clocks.
    static BEGUN: Cell<Option<(Instant, SystemTime)>> = const { Cell::new(None) };
}

/// The time of day, as far as the program is concerned.
fn now() -> SystemTime {
    BEGUN.get().map_or_else(SystemTime::now, |(begun, at)| at + begun.elapsed())
}

fn since_begin() -> Duration {
    BEGUN.get().map(|(begun, _)| begun.elapsed()).unwrap_or_default()
}

fn say(line: &str) {
    SAID.with_borrow_mut(|said| said.push((since_begin(), line.to_owned())));
}

/// A request of the program, seen from the wire.
#[derive(Debug, Clone)]
pub struct Sent {
    pub operation: String,
    pub at: Duration,
    /// The HTTP status that reached the program; 0 for a lost connection, none when nothing did.
    pub status: Option<u16>,
    /// Where it stands in the ledger, once it was looked at.
    pub call: Option<usize>,
    /// The deployment that it began.
    pub began: Option<String>,
    /// The outputs were there already when it was sent.
    pub is_late: bool,
}

/// The service at one moment, right after a call was answered.
#[derive(Debug, Clone)]
pub struct Frame {
    pub at: Duration,
    /// Where the call stands in the ledger.
    pub call: usize,
    pub status: String,
    pub desired: i64,
    pub deployments: Vec<Deployment>,
    /// Deployments by CodeDeploy, oldest first.
    pub moves: Vec<Move>,
    /// Running tasks by the ARN of their task definition.
    pub running: BTreeMap<String, usize>,
}

/// A deployment, times since the run began.
#[derive(Debug, Clone)]
pub struct Deployment {
    pub digits: String,
    pub id: String,
    pub revision: String,
    pub place: Place,
    pub status: String,
    pub state: String,
    pub running: i64,
    /// Tasks that failed in a row, as ECS counts them.
    pub failed: i64,
    /// Tasks that run.
    pub up: usize,
    /// When the last of them came up.
    pub up_since: f64,
    /// Whether nobody wants its tasks any more.
    pub draining: bool,
    pub stage: Option<String>,
    /// Whether a pause waits for somebody.
    pub paused: bool,
    /// How tasks ended badly, and how many did so.
    pub stops: BTreeMap<String, usize>,
    pub began: f64,
    pub ended: Option<f64>,
}

/// A deployment by CodeDeploy, times since the run began.
#[derive(Debug, Clone)]
pub struct Move {
    pub id: String,
    pub status: String,
    pub revision: String,
    /// Whether CodeDeploy made it, to go back from this one.
    pub from: Option<String>,
    /// It is to go back as soon as somebody looks.
    pub goes_back: bool,
    /// The task set that it made.
    pub set: String,
    /// Share of the traffic that has been moved.
    pub weight: f64,
    /// Whether all events are done, or the old tasks wait for their end.
    pub is_shifted: bool,
    pub began: f64,
    pub ended: Option<f64>,
}

impl Move {
    pub fn is_closed(&self) -> bool {
        ["Succeeded", "Failed", "Stopped"].contains(&self.status.as_str())
    }
}

/// What came of a run.
pub struct Played {
    pub verdict: Option<Verdict>,
    /// How long it took, in virtual time.
    pub took: Duration,
    pub said: Vec<(Duration, String)>,
    pub sent: Vec<Sent>,
    pub frames: Vec<Frame>,
    pub ledger: Vec<Call>,
    /// Which of the ledger's calls were made by others.
    pub theirs: BTreeSet<usize>,
    pub outputs: BTreeMap<String, String>,
    /// The outputs, the summary and the report as they were written.
    pub written: Vec<(&'static str, String)>,
    pub secrets: Vec<String>,
    pub unknown: Vec<String>,
    /// Every registered definition by its ARN.
    pub definitions: BTreeMap<String, Value>,
    /// Calls that came after the program had ended.
    pub calls_after: usize,
}

struct Stage {
    sim: Sim,
    latency: Duration,
    /// Seconds since 1970 on the stage's clock when the run began.
    epoch: Mutex<f64>,
    output: PathBuf,
    sent: Mutex<Vec<Sent>>,
    frames: Mutex<Vec<Frame>>,
    theirs: Mutex<BTreeSet<usize>>,
}

/// Plays a story to its end.
pub fn play(story: &Story, seed: u64) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    fastrand::seed(seed);
    runtime.block_on(run(story, seed))
}

async fn run(story: &Story, seed: u64) -> Played {
    SAID.take();
    BEGUN.set(Some((Instant::now(), SystemTime::now())));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("appspec.yaml"), APPSPEC).unwrap();
    let world = world(story, seed);
    let sim = Sim::without_address(world);
    let stage = Arc::new(Stage {
        latency: story.latency,
        epoch: Mutex::default(),
        sim,
        output: folder.path().join("output"),
        sent: Mutex::default(),
        frames: Mutex::default(),
        theirs: Mutex::default(),
    });
    stage.set_up(story).await;
    let doors = Doors { aws: Transport::by(courier(&stage), now), http: Http::default() };
    let step = step(story, &folder);
    let others = tokio::spawn(interfere(Arc::clone(&stage), story.others.clone()));
    let cancelled = async {
        match story.signal {
            Some(after) => sleep(after).await,
            None => std::future::pending().await,
        }
        "SIGTERM"
    };
    let verdict = timeout(FOREVER, Box::pin(app::run(&step, &doors, cancelled, say))).await.ok();
    let took = since_begin();
    let sent = stage.sent.lock().unwrap().len();
    others.abort();
    // How the service is at the end: a read that lets no time pass.
    stage.by_another("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await;
    // Whatever the program may have left behind has its chance now.
    sleep(Duration::from_mins(2)).await;
    let calls_after = stage.sent.lock().unwrap().len() - sent;
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let outputs = heredocs(&read("output"));
    let report = outputs.get("report").map(|path| read(path)).unwrap_or_default();
    let played = stage.sim.with(|world| Played {
        verdict,
        took,
        said: SAID.take(),
        sent: stage.sent.lock().unwrap().clone(),
        frames: stage.frames.lock().unwrap().clone(),
        ledger: world.ledger.calls().to_vec(),
        theirs: stage.theirs.lock().unwrap().clone(),
        outputs,
        written: vec![("the outputs", read("output")), ("the summary", read("summary")), ("the report", report)],
        secrets: world.secrets(),
        unknown: world.ledger.unknown(),
        definitions: world
            .ecs
            .definitions
            .iter()
            .map(|known| (known.arn().to_owned(), known.document.clone()))
            .collect(),
        calls_after,
    });
    BEGUN.set(None);
    played
}

fn world(story: &Story, seed: u64) -> World {
    let mut world =
        World::default().seed(seed).with_keys(story.input("aws-access-key-id"), story.input("aws-secret-access-key"));
    world.calendar.skew = story.skew;
    world.clock = story.tick.map_or(Clock::Requests, Clock::Wall);
    world.identity.verify_signatures = false;
    if let Some(role) = world.identity.roles.first_mut() {
        role.max_session = 3600;
    }
    world.ecs.reorders = story.reorders;
    world.ecs.update_names_deployment = story.update_names_deployment;
    let mut service = match story.kind {
        Kind::Rolling => Service::running("prod", "web", story.desired),
        Kind::Daemon => Service::daemon("prod", "web", story.desired),
        Kind::Shifting(strategy) => Service::shifting("prod", "web", story.desired, strategy),
    };
    if let Some(by_code_deploy) = &story.code_deploy {
        service = Service::code_deploy("prod", "web", story.desired);
        world.code_deploy.groups.push(by_code_deploy.group.clone());
        world.code_deploy.hides_digest = by_code_deploy.hides_digest;
    }
    for (name, value) in &story.settings {
        service.configure(name, value.clone());
    }
    if story.code_deploy.is_none() {
        service.breaker(story.breaker.0, story.breaker.1);
    }
    if let (Some(rollback), Some(Value::Object(configuration))) =
        (story.alarms, service.settings.get_mut("deploymentConfiguration"))
    {
        configuration.insert("alarms".into(), json!({"alarmNames": ["errors"], "enable": true, "rollback": rollback}));
        world = world.with_alarm("errors", "OK", "No datapoint crossed the threshold.");
    }
    world.ecs.services.clear();
    world.ecs.tasks.clear();
    match &story.before {
        Before::New(rollout) => {
            service.script.push_back(rollout.clone());
            world = world.with_new_service(service, "web:7");
        }
        Before::Standing | Before::InProgress(_) => world = world.with_service(service, "web:7"),
    }
    world.change_service("web", |service| {
        service.way_back = story.way_back;
        service.starts_after = story.starts_after;
        let function = "arn:aws:lambda:eu-central-1:123456789012:function:check";
        service.lambdas.insert(function.to_owned(), story.lambda.clone());
        service.script.extend(story.past.iter().cloned());
        if let Before::InProgress(rollout) = &story.before {
            service.script.push_back(rollout.clone());
        }
        service.script.extend(story.scripts.clone());
    });
    world
}

fn step(story: &Story, folder: &TempDir) -> Step {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut environment: Vec<(String, String)> = vec![
        ("GITHUB_WORKSPACE".into(), path("")),
        ("GITHUB_OUTPUT".into(), path("output")),
        ("GITHUB_STEP_SUMMARY".into(), path("summary")),
        ("GITHUB_STATE".into(), path("state")),
        ("GITHUB_REPOSITORY".into(), "octo-org/shop".into()),
        ("GITHUB_RUN_ID".into(), "9876543210".into()),
        ("GITHUB_WORKFLOW".into(), "deploy".into()),
        ("GITHUB_ACTION".into(), "deploy".into()),
        ("GITHUB_ACTOR".into(), "octocat".into()),
        ("GITHUB_SHA".into(), "4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9".into()),
        ("GITHUB_REF".into(), "refs/heads/main".into()),
    ];
    environment
        .extend(story.inputs.iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value.clone())));
    if let Some(seconds) = story.session {
        environment.push(("INPUT_ROLE-TO-ASSUME".into(), "arn:aws:iam::123456789012:role/deploy".into()));
        environment.push(("INPUT_ROLE-DURATION-SECONDS".into(), seconds.to_string()));
    }
    let environment: Environment = environment.into_iter().collect();
    match cli::parse([], &environment) {
        Command::Run(step) => *step,
        other => panic!("no arguments mean a run, not {other:?}"),
    }
}

/// Carries the program's requests to the stage. The stage goes on with a request whose sender has gone away.
fn courier(stage: &Arc<Stage>) -> Courier {
    let stage = Arc::clone(stage);
    Arc::new(move |request: http::Request<Vec<u8>>| -> Carried {
        let stage = Arc::clone(&stage);
        let asked = asked(request);
        let number = stage.note(&asked);
        Box::pin(async move {
            sleep(stage.latency / 2).await;
            let server = Arc::clone(&stage);
            let answered = tokio::spawn(async move {
                let outcome = server.sim.answer(asked).await;
                server.remember(Some(number));
                outcome
            });
            let outcome = answered.await.map_err(std::io::Error::other)?;
            sleep(stage.latency / 2).await;
            let status = if let Outcome::Answered(answer) = &outcome { answer.status } else { 0 };
            stage.sent.lock().unwrap()[number].status = Some(status);
            match outcome {
                Outcome::Answered(answer) => {
                    let mut response = http::Response::builder().status(answer.status);
                    for (name, value) in &answer.headers {
                        response = response.header(name, value);
                    }
                    response.body(answer.bytes()).map_err(std::io::Error::other)
                }
                Outcome::Cut => Err(std::io::ErrorKind::ConnectionReset.into()),
            }
        })
    })
}

fn asked(request: http::Request<Vec<u8>>) -> Asked {
    let (head, body) = request.into_parts();
    let mut headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.push(("host".into(), head.uri.host().unwrap_or_default().into()));
    Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    }
}

impl Stage {
    /// Notes that the program sends something.
    fn note(&self, asked: &Asked) -> usize {
        let form = asked.text();
        let action = form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned();
        let target = asked.header("x-amz-target").and_then(|target| target.split_once('.'));
        let operation = target.map_or(action, |(_, operation)| operation.to_owned());
        let is_late = std::fs::metadata(&self.output).is_ok_and(|file| file.len() > 0);
        let mut sent = self.sent.lock().unwrap();
        sent.push(Sent { operation, at: since_begin(), status: None, call: None, began: None, is_late });
        sent.len() - 1
    }

    /// Remembers how the service is, right after a call.
    fn remember(&self, number: Option<usize>) {
        let epoch = *self.epoch.lock().unwrap();
        let frame = self.sim.with(|world| frame(world, epoch));
        let mut frames = self.frames.lock().unwrap();
        let known: BTreeSet<String> =
            frames.last().iter().flat_map(|last| &last.deployments).map(|one| one.digits.clone()).collect();
        let moves = frames.last().map_or(0, |last| last.moves.len());
        match number {
            Some(number) => {
                let sent = &mut self.sent.lock().unwrap()[number];
                sent.call = Some(frame.call);
                if sent.operation == "UpdateService" {
                    let newest = frame.deployments.last().filter(|newest| !known.contains(&newest.digits));
                    sent.began = newest.map(|newest| newest.digits.clone());
                }
                if sent.operation == "CreateDeployment" {
                    sent.began = frame.moves.get(moves).map(|one| one.id.clone());
                }
            }
            None => {
                self.theirs.lock().unwrap().insert(frame.call);
            }
        }
        frames.push(frame);
    }

    /// What was there before the run.
    async fn set_up(&self, story: &Story) {
        for _ in &story.past {
            self.act(Other::Deploys).await;
            self.let_end(story).await;
        }
        self.sim.with(|world| {
            world.change_service("web", |service| {
                service.ticks = 0;
                service.autoscaling.clone_from(&story.autoscaling);
                service.answers.extend(story.answers.iter().cloned());
            });
        });
        if let Some((looks, same)) = story.code_deploy.as_ref().and_then(|by_code_deploy| by_code_deploy.other) {
            let id = self.deploy_by_code_deploy(same).await;
            for _ in 0..looks {
                sleep(story.tick.unwrap_or_default()).await;
                self.of_code_deploy("GetDeployment", json!({"deploymentId": id})).await;
            }
        }
        // The run begins now.
        BEGUN.set(BEGUN.get().map(|_| (Instant::now(), now())));
        *self.epoch.lock().unwrap() = self.sim.with(|world| world.now());
        self.frames.lock().unwrap().clear();
        self.by_another("ListClusters", json!({})).await;
        if matches!(story.before, Before::InProgress(_)) {
            self.act(Other::Deploys).await;
        }
        self.sim.with(|world| {
            world.change_service("web", |service| service.lag = story.lag);
            world.faults.clone_from(&story.faults);
        });
    }

    /// Lets what somebody began come to its end, if it has one.
    async fn let_end(&self, story: &Story) {
        for _ in 0..FAR {
            if !self.sim.with(|world| world.ecs.services.iter().any(Service::moves)) {
                return;
            }
            sleep(story.tick.unwrap_or_default()).await;
            self.by_another("DescribeServices", json!({"cluster": "prod", "services": ["web"]})).await;
        }
    }

    /// A call of somebody else, to whom nothing happens on the wire.
    async fn by_another(&self, operation: &str, input: Value) -> Value {
        self.by_another_of("AmazonEC2ContainerServiceV20141113", operation, input).await
    }

    /// A call of somebody else to CodeDeploy.
    async fn of_code_deploy(&self, operation: &str, input: Value) -> Value {
        self.by_another_of("CodeDeploy_20141006", operation, input).await
    }

    async fn by_another_of(&self, service: &str, operation: &str, input: Value) -> Value {
        let scope = if service.starts_with("CodeDeploy") { "codedeploy" } else { "ecs" };
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-central-1/{scope}/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={}",
            "0".repeat(64)
        );
        let headers = vec![
            ("x-amz-target".into(), format!("{service}.{operation}")),
            ("authorization".into(), signed),
            ("x-amz-date".into(), "20260101T000000Z".into()),
            ("host".into(), "ecs".into()),
        ];
        let asked = Asked {
            method: "POST".into(),
            path: "/".into(),
            headers,
            body: input.to_string().into(),
            ..Asked::default()
        };
        let faults = self.sim.with(|world| std::mem::take(&mut world.faults));
        let outcome = self.sim.answer(asked).await;
        self.sim.with(|world| world.faults = faults);
        self.remember(None);
        match outcome {
            Outcome::Answered(answer) => serde_json::from_str(&answer.body).unwrap_or_default(),
            Outcome::Cut => Value::Null,
        }
    }

    async fn act(&self, other: Other) {
        let service = |more: Value| {
            let mut input = json!({"cluster": "prod", "service": "web"});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        match other {
            Other::Deploys if self.is_by_code_deploy() => {
                self.deploy_by_code_deploy(false).await;
            }
            Other::Halts(goes_back) => {
                self.halt(goes_back).await;
            }
            Other::Takes => {
                if let Some(id) = self.halt(Some(true)).await {
                    for _ in 0..10 {
                        sleep(Duration::from_secs(1)).await;
                        self.of_code_deploy("GetDeployment", json!({"deploymentId": id})).await;
                        self.of_code_deploy("ListDeployments", group()).await;
                        if !self.sim.with(|world| moves(world, 0.0).iter().any(|one| !one.is_closed() || one.goes_back))
                        {
                            break;
                        }
                    }
                }
                self.deploy_by_code_deploy(false).await;
            }
            Other::Deploys => {
                let mut definition = self.sim.with(|world| world.web_definition("v0"));
                let nth = self.theirs.lock().unwrap().len();
                definition["containerDefinitions"][0]["environment"][0]["value"] = format!("rival-{nth}").into();
                let registered = self.by_another("RegisterTaskDefinition", definition).await;
                let arn = registered["taskDefinition"]["taskDefinitionArn"].clone();
                self.by_another("UpdateService", service(json!({"taskDefinition": arn}))).await;
            }
            Other::Forces => {
                self.by_another("UpdateService", service(json!({"forceNewDeployment": true}))).await;
            }
            Other::Resizes(desired) => {
                self.by_another("UpdateService", service(json!({"desiredCount": desired}))).await;
            }
            Other::Stops => {
                let arn = self.sim.with(|world| {
                    let newest = world.ecs.services.first()?.deployments.last()?.id.clone();
                    Some(world.arn("ecs", &format!("service-deployment/prod/web/{newest}")))
                });
                self.by_another("StopServiceDeployment", json!({"serviceDeploymentArn": arn})).await;
            }
        }
    }
}

impl Stage {
    fn is_by_code_deploy(&self) -> bool {
        self.sim.with(|world| !world.code_deploy.groups.is_empty())
    }

    /// Somebody else has CodeDeploy deploy a revision of their own, or one that is just what is asked for; its id, unless
    /// the group is busy.
    async fn deploy_by_code_deploy(&self, same: bool) -> Option<String> {
        let mut definition = self.sim.with(|world| world.web_definition(if same { "v2" } else { "v0" }));
        if !same {
            let nth = self.theirs.lock().unwrap().len();
            definition["containerDefinitions"][0]["environment"][0]["value"] = format!("rival-{nth}").into();
        }
        let registered = self.by_another("RegisterTaskDefinition", definition).await;
        let arn = &registered["taskDefinition"]["taskDefinitionArn"];
        let properties =
            json!({"TaskDefinition": arn, "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080}});
        let service = json!({"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}});
        let content = json!({"version": 0.0, "Resources": [service]}).to_string();
        let mut request = group();
        request["revision"] = json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": content}});
        let made = self.of_code_deploy("CreateDeployment", request).await;
        made["deploymentId"].as_str().map(str::to_owned)
    }

    /// Somebody else stops what CodeDeploy has in progress; its id.
    async fn halt(&self, goes_back: Option<bool>) -> Option<String> {
        let open = self.sim.with(|world| moves(world, 0.0).into_iter().find(|one| !one.is_closed()));
        let id = open.filter(|one| one.from.is_none())?.id;
        let mut request = json!({"deploymentId": id});
        if let Some(goes_back) = goes_back {
            request["autoRollbackEnabled"] = goes_back.into();
        }
        self.of_code_deploy("StopDeployment", request).await;
        Some(id)
    }
}

/// The deployment group, as requests name it.
fn group() -> Value {
    json!({"applicationName": "AppECS-prod-web", "deploymentGroupName": "DgpECS-prod-web"})
}

fn moves(world: &World, epoch: f64) -> Vec<Move> {
    let shown = |one: &ecs_deploy::sim::codedeploy::Deployment| Move {
        id: one.id.clone(),
        status: one.status.clone(),
        revision: one.task_definition.clone(),
        from: one.triggered_by.clone(),
        goes_back: one.goes_back,
        set: one.task_sets.1.trim_start_matches("ecs-svc/").to_owned(),
        weight: one.weight,
        is_shifted: one.is_terminating || one.done >= 8,
        began: one.created - epoch,
        ended: one.completed.map(|at| at - epoch),
    };
    world.code_deploy.deployments.iter().map(shown).collect()
}

async fn interfere(stage: Arc<Stage>, mut others: Vec<(Duration, Other)>) {
    others.sort_by_key(|(at, _)| *at);
    let begun = Instant::now();
    for (at, other) in others {
        sleep_until(begun + at).await;
        stage.act(other).await;
    }
}

fn frame(world: &World, epoch: f64) -> Frame {
    let service = world.ecs.services.first().unwrap();
    let mut running = BTreeMap::new();
    let mut tasks: BTreeMap<&str, (usize, f64, BTreeMap<_, usize>)> = BTreeMap::new();
    for task in &world.ecs.tasks {
        let (up, since, stops) = tasks.entry(&task.started_by).or_default();
        match &task.stop {
            None if task.started.is_some() => {
                *up += 1;
                *since = task.started.unwrap_or(0.0).max(*since);
                *running.entry(task.task_definition.clone()).or_default() += 1;
            }
            Some((code, reason)) if !reason.starts_with("Scaling activity") => {
                *stops.entry((code, reason, task.exit_code)).or_default() += 1;
            }
            _ => {}
        }
    }
    let named = |((code, reason, exit), count): (&(&String, &String, Option<i64>), &usize)| {
        (format!("{code}: {reason} {exit:?}"), *count)
    };
    let deployments = service.deployments.iter().map(|one| Deployment {
        digits: one.digits.clone(),
        id: one.id.clone(),
        revision: one.task_definition.clone(),
        place: one.place,
        status: one.status.clone(),
        state: one.rollout_state.clone(),
        running: one.running,
        failed: one.failed,
        up: tasks.get(&*one.ecs_id()).map_or(0, |(up, ..)| *up),
        up_since: tasks.get(&*one.ecs_id()).map_or(0.0, |(_, since, _)| *since) - epoch,
        draining: one.draining,
        stage: one.stage.clone(),
        paused: one.hooks.iter().any(|hook| hook.status == "AWAITING_ACTION"),
        stops: tasks.get(&*one.ecs_id()).into_iter().flat_map(|(.., stops)| stops).map(named).collect(),
        began: one.created - epoch,
        ended: one.finished.or(one.stopped).map(|at| at - epoch),
    });
    Frame {
        at: since_begin(),
        call: world.ledger.calls().len().saturating_sub(1),
        status: service.status.clone(),
        desired: service.desired,
        deployments: deployments.collect(),
        moves: moves(world, epoch),
        running,
    }
}

/// Reads `NAME<<DELIMITER` commands as the runner does; nothing else is ever written.
fn heredocs(text: &str) -> BTreeMap<String, String> {
    let (mut lines, mut outputs) = (text.lines(), BTreeMap::new());
    while let Some(line) = lines.next() {
        let (name, end) = line.split_once("<<").unwrap_or_else(|| panic!("`{line}` is no output"));
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
        assert!(outputs.insert(name.to_owned(), value.join("\n")).is_none(), "`{name}` is written twice");
    }
    outputs
}
