//! Four deploys to watch: the real program, as its own process with the runner's environment, against this stage.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::{Clock, Rollout, Sim, Trouble, World};

/// How fast the pretend rollouts move.
const TICK: Duration = Duration::from_millis(700);

/// One deploy of the demo.
struct Story {
    name: &'static str,
    title: &'static str,
    world: World,
    /// The tag of the image to deploy.
    tag: &'static str,
}

/// Plays the four stories and leaves what each wrote in a folder below `out`.
///
/// # Errors
/// When a folder, a process or the stage cannot be had, or a story ends otherwise than it should.
pub async fn play(program: &Path, out: &Path) -> io::Result<()> {
    for story in stories() {
        let folder = out.join(story.name);
        play_one(program, &folder, story).await?;
    }
    Ok(())
}

fn stories() -> [Story; 4] {
    let moving = || World::default().clock(Clock::Wall(TICK));
    let trouble = Trouble::exit(1).writing(&["web v2 starts", "panic: DATABASE_URL is not set"]);
    [
        Story {
            name: "good",
            title: "A good deploy: web goes from v1 to v2",
            world: moving().rollout("web", Rollout::Succeed { after: 5 }),
            tag: "v2",
        },
        Story {
            name: "crash",
            title: "A crash: v2 ends as soon as it starts; ECS's circuit breaker rolls it back",
            world: moving().rollout("web", Rollout::CircuitBreaker { failures: 3, rollback: true, trouble }),
            tag: "v2",
        },
        Story {
            name: "bad-image",
            title: "A bad image: the tag was never pushed; nothing is begun",
            world: moving(),
            tag: "v2-typo",
        },
        Story { name: "unchanged", title: "The same again: v1 is what runs already", world: moving(), tag: "v1" },
    ]
}

async fn play_one(program: &Path, folder: &Path, story: Story) -> io::Result<()> {
    let mut screen = io::stdout();
    writeln!(screen, "\n━━━ {} ━━━\n", story.title)?;
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let (output, summary, event) = (folder.join("outputs.txt"), folder.join("summary.md"), folder.join("event.json"));
    for file in [&output, &summary] {
        fs::write(file, "")?;
    }
    fs::write(
        &event,
        r#"{"pull_request": {"number": 12, "head": {"sha": "4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9"}}}"#,
    )?;
    let image = story.world.image("web", story.tag);
    let github_token = story.world.github.token.clone();
    let request_token = story.world.identity.request_token.clone();
    let sim = Sim::start(story.world).await?;

    let mut child = Command::new(program)
        .env_clear()
        .envs([
            ("INPUT_AWS-REGION", "eu-central-1"),
            ("INPUT_ROLE-TO-ASSUME", "arn:aws:iam::123456789012:role/deploy"),
            ("INPUT_CLUSTER", "prod"),
            ("INPUT_SERVICE", "web"),
            ("INPUT_IMAGE", &image),
            ("INPUT_GITHUB-TOKEN", &github_token),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "octo-org/shop"),
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_SHA", "4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9"),
            ("GITHUB_RUN_ID", "101"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_API_URL", &format!("{}/github", sim.url())),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/oidc/token?api-version=2.0", sim.url())),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &request_token),
            ("AWS_ENDPOINT_URL", sim.url()),
        ])
        .env("GITHUB_WORKSPACE", &folder)
        .env("GITHUB_OUTPUT", &output)
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_EVENT_PATH", &event)
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(log) = child.stdout.take() {
        let mut lines = BufReader::new(log).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(shown) = as_the_runner_shows(&line) {
                writeln!(screen, "{shown}")?;
            }
        }
    }
    let status = child.wait().await?;

    writeln!(screen, "\nexit code: {}", status.code().unwrap_or(-1))?;
    writeln!(screen, "job summary: {}", summary.display())?;
    let comment = sim.with(|world| world.github.comments.last().map(|comment| comment.body.clone()));
    if let Some(body) = comment {
        let file = folder.join("comment.md");
        fs::write(&file, body)?;
        writeln!(screen, "pull request comment: {}", file.display())?;
    }
    let writes: Vec<String> = sim.writes().iter().map(|call| call.operation.clone()).collect();
    writeln!(screen, "changed in AWS: {}", if writes.is_empty() { "nothing".to_owned() } else { writes.join(", ") })
}

/// A line of the log as the runner shows it: it takes the workflow commands out, and acts on them.
fn as_the_runner_shows(line: &str) -> Option<String> {
    let Some((command, data)) = line.strip_prefix("::").and_then(|rest| rest.split_once("::")) else {
        return Some(line.to_owned());
    };
    let data = data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    match command.split(' ').next().unwrap_or_default() {
        "add-mask" | "endgroup" => None,
        "group" => Some(format!("▼ {data}")),
        "error" => Some(format!("Error: {data}")),
        "warning" => Some(format!("Warning: {data}")),
        "notice" => Some(format!("Notice: {data}")),
        _ => Some(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_not_shown_and_errors_read_as_in_a_log() {
        assert_eq!(as_the_runner_shows("::add-mask::hunter2"), None);
        assert_eq!(as_the_runner_shows("::error title=Failed::100%25").as_deref(), Some("Error: 100%"));
        assert_eq!(as_the_runner_shows("[00:01] running").as_deref(), Some("[00:01] running"));
    }
}
