//! Layers, and the documents that describe images: read from an address that is itself the key.

use serde_json::{Value, json};

use super::repository;
use crate::sim::wire::{Answer, Answered, Asked, Refusal, pairs, text};
use crate::sim::world::World;

/// The part of a path after `/layers/`.
pub(in crate::sim) fn path_of_layer(path: &str) -> Option<&str> {
    path.strip_prefix("/layers/")
}

/// Hands an address out; its signature is a secret.
pub(super) fn get_download_url(world: &mut World, input: &Value, region: &str) -> Answered {
    let digest = text(input, "layerDigest").unwrap_or_default().to_owned();
    let (name, found) = repository(world, input, region)?;
    if !found.configurations.contains_key(&digest) {
        let message =
            format!("The layer with digest '{digest}' does not exist within the repository with name '{name}'");
        return Err(Refusal::new("LayersNotFoundException", message));
    }
    let signature = world.dice.uuid().replace('-', "");
    let url = format!("{}/layers/{digest}?X-Amz-Expires=3600&X-Amz-Signature={signature}", world.url);
    world.declared_secrets.push(signature);
    Ok(json!({"downloadUrl": url, "layerDigest": digest}))
}

/// Gives a layer. As S3 does it, a request that is signed twice is refused.
pub(in crate::sim) fn give(world: &World, asked: &Asked, digest: &str) -> Answer {
    let signed = pairs(&asked.query).into_iter().find(|(name, _)| name == "X-Amz-Signature");
    let known = signed.is_some_and(|(_, signature)| world.declared_secrets.contains(&signature));
    if !known || asked.header("authorization").is_some() {
        return Answer::new(403, "application/xml", "<Error><Code>AccessDenied</Code></Error>");
    }
    let found = world.ecr.values().find_map(|repository| repository.configurations.get(digest));
    found.map_or_else(
        || Answer::new(404, "application/xml", "<Error><Code>NoSuchKey</Code></Error>"),
        |document| Answer::new(200, "application/octet-stream", document.clone()),
    )
}
