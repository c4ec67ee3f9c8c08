//! How deployments begin, go and end.

use super::*;

#[tokio::test]
async fn a_good_deploy_completes_in_both_apis() {
    let story = Story::new();
    let (id, arn) = story.deploy("v2").await;
    assert_eq!(story.service().await["deployments"].as_array().unwrap().len(), 2);
    let ended = story.until(&arn, "SUCCESSFUL").await;
    assert_eq!(ended["targetServiceRevision"]["runningTaskCount"], 2);
    let service = story.service().await;
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(service["deployments"][0]["id"], id);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(service["runningCount"], 2);
    assert_eq!(service["currentServiceDeployment"], arn);
    assert!(has_event(&service, &format!("(deployment {id}) deployment completed.")));
    let tasks = story.ecs("ListTasks", json!({"cluster": "prod", "startedBy": id})).await;
    assert_eq!(tasks["taskArns"].as_array().unwrap().len(), 2);
    let ops: Vec<String> = lock(&story.0).ledger.writes().iter().map(|call| call.operation.clone()).collect();
    assert_eq!(ops, ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test]
async fn a_missing_image_trips_the_breaker_and_the_old_revision_serves_again() {
    let story = Story::new();
    let before = story.service().await["deployments"][0]["id"].clone();
    let (id, arn) = story.deploy("nowhere").await;
    let going_back = story.until(&arn, "ROLLBACK_IN_PROGRESS").await;
    assert_eq!(
        going_back["deploymentCircuitBreaker"],
        json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3})
    );
    let digits = before.as_str().unwrap().trim_start_matches("ecs-svc/").to_owned();
    assert!(going_back["rollback"]["serviceRevisionArn"].as_str().unwrap().ends_with(&digits));
    lock(&story.0).clock = Clock::Wall(Duration::from_mins(1));
    let service = story.service().await;
    assert_eq!(service["deployments"][0]["id"], before);
    assert!(service["deployments"][0]["rolloutStateReason"].as_str().unwrap().contains("rolling back to deploymentId"));
    assert_eq!(service["deployments"][1]["rolloutState"], "FAILED");
    assert!(has_event(&service, "deployment failed: tasks failed to start."));
    lock(&story.0).clock = Clock::Requests;
    let ended = story.until(&arn, "ROLLBACK_SUCCESSFUL").await;
    assert!(
        ended["statusReason"]
            .as_str()
            .unwrap()
            .starts_with("Service deployment rolled back because the circuit breaker")
    );
    let service = story.service().await;
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:7"));
    let stopped =
        story.ecs("ListTasks", json!({"cluster": "prod", "serviceName": "web", "desiredStatus": "STOPPED"})).await;
    let tasks = story.ecs("DescribeTasks", json!({"cluster": "prod", "tasks": stopped["taskArns"]})).await;
    let ours: Vec<&Value> = tasks["tasks"].as_array().unwrap().iter().filter(|task| task["startedBy"] == id).collect();
    assert_eq!(ours.len(), 3);
    assert!(ours[0]["stoppedReason"].as_str().unwrap().starts_with("CannotPullContainerError"));
    assert_eq!(ours[0]["containers"][0].get("exitCode"), None);
}

#[tokio::test]
async fn without_rollback_the_failed_deployment_stays_primary() {
    let trouble = Trouble::exit(1);
    let story =
        Story::of(World::default().rollout("web", Rollout::CircuitBreaker { failures: 3, rollback: false, trouble }));
    let (id, arn) = story.deploy("v2").await;
    story.until(&arn, "STOPPED").await;
    let service = story.service().await;
    assert_eq!(
        (&service["deployments"][0]["id"], &service["deployments"][0]["rolloutState"]),
        (&json!(id), &json!("FAILED"))
    );
    assert_eq!(service["deployments"][1]["status"], "ACTIVE");
    assert_eq!(service["deployments"][1]["runningCount"], 2);
}

#[tokio::test]
async fn a_rival_supersedes_ours() {
    let story = Story::of(World::default().rollout("web", Rollout::Superseded { after: 2 }));
    let (id, arn) = story.deploy("v2").await;
    story.until(&arn, "STOPPED").await;
    for _ in 0..5 {
        story.service().await;
    }
    let service = story.service().await;
    assert_ne!(service["deployments"][0]["id"], id);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_ne!(service["currentServiceDeployment"], arn);
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:9"));
}

#[tokio::test]
async fn the_other_endings_show_as_documented() {
    let ending = async |rollout: Rollout, status: &str| {
        let story = Story::of(World::default().rollout("web", rollout));
        let (_, arn) = story.deploy("v2").await;
        let ended = story.until(&arn, status).await;
        (story.service().await, ended)
    };
    let (_, alarm) =
        ending(Rollout::Alarm { after: 2, rollback: true, name: "5xx".into() }, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(alarm["alarms"], json!({"status": "TRIGGERED", "alarmNames": ["5xx"], "triggeredAlarmNames": ["5xx"]}));
    let (service, _) =
        ending(Rollout::RollbackFailed { failures: 2, trouble: Trouble::exit(1) }, "ROLLBACK_FAILED").await;
    assert_eq!(service["runningCount"], 1);
    let (service, _) = ending(Rollout::ManualRollback { after: 1 }, "ROLLBACK_REQUESTED").await;
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:7"));
    let (service, drained) = ending(Rollout::Drain { healthy: 2, after: 5 }, "SUCCESSFUL").await;
    assert_eq!(
        (&service["runningCount"], &drained["targetServiceRevision"]["runningTaskCount"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn what_never_ends_stays_in_progress() {
    for rollout in [Rollout::Stall { running: 1 }, Rollout::CrashLoop { trouble: Trouble::exit(3) }] {
        let crashes = rollout != Rollout::Stall { running: 1 };
        let story = Story::of(World::default().rollout("web", rollout));
        let (_, arn) = story.deploy("v2").await;
        for _ in 0..12 {
            assert_eq!(story.deployment(&arn).await["status"], "IN_PROGRESS");
        }
        let service = story.service().await;
        assert_eq!(service["deployments"][0]["failedTasks"].as_i64().unwrap() > 10, crashes);
        assert_eq!(has_event(&service, "is unable to consistently start tasks"), crashes);
    }
}

#[tokio::test]
async fn a_deleted_service_drains_and_its_deployments_are_missing() {
    let story = Story::of(World::default().rollout("web", Rollout::Deleted { after: 1 }));
    let (_, arn) = story.deploy("v2").await;
    assert_eq!(story.service().await["status"], "DRAINING");
    assert_eq!(story.service().await["status"], "INACTIVE");
    let gone = story.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]})).await;
    assert_eq!(gone["failures"][0]["reason"], "MISSING");
}

#[tokio::test]
async fn stopping_a_deployment_rolls_it_back_once() {
    let story = Story::of(World::default().rollout("web", Rollout::Stall { running: 0 }));
    let (_, arn) = story.deploy("v2").await;
    let input = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    assert_eq!(story.ecs("StopServiceDeployment", input.clone()).await, json!({"serviceDeploymentArn": arn}));
    story.until(&arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(story.ecs("StopServiceDeployment", input).await["__type"], "ConflictException");
}

#[tokio::test]
async fn the_same_definition_starts_nothing_unless_forced() {
    let story = Story::new();
    let before = story.service().await["deployments"][0]["id"].clone();
    let mut input = json!({"cluster": "prod", "service": "web", "taskDefinition": "web:7"});
    let same = story.ecs("UpdateService", input.clone()).await;
    assert_eq!(same["service"]["deployments"][0]["id"], before);
    input["forceNewDeployment"] = json!(true);
    let forced = story.ecs("UpdateService", input).await;
    assert_ne!(forced["service"]["deployments"][0]["id"], before);
}

#[tokio::test]
async fn desired_zero_completes_at_once_and_autoscaling_moves_the_count() {
    let story = Story::new();
    story.ecs("UpdateService", json!({"cluster": "prod", "service": "web", "desiredCount": 0})).await;
    let (_, arn) = story.deploy("v2").await;
    assert_eq!(story.deployment(&arn).await["status"], "SUCCESSFUL");
    lock(&story.0).change_service("web", |service| service.autoscaling.push((0, 5)));
    let service = story.service().await;
    assert_eq!((&service["desiredCount"], &service["runningCount"]), (&json!(5), &json!(5)));
}

#[tokio::test]
async fn reads_lag_behind_the_update_when_told_to() {
    let mut world = World::default();
    world.change_service("web", |service| service.lag = ecs::Lag { describes: 2, lists: 1, current: 1 });
    let story = Story::of(world);
    let before = story.service().await;
    let forced = json!({"cluster": "prod", "service": "web", "forceNewDeployment": true});
    story.ecs("UpdateService", forced).await;
    let listed = story.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await;
    assert_eq!(listed["serviceDeployments"][0]["serviceDeploymentArn"], before["currentServiceDeployment"]);
    for _ in 0..2 {
        assert_eq!(story.service().await["deployments"][0]["id"], before["deployments"][0]["id"]);
    }
    let after = story.service().await;
    assert_ne!(after["deployments"][0]["id"], before["deployments"][0]["id"]);
    assert_eq!(after["currentServiceDeployment"], before["currentServiceDeployment"]);
    assert_ne!(story.service().await["currentServiceDeployment"], before["currentServiceDeployment"]);
}

#[tokio::test]
async fn a_new_service_whose_first_deployment_fails_has_nothing_to_go_back_to() {
    let mut service = Service::running("prod", "fresh", 1);
    service.script.push_back(Rollout::CircuitBreaker { failures: 1, rollback: true, trouble: Trouble::exit(1) });
    let story = Story::of(World::default().with_new_service(service, "web:7"));
    let listed = story.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "fresh"})).await;
    let ended = story.deployment(listed["serviceDeployments"][0]["serviceDeploymentArn"].as_str().unwrap()).await;
    assert_eq!(
        (&ended["status"], &ended["statusReason"]),
        (&json!("ROLLBACK_FAILED"), &json!("No rollback candidate was found to run the rollback."))
    );
}

#[tokio::test(start_paused = true)]
async fn by_the_wall_clock_a_rollout_moves_without_being_read() {
    let story = Story::of(World::default().clock(Clock::Wall(Duration::from_millis(400))));
    let (_, arn) = story.deploy("v2").await;
    assert_eq!(story.deployment(&arn).await["status"], "IN_PROGRESS");
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert_eq!(story.deployment(&arn).await["status"], "SUCCESSFUL");
}
