//! ECR: repositories, tags, digests and manifests.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>

mod layers;
mod scans;

pub use scans::Scan;

use std::collections::{BTreeMap, BTreeSet};

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
    /// The documents that describe the images, by digest.
    pub configurations: BTreeMap<String, String>,
    /// What scans of an image find, by its digest: one after the other, the last for good.
    pub scans: BTreeMap<String, Vec<Scan>>,
    /// The digests of images that are archived: they can be described, and not pulled.
    pub archived: BTreeSet<String>,
}

impl Repository {
    /// Pushes an index of images under a tag, for these architectures of Linux or platforms such as `windows/amd64`; tells
    /// its digest. As `docker buildx build` does it, a statement of how each was built stands beside it.
    pub fn push(&mut self, tag: &str, platforms: &[&str], pushed: f64) -> String {
        let mut children: Vec<Value> = Vec::new();
        for platform in platforms {
            let (os, architecture) = platform.split_once('/').unwrap_or(("linux", platform));
            let (digest, size) = self.keep_image(tag, os, architecture, pushed);
            children.push(json!({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": {"architecture": architecture, "os": os}}));
        }
        for child in children.clone() {
            let about = text(&child, "digest").unwrap_or_default();
            let statement = format!("sha256:{}", sha256(format!("statement about {about}").as_bytes()));
            children.push(json!({"mediaType": MANIFEST, "digest": statement, "size": 841,
                "annotations": {"vnd.docker.reference.digest": about, "vnd.docker.reference.type": "attestation-manifest"},
                "platform": {"architecture": "unknown", "os": "unknown"}}));
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string();
        let digest = self.keep(index, INDEX, pushed);
        self.tags.insert(tag.to_owned(), digest.clone());
        digest
    }

    /// Pushes an image for one architecture of Linux, in no index; tells its digest.
    pub fn push_single(&mut self, tag: &str, architecture: &str, pushed: f64) -> String {
        let (digest, _) = self.keep_image(tag, "linux", architecture, pushed);
        self.tags.insert(tag.to_owned(), digest.clone());
        digest
    }

    /// Gives the image of a tag another digest, one that a story has written down.
    pub fn call_it(&mut self, tag: &str, digest: &str) {
        let known = self.tags.insert(tag.to_owned(), digest.to_owned());
        if let Some(image) = self.images.iter_mut().find(|image| Some(&image.digest) == known.as_ref()) {
            digest.clone_into(&mut image.digest);
        }
    }

    fn keep_image(&mut self, tag: &str, os: &str, architecture: &str, pushed: f64) -> (String, usize) {
        let config = format!("{{\"architecture\":\"{architecture}\",\"os\":\"{os}\",\"created\":\"{tag}\"}}");
        let described = format!("sha256:{}", sha256(config.as_bytes()));
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": described, "size": config.len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                        "digest": format!("sha256:{}", sha256(format!("{tag}{architecture}").as_bytes())), "size": 3_412_345}],
        })
        .to_string();
        let size = manifest.len();
        self.configurations.insert(described, config);
        (self.keep(manifest, MANIFEST, pushed), size)
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
pub(super) fn answer(world: &mut World, operation: &str, input: &Value, region: &str) -> Option<Answered> {
    Some(match operation {
        "BatchGetImage" => batch_get_image(world, input, region),
        "DescribeImages" => describe_images(world, input, region),
        "GetDownloadUrlForLayer" => layers::get_download_url(world, input, region),
        "DescribePullThroughCacheRules" => Ok(pull_through_caches(world)),
        "DescribeImageScanFindings" => scans::describe(world, input, region),
        _ => return None,
    })
}

/// The layers, given to whoever has the address that was handed out.
pub(super) use layers::{give, path_of_layer};

/// Where a repository stands among all: one of another account or region by its whole name.
fn key(world: &World, input: &Value, region: &str) -> String {
    let name = text(input, "repositoryName").unwrap_or_default();
    let registry = text(input, "registryId").unwrap_or(&world.account);
    if registry == world.account && region == world.region {
        name.to_owned()
    } else {
        format!("{registry}.dkr.ecr.{region}.amazonaws.com/{name}")
    }
}

fn repository<'a>(world: &'a World, input: &'a Value, region: &str) -> Result<(&'a str, &'a Repository), Refusal> {
    let name = text(input, "repositoryName").unwrap_or_default();
    let registry = text(input, "registryId").unwrap_or(&world.account);
    world.ecr.get(&key(world, input, region)).map(|repository| (name, repository)).ok_or_else(|| {
        let message = format!("The repository with name '{name}' does not exist in the registry with id '{registry}'");
        Refusal::new("RepositoryNotFoundException", message)
    })
}

fn batch_get_image(world: &World, input: &Value, region: &str) -> Answered {
    let (name, repository) = repository(world, input, region)?;
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
            Some(image) if repository.archived.contains(&image.digest) => {
                failures.push(failure("ImageInaccessible", "The image is archived"));
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

fn pull_through_caches(world: &World) -> Value {
    let rule = |(prefix, upstream): &(String, String)| json!({"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": upstream, "registryId": world.account, "createdAt": 1_700_000_000});
    json!({"pullThroughCacheRules": world.caches.iter().map(rule).collect::<Vec<_>>()})
}

fn describe_images(world: &World, input: &Value, region: &str) -> Answered {
    let (name, repository) = repository(world, input, region)?;
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
        let only = input.pointer("/filter/tagStatus").and_then(Value::as_str);
        let tagged = |image: &&Image| repository.tags.values().any(|digest| *digest == image.digest);
        found.extend(repository.images.iter().filter(|image| only != Some("TAGGED") || tagged(image)));
    }
    let details = found.into_iter().map(|image| detail(world, name, repository, image));
    let most = input.get("maxResults").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok());
    let details: Vec<Value> = details.collect();
    let page: Vec<&Value> = details.iter().take(most.unwrap_or(100).min(1000)).collect();
    let mut answer = json!({"imageDetails": page});
    if let (true, Some(answer)) = (page.len() < details.len() && ids.is_empty(), answer.as_object_mut()) {
        answer.insert("nextToken".into(), "the-next-page".into());
    }
    Ok(answer)
}

fn detail(world: &World, name: &str, repository: &Repository, image: &Image) -> Value {
    let tags: Vec<&String> =
        repository.tags.iter().filter(|(_, digest)| **digest == image.digest).map(|(tag, _)| tag).collect();
    let status = if repository.archived.contains(&image.digest) { "ARCHIVED" } else { "ACTIVE" };
    let mut detail = json!({
        "registryId": world.account, "repositoryName": name, "imageDigest": image.digest, "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed, "imageManifestMediaType": image.media_type, "imageStatus": status,
    });
    if let (false, Some(detail)) = (tags.is_empty(), detail.as_object_mut()) {
        detail.insert("imageTags".into(), json!(tags));
    }
    detail
}
