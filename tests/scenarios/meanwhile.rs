//! A check that waits for a scan takes minutes, and others do not wait: what they begin meanwhile is seen before the first
//! write. In virtual time and without a socket.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ecs_deploy::app::{self, Doors};
use ecs_deploy::aws::Transport;
use ecs_deploy::cli::{self, Command};
use ecs_deploy::http::Http;
use ecs_deploy::sim::ecr::Scan;
use ecs_deploy::sim::{Call, Rollout, Sim, World};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::harness::IMAGE_V2;
use crate::policy::courier;
use crate::runner::{file_commands, input_variable};

const KEY: &str = "AKIAEXAMPLEEXAMPLE00";

/// When somebody else begins; the scan takes twice as long.
const MEANWHILE: Duration = Duration::from_secs(40);

/// What came of a run.
struct Played {
    verdict: &'static str,
    outputs: BTreeMap<String, String>,
    calls: Vec<Call>,
    took: Duration,
}

impl Played {
    fn writes(&self) -> Vec<&str> {
        let writes = self.calls.iter().filter(|call| call.changing && call.door == "aws" && call.service == "ecs");
        writes.map(|call| call.operation.as_str()).collect()
    }

    fn asked(&self, operation: &str) -> usize {
        self.calls.iter().filter(|call| call.operation == operation).count()
    }
}

/// A world in which the scan of `web:v2` takes so many looks, one every five seconds, and finds nothing.
fn scanning(looks: usize) -> World {
    let mut world = World::default();
    let web = world.ecr.get_mut("web").unwrap();
    let index: Value = serde_json::from_str(&web.resolve(Some("v2"), None).unwrap().manifest).unwrap();
    let child = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let mut scans = vec![Scan::status("IN_PROGRESS"); looks];
    scans.push(Scan::status("COMPLETE"));
    web.scans.insert(child, scans);
    world
}

/// A step that deploys `v2`, and what somebody else does while its scan is awaited.
async fn play(world: World, inputs: &[(&str, &str)], meanwhile: fn(&mut World)) -> Played {
    fastrand::seed(1);
    let folder = tempfile::tempdir().unwrap();
    for name in ["output", "summary"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let mut world = world.with_keys(KEY, "the-right-secret");
    world.identity.verify_signatures = false;
    let sim = Arc::new(Sim::without_address(world));
    let Command::Run(step) = step(inputs, folder.path()) else { panic!("it is a run") };
    let doors = Doors { aws: Transport::by(courier(&sim), SystemTime::now), http: Http::default() };
    let somebody = Arc::clone(&sim);
    tokio::spawn(async move {
        sleep(MEANWHILE).await;
        somebody.with(meanwhile);
    });
    let began = Instant::now();
    let verdict = Box::pin(app::run(&step, &doors, std::future::pending(), |_| {})).await;
    let outputs = file_commands(&folder.path().join("output"));
    Played { verdict: verdict.name(), outputs, calls: sim.calls(), took: began.elapsed() }
}

fn step(inputs: &[(&str, &str)], folder: &Path) -> Command {
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
        ("cluster", "prod"),
        ("service", "web"),
        ("image", IMAGE_V2),
        ("pr-comment", "never"),
        ("checks", "image-scan=block"),
    ];
    let given = always.iter().filter(|(name, _)| !inputs.iter().any(|(other, _)| other == name)).chain(inputs);
    variables.extend(given.map(|(name, value)| (input_variable(name), (*value).to_owned())));
    let environment = variables.into_iter().collect();
    cli::parse(["ecs-deploy", "deploy"].iter().map(Into::into), &environment)
}

fn nothing(_: &mut World) {}

fn rival(world: &mut World) {
    world.somebody_deploys("web", Rollout::Succeed { after: 4 });
}

fn rival_that_stays(world: &mut World) {
    world.somebody_deploys("web", Rollout::Stall { running: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_deployment_begun_meanwhile_is_not_overrun() {
    for (inputs, reason) in [
        (&[("on-concurrent", "fail")][..], "deployment-in-progress"),
        (&[("checks", "image-scan=block,in-flight=block")], "deployment-in-progress"),
    ] {
        let played = play(scanning(16), inputs, rival_that_stays).await;
        assert_eq!((played.verdict, played.outputs["reason"].as_str()), ("blocked", reason), "{:?}", played.outputs);
        assert_eq!(played.writes(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_begun_meanwhile_is_awaited_and_the_plan_made_again() {
    let played = play(scanning(16), &[("on-concurrent", "wait")], rival).await;
    assert_eq!(played.verdict, "succeeded", "{:?}", played.outputs);
    assert_eq!(played.writes(), ["RegisterTaskDefinition", "UpdateService"]);
    assert!(played.outputs["previous-task-definition-arn"].ends_with("web:8"), "{:?}", played.outputs);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_happened_meanwhile_nothing_is_checked_twice() {
    let world = scanning(16).rollout("web", Rollout::Succeed { after: 2 });
    let played = play(world, &[], nothing).await;
    assert_eq!(played.verdict, "succeeded", "{:?}", played.outputs);
    assert_eq!(played.asked("DescribeImageScanFindings"), 17);
    let first = played.calls.iter().position(|call| call.operation == "RegisterTaskDefinition").unwrap();
    let looks = |from: usize, to: usize| {
        played.calls[from..to].iter().filter(|call| call.operation == "DescribeServices").count()
    };
    let scanned = played.calls.iter().rposition(|call| call.operation == "DescribeImageScanFindings").unwrap();
    assert_eq!(looks(scanned, first), 1, "it is looked at again");
    let world = scanning(0).rollout("web", Rollout::Succeed { after: 2 });
    let played = play(world, &[], nothing).await;
    let first = played.calls.iter().position(|call| call.operation == "RegisterTaskDefinition").unwrap();
    assert_eq!(played.calls[..first].iter().filter(|call| call.operation == "DescribeServices").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_scan_is_the_runs_and_leaves_a_deployment_ten_minutes() {
    for (minutes, looks, took) in [("20", 60, 20), ("12", 120, 20), ("5", 999, 10)] {
        let world = scanning(looks).rollout("web", Rollout::Stall { running: 1 });
        let inputs = [("wait-for-minutes", minutes), ("on-failure", "none")];
        let played = play(world, &inputs, nothing).await;
        assert_eq!(played.verdict, "timed-out", "{:?}", played.outputs);
        let took = Duration::from_mins(took);
        assert!(played.took.abs_diff(took) < Duration::from_mins(1), "{minutes} {looks}: {:?}", played.took);
    }
}
