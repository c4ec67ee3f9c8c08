//! How long the checks of images take, against the stage in virtual time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::aws::Aws;
use crate::aws::tests::wire;
use crate::checks::tests::Story;
use crate::checks::{Finding, in_time};
use crate::model::manifest::Manifest;
use crate::sim::ecr::Scan;
use crate::sim::{Sim, Trick, World};

const OF_ECR: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

async fn stage(world: World) -> (Sim, Aws) {
    let mut world = world.with_keys("AKIDEXAMPLE", "secret");
    // The client signs by the real clock, the stage's runs ahead in virtual time.
    world.identity.verify_signatures = false;
    let sim = Sim::start(world).await.unwrap();
    let aws = wire::aws(sim.url()).await;
    (sim, aws)
}

/// A story of these images, one a container.
fn story(images: &[&str], given: &[(&str, &str)]) -> Story {
    let container = |(index, image): (usize, &&str)| json!({"name": format!("c{index}"), "image": image});
    let containers: Vec<Value> = images.iter().enumerate().map(container).collect();
    Story::with(json!({"family": "web", "containerDefinitions": containers}), given)
}

/// What the stage has under a tag of the repository `web`.
fn known(sim: &Sim, tag: &str) -> Digest {
    sim.with(|world| {
        let image = world.ecr.get("web").unwrap().resolve(Some(tag), None).unwrap();
        Digest::Known { digest: image.digest.clone(), manifest: Manifest::parse(&image.manifest) }
    })
}

fn named(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.pointer.as_deref().unwrap()).collect()
}

/// What comes of scans that look so, one after the other; how long it took, and how often was asked.
async fn gated(scans: Vec<Scan>, limit: &str, pause: &str) -> (Ruling, Duration, usize) {
    let mut world = World::default();
    let web = world.ecr.get_mut("web").unwrap();
    let digest = web.push_single("v2", "amd64", 0.0);
    web.scans.insert(digest, scans);
    let (sim, aws) = stage(world).await;
    let image = format!("{OF_ECR}/web:v2");
    let given = [("checks", "image-scan=block"), ("wait-for-minutes", limit), ("wait-max-delay-seconds", pause)];
    let mut story = story(&[&image], &given);
    story.observed.digests.insert(image, known(&sim, "v2"));
    let began = Instant::now();
    let (_refuse, refused) = tokio::sync::watch::channel(false);
    let ruling = Box::pin(scan::ruling(&story.subject(), &refused, &aws)).await;
    (ruling, began.elapsed(), sim.calls().len())
}

#[tokio::test(start_paused = true)]
async fn a_scan_has_two_minutes_to_begin_however_short_the_pauses_are() {
    for pause in ["0", "1"] {
        let mut scans = vec![Scan::status("ScanNotFoundException"); 60];
        scans.push(Scan::status("COMPLETE").with("CRITICAL", "CVE-2026-2000"));
        let (ruling, _, asked) = gated(scans, "10", pause).await;
        assert_eq!((ruling.findings.len(), ruling.skipped.len(), asked), (1, 0, 61), "{pause}: {:?}", ruling.skipped);

        let (ruling, took, _) = gated(Vec::new(), "10", pause).await;
        assert!(ruling.skipped.join("").contains("within two minutes"), "{:?}", ruling.skipped);
        assert!((120..130).contains(&took.as_secs()), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scan_under_way_is_looked_at_once_a_second_at_most_and_once_in_five_at_least() {
    for (pause, most) in [("0", 61), ("1", 61), ("60", 13)] {
        let (ruling, took, asked) = gated(vec![Scan::status("IN_PROGRESS")], "1", pause).await;
        assert!(ruling.skipped.join("").contains("`wait-for-minutes`"), "{:?}", ruling.skipped);
        assert!((50..=60).contains(&took.as_secs()) && (most - 3..=most).contains(&asked), "{took:?} {asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn images_that_are_missing_are_refused_however_long_it_takes_to_say_more_of_them() {
    let late = |operation: &str, world: World| world.fault(operation, u32::MAX, Trick::Delay(Duration::from_secs(20)));
    let world =
        late("DescribeImages", late("DescribePullThroughCacheRules", late("registry/manifest", World::default())));
    let (sim, aws) = stage(world).await;
    let elsewhere = format!("{}/team/log:1", sim.url().trim_start_matches("http://"));
    let missing = [format!("{OF_ECR}/web:v3"), format!("{OF_ECR}/api:v3"), format!("{OF_ECR}/web:v4")];
    let mut story = story(&[&missing[0], &missing[1], &missing[2], &elsewhere], &[]);
    for image in missing {
        story.observed.digests.insert(image, Digest::Missing("ImageNotFound: Requested image not found".to_owned()));
    }
    let elsewhere = Elsewhere::default();
    let ruling = in_time(Box::pin(exists::ruling(&story.subject(), &aws, &elsewhere))).await;
    assert_eq!(named(&ruling.findings), [0, 1, 2].map(|index| format!("/containerDefinitions/{index}/image")));
    assert!(ruling.findings.iter().all(|finding| !finding.is_doubtful));
    let skipped = ruling.skipped.join("\n");
    for words in ["did not answer within 3 seconds", "`ecr:DescribeImages`", "`ecr:DescribePullThroughCacheRules`"] {
        assert!(skipped.contains(words), "{words}: {skipped}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_repository_and_each_registry_of_missing_images_is_asked_about_once() {
    let (sim, aws) = stage(World::default()).await;
    let missing = [format!("{OF_ECR}/web:v3"), format!("{OF_ECR}/api:v3"), format!("{OF_ECR}/web:v4")];
    let missing = missing.map(|image| ImageRef::parse(&image).unwrap());
    around::Around::ask(&missing, &aws).await;
    let mut asked: Vec<String> = sim.calls().into_iter().map(|call| call.operation).collect();
    asked.sort();
    assert_eq!(asked, ["DescribeImages", "DescribeImages", "DescribePullThroughCacheRules"]);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_does_not_fit_is_told_however_late_another_one_is() {
    let late = |operation: &str, world: World| world.fault(operation, u32::MAX, Trick::Delay(Duration::from_secs(20)));
    let mut world = late("GetDownloadUrlForLayer", late("registry/manifest", World::default()));
    let web = world.ecr.get_mut("web").unwrap();
    web.push_single("v2", "amd64", 0.0);
    web.push("v3", &["arm64"], 0.0);
    let (sim, aws) = stage(world).await;
    let elsewhere = format!("{}/team/log:1", sim.url().trim_start_matches("http://"));
    let (late, other) = (format!("{OF_ECR}/web:v2"), format!("{OF_ECR}/web:v3"));
    let mut story = story(&[&late, &other, &elsewhere], &[]);
    story.observed.digests.insert(late, known(&sim, "v2"));
    story.observed.digests.insert(other, known(&sim, "v3"));
    let elsewhere = Elsewhere::default();
    let ruling = in_time(Box::pin(platform::ruling(&story.subject(), &aws, &elsewhere))).await;
    assert_eq!(named(&ruling.findings), ["/containerDefinitions/1/image"]);
    let skipped = ruling.skipped.join("\n");
    for words in ["did not answer within 3 seconds", "`ecr:GetDownloadUrlForLayer`"] {
        assert!(skipped.contains(words), "{words}: {skipped}");
    }
}
