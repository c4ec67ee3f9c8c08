//! ECR: which digest a tag points to now.

pub mod scan;
pub mod tell;

use std::fmt;
use std::time::Duration;

use aws_config::Region;
use aws_sdk_ecr::Client;
use aws_sdk_ecr::config::Builder;
use aws_sdk_ecr::types::ImageIdentifier;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use serde::Deserialize;

use super::Aws;
use super::call::CallError;
use super::wire::Wire;
use crate::model::image::{ImageRef, Registry};
use crate::model::manifest::Manifest;

/// What ECR says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageLookup {
    /// It is there, with this digest.
    Found {
        /// `sha256:…`, of the index where there is one.
        digest: String,
        /// What its manifest says.
        manifest: Manifest,
    },
    /// It is not there; ECR's words.
    Missing(String),
    /// It is there, but archived: nobody can pull it; ECR's words.
    Archived(String),
    /// ECR could not tell: no key for it, an upstream registry that is down; its words.
    Unclear(String),
}

/// Every kind of manifest: with a shorter list ECR may convert an image's manifest, and its digest is then not the one
/// that was pushed.
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

impl Aws {
    /// Looks up private ECR images of one repository in their own account and region; answers stand in `images`' order.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn batch_get_image(&self, images: &[&ImageRef]) -> Result<Vec<ImageLookup>, CallError> {
        const ACTION: &str = "ecr:BatchGetImage";
        let Some((repository, account, region)) = images.first().and_then(|image| match &image.registry {
            Registry::Ecr { account, region } => Some((&image.repository, account, region)),
            Registry::EcrPublic | Registry::Other(_) => None,
        }) else {
            return Ok(images.iter().map(|image| ImageLookup::Missing(format!("{image} is not in ECR"))).collect());
        };
        let config = self.config.to_builder().region(Region::new(region.clone())).build();
        let wire = Wire::default();
        let sent = aws_sdk_ecr::Client::new(&config)
            .batch_get_image()
            .registry_id(account)
            .repository_name(repository)
            .set_image_ids(Some(images.iter().map(|image| identifier(image)).collect()))
            .set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()))
            .customize()
            .interceptor(wire.clone())
            .send()
            .await;
        match wire.answer::<Answer, _, _>(ACTION, sent) {
            Ok(answer) => Ok(images.iter().map(|image| answer.lookup(image)).collect()),
            Err(error) if error.code.as_deref() == Some("RepositoryNotFoundException") => {
                Ok(images.iter().map(|_| ImageLookup::Missing(error.message.clone())).collect())
            }
            Err(error) => Err(error),
        }
    }

    /// ECR in the region of an image, for what is worth a few seconds and no more.
    fn ecr(&self, region: &str) -> Client {
        self.ecr_within(region, self.briefly())
    }

    /// The same for a look-up that others wait for, or that only explains.
    fn ecr_at_once(&self, region: &str) -> Client {
        self.ecr_within(region, self.briefly().to_builder().operation_timeout(AT_ONCE).build())
    }

    fn ecr_within(&self, region: &str, patience: TimeoutConfig) -> Client {
        let config = Builder::from(&self.config).region(Region::new(region.to_owned())).timeout_config(patience);
        Client::from_conf(config.retry_config(RetryConfig::standard().with_max_attempts(2)).build())
    }
}

/// How long a look-up may take that others wait for, or that only explains.
const AT_ONCE: Duration = Duration::from_secs(3);

fn identifier(image: &ImageRef) -> ImageIdentifier {
    let tag = tag(image).map(str::to_owned);
    ImageIdentifier::builder().set_image_digest(image.digest.clone()).set_image_tag(tag).build()
}

/// The tag to look for: none when the digest decides, `latest` when neither is written.
fn tag(image: &ImageRef) -> Option<&str> {
    if image.digest.is_some() { None } else { Some(image.tag.as_deref().unwrap_or("latest")) }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Answer {
    images: Vec<Image>,
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    image_id: ImageId,
    /// JSON, as a text.
    #[serde(default)]
    image_manifest: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ImageId {
    #[serde(rename = "imageDigest")]
    digest: Option<String>,
    #[serde(rename = "imageTag")]
    tag: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Failure {
    image_id: ImageId,
    #[serde(rename = "failureCode")]
    code: String,
    #[serde(rename = "failureReason")]
    reason: String,
}

impl ImageId {
    fn is(&self, image: &ImageRef) -> bool {
        match &image.digest {
            Some(digest) => self.digest.as_ref() == Some(digest),
            None => self.tag.as_deref() == tag(image),
        }
    }
}

impl Failure {
    /// The codes that say there is no such image, and not that ECR could not look.
    fn says_absent(&self) -> bool {
        ["ImageNotFound", "ImageTagDoesNotMatchDigest", "InvalidImageTag", "InvalidImageDigest"]
            .contains(&self.code.as_str())
    }

    /// The code that says that the image is in the archive, or on its way out of it.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html>
    fn says_archived(&self) -> bool {
        self.code == "ImageInaccessible"
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.reason)
    }
}

impl Answer {
    fn lookup(&self, image: &ImageRef) -> ImageLookup {
        let found = self.images.iter().find(|found| found.image_id.is(image));
        if let Some((found, digest)) = found.and_then(|found| Some((found, found.image_id.digest.clone()?))) {
            // The digest is known without the manifest, so one that cannot be read is no failure.
            return ImageLookup::Found { digest, manifest: Manifest::parse(&found.image_manifest) };
        }
        match self.failures.iter().find(|failure| failure.image_id.is(image)) {
            Some(failure) if failure.says_absent() => ImageLookup::Missing(failure.to_string()),
            Some(failure) if failure.says_archived() => ImageLookup::Archived(failure.to_string()),
            Some(failure) => ImageLookup::Unclear(failure.to_string()),
            None => ImageLookup::Unclear("ECR did not answer for it".to_owned()),
        }
    }
}
