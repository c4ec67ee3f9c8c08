//! How light a plan is: few calls, those that do not need one another at once. `make unit` runs this with the other
//! measurements, alone, and shows what came of it.

use std::io::Write as _;
use std::time::Duration;

use ecs_deploy::sim::{Call, Trick, World};
use serde_json::json;

use crate::harness::{Ended, IMAGE_V2, Scenario};

/// How long the pretend AWS and GitHub take for every answer.
const LATENCY: Duration = Duration::from_millis(100);
const MOST_CALLS: usize = 15;
/// How many answers are waited for one after the other: seven leave the program 0.3 of a second. The program of the tests
/// is not optimised, so its own time is shown here, and `tests/bench/deploy` holds the released one's CPU to a limit.
const MOST_ROUNDS: usize = 7;

/// A service with all that the default checks look at: alarms, target group, subnets, secrets, roles, log group.
fn world() -> World {
    let mut world =
        World::default().behind_target_group("web", "web").with_alarm("5xx", "OK", "Threshold not crossed.");
    world.change_service("web", |service| {
        service.configure("alarms", json!({"enable": true, "rollback": true, "alarmNames": ["5xx"]}));
    });
    world.fault("*", u32::MAX, Trick::Delay(LATENCY))
}

/// When each call came in and when it was answered, in milliseconds after the first.
fn timeline(calls: &[Call]) -> Vec<String> {
    let mut calls: Vec<&Call> = calls.iter().collect();
    calls.sort_by(|one, other| one.came.total_cmp(&other.came));
    let began = calls.first().map_or(0.0, |call| call.came);
    let since = |at: f64| ((at - began) * 1000.0).round();
    let line = |call: &&Call| {
        let (from, to) = (since(call.came), since(call.at));
        format!("  {from:5} - {to:5} ms  {}:{} {}", call.service, call.operation, call.status)
    };
    calls.iter().map(line).collect()
}

/// How many of the calls no other call overlaps with: each waits for one before it.
fn rounds(calls: &[Call]) -> usize {
    let mut calls: Vec<&Call> = calls.iter().collect();
    calls.sort_by(|one, other| one.at.total_cmp(&other.at));
    let (rounds, _) =
        calls.iter().fold(
            (0, 0.0),
            |(rounds, until), call| {
                if call.came >= until { (rounds + 1, call.at) } else { (rounds, until) }
            },
        );
    rounds
}

/// Says it past libtest, which keeps what a test prints for itself when the test passes.
fn say(line: &str) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}").unwrap();
}

async fn plan(scenario: &Scenario) -> Ended {
    let ended = scenario.run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.writes, Vec::<String>::new());
    ended
}

#[tokio::test]
async fn a_plan_with_all_default_checks_takes_fifteen_calls_at_most_in_seven_rounds() {
    let scenario = Scenario::of(world()).await.input("image", IMAGE_V2).input("mode", "plan");
    // The comment is told after the plan, to GitHub.
    let ended = plan(&scenario.input("pr-comment", "never")).await;
    let calls = ended.calls.iter().filter(|call| call.door == "aws").count();
    let rounds = rounds(&ended.calls);
    let told = format!(
        "a plan with all default checks: {calls} calls to AWS (at most {MOST_CALLS}), {rounds} rounds (at most {MOST_ROUNDS}), {:.2} s with {} ms for each answer\n{}",
        ended.took.as_secs_f64(),
        LATENCY.as_millis(),
        timeline(&ended.calls).join("\n")
    );
    say(&told);
    assert!(calls <= MOST_CALLS && rounds <= MOST_ROUNDS, "{told}");
}
