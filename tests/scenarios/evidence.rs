//! Why a rollout failed: gathered while it exists, bounded, and never at the cost of the verdict.

use ecs_deploy::sim::{Clock, Rollout, Trouble, World};
use serde_json::Value;

use crate::harness::{Ended, IMAGE_V2, Scenario};

/// A service without a circuit breaker whose next tasks all fail so.
fn failing(trouble: Trouble) -> World {
    let mut world = World::default().rollout("web", Rollout::CrashLoop { trouble });
    world.change_service("web", |service| service.breaker(false, false));
    world
}

/// The image `v2` deployed in such a world, with no way back asked for.
async fn deploying(world: World) -> Ended {
    scenario(world).await.run().await
}

async fn scenario(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2).input("on-failure", "none")
}

fn crash() -> Trouble {
    Trouble::exit(1).writing(&["starting", "cannot reach the database", "::error::giving up"])
}

/// A piece of the evidence in the report.
fn piece<'a>(ended: &'a Ended, name: &str) -> &'a [Value] {
    ended.report["evidence"][name].as_array().unwrap_or_else(|| panic!("no `{name}`: {}", ended.told()))
}

fn missing(ended: &Ended) -> String {
    ended.report["evidence"]["missing"].to_string()
}

#[tokio::test]
async fn a_crash_loop_without_a_breaker_ends_early_with_what_the_containers_logged() {
    let ended = deploying(failing(crash())).await;
    assert_eq!((ended.code, ended.output("verdict")), (Some(5), "failed"), "{}", ended.told());
    assert!(ended.output("live-task-definition-arn").ends_with("web:7"));
    let tail = &piece(&ended, "logs")[0];
    assert_eq!((&tail["group"], &tail["container"]), (&"/ecs/web".into(), &"web".into()));
    let lines: Vec<_> = tail["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(lines, ["starting", "cannot reach the database", "::error::giving up"]);
    let stopped = &piece(&ended, "stopped")[0];
    assert!(stopped["count"].as_u64() >= Some(3) && stopped["containers"][0][1] == 1, "{stopped}");
    assert!(!ended.stdout.lines().any(|line| line.starts_with("::error::giving up")), "{}", ended.told());
    let moments = piece(&ended, "moments");
    let at: Vec<f64> = moments.iter().map(|moment| moment["at"].as_f64().unwrap()).collect();
    assert!(at.is_sorted() && at[0] >= 0.0 && *at.last().unwrap() < 60.0, "{at:?}");
    for who in ["service", "task ", "container web", "log web"] {
        assert!(moments.iter().any(|moment| moment["who"].as_str().unwrap().starts_with(who)), "{who}: {moments:?}");
    }
    assert_eq!(missing(&ended), "[]");
}

#[tokio::test]
async fn a_failing_health_check_is_shown_with_its_path_its_codes_and_the_code_seen() {
    let trouble = Trouble::unhealthy("web").answering(404);
    let rollout = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble };
    let ended = deploying(World::default().rollout("web", rollout).behind_target_group("web", "web")).await;
    assert_eq!((ended.code, ended.output("verdict")), (Some(4), "rolled-back"), "{}", ended.told());
    let group = &piece(&ended, "target_groups")[0];
    let told = ["name", "protocol", "port", "path", "matcher"].map(|name| group[name].as_str().unwrap());
    assert_eq!(told, ["web", "HTTP", "traffic-port", "/healthz", "200"]);
    assert_eq!(group["container"], serde_json::json!(["web", 8080]));
    let target = &group["targets"][0];
    assert_eq!(target["state"], "unhealthy", "{group}");
    assert!(target["description"].as_str().unwrap().contains("[404]"), "{target}");
    // It is the task that stopped, known by its address.
    let task = target["task"].as_str().unwrap();
    assert!(piece(&ended, "events").iter().any(|event| event["message"].as_str().unwrap().contains(task)));
    assert_eq!(ended.report["evidence"]["breaker"]["threshold"], 3);
}

#[tokio::test]
async fn a_missing_permission_removes_one_piece_and_names_the_action() {
    let trouble = Trouble { log: crash().log, ..Trouble::unhealthy("web").answering(404) };
    for (operation, action, lost) in [
        ("GetLogEvents", "logs:GetLogEvents", "logs"),
        ("DescribeTargetHealth", "elasticloadbalancing:DescribeTargetHealth", "target_groups"),
        ("DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups", ""),
        ("ListTasks", "ecs:ListTasks", "stopped"),
        ("DescribeTasks", "ecs:DescribeTasks", "stopped"),
    ] {
        let rollout = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble: trouble.clone() };
        let world = World::default().rollout("web", rollout).behind_target_group("web", "web").denied(operation);
        let ended = deploying(world).await;
        assert_eq!((ended.code, ended.output("verdict")), (Some(4), "rolled-back"), "{operation}: {}", ended.told());
        assert!(
            missing(&ended).contains(&format!("`{action}` is denied to `arn:aws:sts::")),
            "{operation}: {}",
            missing(&ended)
        );
        assert!(ended.stdout.contains(action), "{operation}: {}", ended.told());
        for name in ["logs", "stopped", "events"] {
            // Without the tasks nobody knows whose logs to read.
            let expected = lost == name || (lost == "stopped" && name == "logs");
            assert_eq!(piece(&ended, name).is_empty(), expected, "{operation}: {name}");
        }
        let targets = &piece(&ended, "target_groups")[0]["targets"];
        assert_eq!(targets.as_array().unwrap().is_empty(), lost == "target_groups", "{operation}: {targets}");
    }
}

#[tokio::test]
async fn without_tasks_to_read_a_crash_loop_is_followed_to_the_limit_and_no_further() {
    let world = failing(crash()).denied("ListTasks").clock(Clock::Wall(std::time::Duration::from_millis(100)));
    let scenario = scenario(world).await.input("wait-for-minutes", "1").input("wait-max-delay-seconds", "1");
    let ended = scenario.run_and_signal("ListTasks", "INT").await;
    assert_eq!((ended.code, ended.output("verdict")), (Some(130), "cancelled"), "{}", ended.told());
}

#[tokio::test]
async fn what_passes_or_differs_never_ends_the_wait_early() {
    let passing = Trouble::never_started("Timeout waiting for network interface provisioning to complete.");
    for trouble in [passing, Trouble::never_started("CannotPullContainerError: dial tcp: i/o timeout")] {
        let scenario = scenario(failing(trouble)).await;
        let ended = scenario.run_and_signal("DescribeTasks", "TERM").await;
        assert_eq!((ended.code, ended.output("verdict")), (Some(130), "cancelled"), "{}", ended.told());
    }
}

#[tokio::test]
async fn zero_never_ends_the_wait_early_and_reads_no_tasks_for_it() {
    let scenario = scenario(failing(crash()).clock(Clock::Wall(std::time::Duration::from_millis(20)))).await;
    let scenario = scenario.input("fail-fast-after", "0").input("wait-max-delay-seconds", "1");
    let run = scenario.run_and_signal("DescribeServiceDeployments", "INT").await;
    assert_eq!(run.code, Some(130), "{}", run.told());
    assert!(run.requests("ListTasks").is_empty());
}

#[tokio::test]
async fn a_log_group_in_another_region_is_read_there() {
    let mut world = failing(crash()).with_log_group("us-east-1", "/elsewhere");
    world.logs.groups.remove(&("eu-central-1".to_owned(), "/ecs/web".to_owned()));
    let options = "awslogs-group=/elsewhere\nawslogs-region=us-east-1\nawslogs-stream-prefix=web";
    let scenario = scenario(world).await.input("log-configuration-log-driver", "awslogs");
    let ended = scenario.input("log-configuration-options", options).run().await;
    assert_eq!(ended.output("verdict"), "failed", "{}", ended.told());
    let tail = &piece(&ended, "logs")[0];
    assert_eq!((&tail["region"], &tail["group"]), (&"us-east-1".into(), &"/elsewhere".into()), "{}", missing(&ended));
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_said_to_be_elsewhere() {
    let scenario = scenario(failing(crash())).await.input("log-configuration-log-driver", "splunk");
    let ended = scenario.input("log-configuration-options", "splunk-url=https://s.example").run().await;
    assert_eq!(ended.output("verdict"), "failed", "{}", ended.told());
    assert!(missing(&ended).contains("the driver `splunk` keeps it where it cannot be read"), "{}", missing(&ended));
}

#[tokio::test]
async fn secrets_that_a_container_logs_are_shown_nowhere() {
    let mut world = failing(Trouble::exit(1));
    world = world.secret("https://queue.example/a=b");
    let token = world.github.token.clone();
    let lines = format!("token {token} and queue https://queue.example/a=b");
    let trouble = Trouble::exit(1).writing(&[&lines]);
    world.change_service("web", |service| service.script = [Rollout::CrashLoop { trouble }].into());
    // The harness looks for every secret in everything that is told.
    let ended = deploying(world).await;
    assert_eq!(piece(&ended, "logs")[0]["lines"][0]["text"], "token *** and queue ***");
}
