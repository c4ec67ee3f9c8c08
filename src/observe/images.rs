//! Which digest each image is now.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::task::JoinSet;

use super::{Base, Digest, Observed};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::aws::ecr::ImageLookup;
use crate::inputs::{Edits, Inputs};
use crate::model::image::{ImageRef, Registry, StoredImage};
use crate::model::task_definition::TaskDefinition;

/// The digest of every image that the rendered definition can have, by the image's text, and remarks on those that
/// could not be looked up. One call for each repository, all at once.
pub async fn digests(inputs: &Inputs, base: &Base, aws: &Aws) -> (BTreeMap<String, Digest>, Vec<String>) {
    let mut digests = BTreeMap::new();
    let mut repositories: BTreeMap<(Registry, String), Vec<ImageRef>> = BTreeMap::new();
    for text in in_question(&inputs.definition.edits, &base.document) {
        match ImageRef::parse(&text) {
            Err(problem) => {
                digests.insert(text, Digest::Unknown(format!("it is not an image reference: {problem}")));
            }
            Ok(image) if matches!(image.registry, Registry::Ecr { .. }) => {
                repositories.entry((image.registry.clone(), image.repository.clone())).or_default().push(image);
            }
            Ok(_) => {
                digests.insert(text, Digest::Unknown("it is not in a private ECR registry".to_owned()));
            }
        }
    }
    let mut lookups = JoinSet::new();
    for ((_, repository), images) in repositories {
        let aws = aws.clone();
        lookups.spawn(async move {
            let answer = aws.batch_get_image(&images.iter().collect::<Vec<_>>()).await;
            (repository, images, answer)
        });
    }
    let mut warnings = Vec::new();
    while let Some(finished) = lookups.join_next().await {
        // A lookup that panicked leaves its images out: the plan then says that their digests are not known.
        let Ok((repository, images, answer)) = finished else { continue };
        // An image that is named by its digest needs no look-up to be known by it.
        if let Err(error) = &answer
            && images.iter().any(|image| image.digest.is_none())
        {
            warnings.push(not_looked_up(&repository, error));
        }
        let texts = images.iter().map(ToString::to_string);
        digests.extend(texts.zip(read(answer, images.len())));
    }
    warnings.sort();
    (digests, warnings)
}

/// What private ECR registries keep of the images that are deployed and of those that run, by digest. One call for each
/// repository, all at once; what cannot be read is left out, with a remark where a permission is missing.
pub async fn stored(observed: &Observed, aws: &Aws) -> (BTreeMap<String, StoredImage>, Option<String>) {
    let new = observed.digests.iter().filter_map(|(text, known)| match known {
        Digest::Known { digest, .. } => Some((text, digest)),
        Digest::Missing(_) | Digest::Archived(_) | Digest::Unknown(_) => None,
    });
    let running = observed.running_revision.as_ref();
    let running = running.map(|revision| revision.container_images.as_slice()).unwrap_or_default();
    let old = running.iter().filter_map(|image| Some((&image.image, image.image_digest.as_ref()?)));
    let mut repositories: BTreeMap<ImageRef, [BTreeSet<String>; 2]> = BTreeMap::new();
    let both = new.map(|found| (found, true)).chain(old.map(|found| (found, false)));
    for ((text, digest), is_new) in both {
        // The image without its tag stands for its repository.
        let Ok(image) = ImageRef::parse(text) else { continue };
        let [new, old] = repositories.entry(image.pinned("")).or_default();
        if is_new { new } else { old }.insert(digest.clone());
    }
    let mut lookups = JoinSet::new();
    for (image, [new, old]) in repositories {
        let aws = aws.clone();
        lookups.spawn(async move {
            let Some(repository) = image.in_ecr() else { return Ok(Vec::new()) };
            let all: Vec<&str> = new.union(&old).map(String::as_str).collect();
            match aws.describe_images(&repository, &all).await {
                // One that is gone makes the whole call fail.
                Err(error) if error.code.as_deref() == Some("ImageNotFoundException") && !new.is_empty() => {
                    let new: Vec<&str> = new.iter().map(String::as_str).collect();
                    aws.describe_images(&repository, &new).await
                }
                answer => answer,
            }
        });
    }
    let (mut stored, mut remark) = (BTreeMap::new(), None);
    for answer in lookups.join_all().await {
        match answer {
            Ok(images) => stored.extend(images.into_iter().map(|image| (image.digest.clone(), image))),
            Err(error) if error.kind == CallErrorKind::Denied => {
                remark = Some(format!("The size and age of the images are not known: {error}"));
            }
            Err(_) => {}
        }
    }
    (stored, remark)
}

/// One digest for each image asked for.
fn read(answer: Result<Vec<ImageLookup>, CallError>, asked: usize) -> Vec<Digest> {
    match answer {
        Ok(found) => found
            .into_iter()
            .map(|lookup| match lookup {
                ImageLookup::Found { digest, manifest } => Digest::Known { digest, manifest },
                ImageLookup::Missing(said) => Digest::Missing(said),
                ImageLookup::Archived(said) => Digest::Archived(said),
                ImageLookup::Unclear(said) => Digest::Unknown(said),
            })
            .collect(),
        Err(error) => vec![Digest::Unknown(error.to_string()); asked],
    }
}

fn not_looked_up(repository: &str, error: &CallError) -> String {
    format!("The digests of the images in the ECR repository `{repository}` are not known: {error}")
}

/// The images of the definition after the edits, as far as they can be told before it is rendered: those that the
/// inputs name, and those of the containers that keep theirs.
fn in_question(edits: &Edits, base: &Value) -> BTreeSet<String> {
    let mut images = BTreeSet::new();
    let mut replaced: BTreeSet<&str> = edits.images.iter().map(|(container, _)| container.as_str()).collect();
    images.extend(edits.images.iter().map(|(_, image)| image.to_string()));
    images.extend(edits.image.iter().map(ToString::to_string));
    let containers = edits.patch.as_ref().and_then(|patch| patch.get("containerDefinitions"));
    match containers {
        Some(Value::Object(by_name)) => {
            for (container, patch) in by_name {
                if let Some(image) = patch.get("image").and_then(Value::as_str) {
                    replaced.insert(container);
                    images.insert(image.to_owned());
                }
            }
        }
        Some(Value::Array(list)) => {
            images.extend(list.iter().filter_map(|container| Some(container.get("image")?.as_str()?.to_owned())));
        }
        _ => {}
    }
    let Ok(definition) = TaskDefinition::from_document(base.clone()) else { return images };
    let is_only = definition.containers().count() == 1;
    if edits.image.is_some() {
        replaced.extend(edits.containers.iter().map(String::as_str));
    }
    for (container, image) in definition.images() {
        let by_image = is_only && edits.image.is_some() && edits.containers.is_empty();
        if !by_image && !replaced.contains(container) {
            images.insert(image.to_owned());
        }
    }
    images
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    fn image(text: &str) -> ImageRef {
        ImageRef::parse(text).unwrap()
    }

    #[test]
    fn only_images_that_can_be_deployed_are_in_question() {
        let two = json!({"taskDefinition": {"containerDefinitions": [
            {"name": "web", "image": "<IMAGE>"}, {"name": "log", "image": "fluent-bit"}, {"name": "odd"},
        ]}});
        let one = json!({"containerDefinitions": [{"name": "web", "image": "web:v1"}]});
        let edits = Edits::default;
        for (edits, base, expected) in [
            (edits(), &two, vec!["<IMAGE>", "fluent-bit"]),
            (Edits { image: Some(image("web:v2")), ..edits() }, &one, vec!["web:v2"]),
            (
                Edits { image: Some(image("web:v2")), containers: vec!["web".to_owned()], ..edits() },
                &two,
                vec!["fluent-bit", "web:v2"],
            ),
            (
                Edits { images: vec![("web".to_owned(), image("web:v3"))], ..edits() },
                &two,
                vec!["fluent-bit", "web:v3"],
            ),
            (
                Edits {
                    patch: Some(json!({"containerDefinitions": {"log": {"image": "fluent-bit:4"}, "web": {"cpu": 1}}})),
                    ..edits()
                },
                &two,
                vec!["<IMAGE>", "fluent-bit:4"],
            ),
        ] {
            assert_eq!(in_question(&edits, base).into_iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_denied_lookup_names_the_permission_and_leaves_the_digests_unknown() {
        let error = CallError {
            action: "ecr:BatchGetImage",
            kind: CallErrorKind::Denied,
            code: Some("AccessDeniedException".to_owned()),
            message: "User: x is not authorized to perform: ecr:BatchGetImage".to_owned(),
            request_id: None,
            maybe_applied: false,
            explained: None,
        };
        insta::assert_snapshot!(not_looked_up("team/web", &error), @r#"The digests of the images in the ECR repository `team/web` are not known: `ecr:BatchGetImage` is denied to `x`. Add this statement to a policy of `x`: {"Effect":"Allow","Action":"ecr:BatchGetImage","Resource":"*"}"#);
        assert!(matches!(read(Err(error), 2).as_slice(), [Digest::Unknown(_), Digest::Unknown(_)]));
    }
}
