//! `pin-image-digest`: each tag becomes the digest that it points to now.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Code, Error};
use crate::model::image::{ImageRef, Registry};
use crate::model::task_definition::TaskDefinition;
use crate::observe::Digest;

/// Pins every container's image. An image outside of ECR keeps its tag, and a remark says so.
pub(super) fn pin(
    definition: &mut TaskDefinition,
    digests: &BTreeMap<String, Digest>,
    warnings: &mut Vec<String>,
) -> Vec<Error> {
    let mut errors = Vec::new();
    for container in definition.containers_mut() {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(Value::String(text)) = container.get_mut("image") else { continue };
        match pinned(text, digests) {
            Ok(Some(image)) => *text = image,
            Ok(None) => warnings.push(format!(
                "The image `{text}` of container `{name}` cannot be pinned: it is not in a private ECR registry. It keeps its tag."
            )),
            Err((why, fix)) => errors.push(Error::new(
                Code::ImageNotPinned,
                format!("The image `{text}` of container `{name}` cannot be pinned to a digest."),
                why,
                fix,
            )),
        }
    }
    errors
}

/// The image by digest; nothing when only its registry could tell, and we cannot ask it.
fn pinned(text: &str, digests: &BTreeMap<String, Digest>) -> Result<Option<String>, (String, &'static str)> {
    let image = ImageRef::parse(text).map_err(|why| {
        (format!("It is not an image reference: {why}."), "Correct the image, or give it in `image`.")
    })?;
    if image.digest.is_some() {
        return Ok(Some(text.to_owned()));
    }
    match digests.get(text) {
        Some(Digest::Known { digest, .. }) => Ok(Some(image.pinned(digest).to_string())),
        Some(Digest::Missing(said)) => Err((format!("ECR says: {said}"), "Push the image first, or correct its tag.")),
        Some(Digest::Archived(said)) => {
            Err((format!("ECR says: {said}"), "Restore the image from the archive, or push it again."))
        }
        _ if !matches!(image.registry, Registry::Ecr { .. }) => Ok(None),
        Some(Digest::Unknown(why)) => {
            Err((format!("Its digest is not known: {why}"), "Allow `ecr:BatchGetImage` on the repository."))
        }
        None => Err(("Its digest was not looked up.".to_owned(), "Give the image in `image` or `images`.")),
    }
}
