//! How a deployment begins: what it replaces, which images it runs, and how it will go.

use serde_json::{Value, json};

use super::{Deployment, External, Phase, Place, Service, course, task_definitions};
use crate::sim::ecr::Image;
use crate::sim::rollout::{Rollout, Trouble};
use crate::sim::wire::{list, text};
use crate::sim::world::World;

/// Starts a deployment of a task definition; a running one is superseded. Tells the new one's digits.
pub(in crate::sim) fn begin(
    world: &mut World,
    service: &mut Service,
    task_definition: &str,
    script: Option<Rollout>,
    at: f64,
) {
    let images = resolve(world, task_definition);
    let rollout = script.or_else(|| service.script.pop_front()).unwrap_or_else(|| deserved(service, &images));
    let before = service.primary().map(|before| before.digits.clone());
    let crowded = service.deployments.iter().filter(|other| other.place != Place::Gone).count() > 1;
    for other in &mut service.deployments {
        supersede(other, at);
    }
    let configuration = service.settings.get("deploymentConfiguration").cloned().unwrap_or_else(|| json!({}));
    let course = course::course(&configuration, crowded);
    let digits = world.dice.digits();
    service.deployments.push(Deployment {
        id: world.dice.letters(21),
        task_definition: task_definition.into(),
        source: before,
        place: Place::Primary,
        phase: Phase::Rolling,
        breaker: monitor(service, &rollout),
        alarms: watch(service),
        rollout,
        age: 0,
        running: 0,
        pending: 0,
        failed: 0,
        rollout_state: "IN_PROGRESS".into(),
        rollout_reason: format!("ECS deployment ecs-svc/{digits} in progress."),
        status: if service.starts_after > 0 { "PENDING" } else { "IN_PROGRESS" }.into(),
        unstarted: service.starts_after,
        status_reason: None,
        stage: None,
        stage_age: 0,
        stage_since: at,
        bake: 0,
        weights: (!course.is_empty()).then_some((0.0, 0.0)),
        course,
        hooks: Vec::new(),
        back_to: None,
        draining: false,
        frozen: None,
        rollback: None,
        configuration,
        created: at,
        finished: None,
        stopped: None,
        updated: at,
        unlisted: service.lag.lists,
        external: external(world, service),
        images,
        digits,
    });
    service.ticking_since = at;
}

/// A newer deployment begins: what ran so far is replaced, and what was under way is stopped.
fn supersede(other: &mut Deployment, at: f64) {
    if other.place == Place::Primary {
        other.place = Place::Active;
    }
    match other.phase {
        Phase::Rolling | Phase::Requested => {
            other.phase = Phase::Stopping { age: 0, stays: false };
            other.status = "STOP_REQUESTED".into();
        }
        Phase::GoingBack { .. } => {
            other.status = "ROLLBACK_FAILED".into();
            (other.finished, other.phase) = (Some(at), Phase::Ended);
        }
        Phase::Lingering { .. } => other.phase = Phase::Ended,
        Phase::Stopping { .. } | Phase::Ended => {}
    }
}

/// What a service under another controller shows of its task set.
fn external(world: &mut World, service: &Service) -> Option<External> {
    let balancers = service.settings.get("loadBalancers").cloned().unwrap_or_else(|| json!([]));
    match service.controller.as_deref() {
        Some("CODE_DEPLOY") => {
            let id = format!("d-{}", world.dice.capitals(9));
            Some(External { id, started_by: "CODE_DEPLOY".into(), balancers })
        }
        Some("EXTERNAL") => Some(External { balancers, ..External::default() }),
        _ => None,
    }
}

/// `deploymentCircuitBreaker` of a service deployment.
fn monitor(service: &Service, rollout: &Rollout) -> Value {
    let threshold = match rollout {
        Rollout::CircuitBreaker { failures, .. }
        | Rollout::RollbackFailed { failures, .. }
        | Rollout::RollbackStalls { failures, .. } => *failures,
        Rollout::CrashLoop { .. } => return json!({"status": "DISABLED"}),
        _ if breaker(service).0 => threshold(service),
        _ => return json!({"status": "DISABLED"}),
    };
    json!({"status": "MONITORING", "failureCount": 0, "threshold": threshold})
}

/// Failed tasks that trip the breaker.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html>
fn threshold(service: &Service) -> u32 {
    let settings = service.breaker_settings().and_then(|breaker| breaker.get("thresholdConfiguration"));
    let kind = settings.and_then(|settings| text(settings, "type")).unwrap_or("BOUNDED_PERCENT");
    let value = settings.and_then(|settings| settings.get("value")).and_then(Value::as_u64).unwrap_or(50);
    let share = (u64::try_from(service.desired).unwrap_or(0) * value).div_ceil(100);
    let threshold = match kind {
        "COUNT" => value,
        "UNBOUNDED_PERCENT" => share,
        _ => share.clamp(3, 200),
    };
    u32::try_from(threshold.max(1)).unwrap_or(u32::MAX)
}

/// `alarms` of a service deployment whose service watches some.
fn watch(service: &Service) -> Option<Value> {
    let alarms = service.settings.get("deploymentConfiguration")?.get("alarms")?;
    let on = alarms.get("enable").and_then(Value::as_bool) == Some(true);
    on.then(|| json!({"status": "MONITORING", "alarmNames": alarms.get("alarmNames"), "triggeredAlarmNames": []}))
}

fn breaker(service: &Service) -> (bool, bool) {
    let breaker = service.breaker_settings();
    let on = |key: &str| breaker.and_then(|breaker| breaker.get(key)).and_then(Value::as_bool).unwrap_or(false);
    (on("enable"), on("rollback"))
}

/// How a deployment without a script goes: well, unless an image of this registry is not there.
fn deserved(service: &Service, images: &Value) -> Rollout {
    let missing = list(images, "containers").iter().find(|image| image.get("missing").is_some());
    let Some(image) = missing.and_then(|image| text(image, "image")) else { return Rollout::Succeed { after: 3 } };
    let trouble = Trouble::image_not_found(image);
    match breaker(service) {
        (true, rollback) => Rollout::CircuitBreaker { failures: threshold(service), rollback, trouble },
        (false, _) => Rollout::CrashLoop { trouble },
    }
}

/// The containers of a definition with their images, and the digests of those in this account's registry.
fn resolve(world: &World, task_definition: &str) -> Value {
    let document = task_definitions::find(world, task_definition).map_or(Value::Null, |known| known.document.clone());
    let registry = format!("{}.dkr.ecr.{}.amazonaws.com/", world.account, world.region);
    let containers: Vec<Value> = list(&document, "containerDefinitions")
        .iter()
        .map(|container| {
            let image = text(container, "image").unwrap_or_default();
            let mut shown = json!({"containerName": text(container, "name"), "image": image});
            if let (Some(ours), Some(shown)) = (image.strip_prefix(&registry), shown.as_object_mut()) {
                match look_up(world, ours) {
                    Some(found) => shown.insert("imageDigest".into(), found.digest.clone().into()),
                    None => shown.insert("missing".into(), true.into()),
                };
            }
            shown
        })
        .collect();
    json!({"containers": containers})
}

fn look_up<'a>(world: &'a World, reference: &str) -> Option<&'a Image> {
    let (name, digest) = reference.split_once('@').map_or((reference, None), |(name, digest)| (name, Some(digest)));
    let (name, tag) = name.split_once(':').map_or((name, "latest"), |(name, tag)| (name, tag));
    world.ecr.get(name)?.resolve(Some(tag), digest)
}
