//! ECR: repositories, tags, digests and manifests.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::signature::sha256;
use super::wire::{Answered, Refusal, list, text};
use super::world::World;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// One image.
#[derive(Debug, Clone)]
pub struct Image {
    /// `sha256:` and the digest of the manifest's bytes.
    pub digest: String,
    /// The manifest's bytes.
    pub manifest: String,
    /// Its media type.
    pub media_type: String,
    /// When it was pushed, in seconds since 1970.
    pub pushed: f64,
    /// Its compressed size in bytes.
    pub size: u64,
}

/// One repository.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// Images by digest.
    pub images: Vec<Image>,
    /// Tag to digest.
    pub tags: BTreeMap<String, String>,
}

impl Repository {
    /// Pushes an index of images for these architectures under a tag; tells its digest.
    pub fn push(&mut self, tag: &str, architectures: &[&str], pushed: f64) -> String {
        let children: Vec<Value> = architectures
            .iter()
            .map(|architecture| {
                let config = format!("{{\"architecture\":\"{architecture}\",\"os\":\"linux\",\"created\":\"{tag}\"}}");
                let manifest = json!({
                    "schemaVersion": 2, "mediaType": MANIFEST,
                    "config": {"mediaType": CONFIG, "digest": format!("sha256:{}", sha256(config.as_bytes())), "size": config.len()},
                    "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                                "digest": format!("sha256:{}", sha256(format!("{tag}{architecture}").as_bytes())), "size": 3_412_345}],
                })
                .to_string();
                let size = manifest.len();
                let digest = self.keep(manifest, MANIFEST, pushed);
                json!({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": {"architecture": architecture, "os": "linux"}})
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string();
        let digest = self.keep(index, INDEX, pushed);
        self.tags.insert(tag.to_owned(), digest.clone());
        digest
    }

    fn keep(&mut self, manifest: String, media_type: &str, pushed: f64) -> String {
        let digest = format!("sha256:{}", sha256(manifest.as_bytes()));
        self.images.push(Image {
            digest: digest.clone(),
            manifest,
            media_type: media_type.into(),
            pushed,
            size: 28_412_345,
        });
        digest
    }

    /// The digest a reference (`:tag` or `@sha256:…` part) stands for.
    #[must_use]
    pub fn resolve(&self, tag: Option<&str>, digest: Option<&str>) -> Option<&Image> {
        let digest = match (tag, digest) {
            (_, Some(digest)) => digest,
            (Some(tag), None) => self.tags.get(tag)?,
            (None, None) => return None,
        };
        self.images.iter().find(|image| image.digest == digest)
    }
}

/// The answer to one call.
pub(super) fn answer(world: &mut World, operation: &str, input: &Value) -> Option<Answered> {
    Some(match operation {
        "BatchGetImage" => batch_get_image(world, input),
        "DescribeImages" => describe_images(world, input),
        _ => return None,
    })
}

fn repository<'a>(world: &'a World, input: &Value) -> Result<(&'a str, &'a Repository), Refusal> {
    let name = text(input, "repositoryName").unwrap_or_default();
    let registry = text(input, "registryId").unwrap_or(&world.account);
    let found = world.ecr.get_key_value(name).filter(|_| registry == world.account);
    found.map(|(name, repository)| (name.as_str(), repository)).ok_or_else(|| {
        let message = format!("The repository with name '{name}' does not exist in the registry with id '{registry}'");
        Refusal::new("RepositoryNotFoundException", message)
    })
}

fn batch_get_image(world: &World, input: &Value) -> Answered {
    let (name, repository) = repository(world, input)?;
    let ids = list(input, "imageIds");
    if ids.is_empty() || ids.len() > 100 {
        return Err(Refusal::invalid(
            "Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length between 1 and 100'",
        ));
    }
    let accepted = super::wire::texts(input, "acceptedMediaTypes");
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        let (tag, digest) = (text(id, "imageTag"), text(id, "imageDigest"));
        let failure = |code: &str, reason: &str| json!({"imageId": id, "failureCode": code, "failureReason": reason});
        match repository.resolve(tag, digest) {
            _ if tag.is_none() && digest.is_none() => {
                failures.push(failure("MissingDigestAndTag", "Missing digest and tag"));
            }
            None => failures.push(failure("ImageNotFound", "Requested image not found")),
            Some(image) if tag.is_some_and(|tag| repository.tags.get(tag) != Some(&image.digest)) => {
                failures.push(failure("ImageTagDoesNotMatchDigest", "The image tag does not match the digest"));
            }
            Some(image) => images.push(in_answer(world, name, image, tag, &accepted, repository)),
        }
    }
    Ok(json!({"images": images, "failures": failures}))
}

fn in_answer(
    world: &World,
    name: &str,
    image: &Image,
    tag: Option<&str>,
    accepted: &[String],
    repository: &Repository,
) -> Value {
    // Asked without the index types, ECR hands out the first child: another digest than the one that was tagged.
    let child = || {
        let index: Value = serde_json::from_str(&image.manifest).ok()?;
        repository.resolve(None, text(list(&index, "manifests").first()?, "digest"))
    };
    let image =
        if accepted.is_empty() || accepted.contains(&image.media_type) { image } else { child().unwrap_or(image) };
    let mut id = json!({"imageDigest": image.digest});
    if let (Some(tag), Some(id)) = (tag, id.as_object_mut()) {
        id.insert("imageTag".into(), tag.into());
    }
    json!({"registryId": world.account, "repositoryName": name, "imageId": id, "imageManifest": image.manifest, "imageManifestMediaType": image.media_type})
}

fn describe_images(world: &World, input: &Value) -> Answered {
    let (name, repository) = repository(world, input)?;
    let ids = list(input, "imageIds");
    let mut found = Vec::new();
    for id in ids {
        let image = repository.resolve(text(id, "imageTag"), text(id, "imageDigest"));
        found.push(image.ok_or_else(|| {
            let wanted = format!("{{imageDigest:'{}', imageTag:'{}'}}", text(id, "imageDigest").unwrap_or("null"), text(id, "imageTag").unwrap_or("null"));
            let message = format!("The image with imageId {wanted} does not exist within the repository with name '{name}' in the registry with id '{}'", world.account);
            Refusal::new("ImageNotFoundException", message)
        })?);
    }
    if ids.is_empty() {
        found.extend(&repository.images);
    }
    let details: Vec<Value> = found.into_iter().map(|image| detail(world, name, repository, image)).collect();
    Ok(json!({"imageDetails": details}))
}

fn detail(world: &World, name: &str, repository: &Repository, image: &Image) -> Value {
    let tags: Vec<&String> =
        repository.tags.iter().filter(|(_, digest)| **digest == image.digest).map(|(tag, _)| tag).collect();
    let mut detail = json!({
        "registryId": world.account, "repositoryName": name, "imageDigest": image.digest, "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed, "imageManifestMediaType": image.media_type, "imageStatus": "ACTIVE",
    });
    if let (false, Some(detail)) = (tags.is_empty(), detail.as_object_mut()) {
        detail.insert("imageTags".into(), json!(tags));
    }
    detail
}
