//! The judge, row by row; and whole deployments against the stage are in `tests/scenarios/codedeploy.rs`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::{Value, json};

use super::judge::{Facts, Goal, Next, Phase, Rollout, is_under_way, judge};
use super::limit::with_waits;
use crate::inputs::Until;
use crate::model::code_deploy::TrafficRouting;
use crate::model::names::short_name;

const OURS: &str = "d-OURS";
const BACK: &str = "d-BACK";

fn goal(until: Until) -> Goal {
    Goal {
        service: "web".to_owned(),
        cluster: "prod".to_owned(),
        deployment_id: OURS.to_owned(),
        task_definition: "web:8".to_owned(),
        previous_task_definition: Some("web:7".to_owned()),
        task_sets_before: vec!["ecs-svc/7".to_owned()],
        until,
        goes_back: true,
        patience: Duration::ZERO,
    }
}

/// A deployment with an id and a status, and more fields.
fn deployment(id: &str, status: &str, more: &Value) -> Value {
    let mut deployment = json!({ "deploymentId": id, "status": status });
    deployment.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    deployment
}

/// A service in which this task set is PRIMARY: `7` (before), `8` (ours), `9` (somebody else's), or none.
fn service(primary: u32) -> Value {
    let set = |number: u32, by: &str| {
        json!({ "id": format!("ecs-svc/{number}"), "status": if number == primary { "PRIMARY" } else { "ACTIVE" },
            "taskDefinition": format!("web:{number}"), "externalId": by, "runningCount": 2 })
    };
    json!({ "status": "ACTIVE", "desiredCount": 2,
        "taskSets": [set(7, "d-EARLIER"), set(8, OURS), set(9, "d-OTHER")] })
}

/// What is seen: ours, the way back, which task set is PRIMARY, and for how long it has been so.
struct Seen {
    ours: Value,
    back: Option<Value>,
    service: Value,
    target: Value,
    closed_for: u64,
    late: bool,
    stopped_by_us: bool,
    until: Until,
    next: Option<&'static str>,
}

impl Seen {
    fn new(status: &str, primary: u32) -> Self {
        let ours = deployment(OURS, status, &json!({}));
        let (target, service) = (json!({}), service(primary));
        Self {
            ours,
            back: None,
            service,
            target,
            closed_for: 0,
            late: false,
            stopped_by_us: false,
            until: Until::Stable,
            next: None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn facts(&self) -> Facts {
        Facts {
            now: Duration::from_mins(10),
            late: self.late,
            ours: serde_json::from_value(self.ours.clone()).unwrap(),
            back: self.back.clone().map(|back| serde_json::from_value(back).unwrap()),
            target: serde_json::from_value(self.target.clone()).unwrap(),
            service: serde_json::from_value(self.service.clone()).unwrap(),
            absent_reads: 0,
            closed_since: Some(Duration::from_secs(600 - self.closed_for)),
            stopped_by_us: self.stopped_by_us,
            failing: None,
            next: self.next.map(|id| Next { id: id.to_owned() }),
        }
    }

    /// Verdict, code, phase and who took over; or what it does.
    fn told(&self) -> String {
        match judge(&self.facts(), &goal(self.until.clone())) {
            Rollout::Moving(phase) => format!("{phase:?}"),
            Rollout::Ended(ending) => {
                let code = ending.code.map(|code| code.slug().to_owned());
                let phase = ending.phase.map(|phase| format!("{phase:?}"));
                let rival = ending.superseded_by.as_deref().map(|arn| short_name(arn).to_owned());
                let words = [Some(ending.verdict.name().to_owned()), code, phase, rival];
                words.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
        }
    }
}

fn failed(code: &str) -> impl FnOnce(&mut Seen) {
    move |seen: &mut Seen| {
        seen.ours = deployment(OURS, "Failed", &json!({ "errorInformation": { "code": code, "message": "m" } }));
        seen.closed_for = 60;
    }
}

/// Ours failed, and this is how its way back is.
fn back(status: &str, closed_for: u64) -> impl FnOnce(&mut Seen) {
    move |seen: &mut Seen| {
        let (error, info) = (json!({ "code": "HOOK_EXECUTION_FAILURE" }), json!({ "rollbackDeploymentId": BACK }));
        seen.ours = deployment(OURS, "Failed", &json!({ "errorInformation": error, "rollbackInfo": info }));
        seen.back = Some(deployment(BACK, status, &json!({})));
        seen.closed_for = closed_for;
    }
}

#[test]
fn a_deployment_is_a_success_only_when_its_own_task_set_serves() {
    assert_eq!(Seen::new("Succeeded", 8).told(), "succeeded");
    let stale = Seen::new("Succeeded", 7);
    assert_eq!(stale.told(), "Settling");
    assert_eq!(stale.with(|seen| seen.closed_for = 15).told(), "failed deployment-failed");
    let rival = Seen::new("Succeeded", 9).with(|seen| seen.closed_for = 15);
    assert_eq!(rival.told(), "superseded superseded web:9");
    let none = Seen::new("Succeeded", 0).with(|seen| seen.closed_for = 15);
    assert_eq!(none.told(), "failed deployment-failed");
}

#[test]
fn the_same_revision_by_another_deployment_is_not_ours() {
    let mut seen = Seen::new("Succeeded", 8);
    seen.service = json!({ "status": "ACTIVE", "desiredCount": 2, "taskSets": [{ "id": "ecs-svc/9", "status": "PRIMARY",
        "taskDefinition": "web:8", "externalId": "d-OTHER", "runningCount": 2 }] });
    assert_eq!(seen.told(), "Settling");
}

#[test]
fn a_task_set_without_an_id_of_its_deployment_is_known_by_being_new_and_of_our_revision() {
    let primary = |id: &str, revision: &str| {
        Seen::new("Succeeded", 8).with(|seen| {
            seen.service = json!({ "status": "ACTIVE", "desiredCount": 2,
                "taskSets": [{ "id": id, "status": "PRIMARY", "taskDefinition": revision, "runningCount": 2 }] });
        })
    };
    assert_eq!(primary("ecs-svc/8", "web:8").told(), "succeeded");
    assert_eq!(primary("ecs-svc/7", "web:8").told(), "Settling");
    assert_eq!(primary("ecs-svc/8", "web:9").told(), "Settling");
}

#[test]
fn every_state_that_may_still_change_is_waited_for() {
    for status in ["Created", "Queued", "InProgress", "Baking", "SomethingNew"] {
        assert_eq!(Seen::new(status, 7).told(), "Forward", "{status}");
        let late = Seen::new(status, 7).with(|seen| seen.late = true);
        assert_eq!(late.told(), "timed-out timed-out Forward", "{status}");
    }
    assert_eq!(Seen::new("Ready", 7).told(), "Ready");
    assert_eq!(Seen::new("Ready", 7).with(|seen| seen.late = true).told(), "timed-out timed-out Ready");
    assert_eq!(Seen::new("Ready", 7).with(|seen| seen.until = Until::Paused).told(), "paused");
}

#[test]
fn healthy_ends_when_production_is_moved_and_checked() {
    let done = json!({ "lifecycleEvents": [{ "lifecycleEventName": "AfterAllowTraffic", "status": "Succeeded" }] });
    let moved = |until: Until, primary| {
        Seen::new("InProgress", primary).with(|seen| (seen.until, seen.target) = (until, done.clone()))
    };
    assert_eq!(moved(Until::Healthy, 8).told(), "succeeded");
    assert_eq!(moved(Until::Healthy, 7).told(), "Forward");
    assert_eq!(moved(Until::Stable, 8).told(), "Serving");
    let unchecked = Seen::new("InProgress", 8).with(|seen| seen.until = Until::Healthy);
    assert_eq!(unchecked.told(), "Forward");
    let terminating = unchecked.with(|seen| {
        seen.ours = deployment(OURS, "InProgress", &json!({ "instanceTerminationWaitTimeStarted": true }));
    });
    assert_eq!(terminating.told(), "succeeded");
}

#[test]
fn a_failure_has_the_cause_that_codedeploy_names() {
    for (code, slug) in [
        ("HOOK_EXECUTION_FAILURE", "hook-failed"),
        ("ALARM_ACTIVE", "alarm-triggered"),
        ("MANUAL_STOP", "stopped-by-hand"),
        ("TIMEOUT", "deployment-failed"),
        ("ECS_UPDATE_ERROR", "deployment-failed"),
        ("SOMETHING_NEW", "deployment-failed"),
    ] {
        assert_eq!(Seen::new("", 7).with(failed(code)).told(), format!("failed {slug}"));
    }
    let stopped = Seen::new("Stopped", 7).with(|seen| seen.closed_for = 60);
    assert_eq!(stopped.told(), "failed stopped-by-hand");
    let rival = Seen::new("Stopped", 9).with(|seen| seen.closed_for = 60);
    assert_eq!(rival.told(), "superseded superseded web:9");
}

#[test]
fn a_way_back_that_is_set_is_waited_for_until_it_is_named() {
    let set = |events: &Value, status: &str, closed_for: u64| {
        let rollback = json!({ "autoRollbackConfiguration": { "enabled": true, "events": events } });
        Seen::new("", 7)
            .with(|seen| (seen.ours, seen.closed_for) = (deployment(OURS, status, &rollback), closed_for))
            .told()
    };
    assert_eq!(set(&json!(["DEPLOYMENT_FAILURE"]), "Failed", 59), "Settling");
    assert_eq!(set(&json!(["DEPLOYMENT_FAILURE"]), "Failed", 60), "failed deployment-failed");
    let alarmed = json!({ "errorInformation": { "code": "ALARM_ACTIVE" } });
    let alarmed = |closed_for| {
        let ours = deployment(OURS, "Stopped", &alarmed);
        Seen::new("", 7).with(|seen| (seen.ours, seen.closed_for) = (ours, closed_for)).told()
    };
    assert_eq!((alarmed(14).as_str(), alarmed(15).as_str()), ("Settling", "failed alarm-triggered"));
    let of = |code: &str, status: &str, event: &str| {
        let rollback = json!({ "errorInformation": { "code": code },
            "autoRollbackConfiguration": { "enabled": true, "events": [event] } });
        let ours = deployment(OURS, status, &rollback);
        Seen::new("", 7).with(|seen| (seen.ours, seen.closed_for) = (ours, 40)).told()
    };
    assert_eq!(of("ALARM_ACTIVE", "Stopped", "DEPLOYMENT_STOP_ON_ALARM"), "Settling");
    assert_eq!(of("ALARM_ACTIVE", "Stopped", "DEPLOYMENT_STOP_ON_REQUEST"), "failed alarm-triggered");
    assert_eq!(of("HOOK_EXECUTION_FAILURE", "Failed", "DEPLOYMENT_FAILURE"), "Settling");
    assert_eq!(of("HOOK_EXECUTION_FAILURE", "Failed", "DEPLOYMENT_STOP_ON_ALARM"), "failed hook-failed");
    assert_eq!(set(&json!(["DEPLOYMENT_FAILURE"]), "Stopped", 30), "failed stopped-by-hand");
    assert_eq!(set(&json!(["DEPLOYMENT_STOP_ON_REQUEST"]), "Stopped", 15), "Settling");
    assert_eq!(set(&json!(["DEPLOYMENT_STOP_ON_ALARM"]), "Failed", 15), "failed deployment-failed");
    assert_eq!(set(&json!(["DEPLOYMENT_FAILURE"]), "Failed", 14), "Settling");
}

#[test]
fn rolled_back_is_said_only_when_the_revision_before_serves() {
    assert_eq!(Seen::new("", 8).with(back("InProgress", 0)).told(), "Back");
    assert_eq!(Seen::new("", 7).with(back("Succeeded", 0)).told(), "rolled-back hook-failed");
    assert_eq!(Seen::new("", 8).with(back("Succeeded", 0)).told(), "Settling");
    assert_eq!(Seen::new("", 8).with(back("Succeeded", 15)).told(), "rollback-failed hook-failed");
    assert_eq!(Seen::new("", 9).with(back("Succeeded", 15)).told(), "superseded superseded web:9");
    let idle = Seen::new("", 7).with(back("Succeeded", 15)).with(|seen| {
        for set in seen.service["taskSets"].as_array_mut().unwrap() {
            set["runningCount"] = 0.into();
        }
    });
    assert_eq!(idle.told(), "rollback-failed hook-failed", "no task of it runs");
    for status in ["Failed", "Stopped"] {
        assert_eq!(Seen::new("", 7).with(back(status, 0)).told(), "rollback-failed hook-failed");
    }
    let late = Seen::new("", 8).with(back("InProgress", 0)).with(|seen| seen.late = true);
    assert_eq!(late.told(), "timed-out timed-out Back");
}

#[test]
fn what_we_stopped_ourselves_was_out_of_time() {
    let stopped = Seen::new("", 7).with(back("Succeeded", 0)).with(|seen| {
        seen.stopped_by_us = true;
        seen.ours["errorInformation"]["code"] = "MANUAL_STOP".into();
    });
    assert_eq!(stopped.told(), "rolled-back timed-out");
    let unmoved = |status: &str, error: &str, primary| {
        Seen::new(status, primary).with(|seen| {
            let error = json!({ "errorInformation": { "code": error } });
            (seen.ours, seen.closed_for, seen.stopped_by_us) = (deployment(OURS, status, &error), 60, true);
        })
    };
    assert_eq!(unmoved("Stopped", "MANUAL_STOP", 7).told(), "rolled-back timed-out", "nothing had to be moved back");
    assert_eq!(unmoved("Stopped", "MANUAL_STOP", 8).told(), "failed timed-out");
    assert_eq!(unmoved("Failed", "HOOK_EXECUTION_FAILURE", 7).told(), "rolled-back hook-failed", "it was quicker");
}

#[test]
fn what_this_run_stopped_for_its_failing_tasks_did_not_run_out_of_time() {
    let mut facts = Seen::new("Stopped", 7).with(|seen| (seen.closed_for, seen.stopped_by_us) = (60, true)).facts();
    facts.failing = Some(3);
    let Rollout::Ended(ending) = judge(&facts, &goal(Until::Stable)) else { unreachable!() };
    assert_eq!((ending.verdict.name(), ending.code.unwrap().slug()), ("rolled-back", "deployment-failed"));
}

#[test]
fn a_deployment_is_under_way_when_traffic_begins_to_move_or_all_its_tasks_are_up() {
    let under_way = |target: Value, running: i64| {
        let mut seen = Seen::new("InProgress", 7).with(|seen| seen.target = target);
        for set in seen.service["taskSets"].as_array_mut().unwrap() {
            let is_ours = set["externalId"] == OURS;
            set["runningCount"] = if is_ours { running } else { 2 }.into();
        }
        is_under_way(&seen.facts(), &goal(Until::Stable))
    };
    let weight = |weight: f64| json!({ "taskSetsInfo": [{ "taskSetLabel": "Green", "trafficWeight": weight }] });
    let event =
        |status: &str| json!({ "lifecycleEvents": [{ "lifecycleEventName": "AllowTraffic", "status": status }] });
    assert_eq!([0.0, 10.0].map(|share| under_way(weight(share), 1)), [false, true]);
    assert_eq!(["Pending", "InProgress", "Succeeded"].map(|status| under_way(event(status), 1)), [false, true, true]);
    assert_eq!([1, 2, 3].map(|running| under_way(json!({}), running)), [false, true, true]);
    for (status, moves) in [("InProgress", true), ("Stopped", false), ("Succeeded", false)] {
        assert_eq!(Seen::new(status, 7).facts().is_moving(), moves, "{status}");
    }
    assert!(!Facts::default().is_moving());
}

#[test]
fn who_stops_ours_for_another_deployment_has_superseded_it() {
    let stopped = |closed_for, next| {
        let back = Seen::new("", 7).with(back("Succeeded", closed_for));
        back.with(|seen| (seen.ours["errorInformation"]["code"], seen.next) = ("MANUAL_STOP".into(), next))
    };
    assert_eq!(stopped(29, None).told(), "Settling", "it may be about to begin");
    assert_eq!(stopped(30, None).told(), "rolled-back stopped-by-hand");
    assert_eq!(stopped(0, Some("d-OTHER")).told(), "superseded superseded web:9", "its task set tells the revision");
    assert_eq!(stopped(0, Some("d-SOON")).told(), "superseded superseded");
    let left = |closed_for, next| {
        Seen::new("Stopped", 7).with(|seen| (seen.closed_for, seen.next) = (closed_for, next)).told()
    };
    assert_eq!([left(14, Some("d-OTHER")), left(29, None)], ["Settling", "Settling"]);
    assert_eq!(left(15, Some("d-OTHER")), "superseded superseded web:9");
    assert_eq!(left(30, None), "failed stopped-by-hand");
    // What failed by itself was not stopped for anybody, and what this run stopped neither.
    let failed = Seen::new("", 7).with(back("Succeeded", 0)).with(|seen| seen.next = Some("d-OTHER"));
    assert_eq!(failed.told(), "rolled-back hook-failed");
    assert_eq!(stopped(0, Some("d-OTHER")).with(|seen| seen.stopped_by_us = true).told(), "rolled-back timed-out");
}

#[test]
fn the_way_that_traffic_takes_has_a_pause_after_each_step_but_the_last() {
    let minutes = |routing| serde_json::from_value::<TrafficRouting>(routing).unwrap().minutes();
    let linear = |percent: u32| json!({ "timeBasedLinear": { "linearPercentage": percent, "linearInterval": 3 } });
    assert_eq!([10, 30, 50, 100].map(|percent| minutes(linear(percent))), [27, 9, 3, 0]);
    assert_eq!(minutes(json!({ "timeBasedCanary": { "canaryPercentage": 10, "canaryInterval": 15 } })), 15);
    assert_eq!(minutes(json!({ "type": "AllAtOnce" })), 0);
}

#[test]
fn the_waits_of_the_group_make_the_limit_longer_up_to_six_hours() {
    let minutes = |limit, ready, termination| {
        let longer = with_waits(Duration::from_mins(limit), [ready, 0, termination]);
        longer.map(|longer| longer.as_secs() / 60)
    };
    assert_eq!(with_waits(Duration::from_mins(1), [2, 4, 8]), Some(Duration::from_mins(15)));
    assert_eq!((minutes(30, 30, 60), minutes(60, 30, 60)), (Some(120), Some(150)));
    assert_eq!((minutes(359, 30, 60), minutes(360, 30, 60), minutes(30, 0, 0)), (Some(360), None, None));
}

#[test]
fn what_ended_at_the_limit_is_looked_at_until_it_shows() {
    let late = |closed_for| {
        let seen = Seen::new("Succeeded", 7).with(|seen| (seen.late, seen.closed_for) = (true, closed_for));
        seen.told()
    };
    assert_eq!((late(14).as_str(), late(15).as_str()), ("Settling", "failed deployment-failed"));
}

#[test]
fn a_service_that_goes_away_ends_the_wait() {
    for status in ["DRAINING", "INACTIVE"] {
        let gone = Seen::new("InProgress", 7).with(|seen| seen.service["status"] = status.into());
        assert_eq!(gone.told(), "failed service-gone");
    }
    let mut facts = Seen::new("InProgress", 7).facts();
    facts.absent_reads = 2;
    assert_eq!(judge(&facts, &goal(Until::Stable)), Rollout::Moving(Phase::Forward));
    facts.absent_reads = 3;
    assert!(matches!(judge(&facts, &goal(Until::Stable)), Rollout::Ended(_)));
}

/// Whole deployments against the stage, in virtual time.
#[cfg(feature = "sim")]
mod stage {
    use std::ffi::OsString;
    use std::rc::Rc;

    use tokio::time::{Instant, sleep};

    use crate::apply::{Outcome, What, apply};
    use crate::aws::tests::wire;
    use crate::inputs::runner::Runner;
    use crate::inputs::{Asked, Inputs, OnConcurrent, OnFailure, Until, Wait};
    use crate::model::names::short_name;
    use crate::model::verdict::Verdict;
    use crate::plan::plan;
    use crate::sim::codedeploy::Course;
    use crate::sim::{Clock, Sim, Trick, Trouble, World};
    use crate::{inputs, observe};

    const APPSPEC: &str = r#"{"Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {}}}]}"#;

    /// A tick each second, and one deployment that goes as told.
    fn world(course: Course) -> World {
        let clock = Clock::Wall(std::time::Duration::from_secs(1));
        let mut world = World::default().with_code_deploy(course).clock(clock).with_keys("AKIDEXAMPLE", "secret");
        // The client signs by the real clock, the stage's runs ahead in virtual time.
        world.identity.verify_signatures = false;
        world
    }

    struct Run {
        sim: Rc<Sim>,
        outcome: Outcome,
        told: Vec<String>,
        result: Result<(), crate::error::Error>,
        minutes: u64,
    }

    impl Run {
        /// Forces a deployment of what runs, with these inputs; `act` is done once everything was read.
        async fn of(world: World, asked: impl FnOnce(&mut Inputs), act: impl FnOnce(&mut World)) -> Self {
            Box::pin(Self::play(world, asked, act, None)).await
        }

        /// With so much of the wait left.
        async fn with_wait(world: World, asked: impl FnOnce(&mut Inputs), left: std::time::Duration) -> Self {
            Box::pin(Self::play(world, asked, |_| {}, Some(left))).await
        }

        async fn play(
            world: World,
            asked: impl FnOnce(&mut Inputs),
            act: impl FnOnce(&mut World),
            left: Option<std::time::Duration>,
        ) -> Self {
            Self::on(Rc::new(Sim::start(world).await.unwrap()), asked, act, left).await
        }

        async fn on(
            sim: Rc<Sim>,
            asked: impl FnOnce(&mut Inputs),
            act: impl FnOnce(&mut World),
            left: Option<std::time::Duration>,
        ) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("appspec.yaml"), APPSPEC).unwrap();
            let runner = Runner { workspace: folder.path().to_owned(), ..Runner::default() };
            let given = [
                ("aws-region", "eu-central-1"),
                ("cluster", "prod"),
                ("service", "web"),
                ("image", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v2"),
                ("wait-for-minutes", "3"),
            ];
            let given = given.map(|(name, value)| (name.to_owned(), OsString::from(value)));
            let (mut inputs, _) = inputs::parse(&Asked::new(given, runner.clone())).unwrap();
            asked(&mut inputs);
            let aws = wire::aws(sim.url()).await;
            let observed = observe::observe(&inputs, None, &runner, &aws).await.unwrap();
            let plan = plan(&inputs, &observed).unwrap().services.remove(0);
            sim.with(act);
            let (mut outcome, mut told, began) = (Outcome::default(), Vec::new(), Instant::now());
            let mut tell = |what| {
                told.push(match what {
                    What::Started(text) | What::Progress(text) | What::Finished(text) | What::Warned(text) => text,
                    What::ServiceSaid(event) => event.message,
                });
            };
            let wait = Wait { limit: left.unwrap_or(inputs.wait.limit), ..inputs.wait.clone() };
            let result = apply(&plan, &wait, &aws, &mut outcome, &mut tell).await;
            let minutes = (began.elapsed().as_secs_f64() / 60.0).round();
            let minutes = std::time::Duration::from_secs_f64(minutes).as_secs();
            Self { sim, outcome, told, result, minutes }
        }

        async fn with(world: World, asked: impl FnOnce(&mut Inputs)) -> Self {
            Self::of(world, asked, |_| {}).await
        }

        /// Verdict, code, what serves, after how many minutes.
        fn ending(&self) -> String {
            if let Err(error) = &self.result {
                return format!("error {}", error.code.slug());
            }
            let live = self.outcome.live_task_definition_arn.as_deref().map(short_name);
            let code = self.outcome.cause.as_ref().map(|cause| cause.code.slug());
            let words = [self.outcome.verdict.map(Verdict::name), code, live];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            format!("{} after {}", words.join(" "), self.minutes)
        }

        fn writes(&self) -> Vec<String> {
            self.sim.writes().into_iter().map(|call| call.operation).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deployment_out_of_time_is_stopped_and_its_way_back_is_followed() {
        let run = Run::with(world(Course::Stalls), |_| {}).await;
        assert_eq!(run.ending(), "rolled-back timed-out web:7 after 3", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment", "StopDeployment"]);
        insta::assert_snapshot!(run.outcome.cause.unwrap().to_string());
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_fail_for_good_end_it_early_and_it_goes_back() {
        let broken = || world(Course::NeverSteady { trouble: Trouble::image_not_found("web:v2"), after: 3600 });
        let run = Run::with(broken(), |_| {}).await;
        assert_eq!(run.ending(), "rolled-back deployment-failed web:7 after 0", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment", "StopDeployment"]);
        let left = Run::with(broken(), |inputs| inputs.deploy.on_failure = OnFailure::None).await;
        assert_eq!(left.ending(), "failed deployment-failed web:7 after 0", "{:#?}", left.told);
        assert_eq!(left.writes(), ["RegisterTaskDefinition", "CreateDeployment"]);
        let slow = Run::with(broken(), |inputs| inputs.wait.fail_fast_after = 0).await;
        assert_eq!(slow.ending(), "rolled-back timed-out web:7 after 3", "{:#?}", slow.told);
        insta::assert_snapshot!(format!("{}\n{}", run.outcome.cause.unwrap(), left.outcome.cause.unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn out_of_time_a_wait_for_somebody_is_left_to_them() {
        let run = Run::with(world(Course::Waits), |_| {}).await;
        assert_eq!(run.ending(), "timed-out timed-out web:7 after 3", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment"]);
    }

    #[tokio::test(start_paused = true)]
    async fn with_less_time_than_was_asked_for_it_is_left_alone() {
        let late = |inputs: &mut Inputs| inputs.wait.limit = std::time::Duration::from_mins(2);
        let run = Run::with_wait(world(Course::Stalls), late, std::time::Duration::from_mins(1)).await;
        assert_eq!(run.ending(), "timed-out timed-out web:7 after 1", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment"]);
    }

    #[tokio::test(start_paused = true)]
    async fn out_of_time_it_is_left_alone_where_that_is_asked() {
        let leave = |inputs: &mut Inputs| inputs.deploy.on_failure = OnFailure::None;
        let run = Run::with(world(Course::Stalls), leave).await;
        assert_eq!(run.ending(), "timed-out timed-out web:7 after 3", "{:#?}", run.told);
        let waits = Run::with(world(Course::Waits), leave).await;
        assert_eq!(waits.ending(), "timed-out timed-out web:7 after 3");
        insta::assert_snapshot!(format!("{}\n{}", run.outcome.cause.unwrap(), waits.outcome.cause.unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_serves_already_is_not_stopped_for_the_tasks_before_it() {
        let run = Run::with(world(Course::Keeps), |_| {}).await;
        assert_eq!(run.ending(), "timed-out timed-out web:8 after 3", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment"]);
        let healthy = Run::with(world(Course::Keeps), |inputs| inputs.wait.until = Until::Healthy).await;
        assert_eq!(healthy.ending(), "succeeded web:8 after 0");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_stop_leaves_the_run_out_of_time_and_says_why() {
        let run = Run::of(
            world(Course::Stalls),
            |_| {},
            |world| {
                let fault = crate::sim::Fault {
                    operation: "StopDeployment".to_owned(),
                    skip: 0,
                    times: u32::MAX,
                    trick: Trick::Denied,
                };
                world.faults.push(fault);
            },
        );
        let run = run.await;
        assert_eq!(run.ending(), "timed-out timed-out web:7 after 3", "{:#?}", run.told);
        assert!(run.told.iter().any(|told| told.contains("codedeploy:StopDeployment")), "{:#?}", run.told);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_for_somebody_is_the_end_where_that_is_asked() {
        let run = Run::with(world(Course::Waits), |inputs| inputs.wait.until = Until::Paused).await;
        assert_eq!(run.ending(), "paused web:7 after 0", "{:#?}", run.told);
    }

    #[tokio::test(start_paused = true)]
    async fn the_waits_of_the_group_are_added_to_the_limit() {
        let mut world = world(Course::Stalls);
        let group = &mut world.code_deploy.groups[0];
        (group.ready_minutes, group.termination_minutes) = (2, 4);
        let run = Run::with(world, |inputs| inputs.deploy.on_failure = OnFailure::None).await;
        assert_eq!(run.ending(), "timed-out timed-out web:7 after 9");
        assert!(run.told.iter().any(|told| told.contains("waits 2 min before traffic")), "{:#?}", run.told);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_traffic_takes_to_move_is_added_to_the_limit() {
        let stalls = |name: &str, denied| {
            let name = name.to_owned();
            let asked = move |inputs: &mut Inputs| {
                inputs.deploy.on_failure = OnFailure::None;
                inputs.deploy.code_deploy.config = Some(name);
            };
            let deny = move |world: &mut World| {
                let operation = "GetDeploymentConfig".to_owned();
                let times = if denied { u32::MAX } else { 0 };
                world.faults.push(crate::sim::Fault { operation, skip: 0, times, trick: Trick::Denied });
            };
            Run::of(world(Course::Stalls), asked, deny)
        };
        let linear = stalls("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", false).await;
        assert_eq!(linear.ending(), "timed-out timed-out web:7 after 30", "{:#?}", linear.told);
        let told = "waiting for 30 min at most: its deployment group waits 0 min before traffic is shifted, shifts it in 27 min,";
        assert!(linear.told.iter().any(|line| line.starts_with(told)), "{:#?}", linear.told);
        let canary = stalls("CodeDeployDefault.ECSCanary10Percent5Minutes", false).await;
        assert_eq!(canary.ending(), "timed-out timed-out web:7 after 8");
        let denied = stalls("CodeDeployDefault.ECSCanary10Percent5Minutes", true).await;
        assert_eq!(denied.ending(), "timed-out timed-out web:7 after 3");
        let told = |line: &String| line.contains("`codedeploy:GetDeploymentConfig` failed");
        assert!(denied.told.iter().any(told), "{:#?}", denied.told);
        let at_once = stalls("CodeDeployDefault.ECSAllAtOnce", false).await;
        let asked = at_once.sim.calls().into_iter().filter(|call| call.operation == "GetDeploymentConfig").count();
        assert_eq!((at_once.ending().as_str(), asked), ("timed-out timed-out web:7 after 3", 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_who_stops_it_is_told_as_one() {
        let run = Run::with(world(Course::StoppedByHand { rolls_back: true }), |_| {}).await;
        assert_eq!(run.ending(), "rolled-back stopped-by-hand web:7 after 1", "{:#?}", run.told);
        let left = Run::with(world(Course::StoppedByHand { rolls_back: false }), |_| {}).await;
        assert_eq!(left.ending(), "failed stopped-by-hand web:7 after 1", "{:#?}", left.told);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_whose_deployment_was_stopped_for_another_s_is_superseded() {
        let sim = Rc::new(Sim::start(world(Course::Stalls)).await.unwrap());
        let (first, second) = (sim.clone(), sim.clone());
        let first = Box::pin(Run::on(first, |_| {}, |_| {}, None));
        let second = async {
            sleep(std::time::Duration::from_secs(30)).await;
            let asked = |inputs: &mut Inputs| {
                inputs.deploy.on_concurrent = OnConcurrent::Replace;
                inputs.deploy.force_new_deployment = Some(true);
            };
            Box::pin(Run::on(second, asked, |_| {}, None)).await
        };
        let (first, second) = Box::pin(async { tokio::join!(first, second) }).await;
        let (first_told, theirs) = (first.ending(), second.outcome.codedeploy_deployment_id.as_deref().unwrap());
        assert!(first_told.starts_with("superseded superseded web:"), "{first_told} {:#?}", first.told);
        assert!(first.outcome.cause.as_ref().unwrap().what.contains(theirs), "{:?}", first.outcome.cause);
        assert!(second.ending().starts_with("succeeded"), "{} {:#?}", second.ending(), second.told);
    }

    /// A run that only changes settings, while reads of the service fail so often.
    async fn settling(times: u32, trick: Trick) -> Run {
        let settings = |inputs: &mut Inputs| {
            inputs.definition.edits.image = None;
            inputs.deploy.desired_count = Some(3);
        };
        let blind = |world: &mut World| {
            world.faults.push(crate::sim::Fault { operation: "DescribeServices".to_owned(), skip: 0, times, trick });
        };
        Run::of(world(Course::Succeeds), settings, blind).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_fails_for_a_moment_does_not_end_the_wait_for_settings() {
        // The client itself asks a few times before it tells of a throttle.
        for (times, trick) in [(1, Trick::Denied), (12, Trick::Throttle)] {
            let run = settling(times, trick).await;
            assert_eq!(run.ending(), "succeeded web:7 after 0", "{:#?}", run.told);
            assert!(run.told.iter().any(|told| told.contains("fails and is tried again")), "{:#?}", run.told);
        }
        for (trick, expected) in [(Trick::Denied, "error access-denied"), (Trick::Throttle, "error throttled")] {
            let run = settling(u32::MAX, trick).await;
            assert_eq!(run.ending(), expected, "{:#?}", run.told);
            assert!(run.result.unwrap_err().what.contains("whether as many tasks run as asked for is not known"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deployment_that_nobody_sees_is_neither_called_slow_nor_stopped() {
        let blind = |world: &mut World| {
            world.faults.push(crate::sim::Fault {
                operation: "GetDeployment".to_owned(),
                skip: 1,
                times: u32::MAX,
                trick: Trick::Throttle,
            });
        };
        let run = Run::of(world(Course::Stalls), |_| {}, blind).await;
        assert_eq!(run.ending(), "error throttled", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment"]);
        assert!(run.result.unwrap_err().what.contains("goes on; how it ends is not known"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_told_by_the_service_as_it_was_seen_after_it() {
        for (times, expected) in [(45, "succeeded web:8 after"), (u32::MAX, "error throttled")] {
            let blind = |world: &mut World| {
                let (operation, trick) = ("DescribeServices".to_owned(), Trick::Throttle);
                world.faults.push(crate::sim::Fault { operation, skip: 0, times, trick });
            };
            let run = Run::of(world(Course::Succeeds), |_| {}, blind).await;
            assert!(run.ending().starts_with(expected), "{} {:#?}", run.ending(), run.told);
            if let Err(error) = run.result {
                assert!(error.what.contains("is Succeeded; what serves is not known"), "{}", error.what);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_look_at_the_limit_has_its_time_although_the_one_before_was_slow() {
        for left in 60..70 {
            let mut world = world(Course::Stalls);
            let (operation, trick) = ("ListTasks".to_owned(), Trick::Delay(std::time::Duration::from_secs(4)));
            world.faults.push(crate::sim::Fault { operation, skip: 0, times: u32::MAX, trick });
            let limit = std::time::Duration::from_secs(left);
            let run = Run::with(world, |inputs| inputs.wait.limit = limit).await;
            assert_eq!(run.outcome.verdict, Some(Verdict::RolledBack), "{left} s: {:#?}", run.told);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_event_is_told_as_done_once() {
        let run = Run::with(world(Course::Succeeds), |_| {}).await;
        let done: Vec<&String> = run.told.iter().filter(|told| told.ends_with(" done")).collect();
        let names = "BeforeInstall, Install, AfterInstall, AllowTestTraffic, AfterAllowTestTraffic, BeforeAllowTraffic, AllowTraffic, AfterAllowTraffic";
        let told = |name: &str| done.iter().filter(|line| line.split([' ', ',']).any(|word| word == name)).count();
        assert!(names.split(", ").all(|name| told(name) == 1), "{:#?}", run.told);
    }

    #[tokio::test(start_paused = true)]
    async fn another_deployment_is_let_end_first_where_that_is_asked() {
        let mut world = world(Course::Stalls);
        world.code_deploy.groups[0].script.push_back(Course::Succeeds);
        let first = Run::with(world, |inputs| inputs.wait.enabled = false).await;
        assert_eq!(first.ending(), "started web:7 after 0");
        let other = first.outcome.codedeploy_deployment_id.unwrap();
        // The same stage again: what is there goes on, and ends when somebody stops it.
        let mut world = first.sim.with(std::mem::take);
        world.ledger = crate::sim::ledger::Ledger::default();
        let run = Run::of(world, |inputs| inputs.deploy.on_concurrent = OnConcurrent::Wait, |_| {});
        let (run, other) = (run.await, other.as_str());
        assert_eq!(run.ending(), "error timed-out", "{:#?}", run.told);
        assert_eq!(run.writes(), [""; 0], "the revision was there already, and nothing was begun");
        assert!(run.told.iter().any(|told| told.contains(other)), "{:#?}", run.told);
        let mut world = run.sim.with(std::mem::take);
        for deployment in &mut world.code_deploy.deployments {
            deployment.course = Course::Succeeds;
        }
        let run = Run::with(world, |inputs| inputs.deploy.on_concurrent = OnConcurrent::Wait).await;
        assert_eq!(run.ending(), "unchanged web:8 after 0", "the very revision was on its way: {:#?}", run.told);
        assert_eq!(run.writes(), [""; 0]);
        assert_eq!(run.outcome.codedeploy_deployment_id.unwrap(), other);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_lost_and_cannot_be_looked_for_is_not_sent_again() {
        let lost = |world: &mut World| {
            let fault = |operation: &str, trick| crate::sim::Fault {
                operation: operation.to_owned(),
                skip: 0,
                times: u32::MAX,
                trick,
            };
            world.faults.push(fault("CreateDeployment", Trick::LostAnswer));
            world.faults.push(fault("ListDeployments", Trick::Denied));
        };
        let run = Run::of(world(Course::Succeeds), |_| {}, lost).await;
        assert_eq!(run.ending(), "error unreachable", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment"]);
        assert!(run.outcome.changed);
        // Where nothing tells whose it is, nobody else's is taken for ours, and none is begun beside it.
        let hidden = |world: &mut World| {
            let fault = |operation: &str, times, trick| crate::sim::Fault {
                operation: operation.to_owned(),
                skip: 0,
                times,
                trick,
            };
            world.code_deploy.hides_digest = true;
            world.faults.push(fault("CreateDeployment", 1, Trick::LostAnswer));
            world.faults.push(fault("DescribeServices", u32::MAX, Trick::Denied));
        };
        for course in [Course::Stalls, Course::HookFails { event: "BeforeInstall".to_owned(), and_back: false }] {
            let run = Run::of(world(course), |_| {}, hidden).await;
            assert_eq!(run.ending(), "error unreachable", "{:#?}", run.told);
            assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment"]);
            assert!(run.outcome.changed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_is_found_by_its_task_set_where_no_digest_is_told() {
        let hidden = |world: &mut World| {
            world.code_deploy.hides_digest = true;
            world.faults.push(crate::sim::Fault {
                operation: "CreateDeployment".to_owned(),
                skip: 0,
                times: 1,
                trick: Trick::LostAnswer,
            });
        };
        let run = Run::of(world(Course::Stalls), |_| {}, hidden).await;
        assert_eq!(run.ending(), "rolled-back timed-out web:7 after 3", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment", "StopDeployment"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deployment_that_failed_before_its_lost_answer_was_looked_for_is_not_made_again() {
        let lost = |world: &mut World| {
            world.faults.push(crate::sim::Fault {
                operation: "CreateDeployment".to_owned(),
                skip: 0,
                times: 1,
                trick: Trick::LostAnswer,
            });
        };
        let mut world = world(Course::HookFails { event: "BeforeInstall".to_owned(), and_back: false });
        world.code_deploy.groups[0].rolls_back_on.clear();
        let run = Run::of(world, |inputs| inputs.deploy.on_failure = OnFailure::None, lost).await;
        assert_eq!(run.ending(), "failed hook-failed web:7 after 0", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "CreateDeployment"]);
    }
}
