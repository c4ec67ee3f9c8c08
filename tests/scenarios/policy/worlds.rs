//! The worlds that features are replayed in.

use ecs_deploy::model::document;
use ecs_deploy::sim::codedeploy::Course;
use ecs_deploy::sim::ecr::Scan;
use ecs_deploy::sim::ecs::Service;
use ecs_deploy::sim::{Rollout, Trouble, World};
use serde_json::{Value, json};

/// A repository of another account, in another region.
const FOREIGN: &str = "999999999999.dkr.ecr.us-east-2.amazonaws.com/shop/web";

/// The digest of an image.
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A repository that a pull-through cache fills.
const CACHED: &str = "ecr-public/aws-observability/aws-otel-collector";

/// The task definition file: it names a secret and a parameter, and log groups of two regions.
pub fn definition() -> Value {
    let mut definition = document::parse(include_str!("../../../fixtures/task-definitions/web.json")).unwrap();
    let containers = &mut definition["containerDefinitions"];
    add_parameter(&mut containers[0]);
    containers[1]["image"] = World::default().image(CACHED, "v0.43.0").into();
    containers[1]["logConfiguration"] = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": "/ecs/metrics", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "metrics"}});
    definition
}

fn add_parameter(container: &mut Value) {
    let secrets = container["secrets"].as_array_mut().unwrap();
    secrets.push(json!({"name": "API_KEY", "valueFrom": "/shop/api-key"}));
}

/// All that the task definition file names is there, and what runs names a parameter, too.
fn shop() -> World {
    let mut world = World::default().with_what_is_named(&definition());
    let pushed = world.now();
    world.ecr.entry(CACHED.into()).or_default().push("v0.43.0", &["amd64", "arm64"], pushed);
    world.caches.push(("ecr-public".into(), "public.ecr.aws".into()));
    for definition in &mut world.ecs.definitions {
        add_parameter(&mut definition.document["containerDefinitions"][0]);
    }
    world
}

/// The same, and what runs is an image of another account.
fn abroad() -> World {
    let mut world = shop();
    for definition in &mut world.ecs.definitions {
        definition.document["containerDefinitions"][0]["image"] = format!("{FOREIGN}:v1").into();
    }
    let repository = world.ecr["web"].clone();
    world.ecr.insert(FOREIGN.into(), repository);
    world.with_service(Service::running("prod", "web", 2), "web:7")
}

/// Alarms watch, a load balancer sends requests, and the next deployment succeeds.
fn watched(world: World) -> World {
    let mut world = world.rollout("web", Rollout::Succeed { after: 2 }).behind_target_group("web", "web");
    world.change_service("web", |service| {
        service.configure("alarms", json!({"alarmNames": ["5xx"], "enable": true, "rollback": true}));
    });
    world.with_alarm("5xx", "OK", "")
}

/// All is well.
pub fn well() -> World {
    watched(shop())
}

/// All is well with an image of another account.
pub fn well_abroad() -> World {
    watched(abroad())
}

/// Tasks fail, are seen to by the load balancer, write a log; ECS's breaker trips and leaves it.
pub fn failing() -> World {
    let trouble = Trouble { log: Trouble::exit(1).writing(&["boom"]).log, ..Trouble::unhealthy("web").answering(404) };
    let rollout = Rollout::CircuitBreaker { failures: 3, rollback: false, trouble };
    shop().rollout("web", rollout).behind_target_group("web", "web")
}

/// A deployment completes, and so does the way back from it.
pub fn twice() -> World {
    well().rollout("web", Rollout::Succeed { after: 2 })
}

/// A deployment completes, and the way back from it fails.
pub fn twice_failing() -> World {
    let mut world = well();
    let script = failing().ecs.services.remove(0).script;
    world.change_service("web", |service| service.script.extend(script));
    world
}

/// Tasks fail for ever, and nothing in ECS ends it.
pub fn looping() -> World {
    shop().rollout("web", Rollout::CrashLoop { trouble: Trouble::exit(1) })
}

/// The first deployment never ends.
pub fn stalled() -> World {
    shop().rollout("web", Rollout::Stall { running: 1 })
}

/// The same with an image of another account.
pub fn stalled_abroad() -> World {
    abroad().rollout("web", Rollout::Stall { running: 1 })
}

/// The service is there no more, but another one.
pub fn without_service() -> World {
    let mut world = shop();
    world.change_service("web", |service| service.name = "shop".into());
    world
}

/// The cluster is there no more, but another one.
pub fn without_cluster() -> World {
    let mut world = shop().with_cluster("staging");
    world.ecs.services.clear();
    world.ecs.clusters.retain(|cluster| cluster.name != "prod");
    world
}

/// What runs has tags.
pub fn tagged() -> World {
    let mut world = well();
    for definition in &mut world.ecs.definitions {
        definition.tags = json!([{"key": "team", "value": "shop"}]);
    }
    world
}

/// No image has this tag.
fn lacking(mut world: World, tag: &str) -> World {
    for repository in world.ecr.values_mut() {
        repository.tags.remove(tag);
    }
    world
}

/// The image of this tag is in no index, so that only the document that describes it tells its platform. That document
/// would be read from an address, which nobody answers here.
fn alone(mut world: World, tag: &str) -> World {
    world.url = "http://127.0.0.1:9".into();
    for repository in world.ecr.values_mut().filter(|repository| repository.tags.contains_key(tag)) {
        repository.push_single(tag, "arm64", 0.0);
    }
    world
}

/// No image has this tag.
pub fn gone(tag: &str) -> World {
    lacking(well(), tag)
}

/// The image of this tag is in no index.
pub fn single(tag: &str) -> World {
    alone(well(), tag)
}

/// No image of another account has this tag.
pub fn gone_abroad(tag: &str) -> World {
    lacking(well_abroad(), tag)
}

/// The image of this tag, of another account, is in no index.
pub fn single_abroad(tag: &str) -> World {
    alone(well_abroad(), tag)
}

/// An image in no index has the digest that a story has written down.
pub fn digested() -> World {
    let mut world = single("v2");
    world.ecr.get_mut("web").unwrap().call_it("v2", DIGEST);
    world
}

/// A scan of every image has found nothing.
pub fn scanned() -> World {
    let mut world = well();
    for repository in world.ecr.values_mut() {
        let digests = repository.images.iter().map(|image| image.digest.clone());
        repository.scans = digests.map(|digest| (digest, vec![Scan::status("COMPLETE")])).collect();
    }
    world
}

/// The service shifts its traffic.
pub fn shifting() -> World {
    shop().with_service(Service::shifting("prod", "web", 2, "BLUE_GREEN"), "web:7")
}

/// A service that CodeDeploy moves.
pub fn by_code_deploy() -> World {
    shop().with_code_deploy(Course::Succeeds)
}

/// The same, and its new tasks keep stopping.
pub fn by_code_deploy_crashing() -> World {
    let trouble = Trouble::exit(1).writing(&["boom"]);
    shop().behind_target_group("web", "web").with_code_deploy(Course::NeverSteady { trouble, after: 9 })
}

/// The first deployment of `CodeDeploy` never ends.
pub fn by_code_deploy_stalling() -> World {
    shop().with_code_deploy(Course::Stalls)
}

/// A service that CodeDeploy moves, and no image has this tag.
pub fn by_code_deploy_gone(tag: &str) -> World {
    lacking(by_code_deploy(), tag)
}

/// A service that CodeDeploy moves, and the image of this tag is in no index.
pub fn by_code_deploy_single(tag: &str) -> World {
    alone(by_code_deploy(), tag)
}
