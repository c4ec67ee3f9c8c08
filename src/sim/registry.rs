//! A registry of images that is not AWS's, with tokens for everybody, as Docker Hub has them.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::ecr::Repository;
use super::faults::Trick;
use super::wire::{Answer, Asked, pairs};
use super::world::World;

/// The path of a page that wants a login.
pub const LOGIN: &str = "/registry-login";

/// The registry at the stage's own address.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Repositories by name.
    pub repositories: BTreeMap<String, Repository>,
    /// Those that not everybody may read.
    pub private: BTreeSet<String>,
    /// Where requests for a repository's manifests are sent on to, by its name; `LOGIN` for a page of no registry.
    pub sent_on: BTreeMap<String, String>,
    /// Tokens that were handed out.
    tokens: BTreeSet<String>,
}

/// The name of what is asked of the registry, or of the place where ECR keeps layers; none for another door.
pub(super) fn operation(asked: &Asked) -> Option<String> {
    let kind = match asked.path.as_str() {
        "/registry-token" => "token",
        LOGIN => "login",
        path if super::ecr::path_of_layer(path).is_some() => "layer",
        path if path.starts_with("/v2/") && path.contains("/manifests/") => "manifest",
        path if path.starts_with("/v2/") && path.contains("/blobs/") => "blob",
        _ => return None,
    };
    Some(format!("registry/{kind}"))
}

/// The answer to one request.
pub(super) fn answer(world: &mut World, asked: &Asked, trick: Option<&Trick>) -> Answer {
    if let Some(Trick::Status(status)) = trick {
        return Answer::new(*status, "text/plain", "no");
    }
    if let Some(digest) = super::ecr::path_of_layer(&asked.path) {
        return super::ecr::give(world, asked, digest);
    }
    if asked.path == "/registry-token" {
        return token(world, asked);
    }
    if asked.path == LOGIN {
        return Answer::new(200, "text/html", "<!doctype html>\n<title>Sign in</title>\n");
    }
    let path = asked.path.strip_prefix("/v2/").unwrap_or_default();
    let (name, kind, which) = ["manifests", "blobs"]
        .into_iter()
        .find_map(|kind| path.split_once(&format!("/{kind}/")).map(|(name, which)| (name, kind, which)))
        .unwrap_or_default();
    if let (Some(place), "manifests") = (world.registry.sent_on.get(name), kind) {
        return Answer::new(307, "text/plain", "").with("location", place.clone());
    }
    let given = asked.header("authorization").map(|given| given.strip_prefix("Bearer ").unwrap_or(given));
    if given.is_some_and(|given| !world.registry.tokens.contains(given)) {
        // Whatever it is, it was not meant for this registry.
        world.ledger.puzzled("the registry: a token of somebody else");
    }
    if given.is_none() || world.registry.private.contains(name) {
        let challenge =
            format!("Bearer realm=\"{}/registry-token\",service=\"sim\",scope=\"repository:{name}:pull\"", world.url);
        return refusal(401, "UNAUTHORIZED", "authentication required").with("www-authenticate", challenge);
    }
    let Some(repository) = world.registry.repositories.get(name) else {
        return refusal(404, "NAME_UNKNOWN", "repository name not known to registry");
    };
    if kind == "blobs" {
        let found = repository.configurations.get(which);
        return found.map_or_else(
            || refusal(404, "BLOB_UNKNOWN", "blob unknown to registry"),
            |document| Answer::new(200, "application/octet-stream", document.clone()),
        );
    }
    let (tag, digest) = if which.starts_with("sha256:") { (None, Some(which)) } else { (Some(which), None) };
    repository.resolve(tag, digest).map_or_else(
        || refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"),
        |image| {
            Answer::new(200, &image.media_type, image.manifest.clone())
                .with("docker-content-digest", image.digest.clone())
        },
    )
}

fn token(world: &mut World, asked: &Asked) -> Answer {
    if asked.header("authorization").is_some() {
        world.ledger.puzzled("the registry's tokens: a token of somebody else");
    }
    let scope = pairs(&asked.query).into_iter().find(|(name, _)| name == "scope");
    if scope.is_none_or(|(_, scope)| !scope.ends_with(":pull")) {
        return refusal(400, "UNSUPPORTED", "no scope");
    }
    let token = world.dice.uuid();
    world.declared_secrets.push(token.clone());
    world.registry.tokens.insert(token.clone());
    Answer::new(200, "application/json", json!({"token": token, "expires_in": 300}).to_string())
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({"errors": [{"code": code, "message": message}]}).to_string();
    Answer::new(status, "application/json", body).with("docker-distribution-api-version", "registry/2.0")
}
