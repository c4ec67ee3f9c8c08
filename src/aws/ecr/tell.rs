//! What ECR tells of images beyond their manifests: size and age, tags, where their layers are, caches of others.

use aws_sdk_ecr::types::{DescribeImagesFilter, ImageIdentifier, TagStatus};

use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::model::image::{Repository, StoredImage};

/// What a registry fetches from another one when it is first asked for.
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullThroughCache {
    /// How the names of its repositories begin; `ROOT` for all.
    pub prefix: String,
    /// The host of the other registry.
    pub upstream: String,
}

impl Aws {
    /// Images by digest, all of one repository.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
    ///
    /// # Errors
    /// `ImageNotFoundException` when one of them is not there, or the call failed.
    pub async fn describe_images(&self, of: &Repository<'_>, digests: &[&str]) -> Result<Vec<StoredImage>, CallError> {
        let id = |digest: &&str| ImageIdentifier::builder().image_digest(*digest).build();
        let call = self.ecr(of.region).describe_images().registry_id(of.account).repository_name(of.name);
        let sent = call.set_image_ids(Some(digests.iter().map(id).collect())).send().await;
        let answer = sent.map_err(|error| CallError::from_sdk(IMAGES, &error))?;
        Ok(answer.image_details.unwrap_or_default().into_iter().map(described).collect())
    }

    /// One page of the images that have tags, and whether there are no more.
    ///
    /// # Errors
    /// `RepositoryNotFoundException`, or the call failed.
    pub async fn describe_tagged_images(&self, of: &Repository<'_>) -> Result<(Vec<StoredImage>, bool), CallError> {
        let tagged = DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build();
        let call = self.ecr_at_once(of.region).describe_images().registry_id(of.account).repository_name(of.name);
        let sent = call.filter(tagged).max_results(1000).send().await;
        let answer = sent.map_err(|error| CallError::from_sdk(IMAGES, &error))?;
        let is_all = answer.next_token.is_none();
        Ok((answer.image_details.unwrap_or_default().into_iter().map(described).collect(), is_all))
    }

    /// Where a layer, or the document that describes an image, can be read. The address is a secret.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn download_url_for_layer(&self, of: &Repository<'_>, digest: &str) -> Result<String, CallError> {
        const ACTION: &str = "ecr:GetDownloadUrlForLayer";
        let call =
            self.ecr_at_once(of.region).get_download_url_for_layer().registry_id(of.account).repository_name(of.name);
        let answer = call.layer_digest(digest).send().await.map_err(|error| CallError::from_sdk(ACTION, &error))?;
        let url = answer.download_url.ok_or_else(|| CallError::unreadable(ACTION, "it has no address"))?;
        self.remember(&url);
        Ok(url)
    }

    /// The pull-through caches of the registry that a repository is in.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribePullThroughCacheRules.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_pull_through_cache_rules(
        &self,
        of: &Repository<'_>,
    ) -> Result<Vec<PullThroughCache>, CallError> {
        const ACTION: &str = "ecr:DescribePullThroughCacheRules";
        let sent = self.ecr_at_once(of.region).describe_pull_through_cache_rules().registry_id(of.account).send().await;
        let answer = sent.map_err(|error| CallError::from_sdk(ACTION, &error))?;
        let rules = answer.pull_through_cache_rules.unwrap_or_default().into_iter().map(|rule| PullThroughCache {
            prefix: rule.ecr_repository_prefix.unwrap_or_default(),
            upstream: rule.upstream_registry_url.unwrap_or_default(),
        });
        Ok(rules.collect())
    }
}

const IMAGES: &str = "ecr:DescribeImages";

fn described(image: aws_sdk_ecr::types::ImageDetail) -> StoredImage {
    StoredImage {
        digest: image.image_digest.unwrap_or_default(),
        tags: image.image_tags.unwrap_or_default(),
        size: image.image_size_in_bytes.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0),
        pushed: image.image_pushed_at.map(|at| at.secs()),
    }
}

impl PullThroughCache {
    /// Whether a repository of this name is fetched by it.
    pub fn fetches(&self, repository: &str) -> bool {
        let below = repository.strip_prefix(self.prefix.as_str());
        self.prefix == "ROOT" || below.is_some_and(|rest| rest.starts_with('/') || self.prefix.ends_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_fetches_what_is_below_its_prefix() {
        let cache = |prefix: &str| PullThroughCache { prefix: prefix.to_owned(), upstream: String::new() };
        assert!(cache("ROOT").fetches("web"));
        assert!(cache("docker-hub").fetches("docker-hub/library/nginx"));
        assert!(!cache("docker-hub").fetches("docker-hub-web"));
        assert!(!cache("docker-hub").fetches("web"));
    }
}
