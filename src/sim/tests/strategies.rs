//! Deployments by stages: strategies, traffic, bakes and lifecycle hooks.

use super::*;

const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:smoke";

fn shifting(strategy: &str, settings: &[(&str, Value)]) -> Story {
    story(strategy, settings, |_| ())
}

fn story(strategy: &str, settings: &[(&str, Value)], change: impl FnOnce(&mut Service)) -> Story {
    let mut service = Service::shifting("prod", "web", 2, strategy);
    for (name, value) in settings {
        service.configure(name, value.clone());
    }
    service.script.push_back(Rollout::Succeed { after: 2 });
    let mut world = World::default().with_service(service, "web:7");
    world.change_service("web", change);
    Story::of(world)
}

/// Every look at a deployment until it ends: stage, test and production weight of the target and of the source.
async fn looks(story: &Story, arn: &str) -> Vec<(String, [f64; 2], [f64; 2])> {
    let weights = |revision: &Value| {
        ["requestedTestTrafficWeight", "requestedProductionTrafficWeight"]
            .map(|name| revision[name].as_f64().unwrap_or(-1.0))
    };
    let mut seen = Vec::new();
    for _ in 0..200 {
        let look = story.deployment(arn).await;
        if look["status"] != "IN_PROGRESS" {
            assert_eq!(look["status"], "SUCCESSFUL");
            return seen;
        }
        let stage = look["lifecycleStage"].as_str().unwrap_or("none").to_owned();
        seen.push((stage, weights(&look["targetServiceRevision"]), weights(&look["sourceServiceRevisions"][0])));
    }
    panic!("never ended");
}

fn order(seen: &[(String, [f64; 2], [f64; 2])]) -> Vec<&str> {
    let mut stages: Vec<&str> = seen.iter().map(|(stage, _, _)| stage.as_str()).collect();
    stages.dedup();
    stages
}

/// The shifts of production traffic, as they were seen.
fn shifts(seen: &[(String, [f64; 2], [f64; 2])]) -> Vec<f64> {
    let mut weights: Vec<f64> = seen.iter().map(|(_, target, _)| target[1]).collect();
    weights.dedup();
    weights
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>
#[tokio::test]
async fn blue_green_goes_through_its_stages_and_moves_all_traffic_at_once() {
    let story = shifting("BLUE_GREEN", &[("bakeTimeInMinutes", json!(3))]);
    let (_, arn) = story.deploy("v2").await;
    let seen = looks(&story, &arn).await;
    assert_eq!(
        order(&seen),
        [
            "PRE_SCALE_UP",
            "SCALE_UP",
            "POST_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
            "BAKE_TIME",
            "CLEAN_UP",
        ]
    );
    assert_eq!(shifts(&seen), [0.0, 100.0]);
    assert_eq!(seen.iter().filter(|(stage, _, _)| stage == "BAKE_TIME").count(), 3);
    for (_, target, source) in &seen {
        assert!((target[1] + source[1] - 100.0).abs() < f64::EPSILON);
    }
    assert_eq!(story.service().await["deployments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn both_revisions_run_side_by_side_until_clean_up() {
    let story = shifting("BLUE_GREEN", &[("bakeTimeInMinutes", json!(4))]);
    let (_, arn) = story.deploy("v2").await;
    for _ in 0..40 {
        let look = story.deployment(&arn).await;
        let (source, stage) = (&look["sourceServiceRevisions"][0]["runningTaskCount"], look["lifecycleStage"].clone());
        match stage.as_str() {
            Some("BAKE_TIME") => {
                assert_eq!((source, &look["targetServiceRevision"]["runningTaskCount"]), (&json!(2), &json!(2)));
            }
            Some("CLEAN_UP") => return assert_eq!(source, 0),
            _ => {}
        }
    }
    panic!("never cleaned up");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html>
#[tokio::test]
async fn linear_moves_by_steps_and_bakes_after_each_but_the_last() {
    let linear = json!({"stepPercent": 40.0, "stepBakeTimeInMinutes": 2});
    let story = shifting("LINEAR", &[("linearConfiguration", linear)]);
    let (_, arn) = story.deploy("v2").await;
    let seen = looks(&story, &arn).await;
    assert_eq!(shifts(&seen), [0.0, 40.0, 80.0, 100.0]);
    let order = order(&seen);
    assert_eq!(order.iter().filter(|stage| **stage == "PRE_PRODUCTION_TRAFFIC_SHIFT").count(), 3);
    let at = |weight: f64| {
        let shift = "PRODUCTION_TRAFFIC_SHIFT";
        seen.iter().filter(|(stage, target, _)| stage == shift && (target[1] - weight).abs() < 0.1).count()
    };
    assert_eq!((at(40.0), at(80.0), at(100.0)), (2, 2, 1));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CanaryConfiguration.html>
#[tokio::test]
async fn canary_moves_a_little_first() {
    let canary = json!({"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 3});
    let story = shifting("CANARY", &[("canaryConfiguration", canary)]);
    let (_, arn) = story.deploy("v2").await;
    assert_eq!(shifts(&looks(&story, &arn).await), [0.0, 5.0, 100.0]);
}

#[tokio::test(start_paused = true)]
async fn by_the_wall_clock_a_bake_takes_its_minutes() {
    let story = shifting("BLUE_GREEN", &[("bakeTimeInMinutes", json!(10))]);
    lock(&story.0).clock = Clock::Wall(Duration::from_secs(1));
    let (_, arn) = story.deploy("v2").await;
    tokio::time::sleep(Duration::from_mins(9)).await;
    assert_eq!(story.deployment(&arn).await["lifecycleStage"], "BAKE_TIME");
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(story.deployment(&arn).await["status"], "SUCCESSFUL");
}

#[tokio::test]
async fn a_strategy_in_the_update_itself_counts() {
    let story = Story::new();
    let configuration = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1});
    let input = json!({"cluster": "prod", "service": "web", "taskDefinition": "web:6", "deploymentConfiguration": configuration});
    story.ecs("UpdateService", input).await;
    story.service().await;
    let arn = story.service().await["currentServiceDeployment"].as_str().unwrap().to_owned();
    let look = story.deployment(&arn).await;
    assert_eq!(
        (&look["deploymentConfiguration"]["strategy"], &look["lifecycleStage"]),
        (&json!("BLUE_GREEN"), &json!("SCALE_UP"))
    );
}

#[tokio::test]
async fn a_second_deployment_is_reconciled_first() {
    let story = shifting("BLUE_GREEN", &[]);
    story.deploy("v2").await;
    story.service().await;
    let (_, arn) = story.deploy("v0").await;
    assert_eq!(story.deployment(&arn).await["lifecycleStage"], "RECONCILE_SERVICE");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>
#[tokio::test]
async fn a_function_that_fails_rolls_back_and_is_named() {
    let hooks = json!([{"hookTargetArn": FUNCTION, "roleArn": "arn:aws:iam::123456789012:role/hooks",
        "lifecycleStages": ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"]}]);
    let words = format!("Lifecycle hook target {FUNCTION} returned FAILED status");
    let story = story("BLUE_GREEN", &[("lifecycleHooks", hooks)], |_| ());
    let (_, arn) = story.deploy("v2").await;
    story.deployment(&arn).await;
    let asked = story.deployment(&arn).await;
    assert_eq!(
        asked["lifecycleHookDetails"],
        json!([{"targetType": "AWS_LAMBDA", "targetArn": FUNCTION, "status": "SUCCEEDED"}])
    );
    let fails = Lambda::Fails(words.clone());
    lock(&story.0).change_service("web", |service| drop(service.lambdas.insert(FUNCTION.into(), fails)));
    let back = story.until(&arn, "ROLLBACK_IN_PROGRESS").await;
    let reason =
        format!("Service deployment rolled back because POST_TEST_TRAFFIC_SHIFT lifecycle hook(s) failed. {words}");
    assert_eq!(back["statusReason"], reason);
    assert_eq!(back["rollback"]["reason"], reason);
    assert_eq!(back["lifecycleStage"], "TEST_TRAFFIC_SHIFT");
    assert_eq!(back["targetServiceRevision"]["requestedTestTrafficWeight"], 0.0);
    assert_eq!(back["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"], 100.0);
    let ended = story.until(&arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(ended["lifecycleHookDetails"][1]["status"], "FAILED");
    assert!(story.service().await["taskDefinition"].as_str().unwrap().ends_with("web:7"));
}

#[tokio::test]
async fn a_slow_function_holds_its_stage() {
    let hooks = json!([{"hookTargetArn": FUNCTION, "lifecycleStages": ["POST_SCALE_UP"]}]);
    let slow = |service: &mut Service| drop(service.lambdas.insert(FUNCTION.into(), Lambda::Slow(5)));
    let story = story("BLUE_GREEN", &[("lifecycleHooks", hooks)], slow);
    let (_, arn) = story.deploy("v2").await;
    let seen = looks(&story, &arn).await;
    assert_eq!(seen.iter().filter(|(stage, _, _)| stage == "POST_SCALE_UP").count(), 5);
}

fn pause(stage: &str, timeout: Value) -> (&'static str, Value) {
    let mut hook = json!({"targetType": "PAUSE", "lifecycleStages": [stage]});
    if !timeout.is_null() {
        hook["timeoutConfiguration"] = timeout;
    }
    ("lifecycleHooks", json!([hook]))
}

/// The waiting pause of a deployment.
fn waiting(look: &Value) -> Option<Value> {
    look["lifecycleHookDetails"].as_array()?.iter().find(|hook| hook["status"] == "AWAITING_ACTION").cloned()
}

async fn until_paused(story: &Story, arn: &str) -> Value {
    for _ in 0..40 {
        if let Some(hook) = waiting(&story.deployment(arn).await) {
            return hook;
        }
    }
    panic!("never paused");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html>
#[tokio::test]
async fn a_pause_waits_until_somebody_continues() {
    let story = shifting("BLUE_GREEN", &[pause("POST_TEST_TRAFFIC_SHIFT", Value::Null)]);
    let (_, arn) = story.deploy("v2").await;
    let hook = until_paused(&story, &arn).await;
    let id = hook["hookId"].as_str().unwrap().to_owned();
    assert_eq!((id.len(), &hook["timeoutAction"]), ("ecs-pause-".len() + 43, &json!("ROLLBACK")));
    assert!(hook["expiresAt"].as_f64().unwrap() > lock(&story.0).now() + 86_000.0);
    for _ in 0..20 {
        assert_eq!(story.deployment(&arn).await["status"], "IN_PROGRESS");
    }
    assert_eq!(lock(&story.0).pauses("web"), [(arn.clone(), "POST_TEST_TRAFFIC_SHIFT".into(), id.clone())]);
    let go = |id: &str| json!({"serviceDeploymentArn": arn, "hookId": id, "action": "CONTINUE"});
    assert_eq!(story.ecs("ContinueServiceDeployment", go("nonsense")).await["message"], "Invalid hookId: nonsense");
    assert_eq!(story.ecs("ContinueServiceDeployment", go(&id)).await, json!({"serviceDeploymentArn": arn}));
    let again = story.ecs("ContinueServiceDeployment", go(&id)).await;
    assert_eq!(
        again["message"],
        "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN"
    );
    story.until(&arn, "SUCCESSFUL").await;
    let ended = story.ecs("ContinueServiceDeployment", go(&id)).await;
    assert_eq!(
        ended["message"],
        "Continuing a service deployment is not allowed for service deployment in terminal states."
    );
    let nowhere = json!({"serviceDeploymentArn": format!("{arn}x"), "hookId": id});
    assert_eq!(story.ecs("ContinueServiceDeployment", nowhere).await["__type"], "ServiceDeploymentNotFoundException");
}

#[tokio::test]
async fn each_step_of_a_linear_deployment_pauses_with_a_new_id() {
    let linear = ("linearConfiguration", json!({"stepPercent": 50.0, "stepBakeTimeInMinutes": 0}));
    let story = shifting("LINEAR", &[linear, pause("PRE_PRODUCTION_TRAFFIC_SHIFT", Value::Null)]);
    let (_, arn) = story.deploy("v2").await;
    let first = until_paused(&story, &arn).await;
    assert!(lock(&story.0).answer_pause("web", "CONTINUE"));
    let second = until_paused(&story, &arn).await;
    assert_ne!(first["hookId"], second["hookId"]);
    assert!(lock(&story.0).answer_pause("web", "CONTINUE"));
    story.until(&arn, "SUCCESSFUL").await;
    assert!(!lock(&story.0).answer_pause("web", "CONTINUE"));
}

#[tokio::test]
async fn somebody_may_answer_a_pause_with_a_rollback() {
    let story = shifting("BLUE_GREEN", &[pause("POST_SCALE_UP", Value::Null)]);
    let (_, arn) = story.deploy("v2").await;
    let id = until_paused(&story, &arn).await["hookId"].clone();
    let back = json!({"serviceDeploymentArn": arn, "hookId": id, "action": "ROLLBACK"});
    story.ecs("ContinueServiceDeployment", back).await;
    story.until(&arn, "ROLLBACK_SUCCESSFUL").await;
}

#[tokio::test]
async fn people_may_be_told_beforehand_how_to_answer() {
    let people = |service: &mut Service| service.answers.push_back((3, "CONTINUE".into()));
    let story = story("BLUE_GREEN", &[pause("POST_SCALE_UP", Value::Null)], people);
    let (_, arn) = story.deploy("v2").await;
    let seen = looks(&story, &arn).await;
    assert_eq!(seen.iter().filter(|(stage, _, _)| stage == "POST_SCALE_UP").count(), 3);
}

#[tokio::test]
async fn a_pause_that_nobody_answers_times_out_either_way() {
    let timeout = |action: &str| json!({"timeoutInMinutes": 4, "action": action});
    let story = shifting("BLUE_GREEN", &[pause("POST_SCALE_UP", timeout("ROLLBACK"))]);
    let (_, arn) = story.deploy("v2").await;
    let ended = story.until(&arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(ended["statusReason"], "Service deployment rolled back because POST_SCALE_UP pause hook timed out.");
    assert_eq!(ended["lifecycleHookDetails"][0]["status"], "TIMED_OUT");
    let story = shifting("BLUE_GREEN", &[pause("POST_SCALE_UP", timeout("CONTINUE"))]);
    let (_, arn) = story.deploy("v2").await;
    story.until(&arn, "SUCCESSFUL").await;
}

#[tokio::test]
async fn a_pause_is_refused_where_traffic_shifts() {
    let story = Story::new();
    let (_, hooks) = pause("PRODUCTION_TRAFFIC_SHIFT", Value::Null);
    let input = json!({"cluster": "prod", "service": "web", "deploymentConfiguration": {"lifecycleHooks": hooks}});
    let refused = story.ecs("UpdateService", input).await;
    assert_eq!(refused["message"], "Invalid lifecycle stage provided for Pause Hook");
}

#[tokio::test]
async fn what_goes_wrong_goes_wrong_in_stages_too() {
    let ending = async |script: Rollout, status: &str| {
        let story = story("CANARY", &[], |service| service.script = [script].into());
        let (_, arn) = story.deploy("v2").await;
        story.until(&arn, status).await
    };
    let trouble = Trouble::exit(1);
    let broken = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble };
    ending(broken, "ROLLBACK_SUCCESSFUL").await;
    let alarm = Rollout::Alarm { after: 12, rollback: true, name: "5xx".into() };
    let fired = ending(alarm, "ROLLBACK_IN_PROGRESS").await;
    assert_eq!(fired["lifecycleStage"], "PRODUCTION_TRAFFIC_SHIFT");
    ending(Rollout::Superseded { after: 6 }, "STOPPED").await;
    ending(Rollout::ManualRollback { after: 6 }, "ROLLBACK_SUCCESSFUL").await;
    let wrong = ": Target group X is not associated with either productionListenerRule or testListenerRule";
    let networking = ending(Rollout::bad_networking(4, wrong), "ROLLBACK_SUCCESSFUL").await;
    let reason = networking["statusReason"].as_str().unwrap();
    assert!(reason.starts_with("Service deployment rolled back because of invalid networking configuration: Target"));
}
