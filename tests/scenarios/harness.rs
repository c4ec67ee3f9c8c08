//! One scenario: the real program against the pretend AWS and GitHub, with the environment a runner gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ecs_deploy::sim::{Call, Rollout, Sim, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::runner::{declared_inputs, file_commands, input_variable, without_masks};

/// No scenario takes longer than this.
const PATIENCE: Duration = Duration::from_mins(1);

/// A story about to be played: a world, a workspace, the inputs of a step.
pub struct Scenario {
    /// The pretend AWS and GitHub.
    pub sim: Sim,
    folder: TempDir,
    inputs: BTreeMap<String, String>,
    environment: BTreeMap<String, Option<String>>,
    event: (String, Value),
}

/// What came of a run.
#[derive(Debug)]
#[must_use]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What a user sees.
    pub stdout: String,
    /// What tracing wrote.
    pub stderr: String,
    /// Outputs, read by the runner's own rules.
    pub outputs: BTreeMap<String, String>,
    /// The job summary.
    pub summary: String,
    /// The report file; null when there is none.
    pub report: Value,
    /// What the step after the job would be given.
    pub state: BTreeMap<String, String>,
    /// Bodies of all comments on GitHub.
    pub comments: Vec<String>,
    /// The changing AWS calls of this run, by name.
    pub writes: Vec<String>,
    /// Every call of this run.
    pub calls: Vec<Call>,
    /// How long it took; after a signal, from then on.
    pub took: Duration,
}

impl Scenario {
    /// The usual world, and a step that deploys nothing yet: role, cluster and service are given, no image.
    pub async fn new() -> Self {
        Self::of(World::default()).await
    }

    /// A step in another world.
    pub async fn of(world: World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["workspace", "temp", "home", "commands", "workflow"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let sim = Sim::start(world).await.unwrap();
        let scenario = Self {
            sim,
            folder,
            inputs: BTreeMap::new(),
            environment: BTreeMap::new(),
            event: ("push".into(), json!({})),
        };
        scenario
            .input("role-to-assume", "arn:aws:iam::123456789012:role/deploy")
            .input("cluster", "prod")
            .input("service", "web")
            .input("wait-max-delay-seconds", "0")
    }

    /// The usual world, a service whose next deployment goes as told, and a step that deploys the image `v2`.
    pub async fn deploying(rollout: Rollout) -> Self {
        let scenario = Self::of(World::default().rollout("web", rollout)).await;
        scenario.input("image", IMAGE_V2)
    }

    /// Gives an input of action.yml.
    pub fn input(mut self, name: &str, value: &str) -> Self {
        assert!(declared_inputs().contains_key(name), "action.yml does not declare `{name}`");
        self.inputs.insert(name.into(), value.into());
        self
    }

    /// Gives an input that action.yml does not declare, as a typo in a workflow does.
    pub fn undeclared(mut self, name: &str, value: &str) -> Self {
        self.inputs.insert(name.into(), value.into());
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), Some(value.into()));
        self
    }

    /// Takes a variable away that the runner would give.
    pub fn without_env(mut self, name: &str) -> Self {
        self.environment.insert(name.into(), None);
        self
    }

    /// Puts a file into the workspace.
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.workspace().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Says what started the workflow.
    pub fn event(mut self, name: &str, payload: Value) -> Self {
        self.event = (name.into(), payload);
        self
    }

    /// The step runs for the pull request that is open on stage.
    pub fn on_pull_request(self) -> Self {
        let sha = self.sim.with(|world| world.github.sha.clone());
        let payload = json!({"number": 12, "pull_request": {"number": 12, "head": {"sha": sha, "ref": "feature/faster-checkout"}}});
        self.event("pull_request", payload)
            .env("GITHUB_REF", "refs/pull/12/merge")
            .env("GITHUB_HEAD_REF", "feature/faster-checkout")
    }

    /// The workspace's folder.
    pub fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    fn environment(&self, commands: &Path) -> BTreeMap<String, String> {
        let (url, path) = (self.sim.url(), |name: &str| self.folder.path().join(name).display().to_string());
        let (token, request_token, sha, repository) = self.sim.with(|world| {
            (
                world.github.token.clone(),
                world.identity.request_token.clone(),
                world.github.sha.clone(),
                world.github.repository.clone(),
            )
        });
        let mut environment = BTreeMap::new();
        for (name, default) in declared_inputs() {
            let value = default.unwrap_or_default().replace("${{ github.token }}", &token);
            environment.insert(input_variable(&name), value);
        }
        environment.extend(self.inputs.iter().map(|(name, value)| (input_variable(name), value.clone())));
        let owner = repository.split('/').next().unwrap().to_owned();
        let file = |name: &str| commands.join(name).display().to_string();
        let variables = [
            ("CI", "true".into()),
            ("GITHUB_ACTIONS", "true".into()),
            ("HOME", path("home")),
            ("GITHUB_ACTION", "__octo-org_ecs-deploy-action".into()),
            ("GITHUB_ACTOR", "octocat".into()),
            ("GITHUB_API_URL", format!("{url}/github")),
            ("GITHUB_GRAPHQL_URL", format!("{url}/github/graphql")),
            ("GITHUB_SERVER_URL", "https://github.com".into()),
            ("GITHUB_EVENT_NAME", self.event.0.clone()),
            ("GITHUB_EVENT_PATH", path("workflow/event.json")),
            ("GITHUB_JOB", "deploy".into()),
            ("GITHUB_REF", "refs/heads/main".into()),
            ("GITHUB_REF_NAME", "main".into()),
            ("GITHUB_REF_TYPE", "branch".into()),
            ("GITHUB_REPOSITORY", repository),
            ("GITHUB_REPOSITORY_ID", "734512".into()),
            ("GITHUB_REPOSITORY_OWNER", owner),
            ("GITHUB_REPOSITORY_OWNER_ID", "583231".into()),
            ("GITHUB_RUN_ID", "9876543210".into()),
            ("GITHUB_RUN_NUMBER", "42".into()),
            ("GITHUB_RUN_ATTEMPT", "1".into()),
            ("GITHUB_SHA", sha),
            ("GITHUB_TRIGGERING_ACTOR", "octocat".into()),
            ("GITHUB_WORKFLOW", "deploy".into()),
            ("GITHUB_WORKSPACE", path("workspace")),
            ("GITHUB_OUTPUT", file("output")),
            ("GITHUB_ENV", file("env")),
            ("GITHUB_STATE", file("state")),
            ("GITHUB_PATH", file("path")),
            ("GITHUB_STEP_SUMMARY", file("summary")),
            ("RUNNER_OS", "Linux".into()),
            ("RUNNER_ARCH", "X64".into()),
            ("RUNNER_NAME", "runner-1".into()),
            ("RUNNER_ENVIRONMENT", "github-hosted".into()),
            ("RUNNER_TEMP", path("temp")),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{url}/oidc/token?api-version=2.0")),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", request_token),
            ("AWS_REGION", "eu-central-1".into()),
            ("AWS_ENDPOINT_URL", url.into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            // Nothing but the stage is reached: nobody listens there.
            ("HTTPS_PROXY", "http://127.0.0.1:9".into()),
        ];
        environment.extend(variables.map(|(name, value): (&str, String)| (name.to_owned(), value)));
        for (name, value) in &self.environment {
            match value {
                Some(value) => environment.insert(name.clone(), value.clone()),
                None => environment.remove(name),
            };
        }
        environment
    }

    /// Runs the program once and checks what must hold for every run.
    pub async fn run(&self) -> Ended {
        self.play(None, None).await
    }

    /// Runs the program as the runner does after the job, with the state that an earlier run of it left.
    pub async fn run_after_the_job(&self, state: &BTreeMap<String, String>) -> Ended {
        self.play(None, Some(state)).await
    }

    /// The same, but the runner sends a signal (such as `INT`) once an operation was called.
    pub async fn run_and_signal(&self, after: &str, signal: &str) -> Ended {
        self.play(Some((after, 1, Duration::ZERO, &[signal])), None).await
    }

    /// The same a moment after the operation was called so many times, when the next request is under way; further
    /// signals follow.
    pub async fn run_and_signal_after(&self, after: &str, times: usize, signals: &[&str]) -> Ended {
        self.play(Some((after, times, Duration::from_millis(200), signals)), None).await
    }

    /// Runs a verb of the command line with the same environment.
    pub async fn run_verb(&self, arguments: &[&str]) -> std::process::Output {
        let seen = self.sim.calls().len();
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_ecs-deploy"))
            .env_clear()
            .envs(self.environment(&self.folder.path().join("commands")))
            .args(arguments)
            .current_dir(self.workspace())
            .output();
        let output = output.await.unwrap();
        assert_eq!(self.sim.calls().len(), seen, "it asks somebody");
        output
    }

    async fn play(
        &self,
        signal: Option<(&str, usize, Duration, &[&str])>,
        after_job: Option<&BTreeMap<String, String>>,
    ) -> Ended {
        let commands = tempfile::tempdir_in(self.folder.path().join("commands")).unwrap();
        for name in ["output", "env", "state", "path", "summary"] {
            std::fs::write(commands.path().join(name), "").unwrap();
        }
        std::fs::write(self.folder.path().join("workflow/event.json"), self.event.1.to_string()).unwrap();
        let (seen, mut begun) = (self.sim.calls().len(), std::time::Instant::now());
        let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_ecs-deploy"))
            .env_clear()
            .envs(self.environment(commands.path()))
            .envs(after_job.into_iter().flatten().map(|(name, value)| (format!("STATE_{name}"), value)))
            .arg0(if after_job.is_some() { "/ecs-deploy-post" } else { "/ecs-deploy" })
            .current_dir(self.workspace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        if let Some((after, times, pause, signals)) = signal {
            let called = |call: &&Call| call.operation == after;
            while self.sim.calls().iter().skip(seen).filter(called).count() < times {
                assert!(begun.elapsed() < PATIENCE, "it never called {after} {times} times");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(pause).await;
            let id = child.id().unwrap().to_string();
            begun = std::time::Instant::now();
            for (index, signal) in signals.iter().enumerate() {
                if index > 0 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                let kill = tokio::process::Command::new("kill").args([format!("-{signal}"), id.clone()]).status().await;
                assert!(kill.unwrap().success() || index > 0);
            }
        }
        let Ok(output) = tokio::time::timeout(PATIENCE, child.wait_with_output()).await else {
            let calls: Vec<String> = self.sim.calls().into_iter().map(|call| call.operation).collect();
            panic!("the program still ran after {PATIENCE:?}; it had called {calls:?}");
        };
        let output = output.unwrap();
        let ended = self.ended(&output, commands.path(), seen, begun.elapsed());
        self.record(&ended.calls);
        self.check(&ended, commands.path());
        ended
    }

    fn ended(&self, output: &std::process::Output, commands: &Path, seen: usize, took: Duration) -> Ended {
        let outputs = file_commands(&commands.join("output"));
        let report = outputs.get("report").filter(|path| !path.is_empty());
        let report = report.map_or(Value::Null, |path| {
            let text = std::fs::read_to_string(self.workspace().join(path));
            serde_json::from_str(&text.unwrap_or_else(|error| panic!("no report at `{path}`: {error}"))).unwrap()
        });
        let calls = self.sim.calls().split_off(seen);
        let is_write = |call: &&Call| call.door == "aws" && call.changing && call.applied;
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
            summary: std::fs::read_to_string(commands.join("summary")).unwrap(),
            state: file_commands(&commands.join("state")),
            comments: self.sim.with(|world| world.github.comments.iter().map(|comment| comment.body.clone()).collect()),
            writes: calls.iter().filter(is_write).map(|call| call.operation.clone()).collect(),
            outputs,
            report,
            calls,
            took,
        }
    }

    /// Leaves the run's traffic in `target/traffic/<test>.jsonl`, where the conformance tests read it.
    fn record(&self, calls: &[Call]) {
        use std::io::Write as _;
        /// The tests that have left traffic in this process: what an earlier one left is overwritten.
        static BEGUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        let target = option_env!("CARGO_TARGET_TMPDIR")
            .map_or_else(|| PathBuf::from("target"), |folder| Path::new(folder).join(".."));
        let folder = target.join("traffic");
        std::fs::create_dir_all(&folder).unwrap();
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("main").replace("::", ".");
        let path = folder.join(format!("{name}.jsonl"));
        let is_first = BEGUN.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(!is_first)
            .write(true)
            .truncate(is_first)
            .open(path)
            .unwrap();
        let secrets = self.sim.secrets();
        for call in calls {
            writeln!(file, "{}", call.traffic(&secrets)).unwrap();
        }
    }

    /// What must hold after every run, whatever the story.
    fn check(&self, ended: &Ended, commands: &Path) {
        assert_eq!(self.sim.unknown(), Vec::<String>::new(), "asked of the sim, which does not know it");
        for name in ["env", "state"] {
            file_commands(&commands.join(name));
        }
        let report = ended.report.to_string();
        let outputs = format!("{:?}", ended.outputs);
        let state = std::fs::read_to_string(commands.join("state")).unwrap();
        let comments = ended.comments.join("\n");
        let log = without_masks(&ended.stdout);
        let places = [
            ("stdout", &log),
            ("stderr", &ended.stderr),
            ("the summary", &ended.summary),
            ("the outputs", &outputs),
            ("the report", &report),
            ("a comment", &comments),
            ("the state", &state),
        ];
        for secret in self.sim.secrets() {
            for (place, text) in places {
                assert!(
                    !text.contains(&secret),
                    "a secret ({}…) is in {place}:\n{text}",
                    &secret[..4.min(secret.len())]
                );
            }
        }
        assert!(ended.summary.len() <= 1024 * 1024, "the summary is dropped by GitHub above 1 MiB");
        assert_ne!(ended.code, Some(1), "a bug: {}", ended.stderr);
    }
}

/// The AppSpec file of the service `web`.
pub const APPSPEC: &str = include_str!("../../fixtures/appspec.yaml");

/// The image `v2` of the usual world.
pub const IMAGE_V2: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v2";

impl Ended {
    /// The output of this name.
    #[track_caller]
    pub fn output(&self, name: &str) -> &str {
        self.outputs
            .get(name)
            .unwrap_or_else(|| panic!("no output `{name}`; there are {:?}\n{}", self.outputs.keys(), self.told()))
    }

    /// Asserts exit code, verdict and reason at once, and shows what was told when they differ.
    #[track_caller]
    pub fn is(&self, code: i32, verdict: &str, reason: &str) {
        let found = (
            self.code,
            self.outputs.get("verdict").map(String::as_str),
            self.outputs.get("reason").map(String::as_str),
        );
        assert_eq!(found, (Some(code), Some(verdict), Some(reason)), "{}", self.told());
    }

    /// The requests of an operation in this run.
    pub fn requests(&self, operation: &str) -> Vec<&Value> {
        self.calls.iter().filter(|call| call.operation == operation).map(|call| &call.request).collect()
    }

    /// Everything that was told, for the message of a failing assertion.
    pub fn told(&self) -> String {
        let calls: Vec<String> = self.calls.iter().map(|call| format!("{} {}", call.operation, call.status)).collect();
        format!(
            "exit {:?}\n--- stdout\n{}\n--- stderr\n{}\n--- calls\n{}",
            self.code,
            self.stdout,
            self.stderr,
            calls.join("\n")
        )
    }
}

/// The harness can see: something that every run tells is declared secret.
#[tokio::test]
#[should_panic(expected = "a secret (web:…) is in stdout")]
async fn a_secret_that_is_told_fails_the_run() {
    let world = World::default().secret("web:8");
    Scenario::of(world).await.input("image", IMAGE_V2).run().await.is(0, "succeeded", "");
}

#[tokio::test]
#[should_panic(expected = "asked of the sim, which does not know it")]
async fn something_unknown_that_is_asked_fails_the_run() {
    let scenario = Scenario::new().await;
    scenario.sim.with(|world| world.ledger.puzzled("ecs:DeleteService"));
    scenario.run().await.is(0, "unchanged", "");
}
