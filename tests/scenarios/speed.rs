//! How long it takes to know: in real time, against what the stage itself wrote down. `make unit` runs these alone, so
//! that nothing else takes their time, and shows what they measured.

use std::io::Write as _;
use std::ops::Range;
use std::time::Duration;

use ecs_deploy::sim::{Clock, Rollout, Sim, Trouble, World};
use tokio::task::JoinSet;

use crate::harness::{IMAGE_V2, Scenario};

/// Says it past libtest, which keeps what a test prints for itself when the test passes.
fn say(line: &str) {
    // Not `println!`, which a passing test keeps to itself.
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}").unwrap();
}

/// When ECS called our deployment finished, by its own clock.
fn finished(sim: &Sim) -> f64 {
    sim.with(|world| world.ecs.services[0].deployments.last().and_then(|ours| ours.finished)).unwrap()
}

/// Measurements until one is within its limit: whatever else the machine does now and then takes seconds of its own,
/// which are not the program's. All are shown.
const TRIES: u32 = 3;

/// The longest that any of some rollouts was finished before the run said so. Each takes a little longer than the one
/// before, so that it ends at another moment between two looks; by then, the pauses have grown to the longest.
async fn slowest_green(longest_pause: &str, limit: f64, ticks: Range<u32>) {
    for _ in 0..TRIES {
        let mut runs = JoinSet::new();
        for ticks in ticks.clone() {
            let longest_pause = longest_pause.to_owned();
            runs.spawn(async move {
                let world = World::default().rollout("web", Rollout::Succeed { after: ticks });
                let scenario = Scenario::of(world.clock(Clock::Wall(Duration::from_millis(650)))).await;
                let scenario = scenario.input("image", IMAGE_V2).input("wait-max-delay-seconds", &longest_pause);
                let ended = scenario.run().await;
                let now = scenario.sim.with(|world| world.now());
                ended.is(0, "succeeded", "");
                now - finished(&scenario.sim)
            });
        }
        let times = runs.join_all().await;
        let slowest = times.iter().copied().fold(0.0, f64::max);
        say(&format!(
            "time to green: {slowest:.2} s after ECS called it finished, the slowest of {} (at most {limit:.0} s with `wait-max-delay-seconds: {longest_pause}`)",
            times.len()
        ));
        if slowest <= limit {
            return;
        }
    }
    panic!("never within {limit} s");
}

#[tokio::test]
async fn a_finished_rollout_is_green_within_six_seconds() {
    slowest_green("5", 6.0, 19..26).await;
}

#[tokio::test]
async fn a_finished_rollout_is_green_within_one_second_when_asked_often() {
    slowest_green("1", 1.0, 8..13).await;
}

/// Tasks that fail every so often; none is counted by a circuit breaker.
#[tokio::test]
async fn a_bad_image_is_red_with_its_cause_within_ten_seconds_of_the_third_failure() {
    let mut runs = JoinSet::new();
    for tick in [1000, 2500, 4000, 5000] {
        runs.spawn(async move {
            let trouble = Trouble::image_not_found(IMAGE_V2);
            let mut world = World::default().rollout("web", Rollout::CrashLoop { trouble });
            world.change_service("web", |service| service.breaker(false, false));
            let scenario = Scenario::of(world.clock(Clock::Wall(Duration::from_millis(tick)))).await;
            let scenario = scenario.input("image", IMAGE_V2).input("on-failure", "none");
            let scenario = scenario.input("wait-max-delay-seconds", "5");
            let ended = scenario.run().await;
            let (now, mut stops) = scenario.sim.with(|world| {
                let began = world.ecs.services[0].deployments.last().map_or(0.0, |ours| ours.created);
                let stops = world.ecs.tasks.iter().filter_map(|task| task.stopped).filter(|at| *at >= began);
                (world.now(), stops.collect::<Vec<f64>>())
            });
            ended.is(5, "failed", "image-not-found");
            assert!(ended.stdout.contains("CannotPullContainerError"), "{}", ended.told());
            stops.sort_by(f64::total_cmp);
            now - stops[2]
        });
    }
    let times = runs.join_all().await;
    let slowest = times.iter().copied().fold(0.0, f64::max);
    say(&format!(
        "time to red: {slowest:.1} s after the third failed task of a bad image, the slowest of {} (at most 10 s, without circuit breaker)",
        times.len()
    ));
    assert!(slowest <= 10.0, "{times:?}");
}
