//! Every combination of what ECS may say, those it does not say yet included, against what must always hold.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::inputs::{STAGES, Until};
use serde_json::{Value, json};

const STATUSES: &[&str] = &[
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "STOPPED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
    "SUCCESSFUL",
    "TELEPORTING",
    "",
];

const STATES: &[Option<&str>] = &[Some("IN_PROGRESS"), Some("COMPLETED"), Some("FAILED"), Some("DANCING"), None];

/// Who is PRIMARY: ours, the one before, a way back under an id of its own, a rival, nobody.
const PRIMARIES: &[&str] = &["ours", "before", "back", "rival", "nobody"];

/// One combination.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
struct Case {
    tracking: Tracking,
    status: &'static str,
    stage: Option<&'static str>,
    primary: &'static str,
    state: Option<&'static str>,
    paused: bool,
    tripped: bool,
    old_run: bool,
    shifts: bool,
    until: Until,
}

impl Case {
    fn goal(&self) -> Goal {
        Goal {
            service: "web".to_owned(),
            deployment_id: "ecs-svc/2".to_owned(),
            created_at: Some(20.0),
            task_definition: "web:8".to_owned(),
            desired_count: 2,
            previous_deployment_id: Some("ecs-svc/1".to_owned()),
            previous_task_definition: Some("web:7".to_owned()),
            until: self.until.clone(),
            has_health_check: false,
            joined: false,
        }
    }

    fn service(&self) -> Service {
        let one = |id: u32, revision: u32, status: &str, running: i64, reason: &str| {
            json!({ "id": format!("ecs-svc/{id}"), "taskDefinition": format!("web:{revision}"), "status": status,
                "runningCount": running, "desiredCount": if status == "PRIMARY" { 2 } else { 0 },
                "createdAt": id * 10, "rolloutState": if status == "PRIMARY" { self.state } else { Some("COMPLETED") },
                "rolloutStateReason": reason })
        };
        let old = i64::from(self.old_run);
        let back = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/3.";
        let deployments: Vec<Value> = match self.primary {
            "ours" => vec![one(2, 8, "PRIMARY", 2, ""), one(1, 7, "ACTIVE", old, "")],
            "before" => vec![one(1, 7, "PRIMARY", 2, ""), one(2, 8, "ACTIVE", old, "")],
            "back" => vec![one(3, 7, "PRIMARY", 2, back), one(2, 8, "ACTIVE", old, "")],
            "rival" => vec![one(3, 9, "PRIMARY", 2, ""), one(2, 8, "ACTIVE", old, "")],
            _ => vec![one(2, 8, "ACTIVE", 2, "")],
        };
        let strategy = if self.shifts { "BLUE_GREEN" } else { "ROLLING" };
        let service = json!({ "status": "ACTIVE", "desiredCount": 2, "runningCount": 2 + old,
            "deployments": deployments, "deploymentConfiguration": { "strategy": strategy } });
        serde_json::from_value(service).unwrap()
    }

    fn service_deployment(&self) -> ServiceDeployment {
        let hooks = json!([{ "hookId": "h", "targetType": "PAUSE", "status": "AWAITING_ACTION" }]);
        let deployment = json!({ "status": self.status, "lifecycleStage": self.stage,
            "lifecycleHookDetails": if self.paused { hooks } else { json!([]) },
            "deploymentCircuitBreaker": { "status": if self.tripped { "TRIGGERED" } else { "MONITORING" } } });
        serde_json::from_value(deployment).unwrap()
    }

    /// The judgements after one read, after the same read 100 seconds later, and at the limit.
    fn judged(&self, service: &Service, deployment: &ServiceDeployment) -> [Rollout; 3] {
        let goal = self.goal();
        let mut facts = Facts { tracking: self.tracking, ..Facts::default() };
        let mut at = |now: u64, late: bool| {
            (facts.now, facts.late) = (Duration::from_secs(now), late);
            facts.read_service(service.clone(), &goal);
            if self.tracking == Tracking::Known {
                facts.read_service_deployment(deployment.clone());
            }
            judge(&facts, &goal)
        };
        [at(0, false), at(100, false), at(100, true)]
    }
}

/// What the service lists: each list is read once, and goes with all that its service deployment may say.
fn lists() -> Vec<Case> {
    let mut cases = Vec::new();
    for primary in PRIMARIES {
        for state in STATES {
            for (old_run, shifts) in [(false, false), (false, true), (true, false), (true, true)] {
                cases.push(Case {
                    tracking: Tracking::Absent,
                    status: "",
                    stage: None,
                    primary,
                    state: *state,
                    paused: false,
                    tripped: false,
                    old_run,
                    shifts,
                    until: Until::Stable,
                });
            }
        }
    }
    cases
}

/// What a service deployment may say.
fn said() -> Vec<(Case, ServiceDeployment)> {
    let stages = [None, Some("DANCING")].into_iter().chain(STAGES.iter().copied().map(Some));
    let stages: Vec<Option<&str>> = stages.collect();
    let mut said = Vec::new();
    for status in STATUSES {
        for stage in &stages {
            for (paused, tripped) in [(false, false), (true, false), (false, true)] {
                let case =
                    Case { status, stage: *stage, paused, tripped, tracking: Tracking::Known, ..lists().remove(0) };
                let deployment = case.service_deployment();
                said.push((case, deployment));
            }
        }
    }
    said
}

#[test]
fn whatever_ecs_says_the_judge_says_nothing_untrue() {
    let said = said();
    let mut judged = 0;
    for list in lists() {
        let service = list.service();
        for until in [Until::Stable, Until::Healthy, Until::Stage("BAKE_TIME".to_owned()), Until::Paused] {
            let list = Case { until, ..list.clone() };
            for tracking in [Tracking::Absent, Tracking::Looking] {
                let case = Case { tracking, ..list.clone() };
                check(&case, &case.judged(&service, &ServiceDeployment::default()));
            }
            for (heard, deployment) in &said {
                let Case { tracking, status, stage, paused, tripped, .. } = *heard;
                let case = Case { tracking, status, stage, paused, tripped, ..list.clone() };
                check(&case, &case.judged(&service, deployment));
                judged += 1;
            }
        }
    }
    assert_eq!(judged, 5 * 5 * 4 * 4 * 11 * 13 * 3);
}

fn check(case: &Case, [first, later, last]: &[Rollout; 3]) {
    for rollout in [first, later, last] {
        if let Rollout::Ended(ending) = rollout {
            holds(case, ending);
        }
    }
    // The limit ends every wait, and changes no ending that was seen before it.
    assert!(matches!(last, Rollout::Ended(_)), "{case:?}");
    assert!(!is(first, Verdict::TimedOut) && !is(later, Verdict::TimedOut), "{case:?}");
    assert!(matches!(later, Rollout::Moving(_)) || verdict(later) == verdict(last), "{case:?} {later:?} {last:?}");
    // What ECS says of our own service deployment is what the verdict says.
    let must = match case.status {
        "SUCCESSFUL" => Verdict::Succeeded,
        "ROLLBACK_SUCCESSFUL" => Verdict::RolledBack,
        "ROLLBACK_FAILED" => Verdict::RollbackFailed,
        _ => return,
    };
    assert!(is(later, must) && is(last, must), "{case:?} {later:?}");
}

/// What holds for every ending.
fn holds(case: &Case, ending: &Ending) {
    let known = case.tracking == Tracking::Known;
    let going = !known || case.status == "IN_PROGRESS";
    // Green has no cause, every other ending has one.
    assert_eq!(ending.verdict.is_green(), ending.code.is_none(), "{case:?} {ending:?}");
    // A status that nobody knows, and one that is on its way, end nothing: only the limit does.
    if known && matches!(case.status, "TELEPORTING" | "" | "PENDING" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS") {
        assert_eq!(ending.verdict, Verdict::TimedOut, "{case:?} {ending:?}");
    }
    match (&ending.verdict, &ending.reached) {
        // The deployment itself ended well: ECS says so of ours, or of the service's list with ours as PRIMARY.
        (Verdict::Succeeded, None) if known => assert_eq!(case.status, "SUCCESSFUL", "{case:?}"),
        (Verdict::Succeeded, None) => {
            assert_eq!(case.primary, "ours", "{case:?}");
            let counted = case.state.is_none() && !case.old_run;
            assert!(case.state == Some("COMPLETED") || counted, "{case:?}");
            assert!(!case.shifts || !case.old_run, "traffic may still be on the old tasks: {case:?}");
        }
        // What was waited for is there, and nothing says that it fails.
        (Verdict::Succeeded, Some(Reached::Healthy)) => {
            assert_eq!((case.until.clone(), case.primary), (Until::Healthy, "ours"), "{case:?}");
            assert!(going && !case.tripped && case.state != Some("FAILED"), "{case:?}");
            assert!(!case.shifts || case.stage.is_some_and(|stage| stage == "BAKE_TIME" || stage == "CLEAN_UP"));
        }
        (Verdict::Succeeded, Some(Reached::Stage(stage))) => {
            assert_eq!(case.until, Until::Stage("BAKE_TIME".to_owned()), "{case:?}");
            assert!(known && going && matches!(stage.as_str(), "BAKE_TIME" | "CLEAN_UP"), "{case:?}");
        }
        (Verdict::Paused, Some(Reached::Pause(..))) => {
            assert!(known && going && case.paused && case.until == Until::Paused, "{case:?}");
        }
        // Somebody took over, and is named: never ours, never what was there before, never a way back.
        (Verdict::Superseded, None) => {
            assert!(matches!(case.primary, "rival" | "back"), "{case:?}");
            assert!(case.primary == "rival" || known, "the list alone tells a way back: {case:?}");
            let theirs = if case.primary == "rival" { "web:9" } else { "web:7" };
            assert_eq!(ending.superseded_by.as_deref(), Some(theirs), "{case:?}");
            assert!(!known || matches!(case.status, "STOPPED" | "STOP_REQUESTED"), "{case:?}");
        }
        // The earlier revision serves: ECS says so of ours, or the list shows it as PRIMARY and done.
        (Verdict::RolledBack, None) if known => assert_eq!(case.status, "ROLLBACK_SUCCESSFUL", "{case:?}"),
        (Verdict::RolledBack, None) => {
            assert!(matches!(case.primary, "before" | "back"), "{case:?}");
            assert!(matches!(case.state, Some("COMPLETED") | None), "{case:?}");
        }
        (Verdict::RollbackFailed, None) => {
            assert!(if known { case.status == "ROLLBACK_FAILED" } else { case.state == Some("FAILED") }, "{case:?}");
        }
        // Not rolled back: ours was stopped, or stays there as FAILED.
        (Verdict::Failed, None) if known => {
            assert!(matches!(case.status, "STOPPED" | "STOP_REQUESTED"), "{case:?}");
        }
        (Verdict::Failed, None) => {
            assert_eq!((case.primary, case.state), ("ours", Some("FAILED")), "{case:?}");
        }
        (Verdict::TimedOut, None) => assert!(ending.phase.is_some(), "{case:?}"),
        other => unreachable!("{other:?} {case:?}"),
    }
}

fn verdict(rollout: &Rollout) -> Option<Verdict> {
    match rollout {
        Rollout::Ended(ending) => Some(ending.verdict),
        Rollout::Moving(_) => None,
    }
}

fn is(rollout: &Rollout, expected: Verdict) -> bool {
    verdict(rollout) == Some(expected)
}
