//! The plan: what a deploy would do, told on the pull request, with nothing written and nothing but reads allowed.

use ecs_deploy::model::document;
use ecs_deploy::sim::ecs::Service;
use ecs_deploy::sim::{Rollout, World};
use serde_json::{Value, json};

use crate::harness::{IMAGE_V2, Scenario};

/// The actions without which there is no plan.
const NEEDED: [&str; 2] = ["ecs:DescribeServices", "ecs:DescribeTaskDefinition"];

/// The README's policy for a plan.
fn policy() -> Value {
    serde_json::from_str(include_str!("../../fixtures/iam/plan.json")).unwrap()
}

/// Every action of it.
fn actions() -> Vec<String> {
    crate::policy::actions(&policy()).into_iter().map(|(_, action)| action).collect()
}

async fn planning(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2).input("mode", "plan")
}

/// A world whose service is deployed by these settings.
fn by(settings: &Value, desired: i64) -> World {
    let mut service = Service::running("prod", "web", desired);
    for (name, value) in settings.as_object().unwrap() {
        service.configure(name, value.clone());
    }
    World::default().with_service(service, "web:7")
}

#[tokio::test]
async fn the_result_of_the_deploy_replaces_the_plan_in_the_one_comment() {
    let world = World::default().rollout("web", Rollout::Succeed { after: 1 });
    let scenario = planning(world).await.on_pull_request();
    let planned = scenario.run().await;
    planned.is(0, "planned", "");
    assert!(planned.comments[0].contains("Planned") && planned.comments[0].contains("`v2`"), "{:?}", planned.comments);
    let scenario = scenario.env("GITHUB_RUN_ID", "9876543211");
    let again = scenario.run().await;
    assert_eq!((again.comments.len(), again.requests("issues/update-comment").len()), (1, 1), "{}", again.told());
    let merged = scenario.input("mode", "deploy").event("push", json!({})).without_env("GITHUB_HEAD_REF");
    let deployed = merged.env("GITHUB_REF", "refs/heads/main").run().await;
    deployed.is(0, "succeeded", "");
    let [comment] = deployed.comments.as_slice() else { panic!("{:?}", deployed.comments) };
    assert!(comment.contains("Succeeded") && !comment.contains("Planned"), "{comment}");
}

#[tokio::test]
async fn a_plan_that_changes_nothing_is_one_line() {
    let ended = Scenario::new().await.input("mode", "plan").on_pull_request().run().await;
    ended.is(0, "planned", "");
    let comment = ended.comments[0].split_once('\n').unwrap().1;
    for told in [comment, ended.summary.trim_end()] {
        assert!(told.lines().count() == 1 && told.contains("already is as asked"), "{told}");
    }
}

#[tokio::test]
async fn a_plan_tells_how_many_tasks_run_at_once_what_ends_it_and_what_it_costs() {
    let world = by(&json!({"minimumHealthyPercent": 50, "maximumPercent": 150}), 3);
    let ended = planning(world).await.input("patch", "{cpu: 512, memory: 1024}").run().await;
    ended.is(0, "planned", "");
    for told in [
        "| Tasks | of 3, at least 2 keep running and at most 4 run at once |",
        "| If it fails | after 3 failed tasks in a row, ECS goes back |",
        "10.36 → <span>$</span>20.72 a month",
        "31.09 → <span>$</span>62.17",
        "2026-07-07",
    ] {
        assert!(ended.summary.contains(told), "{told}: {}", ended.summary);
    }
    let cost = &ended.report["cost"];
    assert_eq!((&cost["tasks_after"], &cost["region"]), (&json!(3), &json!("eu-central-1")), "{cost}");
    assert!(ended.stdout.contains("cost: one task $10.36 → $20.72 a month"), "{}", ended.told());
}

#[tokio::test]
async fn tasks_that_cannot_be_replaced_are_seen_before_the_deploy() {
    let world = by(&json!({"minimumHealthyPercent": 100, "maximumPercent": 100}), 2);
    let ended = planning(world).await.run().await;
    ended.is(0, "planned", "");
    assert!(ended.summary.contains("ECS can replace no task"), "{}", ended.summary);
}

#[tokio::test]
async fn values_of_variables_are_masked_and_what_is_removed_is_said() {
    let scenario = planning(World::default()).await;
    scenario
        .sim
        .with(|world| world.declared_secrets.extend(["hunter2hunter2".into(), "https://queue.example/a=b".into()]));
    let patch = "containerDefinitions: {web: {environment: {QUEUE_URL: null, PASSWORD: hunter2hunter2}}}";
    let ended = scenario.input("patch", patch).on_pull_request().run().await;
    ended.is(0, "planned", "");
    for text in [&ended.summary, &ended.comments[0]] {
        assert!(text.contains("| container `web` › environment `PASSWORD` | – | `***` |"), "{text}");
        assert!(text.contains("| container `web` › environment `QUEUE_URL` | `***` | _removed_ |"), "{text}");
    }
}

#[tokio::test]
async fn a_plan_that_a_check_refuses_is_blocked_and_shown_all_the_same() {
    let world = by(&json!({"deploymentCircuitBreaker": {"enable": false, "rollback": false}}), 2);
    let scenario = planning(world).await.input("checks", "circuit-breaker=block").on_pull_request();
    let ended = scenario.run().await;
    ended.is(3, "blocked", "circuit-breaker-off");
    assert_eq!(ended.writes, [""; 0]);
    for text in [&ended.summary, &ended.comments[0]] {
        let (finding, plan) = text.split_once("found by `circuit-breaker`").unwrap_or_else(|| panic!("{text}"));
        assert!(finding.contains("Blocked") && plan.contains("`v2`") && plan.contains("| Strategy |"), "{text}");
    }
}

#[tokio::test]
async fn the_workflow_of_a_plan_plans_with_the_policy_beside_it() {
    let workflow = document::parse(include_str!("../../fixtures/workflows/plan.yml")).unwrap();
    let with = workflow["jobs"]["plan"]["steps"][1]["with"].as_object().unwrap();
    let definition = include_str!("../../fixtures/task-definitions/web.json");
    let named = document::parse(definition).unwrap();
    let mut world = World::default().with_what_is_named(&named).allow_policy(&policy());
    with["role-to-assume"].as_str().unwrap().clone_into(&mut world.identity.roles[0].arn);
    let mut scenario = Scenario::of(world).await.file("task-definition.json", definition).on_pull_request();
    for (name, value) in with {
        // The stage has one tag besides the running one.
        let value = value.as_str().unwrap().replace("${{ github.event.pull_request.head.sha }}", "v2");
        scenario = scenario.input(name, &value);
    }
    let ended = scenario.run().await;
    ended.is(0, "planned", "");
    assert_eq!((ended.writes.len(), ended.comments.len()), (0, 1));
    assert!(ended.calls.iter().all(|call| call.status < 400), "{}", ended.told());
    assert!(!ended.summary.contains("PassRole"), "a role that only reads is no finding: {}", ended.told());
}

#[tokio::test]
async fn the_policy_of_a_plan_is_enough_and_allows_nothing_but_reads() {
    let actions = actions();
    let reads = ["Describe", "List", "Get", "BatchGet", "Simulate"];
    for action in &actions {
        let (_, name) = action.split_once(':').unwrap();
        assert!(reads.iter().any(|read| name.starts_with(read)), "{action} is no read");
    }
    let allowed: Vec<&str> = actions.iter().map(String::as_str).collect();
    let ended = planning(World::default().allow_only(&allowed)).await.run().await;
    ended.is(0, "planned", "");
    assert!(ended.calls.iter().all(|call| call.status < 400), "{}", ended.told());
}

#[tokio::test]
async fn without_any_action_that_is_not_needed_there_still_is_a_plan() {
    let actions = actions();
    for missing in &actions {
        let rest: Vec<&str> = actions.iter().filter(|action| *action != missing).map(String::as_str).collect();
        let ended = planning(World::default().allow_only(&rest)).await.run().await;
        if NEEDED.contains(&missing.as_str()) {
            ended.is(7, "denied", "access-denied");
            assert!(ended.stdout.contains(missing.as_str()), "{missing}: {}", ended.told());
        } else {
            ended.is(0, "planned", "");
        }
    }
}
