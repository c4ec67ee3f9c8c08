//! When the evidence is gathered, how long that may take, and what ends a wait early.

use super::*;

/// A rollback under way whose tasks logged something.
fn broken() -> World {
    let trouble = Trouble::exit(1).writing(&["no database"]);
    world().rollout("web", Rollout::CircuitBreaker { failures: 3, rollback: true, trouble })
}

fn crash_loop(trouble: Trouble) -> World {
    let mut world = world().rollout("web", Rollout::CrashLoop { trouble });
    world.change_service("web", |service| service.breaker(false, false));
    world
}

#[tokio::test(start_paused = true)]
async fn slow_logs_are_waited_for_ten_seconds_and_take_nothing_else_with_them() {
    let run = Run::of(broken().fault("GetLogEvents", u32::MAX, Trick::Delay(Duration::from_mins(1)))).await;
    assert_eq!(run.ending(), "rolled-back circuit-breaker web:7");
    let began = Instant::now();
    let (evidence, cause) = why(&run).await;
    assert!(began.elapsed() <= Duration::from_millis(10_100), "{:?}", began.elapsed());
    assert!(evidence.logs.is_empty() && !evidence.stopped.is_empty() && !evidence.events.is_empty());
    assert!(evidence.missing.iter().any(|missing| missing.contains("The log of container `web`")), "{evidence:#?}");
    assert!(cause.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_slow_list_of_tasks_does_not_take_the_target_health_with_it() {
    let trouble = Trouble::unhealthy("web").answering(404);
    let world = world().rollout("web", Rollout::CircuitBreaker { failures: 3, rollback: true, trouble });
    let world = world.behind_target_group("web", "web");
    let run = Run::of(world.fault("ListTasks", u32::MAX, Trick::Delay(Duration::from_mins(1)))).await;
    let (evidence, _) = why(&run).await;
    assert_eq!(evidence.target_groups.first().map(|group| group.path.as_deref()), Some(Some("/healthz")));
    assert!(evidence.target_groups.iter().all(|group| !group.targets.is_empty()), "{evidence:#?}");
}

#[tokio::test(start_paused = true)]
async fn lines_that_are_still_on_their_way_are_read_a_moment_later() {
    let mut world = broken();
    world.logs.delivery = 4.0;
    let run = Run::of(world).await;
    let evidence = run.outcome.evidence.as_ref().unwrap();
    assert_eq!(evidence.logs.first().map(|tail| tail.lines.len()), Some(1), "{evidence:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_evidence_is_gathered_once_at_the_first_sight_of_the_way_back_and_a_cancelled_run_has_it() {
    let mut run = Run::prepare(broken().clock(Clock::Wall(Duration::from_secs(20))), json!({})).await;
    let wait = Wait { enabled: true, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() };
    let mut tell = |_| {};
    let applied = apply(&run.plan, &wait, &run.aws, &mut run.outcome, &mut tell);
    // The breaker trips after a minute, the way back takes forty seconds more.
    assert!(tokio::time::timeout(Duration::from_secs(75), applied).await.is_err());
    assert_eq!(run.outcome.verdict, None);
    let evidence = run.outcome.evidence.as_ref().unwrap();
    assert_eq!(evidence.stopped.first().map(|group| group.count), Some(3), "{evidence:#?}");
    assert_eq!(evidence.logs.first().map(|tail| tail.lines.len()), Some(1));
    assert_eq!(run.sim.calls().iter().filter(|call| call.operation == "GetLogEvents").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_way_back_is_in_the_evidence_too() {
    let run = Run::of(broken().clock(Clock::Wall(Duration::from_secs(3)))).await;
    let evidence = run.outcome.evidence.as_ref().unwrap();
    let last = evidence.events.last().map(|event| event.message.as_str());
    assert_eq!(last, Some("(service web) has reached a steady state."));
    assert!(evidence.moments.is_sorted_by(|one, other| one.at <= other.at));
    assert!(evidence.moments.iter().any(|moment| moment.what == "has reached a steady state."));
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_ends_the_wait_within_ten_seconds_of_the_third_failure() {
    let tick = Duration::from_secs(20);
    let run = Run::of(crash_loop(Trouble::image_not_found("web:v2")).clock(Clock::Wall(tick))).await;
    assert_eq!(run.ending(), "failed deployment-failed web:7");
    assert!(run.took > tick * 3 && run.took < tick * 3 + Duration::from_secs(10), "{:?}", run.took);
    let looks = run.sim.calls().iter().filter(|call| call.operation == "ListTasks").count();
    assert!(looks <= 3, "one look, and two for the evidence: {looks}");
    assert_eq!(why(&run).await.1.map(|cause| cause.code), Some(Code::ImageNotFound));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_may_pass_is_followed_to_the_limit() {
    let passing = Trouble::never_started("Timeout waiting for network interface provisioning to complete.");
    let run = Run::of(crash_loop(passing).clock(Clock::Wall(Duration::from_secs(5)))).await;
    assert_eq!(run.ending(), "timed-out timed-out web:7");
    let looks = run.sim.calls().iter().filter(|call| call.operation == "ListTasks").count();
    assert!(looks <= 20, "at most every ten seconds: {looks} in three minutes");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_was_throttled_is_taken_again() {
    let world = crash_loop(Trouble::image_not_found("web:v2")).clock(Clock::Wall(Duration::from_secs(5)));
    let run = Run::of(world.fault("ListTasks", 8, Trick::Throttle)).await;
    assert_eq!(run.ending(), "failed deployment-failed web:7", "{:#?}", run.told);
    assert_eq!(run.warnings(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_denied_look_is_told_once_and_ends_nothing() {
    let world = crash_loop(trouble()).clock(Clock::Wall(Duration::from_secs(5))).denied("ListTasks");
    let run = Run::of(world).await;
    assert_eq!(run.ending(), "timed-out timed-out web:7");
    assert_eq!(run.warnings().iter().filter(|text| text.contains("`ecs:ListTasks` is denied to")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_went_well_keeps_what_is_in_hand_and_asks_for_nothing() {
    let run = Run::of(world().rollout("web", Rollout::Succeed { after: 4 })).await;
    assert_eq!(run.ending(), "succeeded web:8");
    assert!(!run.outcome.evidence.as_ref().unwrap().moments.is_empty());
    assert!(!run.sim.calls().iter().any(|call| call.operation == "ListTasks"));
}
