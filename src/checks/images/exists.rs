//! `image-exists`: whether each image is in its registry.

use std::cmp::Reverse;

use super::{Elsewhere, NotKnown, Used, said_by_ecr, used};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::aws::ecr::tell::PullThroughCache;
use crate::checks::{Finding, Ruling, Subject};
use crate::error::{Code, Error};
use crate::http::registry::Looked;
use crate::inputs::suggest::nearest;
use crate::model::image::{ImageRef, Registry, Repository, StoredImage};
use crate::observe::Digest;

/// Tags that are suggested.
const FEW: usize = 3;

/// Asks what is not known yet, and judges it.
pub(in crate::checks) async fn ruling(subject: &Subject<'_>, aws: &Aws, elsewhere: &Elsewhere) -> Ruling {
    let definition = &subject.plan.definition;
    let looked = elsewhere.ask(definition, subject.http).await;
    let mut not_known = NotKnown::default();
    let mut ruling = Ruling::default();
    for image in used(definition) {
        let parsed = match ImageRef::parse(image.text) {
            Ok(parsed) => parsed,
            Err(why) => {
                ruling = ruling.and(Ruling::found(invalid(&image, &why)));
                continue;
            }
        };
        let Some(repository) = parsed.in_ecr() else {
            match looked.get(image.text) {
                Some(Looked::Found { .. }) => {}
                Some(Looked::Missing) => ruling = ruling.and(Ruling::found(not_shown(&image, &parsed))),
                Some(Looked::Unknown(why)) => not_known.add(image.text, why),
                None => not_known.add(image.text, "its registry wants the login of `repositoryCredentials`"),
            }
            continue;
        };
        match said_by_ecr(image.text, &parsed, subject.observed) {
            Some(Digest::Known { .. }) => {}
            Some(Digest::Missing(said)) => {
                let (tags, caches) = tokio::join!(
                    Box::pin(aws.describe_tagged_images(&repository)),
                    Box::pin(aws.describe_pull_through_cache_rules(&repository))
                );
                ruling = ruling.and(missing(&image, &parsed, repository, said, &tags, &caches));
            }
            Some(Digest::Unknown(why)) => not_known.add(image.text, why),
            None => not_known.add(image.text, "it was not looked up"),
        }
    }
    ruling.and(not_known.ruling("Whether it exists"))
}

/// ECR says that the image is not there. `tags` and `caches` are what it said of the repository's other images, and of
/// the registry's caches.
fn missing(
    image: &Used<'_>,
    parsed: &ImageRef,
    repository: Repository<'_>,
    said: &str,
    tags: &Result<(Vec<StoredImage>, bool), CallError>,
    caches: &Result<Vec<PullThroughCache>, CallError>,
) -> Ruling {
    let cache = caches.as_ref().ok().and_then(|caches| caches.iter().find(|cache| cache.fetches(repository.name)));
    if let Some(cache) = cache {
        let mut not_known = NotKnown::default();
        let why = format!(
            "its repository is a pull-through cache of `{}`, which the first pull fills; ECR says now: {said}",
            cache.upstream
        );
        not_known.add(image.text, why);
        return not_known.ruling("Whether it exists");
    }
    let code = tags.as_ref().err().and_then(|error| error.code.as_deref());
    let has_no_repository = code == Some("RepositoryNotFoundException");
    let finding = Finding::new(if has_no_repository {
        Error::new(
            Code::ImageNotFound,
            format!("The repository of the image {} does not exist.", image.named()),
            format!(
                "ECR has no repository `{}` in account {} in {}.",
                repository.name, repository.account, repository.region
            ),
            "Correct the account, region or name in the image, or create the repository and push the image.",
        )
    } else {
        let near = tags.as_ref().map(|(images, is_all)| suggested(parsed.tag.as_deref(), images, *is_all));
        let near = near.unwrap_or_default();
        let (why, fix) = if near.is_empty() {
            (format!("ECR says: {said}."), "Push the image before it is deployed, or correct its tag or digest.")
        } else {
            (
                format!("ECR says: {said}. {near}"),
                "Push the image before it is deployed, or deploy a tag that is there.",
            )
        };
        Error::new(Code::ImageNotFound, format!("ECR does not have the image {}.", image.named()), why, fix)
    });
    let finding = finding.at(&image.pointer);
    // Who may not read the rules cannot tell a cache that was never asked from a tag that was never pushed.
    let doubtful = caches.is_err() && sounds_like_a_cache(repository.name);
    let unread = |what: &str, error: &CallError| Ruling::unread(&format!("{what} `{}`", repository.name), error);
    let tags = tags.as_ref().err().filter(|_| !has_no_repository);
    let tags = tags.map(|error| unread("which tags there are in the repository", error));
    let caches =
        caches.as_ref().err().map(|error| unread("whether a pull-through cache would fill the repository", error));
    let found = Ruling::found(if doubtful { finding.doubtful() } else { finding });
    tags.into_iter().chain(caches).fold(found, Ruling::and)
}

/// A sentence with the tags that may have been meant, or with the newest; empty when there are none.
fn suggested(tag: Option<&str>, images: &[StoredImage], is_all: bool) -> String {
    let quoted = |tags: &[&str]| tags.iter().map(|tag| format!("`{tag}`")).collect::<Vec<_>>().join(", ");
    let tag = tag.unwrap_or("latest");
    let mut newest: Vec<&StoredImage> = images.iter().collect();
    newest.sort_by_key(|image| Reverse(image.pushed));
    let mut known: Vec<&str> = newest.iter().flat_map(|image| &image.tags).map(String::as_str).collect();
    let mut near = Vec::new();
    while let Some(found) = nearest(tag, known.iter().copied()).or_else(|| part_of(tag, &known)) {
        near.push(found);
        known.retain(|known| *known != found);
        if near.len() == FEW {
            break;
        }
    }
    known.truncate(FEW);
    if !near.is_empty() {
        format!("Did you mean {}?", quoted(&near))
    } else if is_all && !known.is_empty() {
        format!("The newest tags there are {}.", quoted(&known))
    } else {
        String::new()
    }
}

/// A tag that holds the other one, or is held by it: `v1.2.3` and `1.2.3`, a short commit and the whole one.
fn part_of<'a>(tag: &str, known: &[&'a str]) -> Option<&'a str> {
    let holds = |one: &str, other: &str| other.len() >= 3 && one.contains(other);
    known.iter().copied().find(|known| holds(tag, known) || holds(known, tag))
}

/// Names that caches are usually given: those of the registries behind them.
fn sounds_like_a_cache(repository: &str) -> bool {
    const NAMES: &[&str] = &[
        "docker",
        "ecr-public",
        "public-ecr",
        "quay",
        "k8s",
        "kubernetes",
        "github",
        "ghcr",
        "gitlab",
        "azure",
        "mcr",
        "chainguard",
        "cache",
        "proxy",
        "mirror",
    ];
    let first = repository.split_once('/').map(|(first, _)| first);
    first.is_some_and(|first| NAMES.iter().any(|name| first.contains(name)))
}

/// A registry that answers the same for what only some may see.
fn not_shown(image: &Used<'_>, parsed: &ImageRef) -> Finding {
    let host = match &parsed.registry {
        Registry::Other(host) => host.as_str(),
        Registry::Ecr { .. } | Registry::EcrPublic => "public.ecr.aws",
    };
    Finding::new(Error::new(
        Code::ImageNotFound,
        format!("The registry does not show the image {}.", image.named()),
        format!("`{host}` answers that it has no such image for somebody without a login."),
        "Correct the image, or push it; if the repository is private, give its login in `repositoryCredentials`.",
    ))
    .at(&image.pointer)
    .doubtful()
}

/// What no registry can have. ECS takes some images that our reading of the rules does not know.
fn invalid(image: &Used<'_>, why: &str) -> Finding {
    let finding = Finding::new(Error::new(
        Code::ImageInvalid,
        format!("The image {} is not an image reference.", image.named()),
        format!("{}{}.", why.get(..1).unwrap_or_default().to_uppercase(), why.get(1..).unwrap_or_default()),
        "Correct it, or give the image in `image` or `images`.",
    ))
    .at(&image.pointer);
    if image.text.contains(['<', '>', '$', '{', '}', '%', ' ']) { finding } else { finding.doubtful() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::aws::call::CallErrorKind;

    const IMAGE: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/web:v1.2.3";

    fn pushed(at: i64, tags: &[&str]) -> StoredImage {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        StoredImage { tags, pushed: Some(at), ..StoredImage::default() }
    }

    fn failed(code: &str) -> CallError {
        CallError {
            action: "ecr:DescribeImages",
            kind: CallErrorKind::Refused,
            code: Some(code.to_owned()),
            message: "words".to_owned(),
            request_id: None,
            maybe_applied: false,
            explained: None,
        }
    }

    fn image(text: &str) -> Used<'_> {
        let pointer = "/containerDefinitions/0/image".to_owned();
        Used { text, containers: vec!["web", "worker"], pointer, has_login: false }
    }

    fn told(
        text: &str,
        tags: &Result<(Vec<StoredImage>, bool), CallError>,
        caches: &Result<Vec<PullThroughCache>, CallError>,
    ) -> Ruling {
        let parsed = ImageRef::parse(text).unwrap();
        let said = "ImageNotFound: Requested image not found";
        missing(&image(text), &parsed, parsed.in_ecr().unwrap(), said, tags, caches)
    }

    #[test]
    fn near_tags_come_before_the_newest_and_an_incomplete_list_names_no_newest() {
        let images = [pushed(1, &["v1.2.2", "old"]), pushed(3, &["main-77"]), pushed(2, &["1.2.3"])];
        for (tag, images, is_all, expected) in [
            (Some("v1.2.3"), &images[..], true, "Did you mean `1.2.3`, `v1.2.2`?"),
            (Some("main-78"), &images, true, "Did you mean `main-77`?"),
            (Some("feature-x"), &images, true, "The newest tags there are `main-77`, `1.2.3`, `v1.2.2`."),
            (None, &images, true, "The newest tags there are `main-77`, `1.2.3`, `v1.2.2`."),
            (Some("feature-x"), &images, false, ""),
            (Some("v1"), &[], true, ""),
        ] {
            assert_eq!(suggested(tag, images, is_all), expected, "{tag:?}");
        }
        let whole = [pushed(1, &["4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9"])];
        assert!(suggested(Some("4f1c6f3"), &whole, true).starts_with("Did you mean `4f1c6f3f"));
    }

    #[test]
    fn what_is_missing_is_told_with_what_is_there() {
        let there = Ok((vec![pushed(1, &["v1.2.2"])], true));
        let all = [
            told(IMAGE, &there, &Ok(Vec::new())),
            told(IMAGE, &Err(failed("AccessDeniedException")), &Ok(Vec::new())),
            told(IMAGE, &Err(failed("RepositoryNotFoundException")), &Ok(Vec::new())),
            Ruling::found(not_shown(&image("ghcr.io/acme/web:1"), &ImageRef::parse("ghcr.io/acme/web:1").unwrap())),
            Ruling::found(invalid(&image("<IMAGE>"), "it contains '<' (a placeholder that was not replaced?)")),
        ];
        let texts = all.iter().flat_map(|ruling| &ruling.findings).map(|finding| finding.error.to_string());
        insta::assert_snapshot!(texts.collect::<Vec<_>>().join("\n\n"));
        assert!(all.iter().flat_map(|ruling| &ruling.findings).all(|finding| finding.pointer.is_some()));
    }

    #[test]
    fn only_what_is_certain_blocks() {
        let cache = PullThroughCache { prefix: "team".to_owned(), upstream: "registry-1.docker.io".to_owned() };
        let none = || Ok((Vec::new(), true));
        let cached = told(IMAGE, &none(), &Ok(vec![cache]));
        assert_eq!((cached.findings.len(), cached.skipped.len()), (0, 1));
        insta::assert_snapshot!(cached.skipped.join("\n"));
        let denied = || Err(failed("AccessDeniedException"));
        for (text, caches, doubtful) in [
            (IMAGE.to_owned(), Ok(Vec::new()), false),
            (IMAGE.to_owned(), denied(), false),
            (IMAGE.replace("team/web", "docker-hub/library/nginx"), denied(), true),
            (IMAGE.replace("team/web", "docker-hub/library/nginx"), Ok(Vec::new()), false),
        ] {
            let doubts: Vec<bool> =
                told(&text, &none(), &caches).findings.iter().map(|finding| finding.is_doubtful).collect();
            assert_eq!(doubts, [doubtful], "{text}");
        }
        assert!(invalid(&image("Web:1"), "it has capital letters").is_doubtful);
        assert!(!invalid(&image("${IMAGE}"), "it contains '$'").is_doubtful);
    }
}
