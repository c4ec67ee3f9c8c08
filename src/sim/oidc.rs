//! The runner's OIDC endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::clock::whole;
use super::identity::Issued;
use super::wire::{Answer, Asked, object, pairs};
use super::world::World;

const JSON: &str = "application/json; charset=utf-8";

/// Gives out a web token for the audience asked for.
pub(super) fn answer(world: &mut World, asked: &Asked) -> Answer {
    let given = asked.header("authorization").unwrap_or_default();
    let (scheme, token) = given.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") || token != world.identity.request_token {
        return Answer::new(401, JSON, json!({"message": "Not authorized to request a token."}).to_string());
    }
    if asked.method != "GET" {
        return Answer::new(405, JSON, json!({"message": "Method not allowed"}).to_string());
    }
    let audience = pairs(&asked.query).into_iter().find(|(name, _)| name == "audience").map(|(_, value)| value);
    let audience = audience.unwrap_or_else(|| format!("https://github.com/{}", world.github.owner()));
    let claims = claims(world, &audience);
    let token = mint(world, &claims);
    world.identity.tokens.push(Issued { token: token.clone(), claims });
    Answer::new(200, JSON, json!({"count": token.len(), "value": token}).to_string())
}

fn claims(world: &mut World, audience: &str) -> Map<String, Value> {
    let now = whole(world.now());
    let id = world.dice.uuid();
    let (owner, repository) = (world.github.owner().to_owned(), world.github.repository.clone());
    let workflow = format!("{repository}/.github/workflows/deploy.yml@refs/heads/main");
    let sha = world.github.sha.clone();
    let mut claims = object(json!({
        "jti": id, "sub": world.identity.subject, "aud": audience,
        "ref": "refs/heads/main", "sha": sha, "repository": repository, "repository_owner": owner,
        "repository_owner_id": "583231", "run_id": "9876543210", "run_number": "42", "run_attempt": "1",
        "repository_visibility": "private", "repository_id": "734512", "actor_id": "583230", "actor": "octocat",
        "workflow": "deploy", "head_ref": "", "base_ref": "", "event_name": "push", "ref_protected": "true",
        "ref_type": "branch", "workflow_ref": workflow, "workflow_sha": sha,
        "job_workflow_ref": workflow, "job_workflow_sha": sha, "runner_environment": "github-hosted",
        "check_run_id": "5544332211", "iss": world.identity.issuer,
        "nbf": now - 600, "exp": now + world.identity.token_lifetime, "iat": now,
    }));
    for (name, value) in world.identity.claims.clone() {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    claims
}

/// A token of the right form whose signature is noise: STS on stage knows the tokens that were given out.
fn mint(world: &mut World, claims: &Map<String, Value>) -> String {
    let header =
        json!({"typ": "JWT", "alg": "RS256", "x5t": world.dice.letters(27), "kid": world.dice.hex(40).to_uppercase()});
    let noise: Vec<u8> = (0..256).map(|_| world.dice.number().to_le_bytes()[0]).collect();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let claims = Value::Object(claims.clone());
    format!("{}.{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()), encode(&noise))
}
