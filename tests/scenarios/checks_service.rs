//! Checks of the task definition and of the service it goes to: what passes, what blocks or warns, what is skipped.

use ecs_deploy::sim::{Rollout, World};
use serde_json::{Value, json};

use crate::harness::{Ended, IMAGE_V2, Scenario};

/// What a check said: its findings and what it skipped.
fn said<'a>(ended: &'a Ended, check: &str) -> (&'a [Value], &'a [Value]) {
    let all = ended.report["checks"].as_array().unwrap_or_else(|| panic!("{}", ended.told()));
    let one = all.iter().find(|one| one["check"] == check).unwrap_or_else(|| panic!("no {check}: {}", ended.told()));
    (one["findings"].as_array().unwrap(), one["skipped"].as_array().unwrap())
}

#[track_caller]
fn passes(ended: &Ended, check: &str) {
    assert_eq!(said(ended, check), (&[][..], &[][..]), "{check}: {}", ended.told());
}

/// The one finding of a check.
#[track_caller]
fn found<'a>(ended: &'a Ended, check: &str) -> &'a str {
    let (findings, _) = said(ended, check);
    assert_eq!(findings.len(), 1, "{check}: {findings:?}");
    findings[0]["what"].as_str().unwrap()
}

#[track_caller]
fn blocked(ended: &Ended, reason: &str) {
    ended.is(3, "blocked", reason);
    assert_eq!(ended.writes, [""; 0]);
    assert_eq!(ended.output("changed"), "false");
}

async fn deploying(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2)
}

/// A step that deploys this definition from a file.
async fn of_file(name: &str, text: &str) -> Scenario {
    let scenario = deploying(World::default().rollout("web", Rollout::Succeed { after: 1 })).await;
    scenario.file(name, text).input("task-definition", name)
}

fn balanced() -> World {
    World::default().rollout("web", Rollout::Succeed { after: 1 }).behind_target_group("web", "web")
}

#[tokio::test]
async fn a_sound_deploy_passes_and_asks_for_all_target_groups_at_once() {
    let mut world = balanced().behind_target_group("spare", "green");
    let green = world.load_balancing.groups[1].arn.clone();
    world.change_service("web", |service| {
        service.settings["loadBalancers"][0]["advancedConfiguration"] = json!({"alternateTargetGroupArn": green});
    });
    let ended = deploying(world).await.run().await;
    ended.is(0, "succeeded", "");
    for check in ["fargate-size", "target-groups", "circuit-breaker", "in-flight"] {
        passes(&ended, check);
    }
    let asked = ended.requests("DescribeTargetGroups");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].to_string().contains(&green), "{asked:?}");
}

#[tokio::test]
async fn a_size_that_fargate_does_not_sell_is_refused_on_its_very_line() {
    let mut definition = World::default().web_definition("v1");
    definition["memory"] = json!("4096");
    let ended = of_file("deploy/task.json", &format!("{definition:#}")).await.run().await;
    blocked(&ended, "task-definition-invalid");
    let line = format!("{definition:#}").lines().position(|line| line.contains("\"memory\"")).unwrap() + 1;
    let place = format!("file=deploy/task.json,line={line},col=3::");
    assert!(ended.stdout.contains(&place) && ended.stdout.contains("::error title="), "{place} {}", ended.told());
    assert!(ended.stdout.contains("`memory: \"2048\"`, or `cpu: \"512\"`"), "{}", ended.told());
}

#[tokio::test]
async fn every_finding_is_told_at_once_in_yaml_too() {
    let text = "# the shop\nfamily: web\nnetworkMode: awsvpc\nrequiresCompatibilities: [FARGATE]\ncpu: 256\nmemory: 512\n\
                containerDefinitions:\n  - name: web\n    image: old\n    privileged: true\n    dependsOn:\n      \
                - {containerName: log, condition: START}\n";
    let ended = of_file("task.yaml", text).await.run().await;
    blocked(&ended, "task-definition-invalid");
    assert_eq!(said(&ended, "fargate-size").0.len(), 2, "{}", ended.told());
    for place in ["file=task.yaml,line=10,col=5::", "file=task.yaml,line=12,col=9::"] {
        assert!(ended.stdout.contains(place), "{place} {}", ended.told());
    }
    assert!(ended.summary.contains("`task.yaml:10`"), "{}", ended.summary);
}

#[tokio::test]
async fn what_is_not_certain_warns_and_what_is_switched_off_is_not_looked_at() {
    let mut definition = World::default().web_definition("v1");
    definition["containerDefinitions"][0]["dnsServers"] = json!(["10.0.0.2"]);
    let scenario = of_file("task.json", &format!("{definition:#}")).await;
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert!(found(&ended, "fargate-size").contains("`dnsServers`"));
    assert!(ended.stdout.contains("::warning title=fargate-size"), "{}", ended.told());
    definition["memory"] = json!("1024");
    let scenario = scenario.file("task.json", &definition.to_string()).input("checks", "fargate-size=off");
    let ended = scenario.run().await;
    assert_eq!(ended.output("verdict"), "succeeded");
    assert!(!ended.report["checks"].to_string().contains("fargate-size"), "{}", ended.report["checks"]);
}

#[tokio::test]
async fn a_port_that_the_load_balancer_needs_is_missed_and_may_block() {
    let mut definition = World::default().web_definition("v1");
    definition["containerDefinitions"][0]["portMappings"] = json!([{"containerPort": 80}]);
    let text = format!("{definition:#}");
    let scenario = deploying(balanced()).await.file("task.json", &text).input("task-definition", "task.json");
    let ended = scenario.input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert_eq!(
        found(&ended, "target-groups"),
        "The container `web` has no port 8080, which the service registers in `web`."
    );
    let scenario = deploying(balanced()).await.file("task.json", &text).input("task-definition", "task.json");
    let ended = scenario.input("checks", "target-groups=block").run().await;
    blocked(&ended, "target-group-mismatch");
}

#[tokio::test]
async fn a_target_group_that_is_gone_or_of_another_type_is_named() {
    let mut world = balanced().behind_target_group("spare", "green");
    let lost = world.load_balancing.groups[1].arn.clone();
    world.load_balancing.groups.truncate(1);
    world.change_service("web", |service| {
        service.settings["loadBalancers"][0]["advancedConfiguration"] = json!({"alternateTargetGroupArn": lost});
    });
    let ended = deploying(world).await.input("checks", "target-groups=block").run().await;
    blocked(&ended, "target-group-missing");
    assert_eq!(found(&ended, "target-groups"), "The target group `green` of the service does not exist.");

    let mut world = balanced();
    world.load_balancing.groups[0].target_type = "instance".into();
    let ended = deploying(world).await.input("checks", "target-groups=block").run().await;
    blocked(&ended, "target-group-mismatch");
}

#[tokio::test]
async fn target_groups_that_may_not_be_read_are_skipped_by_the_name_of_the_action() {
    let ended = deploying(balanced().denied("DescribeTargetGroups")).await.run().await;
    ended.is(0, "succeeded", "");
    let (findings, skipped) = said(&ended, "target-groups");
    assert_eq!((findings.len(), skipped.len()), (0, 1));
    assert!(skipped[0].as_str().unwrap().contains("elasticloadbalancing:DescribeTargetGroups"), "{skipped:?}");
}

#[tokio::test]
async fn another_deployment_in_progress_is_told_once_and_may_block() {
    let world = World::default().rollout("web", Rollout::Stall { running: 1 });
    let scenario = deploying(world).await.input("wait-for-service-stability", "false");
    scenario.run().await.is(0, "started", "");
    let scenario = scenario.input("image", &IMAGE_V2.replace(":v2", ":v0"));
    let plan = scenario.input("mode", "plan");
    let ended = plan.run().await;
    ended.is(0, "planned", "");
    assert!(found(&ended, "in-flight").contains(" to web:8, IN_PROGRESS, "), "{}", ended.told());
    assert_eq!(ended.report["warnings"].to_string().matches("web:8").count(), 0, "{}", ended.report["warnings"]);

    let ended = plan.input("mode", "deploy").input("checks", "in-flight=block").run().await;
    blocked(&ended, "deployment-in-progress");
}

#[tokio::test]
async fn a_service_without_a_circuit_breaker_is_warned_of_or_refused() {
    let open = || {
        let mut world = World::default().rollout("web", Rollout::Succeed { after: 1 });
        world.change_service("web", |service| service.breaker(false, false));
        world
    };
    let ended = deploying(open()).await.run().await;
    ended.is(0, "succeeded", "");
    assert!(found(&ended, "circuit-breaker").starts_with("Nothing in ECS ends a deployment of `web`"));
    let ended = deploying(open()).await.input("checks", "circuit-breaker=block").run().await;
    blocked(&ended, "circuit-breaker-off");

    let mut world = World::default();
    world.change_service("web", |service| service.breaker(true, false));
    let ended =
        deploying(world).await.input("checks", "circuit-breaker=block").input("wait-for-service-stability", "false");
    blocked(&ended.run().await, "rollback-off");
}
