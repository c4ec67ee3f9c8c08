//! The policy that `ecs-deploy policy` prints is enough and not too much: each feature is replayed with just what is
//! printed for it, and again without each action. In virtual time and without a socket.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ecs_deploy::app::policy::{Which, policy};
use ecs_deploy::app::{self, Doors};
use ecs_deploy::aws::{Carried, Courier, Transport};
use ecs_deploy::cli::{self, Command};
use ecs_deploy::http::Http;
use ecs_deploy::inputs::Asked as Step;
use ecs_deploy::model::document;
use ecs_deploy::policy::Policy;
use ecs_deploy::sim::codedeploy::Course;
use ecs_deploy::sim::{Asked, Outcome, Rollout, Sim, Trouble, World};
use serde_json::{Value, json};

use crate::harness::{IMAGE_V2, Scenario};
use crate::runner::{file_commands, input_variable};

const KEY: &str = "AKIAEXAMPLEEXAMPLE00";

/// Actions that only help with a name: what they told is missing, and nobody misses them by name.
const SILENT: [&str; 2] = ["ecs:ListServices", "ecs:ListClusters"];

/// What checks ask for.
const CHECKS: [&str; 11] = [
    "cloudwatch:DescribeAlarms",
    "ec2:DescribeSubnets",
    "ecr:DescribeImages",
    "ecr:DescribePullThroughCacheRules",
    "ecr:GetDownloadUrlForLayer",
    "elasticloadbalancing:DescribeTargetGroups",
    "iam:GetRole",
    "iam:SimulatePrincipalPolicy",
    "logs:DescribeLogGroups",
    "secretsmanager:DescribeSecret",
    "ssm:DescribeParameters",
];

/// What a role must do or be refused: the README names them.
const NEEDED: [&str; 4] = ["ecs:DescribeServices", "ecs:RegisterTaskDefinition", "ecs:UpdateService", "iam:PassRole"];

/// The same where CodeDeploy moves the service.
const NEEDED_OF_CODE_DEPLOY: [&str; 4] = [
    "codedeploy:CreateDeployment",
    "codedeploy:GetDeployment",
    "codedeploy:GetDeploymentConfig",
    "codedeploy:RegisterApplicationRevision",
];

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
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

type Inputs = Vec<(&'static str, &'static str)>;

/// Makes a world.
type Stage = fn() -> World;

/// Some inputs, and the worlds in which every action is used that they need.
struct Feature {
    inputs: Inputs,
    worlds: Vec<Stage>,
    /// The inputs of a run before, which may do anything.
    before: Option<Inputs>,
    /// When the run is cancelled.
    cancelled: Option<Duration>,
}

/// What came of a run.
struct Played {
    verdict: &'static str,
    /// Everything that was told.
    told: String,
    /// Refusals for want of a permission.
    denied: Vec<String>,
    /// What was asked, as IAM names it.
    asked: Vec<String>,
    unknown: Vec<String>,
}

fn feature(inputs: &[(&'static str, &'static str)], worlds: &[Stage]) -> Feature {
    Feature { inputs: inputs.to_vec(), worlds: worlds.to_vec(), before: None, cancelled: None }
}

/// A deploy of the image `v2`, as the README shows it.
const DEPLOY: [(&str, &str); 3] = [("image", IMAGE_V2), ("container-name", "web"), ("service", "web")];

const FILE: (&str, &str) = ("task-definition", "task-definition.json");

fn inputs(more: &[(&'static str, &'static str)]) -> Inputs {
    [DEPLOY.as_slice(), more].concat()
}

fn well() -> World {
    let mut world = World::default().rollout("web", Rollout::Succeed { after: 2 }).behind_target_group("web", "web");
    world.change_service("web", |service| {
        if let Some(Value::Object(settings)) = service.settings.get_mut("deploymentConfiguration") {
            let alarms = json!({"alarmNames": ["5xx"], "enable": true, "rollback": true});
            settings.insert("alarms".to_owned(), alarms);
        }
    });
    world.with_alarm("5xx", "OK", "")
}

/// Tasks fail, are seen to by the load balancer, write a log; ECS's breaker trips and leaves it.
fn failing() -> World {
    let trouble = Trouble { log: Trouble::exit(1).writing(&["boom"]).log, ..Trouble::unhealthy("web").answering(404) };
    let rollout = Rollout::CircuitBreaker { failures: 3, rollback: false, trouble };
    World::default().rollout("web", rollout).behind_target_group("web", "web")
}

/// A deployment completes, and so does the way back from it.
fn twice() -> World {
    well().rollout("web", Rollout::Succeed { after: 2 })
}

/// A deployment completes, and the way back from it fails.
fn twice_failing() -> World {
    let mut world = well();
    let script = failing().ecs.services.remove(0).script;
    world.change_service("web", |service| service.script.extend(script));
    world
}

/// Tasks fail for ever, and nothing in ECS ends it.
fn looping() -> World {
    World::default().rollout("web", Rollout::CrashLoop { trouble: Trouble::exit(1) })
}

fn stalled() -> World {
    World::default().rollout("web", Rollout::Stall { running: 1 })
}

/// The service is there no more, but another one.
fn without_service() -> World {
    let mut world = World::default();
    world.change_service("web", |service| service.name = "shop".into());
    world
}

/// The cluster is there no more, but another one.
fn without_cluster() -> World {
    let mut world = World::default().with_cluster("staging");
    world.ecs.services.clear();
    world.ecs.clusters.retain(|cluster| cluster.name != "prod");
    world
}

/// What runs has tags.
fn tagged() -> World {
    let mut world = well();
    for definition in &mut world.ecs.definitions {
        definition.tags = json!([{"key": "team", "value": "shop"}]);
    }
    world
}

fn by_code_deploy() -> World {
    World::default().with_code_deploy(Course::Succeeds)
}

fn by_code_deploy_crashing() -> World {
    let trouble = Trouble::exit(1).writing(&["boom"]);
    World::default().behind_target_group("web", "web").with_code_deploy(Course::NeverSteady { trouble, after: 9 })
}

/// The step: inputs as variables, and the same for the verb `policy`.
fn step(feature: &Feature, folder: &Path, verb: &[&str]) -> Command {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut variables = vec![
        ("GITHUB_WORKSPACE".to_owned(), path("")),
        ("GITHUB_OUTPUT".to_owned(), path("output")),
        ("GITHUB_STEP_SUMMARY".to_owned(), path("summary")),
        ("GITHUB_REPOSITORY".to_owned(), "octo-org/shop".to_owned()),
    ];
    let always = [
        ("aws-region", "eu-central-1"),
        ("aws-access-key-id", KEY),
        ("aws-secret-access-key", "the-right-secret"),
        ("allowed-account-ids", "123456789012"),
        ("cluster", "prod"),
        ("pr-comment", "never"),
    ];
    let given = always.iter().chain(&feature.inputs);
    variables.extend(given.map(|(name, value)| (input_variable(name), (*value).to_owned())));
    let environment = variables.into_iter().collect();
    cli::parse(["ecs-deploy"].iter().chain(verb).map(Into::into), &environment)
}

fn printed(feature: &Feature, folder: &Path) -> Policy {
    let Command::Policy { asked, which } = step(feature, folder, &["policy"]) else { panic!("it is a verb") };
    policy(&asked, which).unwrap_or_else(|mistakes| panic!("{:?}: {mistakes:?}", feature.inputs))
}

/// Every action of the policy.
fn actions(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let listed = statements.flat_map(|statement| match &statement["Action"] {
        Value::String(action) => vec![action.clone()],
        actions => actions.as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect(),
    });
    listed.collect()
}

/// The policy without one of its actions.
fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let left: Vec<String> = actions(&json!({"Statement": [statement.clone()]}));
        statement["Action"] = left.into_iter().filter(|other| other != action).collect();
    }
    policy
}

/// The workspace of a run.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("task-definition.json", include_str!("../../fixtures/task-definitions/web.json"));
    write("appspec.yaml", APPSPEC);
    for name in ["output", "summary"] {
        write(name, "");
    }
    folder
}

async fn play(feature: &Feature, stage: Stage, policy: &Value) -> Played {
    let named = document::parse(include_str!("../../fixtures/task-definitions/web.json")).unwrap();
    let mut world = stage().with_what_is_named(&named).with_keys(KEY, "the-right-secret");
    world.identity.verify_signatures = false;
    let sim = Arc::new(Sim::without_address(world));
    if let Some(inputs) = &feature.before {
        let before = Feature { inputs: inputs.clone(), worlds: Vec::new(), before: None, cancelled: None };
        run(&before, &sim).await;
    }
    sim.with(|world| world.allowed = World::default().allow_policy(policy).allowed);
    run(feature, &sim).await
}

async fn run(feature: &Feature, sim: &Arc<Sim>) -> Played {
    SAID.take();
    fastrand::seed(1);
    let folder = workspace();
    let seen = sim.calls().len();
    let Command::Run(step) = step(feature, folder.path(), &["deploy"]) else { panic!("it is a run") };
    let doors = Doors { aws: Transport::by(courier(sim), SystemTime::now), http: Http::default() };
    let cancelled = async {
        match feature.cancelled {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
        "SIGTERM"
    };
    let step: &Step = &step;
    let verdict = Box::pin(app::run(step, &doors, cancelled, |line| SAID.with_borrow_mut(|said| *said += line))).await;
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let report = file_commands(&folder.path().join("output")).get("report").map(|path| read(path)).unwrap_or_default();
    let denied =
        sim.calls().into_iter().skip(seen).filter(|call| call.status >= 400 && call.answer.contains("not authorized"));
    Played {
        asked: sim.calls().iter().map(|call| format!("{}:{}", call.service, call.operation)).collect(),
        verdict: verdict.name(),
        told: format!("{}\n{}\n{report}", SAID.take(), read("summary")),
        denied: denied.map(|call| call.answer).collect(),
        unknown: sim.unknown(),
    }
}

/// Carries the program's requests to the stage.
fn courier(sim: &Arc<Sim>) -> Courier {
    let sim = Arc::clone(sim);
    Arc::new(move |request: http::Request<Vec<u8>>| -> Carried {
        let sim = Arc::clone(&sim);
        let (head, body) = request.into_parts();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<(String, String)> =
            head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        headers.push(("host".into(), head.uri.host().unwrap_or_default().into()));
        let asked = Asked {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
        };
        Box::pin(async move {
            match sim.answer(asked).await {
                Outcome::Answered(answer) => {
                    let response = http::Response::builder().status(answer.status);
                    let named = answer.headers.iter();
                    let response = named.fold(response, |response, (name, value)| response.header(name, value));
                    response.body(answer.bytes()).map_err(std::io::Error::other)
                }
                Outcome::Cut => Err(std::io::ErrorKind::ConnectionReset.into()),
            }
        })
    })
}

/// With the printed policy nothing is refused; without any one action of it something is missing, and it is named.
async fn replay(feature: Feature) {
    replay_but(feature, &[]).await;
}

/// The same; these actions are proven to be needed by a story of their own.
async fn replay_but(feature: Feature, proven: &[&str]) {
    let folder = workspace();
    let policy = printed(&feature, folder.path()).document;
    let mut worlds = Vec::new();
    for (nth, world) in feature.worlds.iter().enumerate() {
        let full = play(&feature, *world, &policy).await;
        assert!(full.denied.is_empty(), "{:?}, world {nth}: {:#?}", feature.inputs, full.denied);
        assert!(full.unknown.is_empty(), "{:?}, world {nth}: {:?}", feature.inputs, full.unknown);
        worlds.push((world, full));
    }
    for action in actions(&policy).into_iter().filter(|action| !proven.contains(&action.as_str())) {
        let is_asked = worlds.iter().any(|(_, full)| full.asked.contains(&action));
        if CHECKS.contains(&action.as_str()) && !is_asked {
            continue;
        }
        let less = without(&policy, &action);
        let mut is_missed = false;
        for (world, full) in &worlds {
            let played = play(&feature, **world, &less).await;
            let is_named = played.told.contains(&format!("`{action}` is denied"))
                || (played.told.contains(&action) && !full.told.contains(&action));
            is_missed = is_named || played.verdict != full.verdict;
            is_missed |= SILENT.contains(&action.as_str()) && played.told != full.told;
            if is_missed {
                break;
            }
        }
        assert!(is_missed, "{:?}: nobody misses {action}", feature.inputs);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_needs_what_is_printed_for_it() {
    let worlds: [Stage; 5] = [well, failing, looping, without_service, without_cluster];
    replay(feature(&inputs(&[FILE]), &worlds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_what_runs_needs_what_is_printed_for_it() {
    replay(feature(&inputs(&[]), &[tagged, failing, looping, without_service, without_cluster])).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_needs_what_is_printed_for_it_and_that_is_only_reading() {
    let feature = feature(&inputs(&[("mode", "plan"), FILE]), &[well, without_service, without_cluster]);
    for action in actions(&printed(&feature, workspace().path()).document) {
        let verb = action.split_once(':').unwrap().1;
        let reads = ["Describe", "List", "BatchGet", "Get", "Simulate"].iter().any(|read| verb.starts_with(read));
        assert!(reads, "{action}");
    }
    replay(feature).await;
}

#[tokio::test(start_paused = true)]
async fn registering_alone_needs_what_is_printed_for_it() {
    let inputs = [("image", IMAGE_V2), ("container-name", "web"), ("tags", "team=shop"), FILE];
    replay(feature(&inputs, &[well])).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_is_not_followed_needs_less() {
    let inputs = inputs(&[("wait-for-service-stability", "false"), FILE]);
    replay(feature(&inputs, &[well, without_service, without_cluster])).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_is_left_as_it_is_needs_less() {
    let inputs = inputs(&[("on-failure", "none"), ("pin-image-digest", "true"), FILE]);
    let feature = feature(&inputs, &[well, failing, looping, without_service, without_cluster]);
    let printed = printed(&feature, workspace().path()).document;
    assert!(!actions(&printed).contains(&"ecs:StopServiceDeployment".to_owned()));
    replay(feature).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_that_goes_back_needs_what_is_printed_for_it() {
    let inputs = inputs(&[("on-failure", "none"), ("on-cancel", "rollback"), FILE]);
    let cancelled = Feature { cancelled: Some(Duration::from_secs(30)), ..feature(&inputs, &[]) };
    let policy = printed(&cancelled, workspace().path()).document;
    let full = play(&cancelled, stalled, &policy).await;
    assert_eq!((full.verdict, full.denied.len()), ("cancelled", 0), "{}", full.told);
    let less = play(&cancelled, stalled, &without(&policy, "ecs:StopServiceDeployment")).await;
    assert!(less.told.contains("`ecs:StopServiceDeployment` is denied"), "{}", less.told);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_needs_what_is_printed_for_it() {
    let inputs = [("mode", "rollback"), ("service", "web")];
    let done = DEPLOY.to_vec();
    let worlds: [Stage; 4] = [twice, twice_failing, without_service, without_cluster];
    replay_but(Feature { before: Some(done), ..feature(&inputs, &worlds) }, &["ecs:StopServiceDeployment"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_what_is_in_progress_stops_it() {
    let begun = [DEPLOY.as_slice(), &[("wait-for-service-stability", "false")]].concat();
    let feature = Feature { before: Some(begun), ..feature(&[("mode", "rollback"), ("service", "web")], &[]) };
    let policy = printed(&feature, workspace().path()).document;
    let full = play(&feature, stalled, &policy).await;
    assert_eq!((full.verdict, full.denied.len()), ("succeeded", 0), "{}", full.told);
    let less = play(&feature, stalled, &without(&policy, "ecs:StopServiceDeployment")).await;
    assert!(less.told.contains("`ecs:StopServiceDeployment` is denied"), "{}", less.told);
}

#[tokio::test(start_paused = true)]
async fn a_deploy_by_code_deploy_needs_what_is_printed_for_it() {
    let worlds: [Stage; 4] = [by_code_deploy, by_code_deploy_crashing, without_service, without_cluster];
    replay(feature(&inputs(&[("codedeploy-appspec", "appspec.yaml"), FILE]), &worlds)).await;
}

#[tokio::test(start_paused = true)]
async fn without_what_is_needed_the_deploy_is_denied_and_without_all_else_it_works() {
    let by_another = inputs(&[("codedeploy-appspec", "appspec.yaml"), FILE]);
    for (inputs, world, needed) in [
        (inputs(&[FILE]), well as Stage, NEEDED.as_slice()),
        (inputs(&[]), well, &["ecs:DescribeTaskDefinition"]),
        (by_another, by_code_deploy, NEEDED_OF_CODE_DEPLOY.as_slice()),
    ] {
        let feature = feature(&inputs, &[]);
        let policy = printed(&feature, workspace().path()).document;
        let all = actions(&policy);
        assert!(needed.iter().all(|needed| all.iter().any(|action| action == needed)), "{all:?}");
        for action in all {
            let played = play(&feature, world, &without(&policy, &action)).await;
            let is_needed = NEEDED.contains(&action.as_str()) || needed.contains(&action.as_str());
            let expected = if is_needed { "denied" } else { "succeeded" };
            assert_eq!(played.verdict, expected, "{action}: {}", played.told);
        }
    }
}

#[test]
fn the_policies_of_the_readme_are_those_that_are_printed_for_its_workflow() {
    let workflow = document::parse(include_str!("../../fixtures/workflows/deploy.yml")).unwrap();
    let with = workflow["jobs"]["deploy"]["steps"][1]["with"].as_object().unwrap();
    let folder = workspace();
    let mut variables: Vec<(String, String)> = vec![
        ("GITHUB_WORKSPACE".into(), folder.path().display().to_string()),
        ("GITHUB_REPOSITORY".into(), "octo-org/shop".into()),
        ("GITHUB_REPOSITORY_ID".into(), "2002".into()),
        ("GITHUB_REPOSITORY_OWNER_ID".into(), "1001".into()),
        ("INPUT_ENVIRONMENT".into(), workflow["jobs"]["deploy"]["environment"].as_str().unwrap().into()),
    ];
    for (name, value) in with {
        variables.push((input_variable(name), value.as_str().unwrap().replace("${{ github.sha }}", "v2")));
    }
    for (verb, file) in [(vec!["policy"], "policy"), (vec!["policy", "--trust"], "trust")] {
        let environment = variables.iter().cloned().collect();
        let arguments = ["ecs-deploy"].iter().chain(&verb).map(Into::into);
        let Command::Policy { asked, which } = cli::parse(arguments, &environment) else { panic!("it is a verb") };
        assert_eq!(which == Which::Trust, file == "trust");
        let printed = policy(&asked, which).unwrap();
        assert_eq!(printed.remarks, Vec::<String>::new());
        let path = format!("{}/fixtures/iam/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let text = format!("{:#}\n", printed.document);
        if std::env::var_os("UPDATE_README").is_some() {
            std::fs::write(path, text).unwrap();
        } else {
            let stale = "run `UPDATE_README=1 cargo test --features sim --test scenarios policies_of_the_readme`";
            assert!(std::fs::read_to_string(path).unwrap() == text, "{file}.json is stale: {stale}");
        }
    }
}

#[tokio::test]
async fn the_verb_prints_a_document_alone_on_stdout_and_asks_nobody() {
    let scenario = Scenario::new().await.without_env("AWS_REGION");
    let printed = scenario.run_verb(&["policy"]).await;
    assert_eq!(printed.status.code(), Some(2), "without a region there is no policy");
    assert!(printed.stdout.is_empty() && String::from_utf8_lossy(&printed.stderr).contains("aws-region"));
    let printed = scenario.input("aws-region", "eu-central-1").run_verb(&["policy", "--mode", "plan"]).await;
    assert_eq!(printed.status.code(), Some(0));
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(document["Version"], "2012-10-17");
    assert!(String::from_utf8_lossy(&printed.stderr).contains("is not known without asking AWS"));
}
