//! The comment, told to the pretend GitHub.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::PathBuf;
use std::time::Duration;

use super::{Note, comment};
use crate::http::Http;
use crate::inputs::runner::Runner;
use crate::model::secret::Secret;
use crate::sim::{Fault, Sim, Trick, World};

const MARKER: &str = "<!-- ecs-deploy-action:prod/web -->";
const LIMIT: Duration = Duration::from_secs(15);

struct Stage {
    sim: Sim,
    runner: Runner,
    token: Secret,
    // Keeps the event's file alive.
    _folder: tempfile::TempDir,
}

/// A run for the open pull request 12, whose commit the run is at.
async fn stage(event: &str) -> Stage {
    let world = World::default();
    let (token, sha) = (Secret::new(world.github.token.clone()), world.github.sha.clone());
    let folder = tempfile::tempdir().unwrap();
    let event_path: PathBuf = folder.path().join("event.json");
    std::fs::write(&event_path, event).unwrap();
    let sim = Sim::start(world).await.unwrap();
    let runner = Runner {
        api_url: format!("{}/github", sim.url()),
        repository: Some("octo-org/shop".to_owned()),
        sha: Some(sha),
        event_path: Some(event_path),
        ..Runner::default()
    };
    Stage { sim, runner, token, _folder: folder }
}

impl Stage {
    async fn tell(&self, text: &str) -> Result<(), String> {
        let body = format!("{MARKER}\n{text}");
        let note = Note { marker: MARKER, body: &body, wanted: false };
        comment(&self.runner, Some(&self.token), &Http::default(), note, LIMIT).await
    }

    fn bodies(&self) -> Vec<String> {
        self.sim.with(|world| world.github.comments.iter().map(|comment| comment.body.clone()).collect())
    }

    fn operations(&self) -> Vec<String> {
        self.sim.calls().into_iter().map(|call| call.operation).collect()
    }

    fn fault(&self, operation: &str, times: u32, trick: Trick) {
        self.sim.with(|world| world.faults.push(Fault { operation: operation.to_owned(), skip: 0, times, trick }));
    }
}

const PULL_REQUEST: &str = r#"{"pull_request":{"number":12}}"#;

#[tokio::test]
async fn one_comment_is_written_and_then_edited_in_place() {
    let stage = stage(PULL_REQUEST).await;
    stage.tell("one").await.unwrap();
    stage.tell("two").await.unwrap();
    assert_eq!(stage.bodies(), [format!("{MARKER}\ntwo")]);
    assert_eq!(stage.sim.unknown(), Vec::<String>::new());
}

#[tokio::test]
async fn an_equal_comment_is_left_alone() {
    let stage = stage(PULL_REQUEST).await;
    stage.tell("one").await.unwrap();
    stage.tell("one").await.unwrap();
    assert!(!stage.operations().contains(&"issues/update-comment".to_owned()), "{:?}", stage.operations());
}

#[tokio::test]
async fn a_push_finds_its_pull_request_by_the_commit() {
    let stage = stage("{}").await;
    stage.tell("one").await.unwrap();
    assert_eq!(stage.operations()[0], "repos/list-pull-requests-associated-with-commit");
    assert_eq!(stage.bodies().len(), 1);
}

#[tokio::test]
async fn a_commit_without_a_pull_request_is_told_only_when_a_comment_was_wanted() {
    let stage = stage("{}").await;
    stage.sim.with(|world| world.github.pulls.clear());
    assert_eq!(stage.tell("one").await, Ok(()));
    let note = Note { marker: MARKER, body: MARKER, wanted: true };
    let warning = comment(&stage.runner, Some(&stage.token), &Http::default(), note, LIMIT).await;
    assert_eq!(warning.unwrap_err(), "No comment was written: this commit belongs to no pull request.");
}

#[tokio::test]
async fn a_pasted_marker_is_not_ours() {
    let stage = stage(PULL_REQUEST).await;
    stage.sim.with(|world| world.github.comment(12, &format!("{MARKER}\nfake"), "mallory", 0.0));
    stage.sim.with(|world| world.github.comment(12, &format!("quoting {MARKER}"), "github-actions[bot]", 0.0));
    stage.tell("one").await.unwrap();
    assert_eq!(stage.bodies().len(), 3);
    assert_eq!(stage.bodies()[0], format!("{MARKER}\nfake"));
}

#[tokio::test]
async fn a_person_s_token_knows_its_own_comment() {
    let stage = stage(PULL_REQUEST).await;
    stage.sim.with(|world| world.github.login = "octocat".to_owned());
    stage.tell("one").await.unwrap();
    stage.tell("two").await.unwrap();
    assert_eq!(stage.bodies(), [format!("{MARKER}\ntwo")]);
}

#[tokio::test]
async fn our_comment_is_found_on_a_later_page() {
    let stage = stage(PULL_REQUEST).await;
    stage.sim.with(|world| {
        for n in 0..130 {
            world.github.comment(12, &format!("comment {n}"), "octocat", 0.0);
        }
    });
    stage.tell("one").await.unwrap();
    stage.tell("two").await.unwrap();
    assert_eq!(stage.bodies().len(), 131);
    assert_eq!(stage.bodies()[130], format!("{MARKER}\ntwo"));
}

#[tokio::test]
async fn a_comment_deleted_in_between_is_written_again() {
    let stage = stage(PULL_REQUEST).await;
    stage.tell("one").await.unwrap();
    stage.fault("issues/update-comment", 1, Trick::Status(404));
    stage.tell("two").await.unwrap();
    assert!(stage.operations().contains(&"issues/create-comment".to_owned()));
    assert_eq!(stage.bodies(), [format!("{MARKER}\ntwo")]);
}

#[tokio::test]
async fn two_racing_runs_leave_one_comment() {
    let stage = stage(PULL_REQUEST).await;
    // Both look before either writes.
    stage.fault("issues/create-comment", 2, Trick::Delay(Duration::from_millis(150)));
    let (one, two) = tokio::join!(stage.tell("one"), stage.tell("two"));
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert_eq!(stage.operations().iter().filter(|name| *name == "issues/create-comment").count(), 2);
    assert_eq!(stage.bodies().len(), 1, "{:?}", stage.bodies());
}

#[tokio::test]
async fn whatever_github_refuses_is_one_warning_that_names_the_permission() {
    for trick in [
        Trick::NotAccessible,
        Trick::Status(404),
        Trick::Status(410),
        Trick::Status(422),
        Trick::Status(503),
        Trick::Html(502),
        Trick::RateLimited(3000),
        Trick::SecondaryLimit(60),
        Trick::Throttle,
        Trick::Reset,
    ] {
        let stage = stage(PULL_REQUEST).await;
        stage.fault("issues/create-comment", u32::MAX, trick.clone());
        let warning = stage.tell("one").await.unwrap_err();
        assert!(warning.contains("`permissions: pull-requests: write`"), "{trick:?}: {warning}");
        let posts = stage.operations().into_iter().filter(|name| name == "issues/create-comment").count();
        assert_eq!(posts, 1, "{trick:?}: a comment is never written twice");
    }
}

#[tokio::test]
async fn the_warning_says_what_github_said() {
    let stage = stage(PULL_REQUEST).await;
    stage.fault("issues/list-comments", u32::MAX, Trick::NotAccessible);
    insta::assert_snapshot!(stage.tell("one").await.unwrap_err(), @"The comment on the pull request was not written: GitHub answered 403 (Resource not accessible by integration). It needs `permissions: pull-requests: write` in the workflow; runs for pull requests from forks cannot have it.");
}

#[tokio::test]
async fn reading_is_tried_again_after_a_server_error() {
    let stage = stage(PULL_REQUEST).await;
    stage.fault("issues/list-comments", 1, Trick::Status(502));
    assert_eq!(stage.tell("one").await, Ok(()));
}

#[tokio::test]
async fn a_slow_github_does_not_hold_the_run() {
    let stage = stage(PULL_REQUEST).await;
    stage.fault("issues/list-comments", 1, Trick::Delay(Duration::from_mins(1)));
    let note = Note { marker: MARKER, body: MARKER, wanted: false };
    let limit = Duration::from_millis(200);
    let warning = comment(&stage.runner, Some(&stage.token), &Http::default(), note, limit).await.unwrap_err();
    assert!(warning.contains("GitHub took longer than"), "{warning}");
}

#[tokio::test]
async fn a_missing_or_broken_token_is_a_warning() {
    let stage = stage(PULL_REQUEST).await;
    let note = Note { marker: MARKER, body: MARKER, wanted: false };
    let without = comment(&stage.runner, None, &Http::default(), note, LIMIT).await.unwrap_err();
    assert!(without.contains("`github-token` is empty"), "{without}");
    let broken = Secret::new("two\nlines");
    let broken = comment(&stage.runner, Some(&broken), &Http::default(), note, LIMIT).await.unwrap_err();
    assert!(broken.contains("`github-token` is no token"), "{broken}");
}
