//! Telling: outputs, summary, one comment; and that a report which cannot be delivered changes no verdict.

use ecs_deploy::sim::{Rollout, Trick, Trouble, World};
use serde_json::json;

use crate::harness::{IMAGE_V2, Scenario};

async fn on_a_pull_request(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2).on_pull_request()
}

#[tokio::test]
async fn a_comment_is_written_once_and_then_edited() {
    let scenario = on_a_pull_request(World::default()).await;
    scenario.run().await.is(0, "succeeded", "");
    let again = scenario.run().await;
    again.is(0, "unchanged", "");
    assert_eq!(again.comments.len(), 1);
    assert_eq!(again.requests("issues/create-comment").len(), 0);
    assert_eq!(again.requests("issues/update-comment").len(), 1);
}

#[tokio::test]
async fn the_pull_request_of_a_pushed_commit_is_found() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.requests("repos/list-pull-requests-associated-with-commit").len(), 1);
    assert_eq!(ended.comments.len(), 1);
}

#[tokio::test]
async fn a_marker_pasted_by_somebody_else_is_not_taken_for_ours() {
    let scenario = on_a_pull_request(World::default()).await;
    let first = scenario.run().await;
    let body = first.comments[0].clone();
    scenario.sim.with(|world| {
        world.github.comments.clear();
        world.github.comment(12, &body, "octocat", 0.0);
    });
    let ended = scenario.run().await;
    ended.is(0, "unchanged", "");
    assert_eq!(ended.comments.len(), 2);
    assert_eq!(ended.comments[0], body);
}

#[tokio::test]
async fn our_comment_is_found_on_the_second_page() {
    let scenario = on_a_pull_request(World::default()).await;
    scenario.sim.with(|world| {
        for _ in 0..150 {
            world.github.comment(12, "nice", "octocat", 0.0);
        }
    });
    scenario.run().await.is(0, "succeeded", "");
    let again = scenario.run().await;
    assert_eq!(again.comments.len(), 151);
}

#[tokio::test]
async fn a_comment_that_cannot_be_written_is_one_warning_and_no_more() {
    let tricks = [
        Trick::NotAccessible,
        Trick::Status(404),
        Trick::Status(422),
        Trick::Status(500),
        Trick::Html(502),
        Trick::RateLimited(3000),
        Trick::Reset,
    ];
    for trick in tricks {
        let world = World::default().fault("issues/list-comments", u32::MAX, trick.clone());
        let world = world.fault("issues/create-comment", u32::MAX, trick.clone());
        let ended = on_a_pull_request(world).await.run().await;
        ended.is(0, "succeeded", "");
        let warnings = ended.stdout.lines().filter(|line| line.starts_with("::warning")).count();
        assert_eq!(warnings, 1, "{trick:?}: {}", ended.told());
    }
}

#[tokio::test]
async fn never_means_never() {
    let ended = on_a_pull_request(World::default()).await.input("pr-comment", "never").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.calls.iter().filter(|call| call.door == "github").count(), 0);
}

#[tokio::test]
async fn without_a_summary_nothing_is_written_into_it() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("job-summary", "false").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.summary, "");
}

#[tokio::test]
async fn the_summary_says_the_verdict_first_and_masks_values() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await;
    scenario.sim.with(|world| world.declared_secrets.push("hunter2hunter2".into()));
    let ended = scenario.input("environment-variables", "PASSWORD=hunter2hunter2").run().await;
    ended.is(0, "succeeded", "");
    let first = ended.summary.lines().find(|line| !line.trim().is_empty() && !line.starts_with("<!--")).unwrap();
    assert!(first.contains("web"), "{}", ended.summary);
    assert!(ended.summary.contains("web:7") && ended.summary.contains("web:8"), "{}", ended.summary);
    assert!(ended.summary.contains("PASSWORD"), "{}", ended.summary);
}

#[tokio::test]
async fn text_from_outside_can_inject_nothing() {
    let evil = "bad\n::error::injected\n##[error]injected too\n<script>alert(1)</script> @octocat `| x";
    let trouble = Trouble::never_started(evil);
    let rollout = Rollout::CircuitBreaker { failures: 2, rollback: true, trouble };
    let ended = Scenario::of(World::default().rollout("web", rollout))
        .await
        .input("image", IMAGE_V2)
        .on_pull_request()
        .run()
        .await;
    assert_eq!((ended.code, ended.output("verdict")), (Some(4), "rolled-back"), "{}", ended.told());
    for line in ended.stdout.lines().chain(ended.stderr.lines()) {
        assert!(!line.trim_start().starts_with("::error::injected"), "{line}");
        assert!(!line.contains("##["), "{line}");
    }
    for text in ended.comments.iter().chain([&ended.summary]) {
        assert!(!outside_code(text).contains("<script>"), "{text}");
    }
}

#[tokio::test]
async fn a_failure_tells_its_cause_in_log_summary_and_comment() {
    let rollout = Rollout::CircuitBreaker { failures: 2, rollback: true, trouble: Trouble::out_of_memory() };
    let ended = on_a_pull_request(World::default().rollout("web", rollout)).await.run().await;
    ended.is(4, "rolled-back", "out-of-memory");
    assert!(ended.stdout.contains("::error"), "{}", ended.told());
    for text in [&ended.stdout, &ended.summary, &ended.comments[0]] {
        assert!(text.contains("137"), "{text}");
    }
    assert_eq!(ended.report["verdict"], "rolled-back");
}

#[tokio::test]
async fn a_failure_shows_what_the_container_wrote_last_in_log_summary_and_comment() {
    let wrote = ["starting", "cannot reach the database", "::error::giving up", "```</details>@octocat"];
    let trouble = Trouble::exit(1).writing(&wrote);
    let rollout = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble };
    let ended = on_a_pull_request(World::default().rollout("web", rollout)).await.run().await;
    ended.is(4, "rolled-back", "application-crashed");
    for text in [&ended.stdout, &ended.summary, &ended.comments[0]] {
        assert!(text.contains("cannot reach the database"), "{text}");
    }
    assert!(ended.stdout.contains("::group::Last log lines of container web"), "{}", ended.told());
    assert!(!ended.stdout.lines().any(|line| line.trim_start().starts_with("::error::giving up")), "{}", ended.told());
    for text in [&ended.summary, &ended.comments[0]] {
        assert!(text.contains("#### Last log lines") && !outside_code(text).contains("@octocat"), "{text}");
    }
}

#[tokio::test]
async fn every_declared_output_is_written_on_success_and_the_verdict_on_every_path() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.run().await;
    let declared =
        include_str!("../../action.yml").split_once("\noutputs:\n").unwrap().1.split_once("\nruns:").unwrap().0;
    for name in declared
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with(' '))
    {
        assert!(ended.outputs.contains_key(name), "no output `{name}`");
    }
    let services: serde_json::Value = serde_json::from_str(ended.output("services")).unwrap();
    assert_eq!(services[0]["verdict"], json!("succeeded"));
    let failed = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("mode", "nonsense").run().await;
    assert_eq!(failed.output("verdict"), "invalid");
    assert_eq!(failed.output("changed"), "false");
}

/// The Markdown outside of code spans, where HTML would count: a span ends at a run of as many backticks as began it.
fn outside_code(text: &str) -> String {
    let mut outside = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        outside.push_str(&rest[..at]);
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let (ticks, after) = rest[at..].split_at(run);
        let escaped = rest[..at].ends_with('\\');
        let is_end = |found: &usize| !after[..*found].ends_with('`') && !after[found + run..].starts_with('`');
        let end = after.match_indices(ticks).map(|(found, _)| found).find(is_end).filter(|_| !escaped);
        rest = end.map_or(after, |end| &after[end + run..]);
    }
    outside + rest
}

#[test]
fn html_outside_of_code_is_seen() {
    assert_eq!(outside_code("a `b` ``c ` d`` <e> \\`<f>\\` `g"), "a   <e> \\<f>\\ g");
}
