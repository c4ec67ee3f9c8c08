//! A feature is played with just what is printed for it, and again without each action: in virtual time and without a
//! socket.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ecs_deploy::app::policy::policy;
use ecs_deploy::app::{self, Doors};
use ecs_deploy::aws::{Carried, Courier, Transport};
use ecs_deploy::cli::{self, Command};
use ecs_deploy::http::Http;
use ecs_deploy::inputs::Asked as Step;
use ecs_deploy::policy::Policy;
use ecs_deploy::sim::{Asked, Outcome, Sim, World};
use serde_json::{Value, json};

use super::worlds::definition;
use crate::harness::APPSPEC;
use crate::runner::{file_commands, input_variable};

const KEY: &str = "AKIAEXAMPLEEXAMPLE00";

thread_local! {
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Inputs of the step, by name.
pub type Inputs = Vec<(&'static str, &'static str)>;

/// Makes a world.
pub type Stage = fn() -> World;

/// Some inputs, and stories in which everything is asked that they need.
pub struct Feature {
    /// The inputs.
    pub inputs: Inputs,
    /// The stories.
    pub stories: Vec<Story>,
}

/// A world, and what happens there besides the run.
#[derive(Clone)]
pub struct Story {
    stage: Stage,
    /// The inputs of a run before, which may do anything.
    before: Option<Inputs>,
    /// When the run is cancelled.
    cancelled: Option<Duration>,
}

/// What came of a run.
pub struct Played {
    /// The verdict.
    pub verdict: &'static str,
    /// Everything that was told.
    pub told: String,
    /// Refusals for want of a permission.
    denied: Vec<String>,
    /// What was asked, as IAM names it.
    asked: Vec<String>,
    unknown: Vec<String>,
}

impl Played {
    /// Whether it is told that the action is not allowed.
    fn names(&self, action: &str) -> bool {
        [format!("`{action}` is denied"), format!("AWS refused `{action}`")]
            .iter()
            .any(|words| self.told.contains(words))
    }
}

impl From<Stage> for Story {
    fn from(stage: Stage) -> Self {
        Self { stage, before: None, cancelled: None }
    }
}

impl Story {
    /// The same after another run.
    pub fn after(self, before: &[(&'static str, &'static str)]) -> Self {
        Self { before: Some(before.to_vec()), ..self }
    }

    /// The same, cancelled after so many seconds.
    pub fn cancelled(self, after: u64) -> Self {
        Self { cancelled: Some(Duration::from_secs(after)), ..self }
    }
}

/// The step: inputs as variables, and the same for the verb `policy`.
fn step(inputs: &Inputs, folder: &Path, verb: &[&str]) -> Command {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut variables = vec![
        ("GITHUB_WORKSPACE".to_owned(), path("")),
        ("GITHUB_OUTPUT".to_owned(), path("output")),
        ("GITHUB_STEP_SUMMARY".to_owned(), path("summary")),
        ("GITHUB_REPOSITORY".to_owned(), "octo-org/shop".to_owned()),
    ];
    let always = [
        ("aws-region", "eu-central-1"),
        ("aws-access-key-id", KEY),
        ("aws-secret-access-key", "the-right-secret"),
        ("allowed-account-ids", "123456789012"),
        ("cluster", "prod"),
        ("pr-comment", "never"),
    ];
    let given = always.iter().chain(inputs);
    variables.extend(given.map(|(name, value)| (input_variable(name), (*value).to_owned())));
    let environment = variables.into_iter().collect();
    cli::parse(["ecs-deploy"].iter().chain(verb).map(Into::into), &environment)
}

/// What is printed for the inputs.
pub fn printed(inputs: &Inputs) -> Value {
    let folder = workspace();
    let Command::Policy { asked, which } = step(inputs, folder.path(), &["policy"]) else { panic!("it is a verb") };
    let Policy { document, .. } = policy(&asked, which).unwrap_or_else(|mistakes| panic!("{inputs:?}: {mistakes:?}"));
    document
}

/// Every action of a policy, with the statement that it stands in.
pub fn actions(policy: &Value) -> Vec<(String, String)> {
    let mut listed = Vec::new();
    for statement in policy["Statement"].as_array().unwrap() {
        let sid = statement["Sid"].as_str().unwrap();
        let actions = match &statement["Action"] {
            Value::String(action) => std::slice::from_ref(action).to_vec(),
            actions => actions.as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect(),
        };
        listed.extend(actions.into_iter().map(|action| (sid.to_owned(), action)));
    }
    listed
}

/// The policy without one action of one statement.
pub fn without(policy: &Value, (sid, action): &(String, String)) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        if statement["Sid"] == **sid {
            let left = actions(&json!({"Statement": [statement.clone()]})).into_iter().map(|(_, other)| other);
            statement["Action"] = left.filter(|other| other != action).collect();
        }
    }
    policy
}

/// The workspace of a run.
pub fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("task-definition.json", &definition().to_string());
    write("appspec.yaml", APPSPEC);
    for name in ["output", "summary"] {
        write(name, "");
    }
    folder
}

/// Plays a story with these inputs and a policy.
pub async fn play(inputs: &Inputs, story: &Story, policy: &Value) -> Played {
    let mut world = (story.stage)().with_keys(KEY, "the-right-secret");
    world.identity.verify_signatures = false;
    let sim = Arc::new(Sim::without_address(world));
    if let Some(before) = &story.before {
        run(before, None, &sim).await;
    }
    sim.with(|world| world.allowed = World::default().allow_policy(policy).allowed);
    run(inputs, story.cancelled, &sim).await
}

async fn run(inputs: &Inputs, cancelled: Option<Duration>, sim: &Arc<Sim>) -> Played {
    SAID.take();
    fastrand::seed(1);
    let folder = workspace();
    let seen = sim.calls().len();
    let Command::Run(step) = step(inputs, folder.path(), &["deploy"]) else { panic!("it is a run") };
    let doors = Doors { aws: Transport::by(courier(sim), SystemTime::now), http: Http::default() };
    let cancelled = async {
        match cancelled {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
        "SIGTERM"
    };
    let step: &Step = &step;
    let verdict = Box::pin(app::run(step, &doors, cancelled, |line| SAID.with_borrow_mut(|said| *said += line))).await;
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let report = file_commands(&folder.path().join("output")).get("report").map(|path| read(path)).unwrap_or_default();
    let calls: Vec<_> = sim.calls().into_iter().skip(seen).collect();
    let denied = calls.iter().filter(|call| call.status >= 400 && call.answer.contains("not authorized"));
    Played {
        asked: calls.iter().map(|call| format!("{}:{}", call.service, call.operation)).collect(),
        verdict: verdict.name(),
        told: format!("{}\n{}\n{report}", SAID.take(), read("summary")),
        denied: denied.map(|call| call.answer.clone()).collect(),
        unknown: sim.unknown(),
    }
}

/// Carries the program's requests to the stage.
pub fn courier(sim: &Arc<Sim>) -> Courier {
    let sim = Arc::clone(sim);
    Arc::new(move |request: http::Request<Vec<u8>>| -> Carried {
        let sim = Arc::clone(&sim);
        let (head, body) = request.into_parts();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<(String, String)> =
            head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        headers.push(("host".into(), head.uri.host().unwrap_or_default().into()));
        let asked = Asked {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
        };
        Box::pin(async move {
            match sim.answer(asked).await {
                Outcome::Answered(answer) => {
                    let response = http::Response::builder().status(answer.status);
                    let named = answer.headers.iter();
                    let response = named.fold(response, |response, (name, value)| response.header(name, value));
                    response.body(answer.bytes()).map_err(std::io::Error::other)
                }
                Outcome::Cut => Err(std::io::ErrorKind::ConnectionReset.into()),
            }
        })
    })
}

/// With the printed policy nothing is refused; without any one action of it something is missing, and it is named.
pub async fn replay(feature: Feature) {
    let Feature { inputs, stories } = feature;
    let policy = printed(&inputs);
    let mut played = Vec::new();
    for (nth, story) in stories.iter().enumerate() {
        let full = play(&inputs, story, &policy).await;
        assert!(full.denied.is_empty(), "{inputs:?}, story {nth}: {:#?}\n{}", full.denied, full.told);
        assert!(full.unknown.is_empty(), "{inputs:?}, story {nth}: {:?}", full.unknown);
        played.push((story, full));
    }
    // The shortest story in which an action is missed is proof enough.
    played.sort_by_key(|(_, full)| full.asked.len());
    let mut in_vain = Vec::new();
    for entry in actions(&policy) {
        let (_, action) = &entry;
        let less = without(&policy, &entry);
        // What is asked for beside a call, such as `iam:PassRole`, is in no list of calls.
        let is_call = played.iter().any(|(_, full)| full.asked.contains(action));
        let mut is_missed = false;
        for (story, full) in played.iter().filter(|(_, full)| !is_call || full.asked.contains(action)) {
            let played = play(&inputs, story, &less).await;
            is_missed = played.names(action) && !full.names(action);
            if is_missed {
                break;
            }
        }
        if !is_missed {
            in_vain
                .push(format!("{entry:?}, {}", if is_call { "which is asked and not missed" } else { "never asked" }));
        }
    }
    assert!(in_vain.is_empty(), "{inputs:?}: {in_vain:#?}");
}
