//! Comments on issues and pull requests, and lists in pages.
//!
//! <https://docs.github.com/en/rest/issues/comments>

use serde_json::{Value, json};

use super::{JSON, exists, not_found, objects, refuse};
use crate::sim::wire::{Answer, Asked, pairs, text};
use crate::sim::world::World;

/// The longest comment GitHub takes, in characters.
const LONGEST: usize = 65_536;

pub(super) fn comments_on(world: &World, asked: &Asked, number: &str) -> Answer {
    if !exists(world, number) {
        return not_found();
    }
    let on = world.github.comments.iter().filter(|comment| comment.issue.to_string() == number);
    let comments = on.map(|comment| objects::comment(world, comment)).collect();
    paged(world, asked, comments)
}

/// One page of a list, with the `Link` header that leads to the next.
pub(super) fn paged(world: &World, asked: &Asked, items: Vec<Value>) -> Answer {
    let query = pairs(&asked.query);
    let number =
        |name: &str| query.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(30).clamp(1, 100);
    let page = number("page").unwrap_or(1).max(1);
    let last = items.len().div_ceil(size).max(1);
    let shown: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
    let answer = Answer::new(200, JSON, Value::Array(shown).to_string());
    if last == 1 {
        return answer;
    }
    let link =
        |page: usize, rel: &str| format!("<{}{}?per_page={size}&page={page}>; rel=\"{rel}\"", world.url, asked.path);
    let mut links = Vec::new();
    if page > 1 {
        links.extend([link(page - 1, "prev"), link(1, "first")]);
    }
    if page < last {
        links.extend([link(page + 1, "next"), link(last, "last")]);
    }
    answer.with("link", links.join(", "))
}

/// The text of a comment that is to be kept.
fn body_of(input: &Value) -> Result<String, Answer> {
    let unprocessable = |message: &str, code: &str| {
        let error = json!({"resource": "IssueComment", "code": code, "field": "body", "message": message});
        let body = json!({"message": "Validation Failed", "errors": [error], "documentation_url": "https://docs.github.com/rest/issues/comments", "status": "422"});
        Answer::new(422, JSON, body.to_string())
    };
    match text(input, "body") {
        None | Some("") => Err(unprocessable("body cannot be blank", "missing_field")),
        Some(body) if body.chars().count() > LONGEST => {
            Err(unprocessable("body is too long (maximum is 65536 characters)", "custom"))
        }
        Some(body) => Ok(body.to_owned()),
    }
}

pub(super) fn create(world: &mut World, number: &str, input: &Value) -> Answer {
    let Some(issue) = number.parse().ok().filter(|_| exists(world, number)) else { return not_found() };
    match body_of(input) {
        Err(refused) => refused,
        Ok(body) => {
            let (login, at) = (world.github.login.clone(), world.now());
            world.github.comment(issue, &body, &login, at);
            world.github.comments.last().map_or_else(not_found, |comment| {
                let shown = objects::comment(world, comment);
                let location = text(&shown, "url").unwrap_or_default().to_owned();
                Answer::new(201, JSON, shown.to_string()).with("location", location)
            })
        }
    }
}

pub(super) fn one_comment(world: &mut World, method: &str, id: &str, input: &Value) -> Answer {
    let Some(at) = world.github.comments.iter().position(|comment| comment.id.to_string() == id) else {
        return not_found();
    };
    let now = world.now();
    let ours = world.github.comments.get(at).is_some_and(|comment| comment.login == world.github.login);
    match method {
        "PATCH" | "DELETE" if !ours => return refuse(403, "Resource not accessible by integration"),
        "PATCH" => match body_of(input) {
            Err(refused) => return refused,
            Ok(body) => {
                if let Some(comment) = world.github.comments.get_mut(at) {
                    (comment.body, comment.updated) = (body, now);
                }
            }
        },
        "DELETE" => {
            world.github.comments.remove(at);
            return Answer { status: 204, headers: Vec::new(), body: String::new(), encoded: None };
        }
        "GET" => {}
        _ => {
            world.ledger.puzzled(format!("github:{method} a comment"));
            return not_found();
        }
    }
    world
        .github
        .comments
        .get(at)
        .map_or_else(not_found, |comment| Answer::new(200, JSON, objects::comment(world, comment).to_string()))
}
