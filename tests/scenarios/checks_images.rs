//! What can be known of the images before the first write.

use std::collections::BTreeMap;

use ecs_deploy::sim::ecr::{Repository, Scan};
use ecs_deploy::sim::{Rollout, Trick, World, registry};
use serde_json::{Value, json};

use crate::harness::{Ended, IMAGE_V2, Scenario};

/// The line of a check in the report.
fn check<'a>(ended: &'a Ended, name: &str) -> &'a Value {
    let checked = ended.report["checks"].as_array().unwrap_or_else(|| panic!("{:#}", ended.report));
    checked.iter().find(|checked| checked["check"] == name).unwrap_or_else(|| panic!("{checked:#?}"))
}

/// Why a check could not be done, in one text.
fn skipped(ended: &Ended, name: &str) -> String {
    let skipped = check(ended, name)["skipped"].as_array().unwrap();
    skipped.iter().map(|why| why.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

fn findings<'a>(ended: &'a Ended, name: &str) -> &'a Vec<Value> {
    check(ended, name)["findings"].as_array().unwrap()
}

/// The task definition file of the service `web` with this image, and this platform.
fn definition(world: &World, image: &str, architecture: Option<&str>) -> String {
    let mut definition = world.web_definition("v2");
    definition["containerDefinitions"][0]["image"] = image.into();
    match architecture {
        Some(architecture) => definition["runtimePlatform"]["cpuArchitecture"] = architecture.into(),
        None => drop(definition.as_object_mut().unwrap().remove("runtimePlatform")),
    }
    serde_json::to_string_pretty(&definition).unwrap()
}

/// A step that deploys this file in this world.
async fn deploying(world: World, file: &str) -> Scenario {
    let scenario = Scenario::of(world.rollout("web", Rollout::Succeed { after: 1 })).await;
    scenario.file("task.json", file).input("task-definition", "task.json")
}

#[tokio::test]
async fn an_image_that_is_there_and_fits_passes_without_another_call() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.run().await;
    ended.is(0, "succeeded", "");
    for name in ["image-exists", "image-platform"] {
        assert_eq!((findings(&ended, name).len(), skipped(&ended, name).as_str()), (0, ""), "{name}");
    }
    let asked: Vec<&str> =
        ended.calls.iter().filter(|call| call.service == "ecr").map(|call| call.operation.as_str()).collect();
    assert_eq!(asked, ["BatchGetImage"]);
}

#[tokio::test]
async fn a_tag_that_is_not_there_is_refused_with_the_nearest_and_nothing_is_written() {
    let world = World::default();
    let file = definition(&world, &world.image("web", "v22"), Some("X86_64"));
    let ended = deploying(world, &file).await.run().await;
    ended.is(3, "blocked", "image-not-found");
    assert_eq!(ended.writes, [""; 0]);
    let finding = &findings(&ended, "image-exists")[0];
    let why = finding["why"].as_str().unwrap();
    assert!(why.contains("Requested image not found") && why.contains("Did you mean `v2`"), "{why}");
    let line = file.lines().position(|line| line.contains("\"image\"")).unwrap() + 1;
    assert_eq!((&finding["place"]["file"], &finding["place"]["line"]), (&json!("task.json"), &json!(line)));
    assert_eq!(ended.stdout.matches("Requested image not found").count(), 1, "{}", ended.told());
}

#[tokio::test]
async fn a_repository_that_does_not_exist_is_told_as_such() {
    let world = World::default();
    let file = definition(&world, &world.image("wbe", "v2"), Some("X86_64"));
    let ended = deploying(world, &file).await.run().await;
    ended.is(3, "blocked", "image-not-found");
    let what = findings(&ended, "image-exists")[0]["what"].as_str().unwrap();
    assert!(what.starts_with("The repository of the image") && ended.writes.is_empty(), "{what}");
}

#[tokio::test]
async fn an_image_of_another_account_and_region_is_looked_for_there() {
    let mut world = World::default();
    let name = "999999999999.dkr.ecr.us-east-2.amazonaws.com/shop/web";
    let pushed = world.now();
    world.ecr.entry(name.into()).or_default().push("v2", &["amd64"], pushed);
    let file = definition(&world, &format!("{name}:v2"), Some("X86_64"));
    let ended = deploying(world, &file).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(findings(&ended, "image-exists").len(), 0);

    let world = World::default();
    let ended = deploying(world, &file).await.run().await;
    ended.is(3, "blocked", "image-not-found");
}

#[tokio::test]
async fn without_the_permission_it_is_not_known_and_the_deploy_goes_on() {
    let world = World::default().denied("BatchGetImage");
    let file = definition(&world, &world.image("web", "v2"), Some("X86_64"));
    let ended = deploying(world, &file).await.run().await;
    ended.is(0, "succeeded", "");
    for name in ["image-exists", "image-platform"] {
        assert!(skipped(&ended, name).contains("ecr:BatchGetImage"), "{name}: {}", ended.told());
    }
}

#[tokio::test]
async fn what_may_come_from_a_cache_is_never_refused() {
    let mut world = World::default();
    world.caches.push(("docker-hub".into(), "registry-1.docker.io".into()));
    let file = definition(&world, &world.image("docker-hub/library/nginx", "1.27"), Some("X86_64"));
    let ended = deploying(world, &file).await.run().await;
    ended.is(0, "succeeded", "");
    assert!(skipped(&ended, "image-exists").contains("pull-through cache of `registry-1.docker.io`"));

    // The cache's prefix is any word, and it has another tag already.
    let file = definition(&world_with_a_tag(), &World::default().image("hub/library/nginx", "1.27"), Some("X86_64"));
    let ended = deploying(world_with_a_tag().denied("DescribePullThroughCacheRules"), &file).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(findings(&ended, "image-exists")[0]["is_doubtful"], true);
    allows(&ended, "image-exists", "ecr:DescribePullThroughCacheRules");

    let ended = deploying(world_with_a_tag(), &file).await.run().await;
    ended.is(3, "blocked", "image-not-found");
}

/// A world whose repository `hub/library/nginx` has an older tag.
fn world_with_a_tag() -> World {
    let mut world = World::default();
    world.ecr.entry("hub/library/nginx".into()).or_default().push("1.26", &["amd64"], 0.0);
    world
}

/// A skipped check tells the statement to add.
#[track_caller]
fn allows(ended: &Ended, check: &str, action: &str) {
    let statement = format!("{{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":");
    let skipped = skipped(ended, check);
    assert!(skipped.contains(&statement), "{skipped}");
}

#[tokio::test]
async fn a_missing_tag_is_refused_without_the_permission_to_name_others_which_is_told() {
    let world = World::default().denied("DescribeImages").denied("DescribePullThroughCacheRules");
    let file = definition(&world, &world.image("web", "v22"), Some("X86_64"));
    let ended = deploying(world, &file).await.run().await;
    ended.is(3, "blocked", "image-not-found");
    for action in ["ecr:DescribeImages", "ecr:DescribePullThroughCacheRules"] {
        allows(&ended, "image-exists", action);
    }
}

#[tokio::test]
async fn an_archived_image_is_refused_with_the_way_to_restore_it() {
    let mut world = World::default();
    let web = world.ecr.get_mut("web").unwrap();
    web.archived.insert(web.tags["v2"].clone());
    let file = definition(&world, &world.image("web", "v2"), Some("X86_64"));
    let ended = deploying(world, &file).await.run().await;
    ended.is(3, "blocked", "image-archived");
    assert_eq!(ended.writes, [""; 0]);
    let fix = findings(&ended, "image-exists")[0]["fix"].as_str().unwrap();
    assert!(fix.contains("--repository-name web --image-id imageTag=v2 --target-storage-class STANDARD"), "{fix}");
    assert!(skipped(&ended, "image-platform").contains("it is archived"), "{}", ended.told());
}

/// A world whose other registry, at the stage's own address, has `team/web:1` for one architecture.
fn elsewhere(architecture: &str) -> World {
    let mut world = World::default();
    let mut web = Repository::default();
    web.push_single("1", architecture, 0.0);
    world.registry.repositories = BTreeMap::from([("team/web".to_owned(), web)]);
    world
}

/// Plans the image of that registry.
async fn planned(world: World, image: &str) -> Ended {
    let scenario = Scenario::of(world).await;
    let host = scenario.sim.url().trim_start_matches("http://").to_owned();
    scenario.input("image", &format!("{host}/{image}")).input("mode", "plan").run().await
}

#[tokio::test]
async fn another_registry_is_asked_as_anybody_may() {
    let ended = planned(elsewhere("amd64"), "team/web:1").await;
    ended.is(0, "planned", "");
    for name in ["image-exists", "image-platform"] {
        assert_eq!((findings(&ended, name).len(), skipped(&ended, name).as_str()), (0, ""), "{name}");
    }
    let asked = ended.calls.iter().filter(|call| call.door == "registry").map(|call| call.operation.as_str());
    let expected = ["registry/manifest", "registry/token", "registry/manifest", "registry/blob"];
    assert_eq!(asked.collect::<Vec<_>>(), expected, "both checks ask once");

    let ended = planned(elsewhere("arm64"), "team/web:1").await;
    ended.is(3, "blocked", "image-platform-mismatch");
}

#[tokio::test]
async fn what_another_registry_does_not_show_is_a_doubt_and_what_it_does_not_say_is_no_finding() {
    let ended = planned(elsewhere("amd64"), "team/web:2").await;
    ended.is(0, "planned", "");
    assert_eq!(findings(&ended, "image-exists")[0]["is_doubtful"], true);

    let mut private = elsewhere("amd64");
    private.registry.private.insert("team/web".into());
    let tricked = |status| elsewhere("amd64").fault("registry/manifest", 9, Trick::Status(status));
    for (world, words) in [
        (private, "does not show it to everybody"),
        (tricked(429), "asked too often"),
        (tricked(404), "answers 404"),
        (tricked(503), "answers 503"),
    ] {
        let ended = planned(world, "team/web:1").await;
        ended.is(0, "planned", "");
        assert_eq!(findings(&ended, "image-exists").len(), 0);
        assert!(skipped(&ended, "image-exists").contains(words), "{}", ended.told());
    }
    let page = elsewhere("amd64").fault("registry/manifest", 9, Trick::Html(200));
    let ended = planned(page, "team/web:1").await;
    ended.is(0, "planned", "");
    assert!(skipped(&ended, "image-exists").contains("no manifest"), "{}", ended.told());
    // Nothing is reached from here but the stage.
    let world = World::default();
    let ended = Scenario::of(world).await.input("image", "ghcr.io/acme/web:1").input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert!(skipped(&ended, "image-exists").contains("`ghcr.io` cannot be reached"), "{}", ended.told());
}

#[tokio::test]
async fn a_registry_that_shows_a_login_says_nothing_and_one_that_names_another_is_followed() {
    let planned = async |to_another: bool| {
        let scenario = Scenario::of(elsewhere("amd64")).await;
        let host = scenario.sim.url().trim_start_matches("http://").to_owned();
        // Another origin for whoever looks, and the same stage.
        let another = format!("{}/v2/team/web/manifests/1", scenario.sim.url().replace("127.0.0.1", "localhost"));
        let place = if to_another { another } else { registry::LOGIN.to_owned() };
        scenario.sim.with(|world| world.registry.sent_on.insert("team/front".into(), place));
        scenario.input("image", &format!("{host}/team/front:1")).input("mode", "plan").run().await
    };
    let ended = planned(false).await;
    ended.is(0, "planned", "");
    for name in ["image-exists", "image-platform"] {
        assert!(skipped(&ended, name).contains("answers 307"), "{name}: {}", ended.told());
    }
    let ended = planned(true).await;
    ended.is(0, "planned", "");
    assert_eq!((findings(&ended, "image-exists").len(), skipped(&ended, "image-exists").as_str()), (0, ""));
}

#[tokio::test]
async fn an_image_for_another_architecture_is_refused() {
    for (platforms, architecture, is_fine) in [
        (&["arm64"][..], Some("X86_64"), false),
        (&["arm64"], None, false),
        (&["amd64"], Some("ARM64"), false),
        (&["windows/amd64"], Some("X86_64"), false),
        (&["amd64", "arm64"], Some("ARM64"), true),
        (&["amd64"], None, true),
    ] {
        let mut world = World::default();
        world.ecr.entry("web".into()).or_default().push("v2", platforms, 0.0);
        let file = definition(&world, &world.image("web", "v2"), architecture);
        let ended = deploying(world, &file).await.input("mode", "plan").run().await;
        let expected = if is_fine { (0, "planned", "") } else { (3, "blocked", "image-platform-mismatch") };
        ended.is(expected.0, expected.1, expected.2);
    }
}

#[tokio::test]
async fn an_image_in_no_index_is_read_from_its_configuration_and_the_address_stays_a_secret() {
    let single = |architecture: &str| {
        let mut world = World::default();
        world.ecr.entry("web".into()).or_default().push_single("v2", architecture, 0.0);
        world
    };
    let ended = Scenario::of(single("arm64")).await.input("image", IMAGE_V2).input("mode", "plan").run().await;
    ended.is(3, "blocked", "image-platform-mismatch");
    assert!(findings(&ended, "image-platform")[0]["why"].as_str().unwrap().contains("`linux/arm64`"));
    let ended = Scenario::of(single("amd64")).await.input("image", IMAGE_V2).input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert_eq!(skipped(&ended, "image-platform"), "");
    let world = single("arm64").fault("registry/layer", 9, Trick::Status(503));
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert!(skipped(&ended, "image-platform").contains("HTTP 503"), "{}", ended.told());
    let world = single("arm64").denied("GetDownloadUrlForLayer");
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    allows(&ended, "image-platform", "ecr:GetDownloadUrlForLayer");
}

/// A world in which the scan of `web:v2` for `amd64` goes so.
fn scanned(scans: Vec<Scan>) -> World {
    let mut world = World::default();
    let web = world.ecr.get_mut("web").unwrap();
    let index: Value = serde_json::from_str(&web.resolve(Some("v2"), None).unwrap().manifest).unwrap();
    let child = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
    web.scans.insert(child, scans);
    world
}

async fn gated(world: World, severity: &str) -> Ended {
    let scenario = Scenario::of(world).await.input("image", IMAGE_V2).input("mode", "plan");
    scenario.input("checks", "image-scan=block").input("scan-severity", severity).run().await
}

#[tokio::test]
async fn a_scan_that_found_something_as_severe_refuses_the_deploy_once_it_is_finished() {
    for (pending, status) in [("ScanNotFoundException", "COMPLETE"), ("PENDING", "ACTIVE")] {
        let found = Scan::status(status).with("HIGH", "CVE-2026-1000").with("CRITICAL", "CVE-2026-2000");
        let ended = gated(scanned(vec![Scan::status(pending), found]), "CRITICAL").await;
        ended.is(3, "blocked", "image-vulnerable");
        assert_eq!(ended.requests("DescribeImageScanFindings").len(), 2);
        let finding = &findings(&ended, "image-scan")[0];
        assert!(finding["what"].as_str().unwrap().contains("found 1 CRITICAL"), "{finding}");
        let page = "https://nvd.nist.gov/vuln/detail/CVE-2026-2000";
        assert!(finding["why"].as_str().unwrap().contains(&format!("CVE-2026-2000 (CRITICAL) {page}")));
        assert!(ended.summary.contains(&format!("<{page}>")), "{}", ended.summary);
        gated(scanned(vec![Scan::status(status).with("HIGH", "CVE-2026-1000")]), "CRITICAL").await.is(0, "planned", "");
    }
}

#[tokio::test]
async fn a_scan_that_goes_on_is_not_awaited_where_another_check_refuses_the_deploy() {
    let scenario = Scenario::of(scanned(vec![Scan::status("IN_PROGRESS")])).await.input("image", IMAGE_V2);
    let ended = scenario.input("checks", "image-scan=block").input("patch", "{memory: 9999}").run().await;
    ended.is(3, "blocked", "task-definition-invalid");
    assert_eq!(ended.writes, [""; 0]);
    assert!(skipped(&ended, "image-scan").contains("another check refuses"), "{}", ended.told());
}

#[tokio::test]
async fn a_scan_that_cannot_be_is_skipped() {
    for status in ["UNSUPPORTED_IMAGE", "FAILED"] {
        let ended = gated(scanned(vec![Scan::status(status)]), "CRITICAL").await;
        ended.is(0, "planned", "");
        assert!(skipped(&ended, "image-scan").contains(status), "{}", ended.told());
    }
    let ended = gated(scanned(Vec::new()).denied("DescribeImageScanFindings"), "CRITICAL").await;
    ended.is(0, "planned", "");
    allows(&ended, "image-scan", "ecr:DescribeImageScanFindings");
}

#[tokio::test]
async fn a_plan_knows_size_and_age_of_the_images_and_a_deploy_does_not_ask() {
    let ended = Scenario::of(World::default()).await.input("image", IMAGE_V2).input("mode", "plan").run().await;
    let image = &ended.report["images"][0];
    assert_eq!((&image["from_size"], &image["to_size"]), (&json!(28_412_345), &json!(28_412_345)), "{image}");
    assert!(image["from_pushed"].as_i64().unwrap() < image["to_pushed"].as_i64().unwrap(), "{image}");
    assert_eq!(ended.requests("DescribeImages").len(), 1);

    let mut world = World::default();
    let v1 = world.ecr["web"].tags["v1"].clone();
    world.ecr.get_mut("web").unwrap().images.retain(|image| image.digest != v1);
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).input("mode", "plan").run().await;
    let image = &ended.report["images"][0];
    assert!(image["from_size"].is_null() && image["to_size"].is_u64(), "{image}");

    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.run().await;
    assert_eq!(ended.requests("DescribeImages").len(), 0);
}
