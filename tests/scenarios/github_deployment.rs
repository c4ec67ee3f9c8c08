//! `github-deployment: true`: one GitHub deployment, always ended, and never in the way of the deploy.

use std::time::{Duration, Instant};

use ecs_deploy::sim::{Rollout, Trick, Trouble, World};
use serde_json::json;

use crate::harness::{Ended, IMAGE_V2, Scenario};

const CREATE: &str = "repos/create-deployment";
const STATUS: &str = "repos/create-deployment-status";

async fn deploying(rollout: Rollout) -> Scenario {
    of(World::default().rollout("web", rollout)).await
}

/// A step that asks for a GitHub deployment of the environment `staging`.
async fn of(world: World) -> Scenario {
    let scenario = Scenario::of(world).await.input("image", IMAGE_V2).input("github-deployment", "true");
    scenario.input("environment", "staging").input("environment-url", "https://staging.example")
}

impl Scenario {
    /// The states of each GitHub deployment, oldest first.
    fn states(&self) -> Vec<Vec<String>> {
        self.sim.with(|world| {
            let states = |deployment: &ecs_deploy::sim::github::Deployment| {
                deployment.statuses.iter().map(|status| status.state.clone()).collect()
            };
            world.github.deployments.iter().map(states).collect()
        })
    }
}

fn warnings(ended: &Ended) -> Vec<&str> {
    ended.stdout.lines().filter(|line| line.starts_with("::warning")).collect()
}

#[tokio::test]
async fn a_deploy_opens_one_before_the_first_change_and_ends_it() {
    let scenario = deploying(Rollout::Succeed { after: 1 }).await;
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(scenario.states(), [["in_progress", "success"]]);
    let order: Vec<&str> = ended.calls.iter().map(|call| call.operation.as_str()).collect();
    let place = |name| order.iter().position(|known| *known == name).unwrap();
    assert!(place(STATUS) < place("RegisterTaskDefinition"), "{order:?}");
    scenario.sim.with(|world| {
        let made = &world.github.deployments[0];
        assert_eq!((&made.sha, made.environment.as_str()), (&world.github.sha, "staging"));
        assert_eq!((&made.payload["service"], &made.payload["cluster"]), (&json!("web"), &json!("prod")));
        let last = made.statuses.last().unwrap();
        assert_eq!(last.log_url, "https://github.com/octo-org/shop/actions/runs/9876543210/attempts/1");
        assert_eq!(last.environment_url, "https://staging.example");
        assert!(last.description.contains("now runs web:8"), "{}", last.description);
    });
    let asked = ended.requests(CREATE)[0];
    assert_eq!((&asked["auto_merge"], &asked["required_contexts"]), (&json!(false), &json!([])));
    assert!(ended.summary.contains("https://staging.example"), "{}", ended.summary);
    assert_eq!(ended.state["deployment"], "", "nothing is left for the step after the job");
}

#[tokio::test]
async fn a_deploy_that_changes_nothing_is_a_success_too_and_retires_the_one_before() {
    let scenario = deploying(Rollout::Succeed { after: 1 }).await;
    scenario.run().await.is(0, "succeeded", "");
    let again = scenario.run().await;
    again.is(0, "unchanged", "");
    assert_eq!(scenario.states(), [vec!["in_progress", "success", "inactive"], vec!["in_progress", "success"]]);
    scenario.sim.with(|world| assert_eq!(world.github.deployments[1].payload["revision"], "web:8"));
}

#[tokio::test]
async fn a_deploy_that_fails_ends_it_as_a_failure() {
    let trouble = Trouble::exit(1);
    let scenario = deploying(Rollout::CircuitBreaker { failures: 2, rollback: true, trouble }).await;
    assert_eq!(scenario.run().await.output("verdict"), "rolled-back");
    assert_eq!(scenario.states(), [["in_progress", "failure"]]);
}

#[tokio::test]
async fn a_deploy_whose_end_is_not_awaited_is_not_shown_as_active() {
    let scenario = deploying(Rollout::Succeed { after: 1 }).await.input("wait-for-service-stability", "false");
    scenario.run().await.is(0, "started", "");
    assert_eq!(scenario.states(), [["in_progress", "inactive"]]);
}

#[tokio::test]
async fn a_refused_call_ends_it_as_an_error() {
    let world = World::default().fault("UpdateService", u32::MAX, Trick::Denied);
    let scenario = of(world).await;
    assert_eq!(scenario.run().await.output("verdict"), "denied");
    assert_eq!(scenario.states(), [["in_progress", "error"]]);
}

#[tokio::test]
async fn a_cancelled_run_ends_it_in_time() {
    let scenario = deploying(Rollout::Succeed { after: 1_000_000 }).await.on_pull_request();
    let ended = scenario.run_and_signal("UpdateService", "INT").await;
    ended.is(130, "cancelled", "cancelled");
    assert_eq!(scenario.states(), [["in_progress", "error"]]);
    assert_eq!(ended.comments.len(), 1);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
}

#[tokio::test]
async fn a_plan_opens_none() {
    let scenario = of(World::default()).await.input("mode", "plan");
    let ended = scenario.run().await;
    ended.is(0, "planned", "");
    assert_eq!((scenario.states().len(), ended.requests("repos/list-deployments").len()), (0, 0));
}

#[tokio::test]
async fn a_mistake_in_the_inputs_opens_none() {
    let scenario = of(World::default()).await.input("desired-count", "many");
    scenario.run().await.is(2, "invalid", "input-invalid");
    assert_eq!(scenario.states().len(), 0);
}

#[tokio::test]
async fn a_job_with_an_environment_of_its_own_gets_no_second_one() {
    for named in [true, false] {
        let scenario = deploying(Rollout::Succeed { after: 1 }).await;
        let scenario = if named { scenario } else { scenario.input("environment", "") };
        scenario.sim.with(|world| world.github.environment_of_job("staging", "9876543210", 0.0));
        let ended = scenario.run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(scenario.states(), [["in_progress"]], "it ends with the job, by GitHub's hand");
        assert!(ended.stdout.contains("`environment: staging` has a GitHub deployment already"), "{}", ended.told());
        assert_eq!(warnings(&ended), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn the_environment_of_another_run_or_of_a_finished_job_does_not_count() {
    let scenario = deploying(Rollout::Succeed { after: 1 }).await;
    scenario.sim.with(|world| {
        world.github.environment_of_job("staging", "1234", 0.0);
        world.github.environment_of_job("staging", "9876543210", 0.0);
        world.github.deployments[1].statuses[0].state = "success".into();
    });
    scenario.run().await.is(0, "succeeded", "");
    assert_eq!(scenario.states()[2], ["in_progress", "success"]);
}

#[tokio::test]
async fn without_a_name_the_environment_is_cluster_and_service_and_said() {
    let scenario = deploying(Rollout::Succeed { after: 1 }).await.input("environment", "");
    let ended = scenario.run().await;
    scenario.sim.with(|world| assert_eq!(world.github.deployments[0].environment, "prod/web"));
    assert!(ended.stdout.contains("its environment is `prod/web`"), "{}", ended.told());
}

#[tokio::test]
async fn a_pull_request_is_deployed_by_its_branch_s_commit() {
    let scenario = deploying(Rollout::Succeed { after: 1 }).await.on_pull_request();
    let merge = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let ended = scenario.env("GITHUB_SHA", merge).run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.requests(CREATE)[0]["ref"], "4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9");
}

#[tokio::test]
async fn whatever_github_refuses_is_a_warning_and_the_deploy_goes_on() {
    for trick in [
        Trick::NotAccessible,
        Trick::Status(404),
        Trick::Status(409),
        Trick::Status(422),
        Trick::RateLimited(3000),
        Trick::SecondaryLimit(60),
        Trick::Throttle,
        Trick::Error(202, String::new(), "Auto-merged main into topic on deployment.".into()),
    ] {
        let scenario = of(World::default().fault(CREATE, u32::MAX, trick.clone())).await;
        let ended = scenario.run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(warnings(&ended).len(), 1, "{trick:?}: {}", ended.told());
        assert!(ended.stdout.contains("`permissions: deployments: write`"), "{trick:?}: {}", ended.told());
        assert_eq!(ended.requests(CREATE).len(), 1, "{trick:?}: it is never made twice");
    }
}

#[tokio::test]
async fn one_that_was_made_though_the_answer_was_lost_is_ended() {
    let scenario = of(World::default().fault(CREATE, 1, Trick::LostAnswer)).await;
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(scenario.states(), [["success"]]);
    assert!(warnings(&ended)[0].contains("It is not known whether GitHub has created"), "{}", ended.told());
}

#[tokio::test]
async fn a_github_that_hangs_holds_the_deploy_up_for_seconds_only() {
    let begun = Instant::now();
    let scenario = of(World::default().fault(CREATE, 1, Trick::Delay(Duration::from_mins(2)))).await;
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_status_that_github_drops_once_is_sent_again() {
    for trick in [Trick::Status(502), Trick::Reset] {
        let scenario = of(World::default()).await;
        scenario.sim.with(|world| {
            world.faults.push(ecs_deploy::sim::Fault { operation: STATUS.into(), skip: 1, times: 1, trick });
        });
        let ended = scenario.run().await;
        assert_eq!(scenario.states(), [["in_progress", "success"]]);
        assert_eq!(warnings(&ended), Vec::<&str>::new());
    }
}
