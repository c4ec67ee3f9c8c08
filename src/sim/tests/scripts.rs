//! The less usual ways a rollout goes, what somebody else does meanwhile, and what is seen of the tasks.

use super::*;

fn of(script: Rollout) -> Story {
    Story::of(World::default().rollout("web", script))
}

fn changed(script: Rollout, change: impl FnOnce(&mut Service)) -> Story {
    let mut world = World::default().rollout("web", script);
    world.change_service("web", change);
    Story::of(world)
}

/// The tasks of a deployment as they are described, stopped or not.
async fn tasks(story: &Story, id: &str, desired: &str) -> Vec<Value> {
    let listed = json!({"cluster": "prod", "startedBy": id, "desiredStatus": desired});
    let arns = story.ecs("ListTasks", listed).await["taskArns"].clone();
    if arns.as_array().unwrap().is_empty() {
        return Vec::new();
    }
    story.ecs("DescribeTasks", json!({"cluster": "prod", "tasks": arns})).await["tasks"].as_array().unwrap().clone()
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentEarlySuccessCriteria.html>
#[tokio::test]
async fn an_early_success_leaves_old_tasks_running_for_a_while() {
    let settings = json!({"enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED"});
    let by_settings =
        changed(Rollout::Succeed { after: 4 }, |service| service.configure("earlySuccessCriteria", settings));
    for story in [of(Rollout::EarlySuccess { after: 2, lingering: 8 }), by_settings] {
        let (id, arn) = story.deploy("v2").await;
        let ended = story.until(&arn, "SUCCESSFUL").await;
        assert_eq!(ended["sourceServiceRevisions"][0]["runningTaskCount"], 2);
        let service = story.service().await;
        assert_eq!(
            (&service["deployments"][0]["id"], &service["deployments"][0]["rolloutState"]),
            (&json!(id), &json!("COMPLETED"))
        );
        assert_eq!(service["deployments"][1]["runningCount"], 2);
        for _ in 0..10 {
            story.service().await;
        }
        let service = story.service().await;
        assert_eq!((service["deployments"].as_array().unwrap().len(), &service["runningCount"]), (1, &json!(2)));
        let frozen = story.deployment(&arn).await;
        assert_eq!(frozen["sourceServiceRevisions"], ended["sourceServiceRevisions"]);
    }
}

#[tokio::test]
async fn old_tasks_that_drain_run_and_are_wanted_stopped() {
    let story = of(Rollout::Drain { healthy: 1, after: 20 });
    let old = story.service().await["deployments"][0]["id"].as_str().unwrap().to_owned();
    let (id, arn) = story.deploy("v2").await;
    story.deployment(&arn).await;
    let service = story.service().await;
    let (ours, theirs) = (&service["deployments"][0], &service["deployments"][1]);
    assert_eq!((&ours["runningCount"], &ours["rolloutState"]), (&json!(2), &json!("IN_PROGRESS")));
    assert_eq!((&theirs["desiredCount"], &theirs["runningCount"]), (&json!(0), &json!(2)));
    assert!(has_event(&service, "has begun draining connections on 2 tasks."));
    let draining = tasks(&story, &old, "STOPPED").await;
    assert_eq!((draining.len(), &draining[0]["lastStatus"]), (2, &json!("DEACTIVATING")));
    assert!(tasks(&story, &id, "RUNNING").await.iter().all(|task| task["healthStatus"] == "HEALTHY"));
}

#[tokio::test]
async fn a_slow_rollout_adds_a_task_now_and_then_and_completes() {
    let story = of(Rollout::Slow { every: 3 });
    let (_, arn) = story.deploy("v2").await;
    let mut seen = Vec::new();
    loop {
        let look = story.deployment(&arn).await;
        if look["status"] == "SUCCESSFUL" {
            break;
        }
        seen.push(look["targetServiceRevision"]["runningTaskCount"].as_i64().unwrap());
    }
    assert_eq!(seen, [0, 0, 1, 1, 1, 2]);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html>
#[tokio::test]
async fn tasks_that_come_and_go_trip_only_a_breaker_that_adds_up() {
    let troubles = || vec![Trouble::exit(1), Trouble::out_of_memory(), Trouble::failed_health_check()];
    let story = of(Rollout::Flapping { troubles: troubles() });
    let (id, arn) = story.deploy("v2").await;
    for _ in 0..30 {
        assert_eq!(story.deployment(&arn).await["status"], "IN_PROGRESS");
    }
    let mut ends: Vec<String> =
        tasks(&story, &id, "STOPPED").await.iter().map(|task| task["containers"][0]["exitCode"].to_string()).collect();
    ends.sort();
    ends.dedup();
    assert_eq!(ends, ["1", "137", "143"]);
    assert!(has_event(&story.service().await, "is unable to consistently start tasks"));

    let adding = json!({"enable": true, "rollback": true, "resetOnHealthyTask": false,
        "thresholdConfiguration": {"type": "COUNT", "value": 5}});
    let story = changed(Rollout::Flapping { troubles: troubles() }, |service| {
        service.configure("deploymentCircuitBreaker", adding);
    });
    let (_, arn) = story.deploy("v2").await;
    let back = story.until(&arn, "ROLLBACK_IN_PROGRESS").await;
    assert_eq!(back["deploymentCircuitBreaker"], json!({"status": "TRIGGERED", "failureCount": 5, "threshold": 5}));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html>
#[tokio::test]
async fn the_breakers_threshold_follows_the_desired_count_within_its_bounds() {
    for (desired, settings, threshold) in [
        (2, Value::Null, 3),
        (20, Value::Null, 10),
        (900, Value::Null, 200),
        (2, json!({"type": "UNBOUNDED_PERCENT", "value": 50}), 1),
        (2, json!({"type": "COUNT", "value": 7}), 7),
        (30, json!({"type": "BOUNDED_PERCENT", "value": 25}), 8),
    ] {
        let mut breaker = json!({"enable": true, "rollback": true});
        if !settings.is_null() {
            breaker["thresholdConfiguration"] = settings;
        }
        let mut service = Service::running("prod", "web", desired);
        service.configure("deploymentCircuitBreaker", breaker);
        let story = Story::of(World::default().with_service(service, "web:7"));
        let (_, arn) = story.deploy("v2").await;
        assert_eq!(story.deployment(&arn).await["deploymentCircuitBreaker"]["threshold"], threshold);
    }
}

#[tokio::test]
async fn stops_that_are_nobodys_fault_fail_nothing() {
    let stops = vec![Trouble::spot(), Trouble::scaled_in("ecs-svc/1")];
    let story = of(Rollout::Interrupted { after: 4, stops });
    let (id, arn) = story.deploy("v2").await;
    let ended = story.until(&arn, "SUCCESSFUL").await;
    assert_eq!(ended["deploymentCircuitBreaker"]["failureCount"], 0);
    let stopped = tasks(&story, &id, "STOPPED").await;
    let mut codes: Vec<&str> = stopped.iter().map(|task| task["stopCode"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["ServiceSchedulerInitiated", "SpotInterruption"]);
}

#[tokio::test]
async fn a_blocked_rollout_says_why_once() {
    let event = "was unable to place a task because no container instance met all of its requirements.";
    let story = of(Rollout::Blocked { running: 0, event: event.into() });
    let (_, arn) = story.deploy("v2").await;
    for _ in 0..5 {
        assert_eq!(story.deployment(&arn).await["status"], "IN_PROGRESS");
    }
    let service = story.service().await;
    let said = service["events"].as_array().unwrap().iter();
    assert_eq!(said.filter(|said| said["message"].as_str().unwrap().ends_with(event)).count(), 1);
}

#[tokio::test]
async fn somebody_may_force_the_same_revision_again() {
    let story = of(Rollout::Refreshed { after: 2 });
    let (id, arn) = story.deploy("v2").await;
    story.until(&arn, "STOPPED").await;
    let service = story.service().await;
    assert_ne!(service["deployments"][0]["id"], id);
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:8"));
}

#[tokio::test]
async fn a_deleted_cluster_is_not_found_any_more() {
    let story = of(Rollout::ClusterGone { after: 1 });
    let (_, arn) = story.deploy("v2").await;
    assert_eq!(story.service().await["status"], "DRAINING");
    story.service().await;
    let gone = story.ecs("DescribeServices", json!({"cluster": "prod", "services": ["web"]})).await;
    assert_eq!(gone["__type"], "ClusterNotFoundException");
    let missing = story.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]})).await;
    assert_eq!(missing["failures"][0]["reason"], "MISSING");
}

#[tokio::test]
async fn somebody_elses_deployment_is_under_way_before_ours() {
    for (script, status) in [
        (Rollout::Succeed { after: 3 }, "SUCCESSFUL"),
        (Rollout::CircuitBreaker { failures: 2, rollback: true, trouble: Trouble::exit(1) }, "ROLLBACK_SUCCESSFUL"),
    ] {
        let story = Story::of(World::default().with_rival("web", script));
        let service = story.service().await;
        assert_eq!(service["deployments"].as_array().unwrap().len(), 2);
        assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:8"));
        story.until(service["currentServiceDeployment"].as_str().unwrap(), status).await;
    }
}

#[tokio::test]
async fn the_agenda_brings_a_rival_after_ours_and_a_person_who_stops() {
    let rival = |service: &mut Service| service.agenda.push((9, Happening::Rival(Rollout::Succeed { after: 2 })));
    let story = changed(Rollout::Succeed { after: 2 }, rival);
    let (id, arn) = story.deploy("v2").await;
    story.until(&arn, "SUCCESSFUL").await;
    for _ in 0..9 {
        story.service().await;
    }
    assert_ne!(story.service().await["deployments"][0]["id"], id);
    assert_eq!(story.deployment(&arn).await["status"], "SUCCESSFUL");
    let story = changed(Rollout::Stall { running: 1 }, |service| service.agenda.push((3, Happening::Stop)));
    let (_, arn) = story.deploy("v2").await;
    story.until(&arn, "ROLLBACK_SUCCESSFUL").await;
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html>
#[tokio::test]
async fn a_stop_goes_through_all_its_states_even_without_rollback_configured() {
    let story = changed(Rollout::Stall { running: 1 }, |service| service.breaker(false, false));
    let (_, arn) = story.deploy("v2").await;
    story.deployment(&arn).await;
    story.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"})).await;
    let listed = story.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await;
    assert_eq!(listed["serviceDeployments"][0]["status"], "ROLLBACK_REQUESTED");
    for status in ["ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"] {
        assert_eq!(story.deployment(&arn).await["status"], status);
    }
    let unknown = story.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": format!("{arn}x")})).await;
    assert_eq!(unknown["__type"], "ServiceDeploymentNotFoundException");
}

#[tokio::test]
async fn the_way_back_may_fail_stall_or_come_too_late() {
    let stopped = async |way: WayBack| {
        let story = changed(Rollout::Stall { running: 1 }, |service| service.way_back = way);
        let (_, arn) = story.deploy("v2").await;
        story.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn})).await;
        (story, arn)
    };
    let (story, arn) = stopped(WayBack::Fails).await;
    story.until(&arn, "ROLLBACK_FAILED").await;
    let (story, arn) = stopped(WayBack::TooLate).await;
    story.until(&arn, "SUCCESSFUL").await;
    let (story, arn) = stopped(WayBack::Stalls).await;
    for _ in 0..30 {
        assert_eq!(story.deployment(&arn).await["status"], "ROLLBACK_IN_PROGRESS");
    }
    let story = of(Rollout::RollbackStalls { failures: 1, trouble: Trouble::exit(1) });
    let (_, arn) = story.deploy("v2").await;
    for _ in 0..30 {
        assert_eq!(story.deployment(&arn).await["status"], "ROLLBACK_IN_PROGRESS");
    }
    assert_eq!(story.service().await["runningCount"], 1);
}

#[tokio::test]
async fn an_update_during_the_way_back_ends_it() {
    let story = of(Rollout::RollbackStalls { failures: 1, trouble: Trouble::exit(1) });
    let (_, arn) = story.deploy("v2").await;
    story.until(&arn, "ROLLBACK_IN_PROGRESS").await;
    let (id, after) = story.deploy("v0").await;
    assert_eq!(story.deployment(&arn).await["status"], "ROLLBACK_FAILED");
    story.until(&after, "SUCCESSFUL").await;
    assert_eq!(story.service().await["deployments"][0]["id"], id);
}

#[tokio::test]
async fn an_update_back_to_the_old_revision_goes_as_the_next_script_says() {
    let broken = || Rollout::CircuitBreaker { failures: 2, rollback: false, trouble: Trouble::exit(1) };
    let story = Story::of(World::default().rollout("web", broken()).rollout("web", Rollout::Succeed { after: 2 }));
    let (_, arn) = story.deploy("v2").await;
    story.until(&arn, "STOPPED").await;
    story.ecs("UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:7"})).await;
    let back = story.service().await["currentServiceDeployment"].as_str().unwrap().to_owned();
    story.until(&back, "SUCCESSFUL").await;
    let service = story.service().await;
    assert_eq!((service["deployments"].as_array().unwrap().len(), &service["runningCount"]), (1, &json!(2)));
}

#[tokio::test]
async fn the_first_deployment_that_is_ours_has_nothing_to_go_back_to() {
    let mut service = Service::running("prod", "web", 2);
    service.script.push_back(Rollout::Stall { running: 0 });
    service.script.push_back(Rollout::CircuitBreaker { failures: 1, rollback: true, trouble: Trouble::exit(1) });
    let mut world = World::default();
    world.ecs.services.clear();
    let story = Story::of(world.with_new_service(service, "web:7"));
    let (_, arn) = story.deploy("v2").await;
    let ended = story.until(&arn, "ROLLBACK_FAILED").await;
    assert_eq!(ended["statusReason"], "No rollback candidate was found to run the rollback.");
}

#[tokio::test]
async fn a_deployment_may_be_pending_before_it_starts() {
    let story = changed(Rollout::Succeed { after: 1 }, |service| service.starts_after = 2);
    let (_, arn) = story.deploy("v2").await;
    let look = story.deployment(&arn).await;
    assert_eq!((&look["status"], look.get("startedAt")), (&json!("PENDING"), None));
    assert!(story.until(&arn, "SUCCESSFUL").await.get("startedAt").is_some());
}

#[tokio::test]
async fn a_daemons_old_tasks_stop_before_the_new_ones_start_and_its_count_follows_the_cluster() {
    let mut service = Service::daemon("prod", "web", 3);
    service.script.push_back(Rollout::Succeed { after: 4 });
    let mut world = World::default().with_service(service, "web:7");
    world.change_service("web", |service| service.autoscaling.push((6, 4)));
    let story = Story::of(world);
    let (_, arn) = story.deploy("v2").await;
    for _ in 0..3 {
        assert!(story.service().await["runningCount"].as_i64().unwrap() <= 3);
    }
    story.until(&arn, "SUCCESSFUL").await;
    story.service().await;
    assert_eq!(story.service().await["desiredCount"], 4);
}

#[tokio::test]
async fn a_rolling_deployment_bakes_for_its_alarms() {
    let story = changed(Rollout::Succeed { after: 1 }, |service| {
        service.configure("bakeTimeInMinutes", json!(4));
        service.configure("alarms", json!({"enable": true, "rollback": true, "alarmNames": ["5xx", "p99"]}));
    });
    let (_, arn) = story.deploy("v2").await;
    for _ in 0..4 {
        let look = story.deployment(&arn).await;
        assert_eq!((&look["status"], &look["alarms"]["status"]), (&json!("IN_PROGRESS"), &json!("MONITORING")));
    }
    assert_eq!(story.until(&arn, "SUCCESSFUL").await["alarms"]["alarmNames"], json!(["5xx", "p99"]));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>
#[tokio::test]
async fn each_container_of_a_failed_task_says_how_it_ended() {
    let trouble = Trouble::exit(3).of("proxy").writing(&["no upstream"]);
    let story = of(Rollout::CrashLoop { trouble });
    let mut definition = lock(&story.0).web_definition("v2");
    let proxy = json!({"name": "proxy", "image": "public.ecr.aws/nginx/nginx:1", "logConfiguration": {"logDriver": "awslogs",
        "options": {"awslogs-group": "/ecs/web", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "p"}}});
    definition["containerDefinitions"].as_array_mut().unwrap().push(proxy);
    story.ecs("RegisterTaskDefinition", definition).await;
    let updated =
        story.ecs("UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:8"})).await;
    story.service().await;
    let id = updated["service"]["deployments"][0]["id"].as_str().unwrap();
    let task = tasks(&story, id, "STOPPED").await.remove(0);
    let containers = task["containers"].as_array().unwrap();
    let ends: Vec<(&str, i64)> = containers
        .iter()
        .map(|container| (container["name"].as_str().unwrap(), container["exitCode"].as_i64().unwrap()))
        .collect();
    assert_eq!(ends, [("web", 143), ("proxy", 3)]);
    assert_ne!(containers[0]["runtimeId"], containers[1]["runtimeId"]);
    let address = &containers[1]["networkInterfaces"][0]["privateIpv4Address"];
    let details = task["attachments"][0]["details"].as_array().unwrap();
    assert!(details.iter().any(|detail| detail["name"] == "privateIPv4Address" && detail["value"] == *address));
    let time = |name: &str| task[name].as_f64().unwrap();
    let order = ["createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt", "stoppedAt"].map(time);
    assert!(order.is_sorted());
    let streams: Vec<String> = lock(&story.0).logs.streams.keys().map(|(_, _, stream)| stream.clone()).collect();
    assert!(streams[0].starts_with("p/proxy/"));
}

#[tokio::test]
async fn a_failed_health_check_shows_at_its_container() {
    let story = of(Rollout::CrashLoop { trouble: Trouble::failed_health_check() });
    let (id, arn) = story.deploy("v2").await;
    story.deployment(&arn).await;
    let task = tasks(&story, &id, "STOPPED").await.remove(0);
    assert_eq!(
        (&task["healthStatus"], &task["containers"][0]["healthStatus"]),
        (&json!("UNHEALTHY"), &json!("UNHEALTHY"))
    );
    assert_eq!(task["stoppedReason"], "Task failed container health checks");
}

#[tokio::test]
async fn tasks_are_listed_in_pages_and_by_filter() {
    let story = Story::of(World::default().with_service(Service::running("prod", "web", 5), "web:7"));
    let mut input = json!({"cluster": "prod", "family": "web", "maxResults": 2});
    let mut seen = 0;
    loop {
        let page = story.ecs("ListTasks", input.clone()).await;
        seen += page["taskArns"].as_array().unwrap().len();
        let Some(next) = page.get("nextToken") else { break };
        input["nextToken"] = next.clone();
    }
    assert_eq!(seen, 5);
    let count = async |filter: Value| story.ecs("ListTasks", filter).await["taskArns"].as_array().map_or(0, Vec::len);
    assert_eq!(count(json!({"cluster": "prod", "launchType": "EC2"})).await, 0);
    assert_eq!(count(json!({"cluster": "prod", "serviceName": "web", "launchType": "FARGATE"})).await, 5);
    let both = json!({"cluster": "prod", "serviceName": "web", "startedBy": "ecs-svc/1"});
    assert_eq!(story.ecs("ListTasks", both).await["__type"], "InvalidParameterException");
}
