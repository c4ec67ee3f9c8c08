//! Deployments of commits, and their statuses.
//!
//! <https://docs.github.com/en/rest/deployments/deployments>

use serde_json::{Value, json};

use super::comments::paged;
use super::{Deployment, DeploymentStatus, JSON, not_found, objects, refuse};
use crate::sim::wire::{Answer, Asked, pairs, text};
use crate::sim::world::World;

const STATES: &[&str] = &["error", "failure", "inactive", "in_progress", "queued", "pending", "success"];

/// The longest description of a status, in characters.
const LONGEST: usize = 140;

/// The newest first, as GitHub lists them.
pub(super) fn list(world: &World, asked: &Asked) -> Answer {
    let query = pairs(&asked.query);
    let fits = |name: &str, value: &str| query.iter().all(|(known, wanted)| known != name || wanted == value);
    let found = world.github.deployments.iter().rev().filter(|deployment| {
        fits("sha", &deployment.sha)
            && fits("ref", &deployment.git_ref)
            && fits("task", "deploy")
            && fits("environment", &deployment.environment)
    });
    let shown = found.map(|deployment| objects::deployment(world, deployment)).collect();
    paged(world, asked, shown)
}

pub(super) fn create(world: &mut World, input: &Value) -> Answer {
    let Some(git_ref) = text(input, "ref") else { return unprocessable("ref", "ref is missing") };
    let Some(sha) = commit(world, git_ref) else {
        return refuse(422, &format!("No ref found for: {git_ref}"));
    };
    if input.get("auto_merge") != Some(&Value::Bool(false)) {
        let message = format!("Auto-merged main into {git_ref} on deployment.");
        return Answer::new(202, JSON, json!({"message": message}).to_string());
    }
    // The job that asks is a check of the commit, and goes on: without an empty list it would be waited for.
    if input.get("required_contexts").and_then(Value::as_array).is_none_or(|contexts| !contexts.is_empty()) {
        return refuse(409, &format!("Conflict: Commit status checks failed for {git_ref}."));
    }
    let deployment = Deployment {
        id: world.github.next_id(),
        sha,
        git_ref: git_ref.to_owned(),
        environment: text(input, "environment").unwrap_or("production").to_owned(),
        payload: input.get("payload").cloned().unwrap_or_else(|| json!({})),
        description: text(input, "description").unwrap_or_default().to_owned(),
        login: world.github.login.clone(),
        created: world.now(),
        statuses: Vec::new(),
    };
    let shown = objects::deployment(world, &deployment);
    world.github.deployments.push(deployment);
    Answer::new(201, JSON, shown.to_string())
}

/// The commit that a ref names, if there is one.
fn commit(world: &World, git_ref: &str) -> Option<String> {
    let github = &world.github;
    let of_pull = |pull: &super::Pull| {
        let named = pull.head_ref == git_ref || pull.head_sha == git_ref;
        let merged = pull.merged_as.as_deref().filter(|merged| *merged == git_ref);
        named.then(|| pull.head_sha.clone()).or_else(|| merged.map(str::to_owned))
    };
    if git_ref == github.sha || git_ref == "main" {
        return Some(github.sha.clone());
    }
    github.pulls.iter().find_map(of_pull)
}

/// The newest first.
pub(super) fn statuses(world: &World, asked: &Asked, id: &str) -> Answer {
    let Some(deployment) = world.github.deployments.iter().find(|deployment| deployment.id.to_string() == id) else {
        return not_found();
    };
    let newest = deployment.statuses.iter().rev();
    paged(world, asked, newest.map(|status| objects::deployment_status(world, deployment, status)).collect())
}

pub(super) fn add_status(world: &mut World, id: &str, input: &Value) -> Answer {
    let known = |deployment: &Deployment| deployment.id.to_string() == id;
    let Some(at) = world.github.deployments.iter().position(known) else { return not_found() };
    let given = |name: &str| text(input, name).unwrap_or_default().to_owned();
    let state = given("state");
    if !STATES.contains(&state.as_str()) {
        return unprocessable("state", &format!("state is not included in the list: {}", STATES.join(", ")));
    }
    if given("description").chars().count() > LONGEST {
        return unprocessable("description", "description is too long (maximum is 140 characters)");
    }
    for name in ["log_url", "target_url", "environment_url"] {
        let address = given(name);
        if !(address.is_empty() || address.starts_with("https://") || address.starts_with("http://")) {
            return unprocessable(name, &format!("{name} must use http(s) scheme"));
        }
    }
    let status = DeploymentStatus {
        id: world.github.next_id(),
        login: world.github.login.clone(),
        description: given("description"),
        log_url: Some(given("log_url")).filter(|url| !url.is_empty()).unwrap_or_else(|| given("target_url")),
        environment_url: given("environment_url"),
        created: world.now(),
        state,
    };
    if status.state == "success" && input.get("auto_inactive") != Some(&Value::Bool(false)) {
        retire(world, at, &status);
    }
    let Some(deployment) = world.github.deployments.get_mut(at) else { return not_found() };
    deployment.statuses.push(status);
    let Some((deployment, status)) =
        world.github.deployments.get(at).and_then(|deployment| Some((deployment, deployment.statuses.last()?)))
    else {
        return not_found();
    };
    Answer::new(201, JSON, objects::deployment_status(world, deployment, status).to_string())
}

/// What served an environment before is inactive, unless that is a production environment.
fn retire(world: &mut World, at: usize, success: &DeploymentStatus) {
    let Some(environment) = world.github.deployments.get(at).map(|deployment| deployment.environment.clone()) else {
        return;
    };
    for earlier in world.github.deployments.iter_mut().take(at) {
        let serves = earlier.statuses.last().is_some_and(|last| last.state == "success");
        if serves && earlier.environment == environment && environment != "production" {
            let inactive = DeploymentStatus { state: "inactive".into(), ..success.clone() };
            earlier.statuses.push(inactive);
        }
    }
}

fn unprocessable(field: &str, message: &str) -> Answer {
    let error = json!({"resource": "DeploymentStatus", "code": "custom", "field": field, "message": message});
    let body = json!({"message": "Validation Failed", "errors": [error], "documentation_url": "https://docs.github.com/rest/deployments", "status": "422"});
    Answer::new(422, JSON, body.to_string())
}
