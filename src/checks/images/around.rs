//! What ECR says around the images that it does not have: the other tags of their repositories, and the caches of their
//! registries.

use std::collections::{BTreeMap, BTreeSet};

use tokio::task::JoinSet;

use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::aws::ecr::tell::PullThroughCache;
use crate::model::image::{ImageRef, Repository, StoredImage};

/// Images of a repository that have tags, and whether these are all.
pub(super) type Tags = Result<(Vec<StoredImage>, bool), CallError>;

/// The pull-through caches of a registry.
pub(super) type Caches = Result<Vec<PullThroughCache>, CallError>;

/// Account, region and name of a repository; of a registry, without a name.
type Key = (String, String, String);

/// The answers, by what was asked about.
#[derive(Debug, Default)]
pub(super) struct Around {
    tags: BTreeMap<Key, Tags>,
    caches: BTreeMap<Key, Caches>,
}

impl Around {
    /// Asks about all of these images at once: each repository and each registry once.
    pub(super) async fn ask(images: &[ImageRef], aws: &Aws) -> Self {
        let repositories: BTreeSet<Key> =
            images.iter().filter_map(ImageRef::in_ecr).map(|of| key(of, of.name)).collect();
        let registries: BTreeSet<Key> = images.iter().filter_map(ImageRef::in_ecr).map(|of| key(of, "")).collect();
        let (mut tags, mut caches) = (JoinSet::new(), JoinSet::new());
        for key in repositories {
            let aws = aws.clone();
            tags.spawn(async move {
                let answer = aws.describe_tagged_images(&repository(&key)).await;
                (key, answer)
            });
        }
        for key in registries {
            let aws = aws.clone();
            caches.spawn(async move {
                let answer = aws.describe_pull_through_cache_rules(&repository(&key)).await;
                (key, answer)
            });
        }
        let (tags, caches) = tokio::join!(tags.join_all(), caches.join_all());
        Self { tags: tags.into_iter().collect(), caches: caches.into_iter().collect() }
    }

    /// What was said around this repository; nothing when nobody asked.
    pub(super) fn of(&self, repository: Repository<'_>) -> Option<(&Tags, &Caches)> {
        Some((self.tags.get(&key(repository, repository.name))?, self.caches.get(&key(repository, ""))?))
    }
}

fn key(of: Repository<'_>, name: &str) -> Key {
    (of.account.to_owned(), of.region.to_owned(), name.to_owned())
}

fn repository((account, region, name): &Key) -> Repository<'_> {
    Repository { account, region, name }
}
