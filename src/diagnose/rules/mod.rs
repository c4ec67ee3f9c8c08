//! From evidence to a cause: one small rule for each, the most telling first. Pure.

mod capacity;
mod exits;
mod health;
mod images;
mod logs;
mod network;
mod platform;
mod roles;
mod scene;
mod secrets;
mod service;
mod sign;
mod start;
mod storage;
mod traffic;
mod whose;

use self::scene::{Scene, all_quoted, quoted};
use self::sign::Sign;
use self::whose::Whose;
use super::{Evidence, StoppedGroup, Subject};
use crate::error::{Code, Error};
use crate::model::exit_code;
use crate::model::names::short_name;

/// A cause, and the one thing to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its stable code.
    pub code: Code,
    /// What is wrong with the revision, in words that follow its name.
    pub what: String,
    /// Facts that speak for it, besides the sentence it was found in.
    pub evidence: Vec<String>,
    /// The one thing to do.
    pub fix: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// Whether the same will happen to every further task.
    pub deterministic: bool,
}

/// How sure a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// AWS names it.
    Certain,
    /// What was seen has this cause as a rule, but may have another.
    Likely,
    /// It is not known.
    Unknown,
}

/// One cause that something said may show.
pub type Rule = for<'a> fn(&Sign<'a>, &Scene<'a>) -> Option<Cause>;

/// The rules, most telling first.
pub const RULES: &[Rule] = &[
    // What ECS says of the whole deployment.
    traffic::hook_role_not_assumable,
    traffic::hook_not_invocable,
    traffic::hook_answer_invalid,
    traffic::pause_hook_timed_out,
    traffic::hook_failed,
    traffic::infrastructure_role_denied,
    traffic::listener_misconfigured,
    // What keeps a task from starting.
    images::rate_limited,
    images::platform_mismatch,
    storage::disk_full,
    images::layer_unreachable,
    images::registry_broken,
    images::layer_refused,
    images::registry_unreachable,
    images::denied,
    images::not_found,
    images::interrupted,
    roles::not_assumable,
    secrets::key_missing,
    secrets::store_unreachable,
    secrets::denied,
    secrets::not_found,
    secrets::parameter_not_found,
    secrets::environment_file,
    logs::group_missing,
    logs::denied,
    logs::unreachable,
    storage::file_system,
    storage::volume,
    storage::ephemeral_storage,
    network::interface_timeout,
    network::subnet_full,
    network::interface_refused,
    network::instance_interfaces,
    platform::compute_incompatible,
    exits::exec_format_error,
    start::not_found,
    start::not_executable,
    // What ends a task that ran.
    health::target_zone_disabled,
    health::target_group_missing,
    health::load_balancer,
    health::container,
    exits::out_of_memory,
    platform::host_runtime,
    platform::container_runtime,
    exits::stop_timeout,
    exits::killed,
    exits::finished,
    exits::crashed,
    // What keeps the service from starting or stopping tasks.
    capacity::provider_empty,
    capacity::quota_reached,
    capacity::provisioning_limit,
    capacity::unavailable,
    roles::permissions_missing,
    service::task_definition_inactive,
    capacity::no_instance_fits,
    service::bounds_too_tight,
    service::tasks_protected,
    service::throttled,
    service::crash_loop,
    traffic::no_rollback_candidate,
];

/// Stops and sentences of the ordinary course of things: scale-in, a person, spot, the platform.
const ROUTINE_CODES: &[&str] = &["UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"];
const ROUTINE_PARTS: &[&str] = &[
    "scaling activity initiated by",
    "task stopped by user",
    "your spot task was interrupted",
    "ecs is performing maintenance",
    "host ec2 (instance",
];

/// Names the cause as exactly as the evidence allows.
///
/// What ECS itself says of the deployment comes first, then the reason that most tasks stopped for, then what the
/// service said, then what is unhealthy now.
pub fn name_cause(evidence: &Evidence, subject: &Subject<'_>) -> Option<Error> {
    let scene = Scene { evidence, subject: Some(subject) };
    let open = match subject.known.map(|known| known.code) {
        None | Some(Code::CircuitBreaker | Code::DeploymentFailed | Code::TimedOut) => true,
        Some(Code::HookFailed) => false,
        // An alarm, a person or a deletion is the cause, whatever tasks stopped besides.
        Some(_) => return None,
    };
    let found = by_status(&scene);
    let found = found.or_else(|| open.then(|| by_stops(&scene)).flatten());
    // What is known to be ours comes before what may be an earlier revision's.
    let said = |whose| by_events(&scene, whose).or_else(|| by_health(&scene, whose));
    let found = found.or_else(|| open.then(|| said(Whose::Ours).or_else(|| said(Whose::Unknown))).flatten());
    let found = found.or_else(|| open.then(|| unknown(&scene).or_else(|| without_a_way_back(&scene))).flatten());
    let (cause, seen) = found?;
    Some(cause.explain(seen, short_name(subject.task_definition), subject.known))
}

/// The code of a stop that will repeat itself in every further task of the revision; none when it may pass.
pub fn fails_for_ever(group: &StoppedGroup) -> Option<Code> {
    let evidence = Evidence::default();
    let cause = of_stop(group, &Scene { evidence: &evidence, subject: None })?;
    cause.deterministic.then_some(cause.code)
}

/// The first cause that a rule finds in something said. Where a throttled call or a broken connection is part of it, it
/// may pass by itself, whatever it is.
fn of_sign<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let cause = RULES.iter().find_map(|rule| rule(sign, scene))?;
    let deterministic = cause.deterministic && !sign.is_throttled() && !sign.is_broken();
    Some(Cause { deterministic, ..cause })
}

/// The first cause that a rule finds in a stop, unless the stop says nothing about the revision.
fn of_stop<'a>(group: &'a StoppedGroup, scene: &Scene<'a>) -> Option<Cause> {
    let sign = Sign::of_stop(group);
    if is_routine(group, &sign) { None } else { of_sign(&sign, scene) }
}

fn is_routine(group: &StoppedGroup, sign: &Sign<'_>) -> bool {
    ROUTINE_CODES.contains(&group.stop_code.as_deref().unwrap_or_default()) || sign.says_any(ROUTINE_PARTS)
}

/// A cause, and the sentences that it was found in.
type Found = (Cause, Vec<String>);

/// What ECS says of the deployment as a whole. That tasks failed, or that there was no way back, is no cause yet.
fn by_status(scene: &Scene<'_>) -> Option<Found> {
    status_reasons(scene).into_iter().find_map(|said| {
        let cause = of_sign(&Sign::of(said), scene).filter(|cause| cause.code != Code::NoRollbackCandidate)?;
        Some((cause, vec![format!("ECS says: {}", sentence(said))]))
    })
}

fn without_a_way_back(scene: &Scene<'_>) -> Option<Found> {
    status_reasons(scene).into_iter().find_map(|said| {
        let cause = of_sign(&Sign::of(said), scene)?;
        Some((cause, vec![format!("ECS says: {}", sentence(said))]))
    })
}

fn status_reasons<'a>(scene: &Scene<'a>) -> Vec<&'a str> {
    let Some(subject) = scene.subject else { return Vec::new() };
    let rollout = subject.service_deployment;
    let status = rollout.and_then(|rollout| rollout.status_reason.as_deref());
    let rollback = rollout.and_then(|rollout| rollout.rollback.as_ref()?.reason.as_deref());
    let ours = |service: &'a crate::model::service::Service| {
        service.deployments.iter().find(|deployment| deployment.id == subject.deployment_id)
    };
    let state = subject.service.and_then(ours).and_then(|deployment| deployment.rollout_state_reason.as_deref());
    [status, rollback, state].into_iter().flatten().collect()
}

/// The reason that most tasks stopped for; of equally many, the newest.
fn by_stops(scene: &Scene<'_>) -> Option<Found> {
    let groups: Vec<(&StoppedGroup, Option<Cause>)> =
        telling_stops(scene).into_iter().map(|group| (group, of_stop(group, scene))).collect();
    // Stops may differ in their words and still have one cause; without a cause each reason stands for itself.
    let weight = |index: usize, cause: Option<&Cause>| -> usize {
        let same = |(other, (_, found)): &(usize, &(&StoppedGroup, Option<Cause>))| match (cause, found) {
            (Some(cause), Some(found)) => cause.code == found.code,
            _ => *other == index,
        };
        groups.iter().enumerate().filter(same).map(|(_, (group, _))| group.count).sum()
    };
    let all: usize = groups.iter().map(|(group, _)| group.count).sum();
    let mut most: Option<(usize, &StoppedGroup, Option<&Cause>)> = None;
    for (index, (group, cause)) in groups.iter().enumerate() {
        let weight = weight(index, cause.as_ref());
        if most.is_none_or(|(so_far, ..)| weight > so_far) {
            most = Some((weight, group, cause.as_ref()));
        }
    }
    let (count, group, cause) = most?;
    Some((cause?.clone(), vec![stops_in_words(count, all, group)]))
}

fn telling_stops<'a>(scene: &Scene<'a>) -> Vec<&'a StoppedGroup> {
    scene.evidence.stopped.iter().filter(|group| !is_routine(group, &Sign::of_stop(group))).collect()
}

/// What the service said last, since it was last steady.
fn by_events(scene: &Scene<'_>, whose: Whose) -> Option<Found> {
    let newest_first = scene.evidence.events.iter().rev().map(|event| (event, Sign::of(&event.message)));
    let mut since_steady = newest_first.take_while(|(_, sign)| !sign.says("has reached a steady state"));
    since_steady.find_map(|(event, sign)| {
        let counts = whose::of_event(&sign, scene) == whose && !sign.says_any(ROUTINE_PARTS);
        let cause = of_sign(&sign, scene).filter(|_| counts)?;
        Some((cause.of(whose), vec![format!("The service said: {}", sentence(&event.message))]))
    })
}

/// What is unhealthy now, although nothing stopped.
fn by_health(scene: &Scene<'_>, whose: Whose) -> Option<Found> {
    let unhealthy = health::unhealthy_now(scene.evidence).into_iter().filter(|(of, _)| *of == whose);
    unhealthy.into_iter().find_map(|(_, said)| {
        let cause = of_sign(&Sign::of(&said), scene)?;
        Some((cause.of(whose), vec![sentence(&said)]))
    })
}

/// Tasks stopped, and no rule knows why: the raw reasons, most frequent first.
fn unknown(scene: &Scene<'_>) -> Option<Found> {
    let groups = telling_stops(scene);
    let first = groups.first()?;
    let all: usize = groups.iter().map(|group| group.count).sum();
    let seen = groups.iter().take(5).map(|group| stops_in_words(group.count, all, group)).collect();
    let fix = format!(
        "Look at what ECS knows of the newest task, its attachments included: `aws ecs describe-tasks --cluster {} \
         --tasks {}`.",
        quoted(short_name(scene.cluster())).trim_matches('`'),
        quoted(&first.newest_task).trim_matches('`')
    );
    let cause = Cause::certain(Code::TasksFailing, "keeps stopping, for a reason that this action does not know.", fix);
    Some((Cause { confidence: Confidence::Unknown, ..cause }, seen))
}

impl Cause {
    /// A cause that AWS names, which may pass.
    fn certain(code: Code, what: impl Into<String>, fix: impl Into<String>) -> Self {
        let (what, fix) = (what.into(), fix.into());
        Self { code, what, evidence: Vec::new(), fix, confidence: Confidence::Certain, deterministic: false }
    }

    /// What was seen has this cause as a rule.
    fn likely(self) -> Self {
        Self { confidence: Confidence::Likely, ..self }
    }

    /// The same, found in what was said of such a task.
    fn of(self, whose: Whose) -> Self {
        if whose == Whose::Ours {
            return self;
        }
        let what = format!("is not steady; a task of the service, perhaps of another revision, {}", self.what);
        Self { what, ..self.likely() }
    }

    /// Every further task will meet the same.
    fn for_ever(self) -> Self {
        Self { deterministic: true, ..self }
    }

    /// A fact that speaks for it.
    fn seen(mut self, fact: impl Into<String>) -> Self {
        self.evidence.push(fact.into());
        self
    }

    /// The cause as an error: a line for each sentence that it was found in, for each further fact, and for how the
    /// rollout ended.
    fn explain(self, seen: Vec<String>, revision: &str, known: Option<&Error>) -> Error {
        let sure = match self.confidence {
            Confidence::Certain => "Certain:",
            Confidence::Likely => "Likely:",
            Confidence::Unknown => "Unknown:",
        };
        let mut why = seen;
        why.extend(self.evidence);
        why.extend(known.map(|cause| cause.what.clone()));
        Error::new(self.code, format!("{revision} {}", self.what), format!("{sure} {}", why.join("\n")), self.fix)
    }
}

/// How many tasks stopped so, and what was said of the newest.
fn stops_in_words(count: usize, all: usize, group: &StoppedGroup) -> String {
    let newest = group.newest_task.get(..8).unwrap_or(&group.newest_task);
    format!("{count} of {all} stopped tasks, the newest {newest}: {}", told(group))
}

/// A stop in one line: code, sentence, containers.
fn told(group: &StoppedGroup) -> String {
    let mut parts: Vec<String> = group.stop_code.iter().cloned().collect();
    parts.extend(Some(&group.reason).filter(|reason| !reason.is_empty()).cloned());
    let out_of_memory = exits::tells_out_of_memory(&Sign::of_stop(group));
    for (name, code, reason) in &group.containers {
        let code = code
            .map(|code| format!(" exit code {code} ({})", exit_code::meaning(code, out_of_memory)))
            .unwrap_or_default();
        // ECS often repeats the container's reason as the task's.
        let reason = reason.as_ref().filter(|reason| **reason != group.reason);
        let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
        if code.is_empty() && reason.is_empty() {
            continue;
        }
        parts.push(format!("container {}:{code}{reason}", quoted(name)));
    }
    sentence(&parts.join("; "))
}

/// The text as a sentence of its own.
fn sentence(text: &str) -> String {
    format!("{}.", text.trim().trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
