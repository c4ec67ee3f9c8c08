//! GitHub's REST API, as far as a deployment speaks with it: pull requests, issue comments and
//! deployments.
//!
//! <https://docs.github.com/en/rest/issues/comments>

mod comments;
mod deployments;
mod objects;

use serde_json::{Value, json};

use super::clock::whole;
use super::faults::{Trick, html};
use super::wire::{Answer, Asked};
use super::world::World;

const JSON: &str = "application/json; charset=utf-8";

/// A pull request.
#[derive(Debug, Clone)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// The branch it comes from.
    pub head_ref: String,
    /// The newest commit of that branch.
    pub head_sha: String,
    /// The branch it goes to.
    pub base_ref: String,
    /// Whether it is open.
    pub open: bool,
    /// The commit that brought it into the base branch.
    pub merged_as: Option<String>,
}

impl Pull {
    /// An open pull request to `main`.
    #[must_use]
    pub fn open(number: u64, head_ref: &str, head_sha: &str) -> Self {
        Self {
            number,
            title: "Faster checkout".into(),
            head_ref: head_ref.into(),
            head_sha: head_sha.into(),
            base_ref: "main".into(),
            open: true,
            merged_as: None,
        }
    }
}

/// A comment on an issue or pull request.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Its id: later ones are larger.
    pub id: u64,
    /// The number of what it is on.
    pub issue: u64,
    /// Its text.
    pub body: String,
    /// Who wrote it.
    pub login: String,
    /// `Bot` or `User`.
    pub kind: String,
    /// When, in seconds since 1970.
    pub created: f64,
    /// When it was last edited.
    pub updated: f64,
}

/// A deployment of a commit to an environment.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its id: later ones are larger.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// What was asked to be deployed: a commit, branch or tag.
    pub git_ref: String,
    /// The environment's name.
    pub environment: String,
    /// What the one who made it wrote down.
    pub payload: Value,
    /// In a sentence.
    pub description: String,
    /// Who made it.
    pub login: String,
    /// When, in seconds since 1970.
    pub created: f64,
    /// How it went, oldest first.
    pub statuses: Vec<DeploymentStatus>,
}

/// One status of a deployment.
#[derive(Debug, Clone)]
pub struct DeploymentStatus {
    /// Its id.
    pub id: u64,
    /// `in_progress`, `success`, …
    pub state: String,
    /// In a sentence.
    pub description: String,
    /// Where the log is; empty when not given.
    pub log_url: String,
    /// Where the environment is; empty when not given.
    pub environment_url: String,
    /// Who set it.
    pub login: String,
    /// When, in seconds since 1970.
    pub created: f64,
}

/// The one repository on GitHub, and who is asking.
#[derive(Debug, Clone)]
pub struct GitHub {
    /// `owner/name`.
    pub repository: String,
    /// The job's token.
    pub token: String,
    /// Whose token it is.
    pub login: String,
    /// The commit the workflow runs for.
    pub sha: String,
    /// Pull requests.
    pub pulls: Vec<Pull>,
    /// Comments, oldest first.
    pub comments: Vec<Comment>,
    /// Deployments, oldest first.
    pub deployments: Vec<Deployment>,
    next: u64,
}

impl Default for GitHub {
    fn default() -> Self {
        Self {
            repository: "octo-org/shop".into(),
            token: "ghs_simTokenOfTheJob0123456789abcdefABCD".into(),
            login: "github-actions[bot]".into(),
            sha: "4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9".into(),
            pulls: Vec::new(),
            comments: Vec::new(),
            deployments: Vec::new(),
            next: 2_468_013_579,
        }
    }
}

impl GitHub {
    /// The owner's name.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.repository.split('/').next().unwrap_or_default()
    }

    /// Puts a comment of anyone's on stage; tells its id.
    pub fn comment(&mut self, issue: u64, body: &str, login: &str, at: f64) -> u64 {
        let id = self.next_id();
        let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
        let (body, login, kind) = (body.into(), login.into(), kind.into());
        self.comments.push(Comment { id, issue, body, login, kind, created: at, updated: at });
        id
    }

    /// Puts the deployment on stage that GitHub itself makes for a job with `environment:`: in progress as long as the
    /// job, with the job's page as its log.
    pub fn environment_of_job(&mut self, environment: &str, run: &str, at: f64) -> u64 {
        let (id, login) = (self.next_id(), self.login.clone());
        let log_url = format!("https://github.com/{}/actions/runs/{run}/job/5544332211", self.repository);
        let status = DeploymentStatus {
            id: self.next_id(),
            state: "in_progress".into(),
            description: String::new(),
            log_url,
            environment_url: String::new(),
            login: login.clone(),
            created: at,
        };
        self.deployments.push(Deployment {
            id,
            sha: self.sha.clone(),
            git_ref: "main".into(),
            environment: environment.into(),
            payload: json!({}),
            description: String::new(),
            login,
            created: at,
            statuses: vec![status],
        });
        id
    }

    fn next_id(&mut self) -> u64 {
        self.next += 11;
        self.next
    }
}

/// The path below the API's address, if it is a path of this API.
pub(super) fn below(path: &str) -> Option<&str> {
    ["/github", "/api/v3"].iter().find_map(|prefix| path.strip_prefix(prefix)).filter(|rest| rest.starts_with('/'))
}

/// The pieces of a path that lead somewhere.
enum Route<'a> {
    Commit(&'a str),
    Comments(&'a str),
    Comment(&'a str),
    Pull(&'a str),
    Deployments,
    Statuses(&'a str),
    User,
    Nowhere,
}

fn route<'a>(path: &'a str, repository: Option<&str>) -> Route<'a> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let here =
        |owner: &str, name: &str| repository.is_none_or(|known| known.eq_ignore_ascii_case(&format!("{owner}/{name}")));
    match parts.as_slice() {
        ["user"] => Route::User,
        ["repos", owner, name, rest @ ..] if here(owner, name) => match rest {
            ["commits", sha, "pulls"] => Route::Commit(sha),
            ["issues", "comments", id] => Route::Comment(id),
            ["issues", number, "comments"] => Route::Comments(number),
            ["pulls", number] => Route::Pull(number),
            ["deployments"] => Route::Deployments,
            ["deployments", id, "statuses"] => Route::Statuses(id),
            _ => Route::Nowhere,
        },
        _ => Route::Nowhere,
    }
}

/// GitHub's id of an operation, or the method and path when it is none that is known here.
pub(super) fn operation(method: &str, path: &str) -> String {
    let name = match (method, route(path, None)) {
        ("GET", Route::Commit(_)) => "repos/list-pull-requests-associated-with-commit",
        ("GET", Route::Comments(_)) => "issues/list-comments",
        ("POST", Route::Comments(_)) => "issues/create-comment",
        ("GET", Route::Comment(_)) => "issues/get-comment",
        ("PATCH", Route::Comment(_)) => "issues/update-comment",
        ("DELETE", Route::Comment(_)) => "issues/delete-comment",
        ("GET", Route::Pull(_)) => "pulls/get",
        ("GET", Route::Deployments) => "repos/list-deployments",
        ("POST", Route::Deployments) => "repos/create-deployment",
        ("GET", Route::Statuses(_)) => "repos/list-deployment-statuses",
        ("POST", Route::Statuses(_)) => "repos/create-deployment-status",
        ("GET", Route::User) => "users/get-authenticated",
        _ => return format!("{method} {path}"),
    };
    name.to_owned()
}

/// A refusal as GitHub writes it.
fn refuse(status: u16, message: &str) -> Answer {
    let documentation = "https://docs.github.com/rest";
    Answer::new(
        status,
        JSON,
        json!({"message": message, "documentation_url": documentation, "status": status.to_string()}).to_string(),
    )
}

fn not_found() -> Answer {
    refuse(404, "Not Found")
}

/// The answer to one request.
pub(super) fn answer(
    world: &mut World,
    asked: &Asked,
    operation: &str,
    input: &Value,
    trick: Option<&Trick>,
) -> Answer {
    let answer = match trick.and_then(|trick| tricked(world, trick)) {
        Some(answer) => answer,
        None => match token(world, asked) {
            Some(refused) => refused,
            None => respond(world, asked, operation, input),
        },
    };
    if answer.headers.iter().any(|(name, _)| name == "x-ratelimit-remaining") {
        return answer;
    }
    let reset = whole(world.now()) + 3000;
    answer
        .with("x-ratelimit-limit", "1000")
        .with("x-ratelimit-remaining", "987")
        .with("x-ratelimit-reset", reset.to_string())
}

fn tricked(world: &World, trick: &Trick) -> Option<Answer> {
    Some(match trick {
        Trick::NotAccessible | Trick::Denied => refuse(403, "Resource not accessible by integration"),
        Trick::RateLimited(seconds) => refuse(403, "API rate limit exceeded for installation.")
            .with("x-ratelimit-limit", "1000")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", (whole(world.now()) + i64::from(*seconds)).to_string()),
        Trick::SecondaryLimit(seconds) => {
            refuse(403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
                .with("retry-after", seconds.to_string())
        }
        Trick::Status(404) | Trick::Missing => not_found(),
        Trick::Status(422) => refuse(422, "Validation Failed"),
        Trick::Status(status) => refuse(*status, "Server Error"),
        Trick::Throttle => refuse(429, "API rate limit exceeded.").with("retry-after", "1"),
        Trick::Error(status, _, message) => refuse(*status, message),
        Trick::Html(status) => html(*status),
        _ => return None,
    })
}

fn token(world: &World, asked: &Asked) -> Option<Answer> {
    let given = asked.header("authorization").unwrap_or_default();
    let token = given
        .split_once(' ')
        .filter(|(scheme, _)| ["bearer", "token"].contains(&scheme.to_ascii_lowercase().as_str()))
        .map(|(_, token)| token);
    match token {
        None => Some(refuse(401, "Requires authentication")),
        Some(token) if token != world.github.token => Some(refuse(401, "Bad credentials")),
        Some(_) if asked.header("user-agent").is_none() => Some(refuse(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
        )),
        Some(_) => None,
    }
}

fn respond(world: &mut World, asked: &Asked, operation: &str, input: &Value) -> Answer {
    let repository = world.github.repository.clone();
    let path = below(&asked.path).unwrap_or_default();
    match (asked.method.as_str(), route(path, Some(&repository))) {
        ("GET", Route::Commit(sha)) => pulls_of(world, asked, sha),
        ("GET", Route::Pull(number)) => {
            let found = world.github.pulls.iter().find(|pull| pull.number.to_string() == number);
            found.map_or_else(not_found, |pull| Answer::new(200, JSON, objects::pull(world, pull, true).to_string()))
        }
        ("GET", Route::Comments(number)) => comments::comments_on(world, asked, number),
        ("POST", Route::Comments(number)) => comments::create(world, number, input),
        (method, Route::Comment(id)) => comments::one_comment(world, method, id, input),
        ("GET", Route::Deployments) => deployments::list(world, asked),
        ("POST", Route::Deployments) => deployments::create(world, input),
        ("GET", Route::Statuses(id)) => deployments::statuses(world, asked, id),
        ("POST", Route::Statuses(id)) => deployments::add_status(world, id, input),
        // A job's token belongs to an app: it has no user to tell of.
        ("GET", Route::User) if !world.github.login.ends_with("[bot]") => {
            Answer::new(200, JSON, objects::person(world).to_string())
        }
        ("GET", Route::User) => refuse(403, "Resource not accessible by integration"),
        (_, Route::Nowhere) if route(path, None).is_known() => not_found(),
        _ => {
            world.ledger.puzzled(format!("github:{operation}"));
            not_found()
        }
    }
}

impl Route<'_> {
    fn is_known(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }
}

fn pulls_of(world: &World, asked: &Asked, sha: &str) -> Answer {
    let of = |pull: &&Pull| pull.head_sha == sha || pull.merged_as.as_deref() == Some(sha);
    let pulls = world.github.pulls.iter().filter(of).map(|pull| objects::pull(world, pull, false)).collect();
    comments::paged(world, asked, pulls)
}

fn exists(world: &World, number: &str) -> bool {
    world.github.pulls.iter().any(|pull| pull.number.to_string() == number)
}
