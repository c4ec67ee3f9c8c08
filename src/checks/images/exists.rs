//! `image-exists`: whether each image is in its registry.

use std::cmp::Reverse;

use super::around::{Around, Caches, Tags};
use super::{Elsewhere, NotKnown, Used, said_by_ecr, used};
use crate::aws::Aws;
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
    let images: Vec<(Result<ImageRef, String>, Used<'_>)> =
        used(definition).into_iter().map(|image| (ImageRef::parse(image.text), image)).collect();
    let absent = images.iter().filter_map(|(parsed, image)| {
        let parsed = parsed.as_ref().ok()?;
        matches!(said_by_ecr(image.text, parsed, subject.observed), Some(Digest::Missing(_))).then(|| parsed.clone())
    });
    let absent: Vec<ImageRef> = absent.collect();
    let (looked, around) =
        tokio::join!(Box::pin(elsewhere.ask(definition, subject.http)), Box::pin(Around::ask(&absent, aws)));
    let (mut not_known, mut near, mut fetched) = (NotKnown::default(), NotKnown::default(), NotKnown::default());
    let mut findings = Vec::new();
    for (parsed, image) in images {
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(why) => {
                findings.push(invalid(&image, &why));
                continue;
            }
        };
        let Some(repository) = parsed.in_ecr() else {
            match looked.get(image.text) {
                Some(Looked::Found { .. }) => {}
                Some(Looked::Missing) => findings.push(not_shown(&image, &parsed)),
                Some(Looked::Unknown(why)) => not_known.add(image.text, why),
                None => not_known.add(image.text, "its registry wants the login of `repositoryCredentials`"),
            }
            continue;
        };
        match said_by_ecr(image.text, &parsed, subject.observed) {
            Some(Digest::Known { .. }) => {}
            Some(Digest::Missing(said)) => {
                let Some((tags, caches)) = around.of(repository) else { continue };
                match missing(&image, &parsed, repository, said, tags, caches) {
                    Ok(finding) => findings.push(finding),
                    Err(why) => {
                        not_known.add(image.text, why);
                        continue;
                    }
                }
                // What is missing is told with less then, and perhaps as a doubt.
                if let Err(error) = tags
                    && !says_no_repository(tags)
                {
                    near.add(image.text, error.to_string());
                }
                if let Err(error) = caches {
                    fetched.add(image.text, error.to_string());
                }
            }
            Some(Digest::Archived(said)) => findings.push(archived(&image, &parsed, repository, said)),
            Some(Digest::Unknown(why)) => not_known.add(image.text, why),
            None => not_known.add(image.text, "it was not looked up"),
        }
    }
    let ruling = Ruling { findings, skipped: Vec::new() }.and(not_known.ruling("Whether it exists"));
    ruling.and(near.ruling("Which tags are near")).and(fetched.ruling("Whether a pull-through cache would fetch it"))
}

/// ECR says that the image is not there. `tags` and `caches` are what it said of the repository's other images, and of
/// the registry's caches.
///
/// # Errors
/// It may be there all the same; why.
fn missing(
    image: &Used<'_>,
    parsed: &ImageRef,
    repository: Repository<'_>,
    said: &str,
    tags: &Tags,
    caches: &Caches,
) -> Result<Finding, String> {
    let cache = caches.as_ref().ok().and_then(|caches| caches.iter().find(|cache| cache.fetches(repository.name)));
    if let Some(cache) = cache {
        return Err(format!(
            "its repository is a pull-through cache of `{}`, which the first pull fills; ECR says now: {said}",
            cache.upstream
        ));
    }
    // A cache may be meant by whoever may not read the rules. It fetches what is below its prefix, and even a repository
    // with other tags may be one: it has the tags that were pulled until now.
    let is_doubtful = caches.is_err() && repository.name.contains('/');
    let doubt = if is_doubtful {
        " Whether a pull-through cache would fetch it is not known: `ecr:DescribePullThroughCacheRules` tells it."
    } else {
        ""
    };
    let error = if says_no_repository(tags) {
        Error::new(
            Code::ImageNotFound,
            format!("The repository of the image {} does not exist.", image.named()),
            format!(
                "ECR has no repository `{}` in account {} in {}.{doubt}",
                repository.name, repository.account, repository.region
            ),
            "Correct the account, region or name in the image, or create the repository and push the image.",
        )
    } else {
        let near = tags.as_ref().map(|(images, is_all)| suggested(parsed.tag.as_deref(), images, *is_all));
        let near = near.unwrap_or_default();
        let (why, fix) = if near.is_empty() {
            (format!("ECR says: {said}.{doubt}"), "Push the image before it is deployed, or correct its tag or digest.")
        } else {
            (
                format!("ECR says: {said}. {near}{doubt}"),
                "Push the image before it is deployed, or deploy a tag that is there.",
            )
        };
        Error::new(Code::ImageNotFound, format!("ECR does not have the image {}.", image.named()), why, fix)
    };
    let finding = Finding::new(error).at(&image.pointer);
    Ok(if is_doubtful { finding.doubtful() } else { finding })
}

fn says_no_repository(tags: &Tags) -> bool {
    tags.as_ref().is_err_and(|error| error.code.as_deref() == Some("RepositoryNotFoundException"))
}

/// ECR has the image, and nobody can pull it.
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/restore-image.html>
fn archived(image: &Used<'_>, parsed: &ImageRef, repository: Repository<'_>, said: &str) -> Finding {
    let id = match &parsed.digest {
        Some(digest) => format!("imageDigest={digest}"),
        None => format!("imageTag={}", parsed.tag.as_deref().unwrap_or("latest")),
    };
    let restore = format!(
        "aws ecr update-image-storage-class --registry-id {} --region {} --repository-name {} --image-id {id} \
         --target-storage-class STANDARD",
        repository.account, repository.region, repository.name
    );
    Finding::new(Error::new(
        Code::ImageArchived,
        format!("The image {} is archived.", image.named()),
        format!("ECR says: {}. Nobody can pull an archived image.", said.trim_end_matches('.')),
        format!("Push it again, or restore it, which takes up to 20 minutes: `{restore}`"),
    ))
    .at(&image.pointer)
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
    use crate::aws::call::{CallError, CallErrorKind};
    use crate::aws::ecr::tell::PullThroughCache;

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

    fn told(text: &str, tags: &Tags, caches: &Caches) -> Result<Finding, String> {
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
        let there = || Ok((vec![pushed(1, &["v1.2.2"])], true));
        let denied = || Err(failed("AccessDeniedException"));
        let (parsed, cached) = (ImageRef::parse(IMAGE).unwrap(), IMAGE.replace("team/web", "hub/library/nginx"));
        let all = [
            told(IMAGE, &there(), &Ok(Vec::new())).unwrap(),
            told(IMAGE, &Err(failed("AccessDeniedException")), &Ok(Vec::new())).unwrap(),
            told(IMAGE, &Err(failed("RepositoryNotFoundException")), &Ok(Vec::new())).unwrap(),
            told(&cached, &there(), &denied()).unwrap(),
            told(&cached, &Err(failed("RepositoryNotFoundException")), &denied()).unwrap(),
            archived(&image(IMAGE), &parsed, parsed.in_ecr().unwrap(), "ImageInaccessible: The image is archived"),
            not_shown(&image("ghcr.io/acme/web:1"), &ImageRef::parse("ghcr.io/acme/web:1").unwrap()),
            invalid(&image("<IMAGE>"), "it contains '<' (a placeholder that was not replaced?)"),
        ];
        let texts: Vec<String> = all.iter().map(|finding| finding.error.to_string()).collect();
        insta::assert_snapshot!(texts.join("\n\n"));
        assert!(all.iter().all(|finding| finding.pointer.is_some()));
        let pinned = parsed.pinned(&format!("sha256:{}", "a".repeat(64)));
        let finding = archived(&image(IMAGE), &pinned, pinned.in_ecr().unwrap(), "ImageInaccessible");
        assert!(finding.error.fix.contains(" --image-id imageDigest=sha256:aaa"), "{}", finding.error.fix);
    }

    #[test]
    fn only_what_is_certain_blocks() {
        let cache = PullThroughCache { prefix: "team".to_owned(), upstream: "registry-1.docker.io".to_owned() };
        let none = || Ok((Vec::new(), true));
        insta::assert_snapshot!(told(IMAGE, &none(), &Ok(vec![cache])).unwrap_err());
        let denied = || Err(failed("AccessDeniedException"));
        let there = || Ok((vec![pushed(1, &["1.26"])], true));
        let named = |name: &str| IMAGE.replace("team/web", name);
        for (text, tags, caches, doubtful) in [
            (named("team/web"), none(), Ok(Vec::new()), false),
            (named("hub/library/nginx"), none(), Ok(Vec::new()), false),
            (named("hub/library/nginx"), none(), denied(), true),
            // The cache has been asked for another tag already.
            (named("hub/library/nginx"), there(), denied(), true),
            (named("hub/library/nginx"), Err(failed("AccessDeniedException")), denied(), true),
            // Below no prefix.
            (named("web"), none(), denied(), false),
        ] {
            assert_eq!(told(&text, &tags, &caches).unwrap().is_doubtful, doubtful, "{text}");
        }
        assert!(invalid(&image("Web:1"), "it has capital letters").is_doubtful);
        assert!(!invalid(&image("${IMAGE}"), "it contains '$'").is_doubtful);
    }
}
