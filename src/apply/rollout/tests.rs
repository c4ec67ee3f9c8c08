#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

use super::*;
use crate::inputs::Until;
use crate::model::task::Task;
use serde_json::{Value, json};

/// A story is reads separated by `|`, each of them words:
/// `@30` the time in seconds; `2P8i1/2` deployment 2, PRIMARY (A: ACTIVE), of web:8, `IN_PROGRESS` (c: COMPLETED,
/// f: FAILED, -: no state), 1 of 2 tasks running; `~` after it: its reason is that ECS goes back to it;
/// `sd=STATUS` our service deployment, `+cb` breaker tripped, `+alarm` alarm tripped, `+hook` a hook's sentence,
/// `+net` the network's; any other word as in `words`. Ours is 2 of web:8, before it was 1 of web:7.
fn tell(story: &str) -> String {
    let mut goal = Goal {
        service: "web".to_owned(),
        deployment_id: "ecs-svc/2".to_owned(),
        created_at: Some(20.0),
        task_definition: "web:8".to_owned(),
        desired_count: 2,
        previous_deployment_id: Some("ecs-svc/1".to_owned()),
        previous_task_definition: Some("web:7".to_owned()),
        ..Goal::default()
    };
    let mut facts = Facts::default();
    let mut configuration = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": false } });
    let (mut clock, mut balanced) = (true, false);
    for read in story.split('|') {
        let mut service = json!({ "status": "ACTIVE", "desiredCount": 2, "deployments": [], "events": [] });
        let mut told = true;
        let mut tasks = None;
        for word in read.split_whitespace() {
            match word {
                "rollback-on" => configuration["deploymentCircuitBreaker"]["rollback"] = true.into(),
                "blue-green" => configuration["strategy"] = "BLUE_GREEN".into(),
                "absent" => facts.lose_service_deployment(),
                "unread" => told = false,
                "late" => facts.late = true,
                "no-clock" => clock = false,
                "no-cluster" => {
                    facts.read_no_cluster();
                    told = false;
                }
                "gone" => {
                    facts.read_no_service();
                    told = false;
                }
                "draining" => service["status"] = "DRAINING".into(),
                "desired=0" => service["desiredCount"] = 0.into(),
                "desired=3" => service["desiredCount"] = 3.into(),
                "first" => (goal.previous_deployment_id, goal.previous_task_definition) = (None, None),
                "until=healthy" => goal.until = Until::Healthy,
                "until=paused" => goal.until = Until::Paused,
                word if word.starts_with("until=") => goal.until = Until::Stage(word[6..].to_owned()),
                "checked" => goal.has_health_check = true,
                "balanced" => balanced = true,
                "min=50" => configuration["minimumHealthyPercent"] = 50.into(),
                word if word.starts_with("tasks=") => tasks = Some(word[6..].to_owned()),
                "settings" => goal.previous_deployment_id = Some(goal.deployment_id.clone()),
                "same-revision" => goal.previous_task_definition = Some("web:8".to_owned()),
                "event" => {
                    service["events"] = json!([{ "id": "e", "createdAt": 1.0,
                        "message": "(service web) rolling back to deployment ecs-svc/3." }]);
                }
                word if word.starts_with('@') => facts.now = Duration::from_secs(word[1..].parse().unwrap()),
                word if word.starts_with("sd=") => facts.read_service_deployment(service_deployment(&word[3..])),
                word => service["deployments"].as_array_mut().unwrap().push(deployment(word, clock)),
            }
        }
        if told {
            service["deploymentConfiguration"] = configuration.clone();
            let count = |key: &str| -> i64 {
                service["deployments"].as_array().unwrap().iter().map(|one| one[key].as_i64().unwrap()).sum()
            };
            service["runningCount"] = count("runningCount").into();
            if balanced {
                service["loadBalancers"] = json!([{ "targetGroupArn": "tg" }]);
            }
            facts.read_service(serde_json::from_value(service).unwrap(), &goal);
        }
        if let Some(tasks) = tasks {
            facts.read_tasks(&tasks.chars().map(task).collect::<Vec<_>>(), None, &goal);
        }
    }
    match judge(&facts, &goal) {
        Rollout::Moving(phase) => format!("{phase:?}").to_lowercase(),
        Rollout::Ended(ending) => {
            let code = ending.code.map(Code::slug).filter(|slug| *slug != ending.verdict.name());
            let phase = ending.phase.map(|phase| format!("{phase:?}").to_lowercase());
            let reached = match &ending.reached {
                Some(Reached::Healthy) => Some("healthy"),
                Some(Reached::Stage(stage)) => Some(stage.as_str()),
                Some(Reached::Pause(hook, _)) => Some(hook.hook_id.as_str()),
                None => None,
            };
            let words = [Some(ending.verdict.name()), code, ending.superseded_by.as_deref(), phase.as_deref(), reached];
            words.into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
    }
}

fn deployment(word: &str, clock: bool) -> Value {
    let (word, back) = word.strip_suffix('~').map_or((word, false), |word| (word, true));
    let (head, desired) = word.split_once('/').expect(word);
    let letters: Vec<char> = head.chars().collect();
    let id = letters[0].to_digit(10).unwrap();
    let state = match letters[3] {
        'i' => json!("IN_PROGRESS"),
        'c' => json!("COMPLETED"),
        'f' => json!("FAILED"),
        _ => Value::Null,
    };
    let reason = match letters[3] {
        _ if back => format!("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/{id}."),
        'f' => "ECS deployment circuit breaker: tasks failed to start.".to_owned(),
        _ => String::new(),
    };
    json!({ "id": format!("ecs-svc/{id}"), "status": if letters[1] == 'P' { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": format!("web:{}", letters[2]), "rolloutState": state, "rolloutStateReason": reason,
        "runningCount": letters[4..].iter().collect::<String>().parse::<i64>().unwrap(),
        "desiredCount": desired.parse::<i64>().unwrap(),
        "createdAt": if clock { json!(id * 10) } else { Value::Null } })
}

fn service_deployment(word: &str) -> ServiceDeployment {
    let mut parts = word.split('+');
    let mut deployment = ServiceDeployment { status: parts.next().unwrap().to_owned(), ..Default::default() };
    let monitor = |name: &str| json!({ "status": "TRIGGERED", "triggeredAlarmNames": [name], "failureCount": 3 });
    for part in parts {
        let because = "Service deployment rolled back because";
        match part {
            "cb" => deployment.deployment_circuit_breaker = Some(serde_json::from_value(monitor("")).unwrap()),
            "alarm" => deployment.alarms = Some(serde_json::from_value(monitor("errors")).unwrap()),
            "cb-text" => {
                deployment.status_reason = Some(format!("{because} the circuit breaker threshold was exceeded."));
            }
            "hook" => deployment.status_reason = Some(format!("{because} POST_SCALE_UP lifecycle hook(s) failed.")),
            "pause" => deployment.status_reason = Some(format!("{because} POST_SCALE_UP pause hook timed out.")),
            "net" => deployment.status_reason = Some(format!("{because} of invalid networking configuration: X")),
            "badhook" => {
                deployment.lifecycle_hook_details = vec![hook("h1", "AWS_LAMBDA", "FAILED")];
            }
            "pause1" => deployment.lifecycle_hook_details = vec![hook("p1", "PAUSE", "AWAITING_ACTION")],
            "continued" => deployment.lifecycle_hook_details = vec![hook("p1", "PAUSE", "SUCCEEDED")],
            "lambda" => deployment.lifecycle_hook_details = vec![hook("h1", "AWS_LAMBDA", "AWAITING_ACTION")],
            "all" => {
                let weights = json!({ "requestedProductionTrafficWeight": 100.0 });
                deployment.target_service_revision = Some(serde_json::from_value(weights).unwrap());
            }
            "tenth" => {
                let weights = json!({ "requestedProductionTrafficWeight": 10.0 });
                deployment.target_service_revision = Some(serde_json::from_value(weights).unwrap());
            }
            stage if stage == stage.to_ascii_uppercase() => deployment.lifecycle_stage = Some(stage.to_owned()),
            "none" => {
                deployment.status_reason = Some("No rollback candidate was found to run the rollback.".to_owned());
            }
            other => unreachable!("{other}"),
        }
    }
    deployment
}

/// A task of ours that runs (H: HEALTHY, U: UNHEALTHY, ?: UNKNOWN, p: not running yet), or o: a healthy one of the
/// deployment before.
fn task(letter: char) -> Task {
    let health = match letter {
        'U' => "UNHEALTHY",
        '?' => "UNKNOWN",
        _ => "HEALTHY",
    };
    Task {
        started_by: Some(if letter == 'o' { "ecs-svc/1" } else { "ecs-svc/2" }.to_owned()),
        last_status: if letter == 'p' { "PENDING" } else { "RUNNING" }.to_owned(),
        health_status: Some(health.to_owned()),
        ..Task::default()
    }
}

fn hook(id: &str, target: &str, status: &str) -> LifecycleHook {
    LifecycleHook {
        hook_id: id.to_owned(),
        target_type: target.to_owned(),
        status: status.to_owned(),
        ..LifecycleHook::default()
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn every_ending_has_its_true_verdict() {
    let table = [
        // Our service deployment is known.
        ("it is successful", "1A7c0/0 2P8c2/2 sd=SUCCESSFUL", "succeeded"),
        ("early success while old tasks run", "1A7c2/2 2P8i2/2 sd=SUCCESSFUL", "succeeded"),
        ("successful, the read of the service is old", "1P7c2/2 sd=SUCCESSFUL", "succeeded"),
        (
            "successful after all, a rollback was asked for too late",
            "2P8c2/2 sd=ROLLBACK_REQUESTED | 2P8c2/2 sd=SUCCESSFUL",
            "succeeded",
        ),
        ("successful, then another one began", "2A8c2/2 3P9i0/2 sd=SUCCESSFUL", "succeeded"),
        ("desired count 0", "desired=0 2P8c0/0 sd=SUCCESSFUL", "succeeded"),
        ("it waits", "1A7c2/2 2P8i0/2 sd=PENDING", "forward"),
        ("it goes on", "1A7c2/2 2P8i1/2 sd=IN_PROGRESS", "forward"),
        ("complete in the list, but the bake time goes on", "blue-green 1A7c2/2 2P8c2/2 sd=IN_PROGRESS", "forward"),
        ("a status that nobody knows yet", "2P8c2/2 sd=TELEPORTING", "forward"),
        ("a status that nobody knows yet, at the limit", "2P8c2/2 sd=TELEPORTING late", "timed-out forward"),
        ("still going at the limit", "1A7c2/2 2P8i1/2 sd=IN_PROGRESS late", "timed-out forward"),
        ("a crash loop without a breaker, at the limit", "1A7c2/2 2P8i0/2 sd=IN_PROGRESS late", "timed-out forward"),
        ("it is being rolled back", "2A8f0/2 3P7i1/2~ sd=ROLLBACK_IN_PROGRESS+cb", "back"),
        ("it is being rolled back at the limit", "2A8f0/2 3P7i1/2~ sd=ROLLBACK_IN_PROGRESS+cb late", "timed-out back"),
        ("rolled back by the breaker", "3P7c2/2 sd=ROLLBACK_SUCCESSFUL+cb", "rolled-back circuit-breaker"),
        (
            "rolled back by the breaker, by its sentence",
            "3P7c2/2 sd=ROLLBACK_SUCCESSFUL+cb-text",
            "rolled-back circuit-breaker",
        ),
        ("rolled back by an alarm", "3P7c2/2 sd=ROLLBACK_SUCCESSFUL+alarm", "rolled-back alarm-triggered"),
        ("rolled back by a hook", "3P7c2/2 sd=ROLLBACK_SUCCESSFUL+hook", "rolled-back hook-failed"),
        ("rolled back by a pause that nobody ended", "3P7c2/2 sd=ROLLBACK_SUCCESSFUL+pause", "rolled-back hook-failed"),
        ("rolled back for the network", "3P7c2/2 sd=ROLLBACK_SUCCESSFUL+net", "rolled-back deployment-failed"),
        (
            "rolled back by a person",
            "2P8i1/2 sd=ROLLBACK_REQUESTED | 3P7c2/2 sd=ROLLBACK_SUCCESSFUL",
            "rolled-back stopped-by-hand",
        ),
        (
            "rolled back to the same revision after a forced deployment",
            "same-revision 3P8c2/2 sd=ROLLBACK_SUCCESSFUL+cb",
            "rolled-back circuit-breaker",
        ),
        (
            "rolled back to the very deployment before",
            "1P7c2/2 2A8f0/2 sd=ROLLBACK_SUCCESSFUL+cb",
            "rolled-back circuit-breaker",
        ),
        ("rolled back, but the earlier revision does not serve yet", "3P7i1/2~ sd=ROLLBACK_SUCCESSFUL+cb", "settling"),
        (
            "rolled back, and the service is never seen to settle",
            "3P7i1/2~ sd=ROLLBACK_SUCCESSFUL+cb | @20 3P7i1/2~",
            "rolled-back circuit-breaker",
        ),
        ("the rollback failed", "2P8f0/2 sd=ROLLBACK_FAILED+cb+none", "rollback-failed circuit-breaker"),
        ("stopped by the breaker with rollback off", "1A7c2/2 2P8f0/2 sd=STOPPED+cb", "failed circuit-breaker"),
        ("stopped, the list says failed", "1A7c2/2 2P8f0/2 sd=STOPPED", "failed circuit-breaker"),
        ("stopped by an alarm with rollback off", "1A7c2/2 2P8i2/2 sd=STOPPED+alarm", "failed alarm-triggered"),
        ("stopped, and an old read shows one from before ours", "0P6i0/2 sd=STOPPED", "settling"),
        ("stopped, nobody took over yet", "1A7c2/2 2P8i1/2 sd=STOPPED", "settling"),
        ("stopped, nobody ever took over", "2P8i1/2 sd=STOPPED | @20 2P8i1/2", "failed deployment-failed"),
        ("stopped, and the one before is there", "1P7c2/2 sd=STOPPED | @20 1P7c2/2", "failed deployment-failed"),
        ("superseded", "1A7c2/2 2A8i1/2 3P9i0/2 sd=STOPPED", "superseded web:9"),
        ("superseded, the read of the service lags", "2P8i1/2 sd=STOPPED | @5 2A8i1/2 3P9i0/2", "superseded web:9"),
        (
            "superseded by one that is gone again",
            "2A8i1/2 3P9i0/2 sd=STOP_REQUESTED | @5 1P7c2/2 sd=STOPPED",
            "superseded web:9",
        ),
        (
            "superseded by one that ECS goes back from",
            "3P9i0/2 sd=STOP_REQUESTED | @5 event 1P7i2/2~ 3A9f0/2 sd=STOPPED",
            "superseded web:9",
        ),
        (
            "stopped, and nobody saw the service since",
            "1A7c2/2 2P8i1/2 | @30 sd=STOPPED unread | @60 unread late",
            "timed-out settling",
        ),
        ("superseded by the same revision", "2A8i1/2 3P8i0/2 sd=STOPPED", "superseded web:8"),
        ("superseded by the revision before ours", "2A8i1/2 3P7i0/2 sd=STOPPED", "superseded web:7"),
        ("superseded, times unknown", "no-clock 2A8i1/2 3P9i0/2 sd=STOPPED", "superseded web:9"),
        ("another one began, ours is not stopped yet", "2A8i1/2 3P9i0/2 sd=STOP_REQUESTED", "settling"),
        (
            "another one began, ours is never told to be stopped",
            "2A8i1/2 3P9i0/2 sd=STOP_REQUESTED late",
            "superseded web:9",
        ),
        ("it is being stopped, and nobody took over", "2P8i1/2 sd=STOP_REQUESTED late", "timed-out settling"),
        ("it is being stopped because it failed", "1A7c2/2 2P8f0/2 sd=STOP_REQUESTED+cb", "settling"),
        ("the same at the limit", "1A7c2/2 2P8f0/2 sd=STOP_REQUESTED+cb late", "failed circuit-breaker"),
        (
            "a person stopped it, and there was nothing to go back to",
            "2P8i1/2 sd=ROLLBACK_REQUESTED | @20 2P8i1/2 sd=STOPPED late",
            "failed stopped-by-hand",
        ),
        (
            "a person rolls it back before it begins",
            "1A7c2/2 2P8i0/2 sd=PENDING | 1A7c2/2 2P8i0/2 sd=ROLLBACK_REQUESTED",
            "back",
        ),
        ("a person wants it back after it was done", "2P8c2/2 sd=SUCCESSFUL | 3P7c2/2", "succeeded"),
        ("an old read of it after it fell", "3P7i1/2~ sd=ROLLBACK_IN_PROGRESS+cb | 3P7i1/2~ sd=IN_PROGRESS", "back"),
        ("an old read of it, the list says failed, rollback on", "rollback-on 1A7c2/2 2P8f0/2 sd=IN_PROGRESS", "back"),
        ("an old read of it, the list says failed, rollback off", "1A7c2/2 2P8f0/2 sd=IN_PROGRESS", "settling"),
        ("rolled back by a hook, no sentence", "3P7c2/2 sd=ROLLBACK_SUCCESSFUL+badhook", "rolled-back hook-failed"),
        (
            "rolled back, then another one began",
            "3A7c2/2 4P9i0/2 sd=ROLLBACK_SUCCESSFUL+cb | @20 3A7c2/2 4P9i0/2",
            "rolled-back circuit-breaker",
        ),
        (
            "a desired count changed by somebody supersedes nothing",
            "1A7c2/2 2P8i1/2 sd=IN_PROGRESS | desired=3 1A7c2/2 2P8i2/3",
            "forward",
        ),
        (
            "a new service whose first deployment fails",
            "first 2P8f0/2 sd=ROLLBACK_FAILED+cb+none",
            "rollback-failed circuit-breaker",
        ),
        ("a new service whose first deployment goes well", "first 2P8c2/2 sd=SUCCESSFUL", "succeeded"),
        ("a daemon on a cluster that grows", "desired=3 1A7c1/1 2P8i2/3 sd=IN_PROGRESS", "forward"),
        ("a daemon that is everywhere", "desired=3 2P8c3/3 sd=SUCCESSFUL", "succeeded"),
        ("paused by a hook, which is waited through", "blue-green 1A7c2/2 2P8i2/2 sd=IN_PROGRESS+pause1", "forward"),
        ("paused at the limit", "blue-green 1A7c2/2 2P8i2/2 sd=IN_PROGRESS+pause1 late", "timed-out forward"),
        ("the service is deleted", "draining 2P8i1/2 sd=IN_PROGRESS", "failed service-gone"),
        ("the service is gone", "2P8i1/2 | gone | gone | gone", "failed service-gone"),
        ("a read without the service", "2P8i1/2 sd=IN_PROGRESS | gone", "forward"),
        ("the cluster is gone", "2P8i1/2 | no-cluster", "failed service-gone"),
        // There is no such API: the list of deployments decides.
        ("completed", "absent 1A7c0/2 2P8c2/2", "succeeded"),
        ("completed while old tasks drain", "absent 1A7c1/0 2P8c2/2", "succeeded"),
        ("completed, before the service deployment was found", "2P8c2/2", "succeeded"),
        ("running as many as asked is not completed", "absent 2P8i2/2", "forward"),
        ("without a state, all run", "absent 2P8-2/2", "succeeded"),
        ("without a state, old ones still run", "absent 1A7-1/0 2P8-2/2", "forward"),
        ("without a state, not yet asked for any", "absent 1A7-2/2 2P8-0/0", "forward"),
        ("completed, but not with our revision", "absent 2P7c2/2", "forward"),
        ("blue and green run side by side", "absent blue-green 1A7c2/2 2P8c2/2", "forward"),
        ("blue's tasks are gone, and it is still listed", "absent blue-green 1A7c0/0 2P8c2/2", "succeeded"),
        ("green is alone, and its service deployment is looked for", "blue-green 2P8c2/2", "forward"),
        ("the same at the limit", "blue-green 2P8c2/2 late", "succeeded"),
        ("blue is cleaned up", "absent blue-green 2P8c2/2", "succeeded"),
        ("failed, rollback off", "absent 1A7c2/2 2P8f0/2", "failed circuit-breaker"),
        ("failed, rollback on", "absent rollback-on 1A7c2/2 2P8f0/2", "back"),
        (
            "failed, rollback on, but nothing to go back to",
            "absent rollback-on 2P8f0/2 | @70 2P8f0/2",
            "failed circuit-breaker",
        ),
        ("failed, rollback on, at the limit", "absent rollback-on 1A7c2/2 2P8f0/2 late", "failed circuit-breaker"),
        ("failed, and the service deployment may still tell more", "2P8f0/2", "back"),
        ("rolling back", "absent 2P8f0/2 | 2A8f0/2 3P7i1/2~", "back"),
        ("rolled back", "absent 2P8f0/2 | 2A8f0/2 3P7c2/2", "rolled-back circuit-breaker"),
        (
            "rolled back, ours is not listed any more",
            "absent rollback-on 2P8f0/2 | 3P7c2/2",
            "rolled-back circuit-breaker",
        ),
        ("rolled back, FAILED was never seen", "absent 2P8i0/2 | 3P7i1/2~ | 3P7c2/2", "rolled-back deployment-failed"),
        ("rolled back, told by an event", "absent 2P8i0/2 | event 3P7c2/2", "rolled-back deployment-failed"),
        (
            "rolled back to the very deployment before, FAILED stays listed",
            "absent 1P7c2/2 2A8f0/2",
            "rolled-back circuit-breaker",
        ),
        ("the way back fails too", "absent 2A8f0/2 3P7f0/2~", "rollback-failed circuit-breaker"),
        ("superseded", "absent 1A7c2/2 2A8i1/2 3P9i0/2", "superseded web:9"),
        ("superseded, and the other one is done", "absent 3P9c2/2", "superseded web:9"),
        ("superseded by the revision before ours", "absent 2P8i1/2 | 2A8i1/2 3P7i0/2", "superseded web:7"),
        ("rolled back, while the service deployment is looked for", "2P8f0/2 | 2A8f0/2 3P7c2/2", "back"),
        ("the same at the limit", "2P8f0/2 | 2A8f0/2 3P7c2/2 late", "rolled-back circuit-breaker"),
        ("the way back fails, while the service deployment is looked for", "2A8f0/2 3P7f0/2~", "back"),
        ("ours had failed, and somebody took over", "absent 1A7c2/2 2A8f0/2 3P9i0/2", "superseded web:9"),
        ("superseded, while the service deployment is looked for", "2A8i1/2 3P9i0/2", "settling"),
        ("the first read is old", "absent 1P7c2/2", "unseen"),
        ("an old read after a fresh one", "absent 2P8i1/2 | 1P7c2/2", "settling"),
        ("the read is old and shows one that began between", "absent no-clock 9P6i0/2", "unseen"),
        (
            "the deployment before is back for a minute",
            "absent 2P8i1/2 | @10 1P7c2/2 | @75 1P7c2/2",
            "rolled-back deployment-failed",
        ),
        (
            "the deployment before is there for a whole minute",
            "absent 1P7c2/2 | @60 1P7c2/2",
            "rolled-back deployment-failed",
        ),
        ("still old at the limit", "absent 1P7c2/2 late", "timed-out unseen"),
        ("no primary deployment", "absent 2A8i1/2", "unseen"),
        // ECS began no deployment.
        ("only settings changed", "settings absent 2P8c2/2", "succeeded"),
        ("tasks asked for are not there yet", "settings absent 2P8c1/2", "forward"),
        ("the read does not know the new desired count yet", "settings absent desired=3 2P8c3/3", "forward"),
        ("desired count moved on by autoscaling", "settings absent desired=3 @70 2P8c3/3", "succeeded"),
        ("the deployment there is has failed", "settings absent rollback-on 2P8f0/2", "failed circuit-breaker"),
        ("another one took over", "settings absent 2A8c2/2 3P9i0/2", "superseded web:9"),
    ];
    assert!(table.len() >= 40);
    let told = table.map(|(name, story, _)| format!("{name}: {story} -> {}", tell(story)));
    let expected = table.map(|(name, story, expected)| format!("{name}: {story} -> {expected}"));
    for (told, expected) in told.iter().zip(&expected) {
        assert_eq!(told, expected);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn a_wait_may_end_well_before_the_deployment_does() {
    let table = [
        // Stages: only our own service deployment tells them.
        ("not there yet", "until=BAKE_TIME sd=IN_PROGRESS+SCALE_UP 2P8i2/2", "forward"),
        ("there", "until=BAKE_TIME sd=IN_PROGRESS+BAKE_TIME 2P8i2/2", "succeeded BAKE_TIME"),
        ("past it", "until=SCALE_UP sd=IN_PROGRESS+BAKE_TIME 2P8i2/2", "succeeded BAKE_TIME"),
        ("a stage that nobody knows yet", "until=SCALE_UP sd=IN_PROGRESS+DANCING 2P8i2/2", "forward"),
        ("no stage told", "until=SCALE_UP sd=IN_PROGRESS 2P8i2/2", "forward"),
        ("there at the very limit", "until=BAKE_TIME sd=IN_PROGRESS+BAKE_TIME 2P8i2/2 late", "succeeded BAKE_TIME"),
        ("finished before it was seen", "until=BAKE_TIME sd=SUCCESSFUL 2P8c2/2", "succeeded"),
        ("the stage of a way back", "until=SCALE_UP sd=ROLLBACK_IN_PROGRESS+BAKE_TIME 2P8i2/2", "back"),
        (
            "an old read after a way back was seen",
            "until=SCALE_UP sd=ROLLBACK_IN_PROGRESS 2P8i2/2 | sd=IN_PROGRESS+BAKE_TIME 2P8i2/2",
            "back",
        ),
        ("the list says failed", "until=SCALE_UP sd=IN_PROGRESS+SCALE_UP 2P8f0/2", "settling"),
        ("it is being stopped", "until=SCALE_UP sd=STOP_REQUESTED+SCALE_UP 2P8i2/2", "settling"),
        ("a status that nobody knows", "until=SCALE_UP sd=TELEPORTING+BAKE_TIME 2P8i2/2", "forward"),
        ("it cannot be followed", "until=SCALE_UP absent 1A7c2/2 2P8i2/2 late", "timed-out forward"),
        ("it cannot be followed, and is finished", "until=SCALE_UP absent 2P8c2/2", "succeeded"),
        // Pauses.
        ("no pause yet", "until=paused sd=IN_PROGRESS+SCALE_UP 2P8i2/2", "forward"),
        ("a pause", "until=paused sd=IN_PROGRESS+POST_SCALE_UP+pause1 2P8i2/2", "paused p1"),
        ("a pause that is over", "until=paused sd=IN_PROGRESS+POST_SCALE_UP+continued 2P8i2/2", "forward"),
        ("a hook that is no pause", "until=paused sd=IN_PROGRESS+POST_SCALE_UP+lambda 2P8i2/2", "forward"),
        ("finished without a pause", "until=paused sd=SUCCESSFUL 2P8c2/2", "succeeded"),
        ("a pause, and it is rolled back", "until=paused sd=ROLLBACK_REQUESTED+POST_SCALE_UP+pause1 2P8i2/2", "back"),
        ("pauses cannot be seen", "until=paused absent 1A7c2/2 2P8i2/2 late", "timed-out forward"),
        // Healthy: behind a load balancer, ECS's taking the old tasks away tells.
        (
            "old ones only drain",
            "until=healthy balanced sd=IN_PROGRESS 1A7c2/2 2P8i0/2 | 1A7c2/0 2P8i2/2",
            "succeeded healthy",
        ),
        (
            "old ones are still wanted",
            "until=healthy balanced sd=IN_PROGRESS 1A7c2/2 2P8i0/2 | @90 1A7c2/2 2P8i2/2",
            "forward",
        ),
        ("not all run", "until=healthy balanced sd=IN_PROGRESS 1A7c2/2 2P8i0/2 | 1A7c2/0 2P8i1/2", "forward"),
        (
            "ECS may stop old ones before",
            "until=healthy balanced min=50 sd=IN_PROGRESS 1A7c2/2 2P8i0/2 | @90 1A7c2/0 2P8i2/2",
            "forward",
        ),
        (
            "there were no old ones to take away",
            "until=healthy balanced sd=IN_PROGRESS 2P8i2/2 | @90 2P8i2/2",
            "forward",
        ),
        (
            "fewer old ones than are asked for now",
            "until=healthy balanced sd=IN_PROGRESS 1A7c1/1 2P8i0/2 | @90 1A7c1/0 2P8i2/2",
            "forward",
        ),
        (
            "the breaker tripped",
            "until=healthy balanced sd=IN_PROGRESS+cb 1A7c2/2 2P8i0/2 | 1A7c2/0 2P8i2/2",
            "forward",
        ),
        ("it is only asked for", "until=healthy balanced sd=PENDING 1A7c2/2 2P8i0/2 | 1A7c2/0 2P8i2/2", "forward"),
        (
            "it fell before",
            "until=healthy balanced sd=ROLLBACK_REQUESTED 1A7c2/2 2P8i0/2 | sd=IN_PROGRESS 1A7c2/0 2P8i2/2",
            "back",
        ),
        (
            "it cannot be followed",
            "until=healthy balanced absent 1A7c2/2 2P8i0/2 | 1A7c2/0 2P8i2/2",
            "succeeded healthy",
        ),
        ("it is still looked for", "until=healthy balanced 1A7c2/2 2P8i0/2 | 1A7c2/0 2P8i2/2", "forward"),
        (
            "the service wants more by now",
            "until=healthy balanced sd=IN_PROGRESS 1A7c2/2 2P8i0/2 | desired=3 1A7c2/0 2P8i2/2",
            "forward",
        ),
        ("nothing is wanted", "until=healthy sd=IN_PROGRESS desired=0 2P8i0/0 | @90 desired=0 2P8i0/0", "forward"),
        // Nothing checks them: 40 seconds of running.
        ("they run since just now", "until=healthy sd=IN_PROGRESS 2P8i2/2 | @39 2P8i2/2", "forward"),
        ("they run for long enough", "until=healthy sd=IN_PROGRESS 2P8i2/2 | @40 2P8i2/2", "succeeded healthy"),
        ("they come and go", "until=healthy sd=IN_PROGRESS 2P8i2/2 | @30 2P8i1/2 | @40 2P8i2/2", "forward"),
        ("old ones are wanted", "until=healthy min=50 sd=IN_PROGRESS 1A7c1/1 2P8i2/2 | @90 1A7c1/1 2P8i2/2", "forward"),
        // The containers' own health checks.
        ("all are healthy", "until=healthy checked sd=IN_PROGRESS 2P8i2/2 tasks=HH", "succeeded healthy"),
        ("one is not", "until=healthy checked sd=IN_PROGRESS 2P8i2/2 tasks=HU | @90 2P8i2/2", "forward"),
        ("one is not known to be", "until=healthy checked sd=IN_PROGRESS 2P8i2/2 tasks=H? | @90 2P8i2/2", "forward"),
        ("one does not run", "until=healthy checked sd=IN_PROGRESS 2P8i2/2 tasks=Hp | @90 2P8i2/2", "forward"),
        ("one is missing", "until=healthy checked sd=IN_PROGRESS 2P8i2/2 tasks=H | @90 2P8i2/2", "forward"),
        ("an old one does not count", "until=healthy checked sd=IN_PROGRESS 2P8i2/2 tasks=Ho | @90 2P8i2/2", "forward"),
        ("not read", "until=healthy checked sd=IN_PROGRESS 2P8i2/2 | @90 2P8i2/2", "forward"),
        (
            "not read, though old ones only drain",
            "until=healthy checked sd=IN_PROGRESS 1A7c2/2 2P8i0/2 | 1A7c2/0 2P8i2/2",
            "forward",
        ),
        (
            "healthy, then fewer ran",
            "until=healthy checked sd=IN_PROGRESS 2P8i2/2 tasks=HH | @1 2P8i1/2 | @2 2P8i2/2",
            "forward",
        ),
        (
            "healthy, but unbalanced is not known",
            "until=healthy checked balanced sd=IN_PROGRESS 2P8i2/2 tasks=HH",
            "forward",
        ),
        // Where traffic is shifted: all of it must be on ours.
        (
            "green is up",
            "until=healthy blue-green sd=IN_PROGRESS+POST_SCALE_UP 1A7c2/2 2P8i2/2 | @90 1A7c2/2 2P8i2/2",
            "forward",
        ),
        (
            "a tenth",
            "until=healthy blue-green sd=IN_PROGRESS+POST_PRODUCTION_TRAFFIC_SHIFT+tenth 1A7c2/2 2P8i2/2",
            "forward",
        ),
        (
            "all",
            "until=healthy blue-green sd=IN_PROGRESS+POST_PRODUCTION_TRAFFIC_SHIFT+all 1A7c2/2 2P8i2/2",
            "succeeded healthy",
        ),
        ("it bakes", "until=healthy blue-green sd=IN_PROGRESS+BAKE_TIME 1A7c2/2 2P8i2/2", "succeeded healthy"),
        (
            "it bakes, but a task is gone",
            "until=healthy blue-green sd=IN_PROGRESS+BAKE_TIME 1A7c2/2 2P8i1/2",
            "forward",
        ),
        (
            "it bakes, weight taken back",
            "until=healthy blue-green sd=IN_PROGRESS+BAKE_TIME+tenth 1A7c2/2 2P8i2/2",
            "forward",
        ),
        (
            "shifted, but it cannot be followed",
            "until=healthy blue-green absent 1A7c2/2 2P8i2/2 | @90 1A7c2/2 2P8i2/2",
            "forward",
        ),
    ];
    for (name, story, expected) in table {
        assert_eq!(format!("{name}: {story} -> {}", tell(story)), format!("{name}: {story} -> {expected}"));
    }
}

#[test]
fn ecss_own_sentence_goes_with_the_ending() {
    let reason = |status: &str, told: Option<&str>, back: Option<&str>, late: bool| {
        let goal = Goal { deployment_id: "ecs-svc/2".to_owned(), ..Goal::default() };
        let mut facts = Facts { late, ..Facts::default() };
        let ours = json!({ "status": "ACTIVE", "deployments": [{ "id": "ecs-svc/2", "status": "PRIMARY" }] });
        facts.read_service(serde_json::from_value(ours).unwrap(), &goal);
        let deployment = json!({ "status": status, "statusReason": told, "rollback": { "reason": back } });
        facts.read_service_deployment(serde_json::from_value(deployment).unwrap());
        match judge(&facts, &goal) {
            Rollout::Ended(ending) => ending.reason,
            Rollout::Moving(_) => None,
        }
    };
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(reason("ROLLBACK_FAILED", Some("told"), Some("back"), false), said("told"));
    assert_eq!(reason("ROLLBACK_FAILED", None, Some("back"), false), said("back"));
    assert_eq!(reason("IN_PROGRESS", Some("told"), None, true), said("told"));
    // Where the service's list decides, it is the list that told it.
    let goal = Goal { deployment_id: "ecs-svc/2".to_owned(), ..Goal::default() };
    let mut facts = Facts { tracking: Tracking::Absent, ..Facts::default() };
    let failed = json!({ "status": "ACTIVE", "deployments": [{ "id": "ecs-svc/2", "status": "PRIMARY",
        "rolloutState": "FAILED", "rolloutStateReason": "listed" }] });
    facts.read_service(serde_json::from_value(failed).unwrap(), &goal);
    assert!(matches!(judge(&facts, &goal), Rollout::Ended(ending) if ending.reason == said("listed")));
}

#[test]
fn the_sentence_tells_who_ended_it() {
    for (sentence, code) in [
        ("Service deployment rolled back because PRE_SCALE_UP lifecycle hook(s) failed.", Code::HookFailed),
        ("Service deployment rolled back because POST_SCALE_UP pause hook timed out.", Code::HookFailed),
        (
            "Service deployment rolled back because of invalid networking configuration: an alarm",
            Code::DeploymentFailed,
        ),
        ("Service deployment rolled back because the circuit breaker threshold was exceeded.", Code::CircuitBreaker),
        ("(deployment ecs-svc/2) deployment failed: tasks failed to start.", Code::CircuitBreaker),
        ("Service deployment rolled back because alarm(s) web-5xx were detected.", Code::AlarmTriggered),
        ("Service deployment rolled back because of a user request.", Code::StoppedByHand),
        ("Rolled back by StopServiceDeployment.", Code::StoppedByHand),
        ("Manual rollback.", Code::StoppedByHand),
        ("Something that nobody knows yet.", Code::DeploymentFailed),
        ("", Code::DeploymentFailed),
    ] {
        assert_eq!(cause_of(sentence), code, "{sentence}");
    }
}

#[test]
fn only_what_was_created_after_ours_came_later() {
    let goal = Goal { deployment_id: "ecs-svc/2".to_owned(), created_at: Some(20.0), ..Goal::default() };
    let created = |at: f64| {
        let other = json!({ "id": "ecs-svc/9", "status": "PRIMARY", "createdAt": at });
        is_later(&serde_json::from_value(other).unwrap(), &Facts::default(), &goal)
    };
    assert_eq!([19.9, 20.0, 20.1].map(created), [false, false, true]);
}
