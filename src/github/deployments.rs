//! A GitHub deployment of the run's commit: made before the first change, and always ended.
//! <https://docs.github.com/en/rest/deployments/deployments>

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::api::{Api, Method, Trouble};

/// The key of the payload that says which run made a deployment.
const MARK: &str = "ecs-deploy-action";

/// The states of a deployment that goes on.
const OPEN: &[&str] = &["in_progress", "queued", "pending", "waiting"];

/// The longest description that GitHub takes, in characters.
const LONGEST: usize = 140;

/// Before a status that was not taken is sent once more. Sending it twice does no harm.
const PAUSE: Duration = Duration::from_millis(400);

/// A deployment on GitHub that this run has made, or may have made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitHubDeployment {
    /// Its id; none while it is not known whether GitHub made it.
    pub id: Option<u64>,
    /// Stands in its payload, and in no other's.
    pub mark: String,
    /// The environment's name.
    pub environment: String,
    /// Whether the user chose that name.
    pub is_named: bool,
    /// The environment's address.
    pub environment_url: Option<String>,
    /// The commit's hash.
    pub commit: String,
    /// How it shall end, once that is known.
    pub ending: Option<Ending>,
}

/// How a deployment ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// `success`, `failure`, `error` or `inactive`.
    pub state: String,
    /// Why, in a sentence.
    pub description: String,
}

/// What came of asking for a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// It is there, and in progress.
    Open,
    /// The job's own `environment:` has one already, of the environment named here: there is no second one.
    OfTheJob(String),
    /// There is none. A sentence for a warning.
    Refused(String),
    /// There may be one. A sentence for a warning.
    Doubtful(String),
}

/// A deployment as GitHub shows it.
#[derive(Debug, Deserialize)]
struct Shown {
    id: u64,
    sha: String,
    environment: String,
    payload: Value,
}

#[derive(Debug, Deserialize)]
struct Status {
    state: String,
    log_url: Option<String>,
}

/// The run that asks: the commits it is known under, and the beginning of the addresses of its pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub commits: [Option<&'a str>; 2],
    pub url: Option<&'a str>,
}

/// The deployment that GitHub made for the job's own `environment:`, if there is one. It goes on as long as the job.
pub(super) async fn of_the_job(api: &Api, wanted: &GitHubDeployment, run: Run<'_>) -> Result<Option<String>, Trouble> {
    // A name that only we thought of is no other's: then any environment of this very run counts.
    let path = if wanted.is_named { listing(&wanted.environment) } else { "deployments?per_page=30".to_owned() };
    for deployment in listed(api, &path).await? {
        let is_ours = mark_of(&deployment.payload).is_some();
        if is_ours || !run.commits.contains(&Some(deployment.sha.as_str())) {
            continue;
        }
        let path = format!("deployments/{}/statuses?per_page=1", deployment.id);
        let statuses: Vec<Status> = parsed(api.call(Method::Get, &path, None::<&()>).await?)?;
        let Some(newest) = statuses.first().filter(|newest| OPEN.contains(&newest.state.as_str())) else { continue };
        let page = newest.log_url.as_deref().unwrap_or_default();
        let of_this_run = run.url.is_some_and(|url| page == url || page.starts_with(&format!("{url}/")));
        if of_this_run || (wanted.is_named && page.is_empty()) {
            return Ok(Some(deployment.environment));
        }
    }
    Ok(None)
}

/// Makes the deployment. GitHub is to merge nothing and to wait for nothing: the run's own job is never finished here.
pub(super) async fn create(
    api: &Api,
    wanted: &GitHubDeployment,
    description: &str,
    about: &Value,
) -> Result<u64, Trouble> {
    let mut payload = about.clone();
    if let Some(payload) = payload.as_object_mut() {
        payload.insert(MARK.to_owned(), wanted.mark.clone().into());
    }
    let body = json!({
        "ref": wanted.commit,
        "environment": wanted.environment,
        "description": clipped(description),
        "auto_merge": false,
        "required_contexts": [],
        "payload": payload,
    });
    let made = api.call(Method::Post, "deployments", Some(&body)).await?;
    made.get("id").and_then(Value::as_u64).ok_or_else(|| {
        // 202: GitHub merged something instead, and made no deployment.
        let message = made.get("message").and_then(Value::as_str).unwrap_or("no deployment was made");
        Trouble { status: Some(202), message: message.to_owned() }
    })
}

/// Gives the deployment a status.
pub(super) async fn say(
    api: &Api,
    id: u64,
    state: &str,
    description: &str,
    wanted: &GitHubDeployment,
    log_url: Option<&str>,
) -> Result<(), Trouble> {
    let mut body = json!({ "state": state, "description": clipped(description) });
    let addresses = [("log_url", log_url), ("environment_url", wanted.environment_url.as_deref())];
    for (name, address) in addresses {
        if let (Some(address), Some(body)) = (address, body.as_object_mut()) {
            body.insert(name.to_owned(), address.into());
        }
    }
    let path = format!("deployments/{id}/statuses");
    match api.call(Method::Post, &path, Some(&body)).await {
        Err(trouble) if trouble.may_pass() => {
            tokio::time::sleep(PAUSE).await;
            api.call(Method::Post, &path, Some(&body)).await.map(|_| ())
        }
        other => other.map(|_| ()),
    }
}

/// The deployment with our mark: its id was never told, when the answer to its making was lost.
pub(super) async fn marked(api: &Api, wanted: &GitHubDeployment) -> Result<Option<u64>, Trouble> {
    let all = listed(api, &listing(&wanted.environment)).await?;
    Ok(all.iter().find(|shown| mark_of(&shown.payload).as_ref() == Some(&wanted.mark)).map(|shown| shown.id))
}

/// The newest deployments of an environment. Ours and the job's began minutes ago: one page holds them.
fn listing(environment: &str) -> String {
    let name: String = byte_serialize(environment.as_bytes()).collect();
    format!("deployments?environment={name}&per_page=30")
}

async fn listed(api: &Api, path: &str) -> Result<Vec<Shown>, Trouble> {
    parsed(api.call(Method::Get, path, None::<&()>).await?)
}

fn parsed<T: for<'de> Deserialize<'de>>(answer: Value) -> Result<T, Trouble> {
    serde_json::from_value(answer)
        .map_err(|error| Trouble { status: None, message: format!("GitHub's answer cannot be read: {error}") })
}

/// The mark in a payload, which GitHub gives back as the object it was, or as its text.
fn mark_of(payload: &Value) -> Option<String> {
    let mark = |payload: &Value| payload.get(MARK)?.as_str().map(str::to_owned);
    match payload {
        Value::String(text) => mark(&serde_json::from_str(text).ok()?),
        object => mark(object),
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
