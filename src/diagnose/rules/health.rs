//! Health checks: the load balancer's and the container's own.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>

use super::scene::{named_target_group, target_group_name};
use super::whose::{self, Whose};
use super::{Cause, Scene, Sign, quoted};
use crate::diagnose::Evidence;
use crate::error::Code;

/// Whether the load balancer finds a task unhealthy: in the words of a stop, an event, or of ours for a target.
fn is_load_balancer(sign: &Sign<'_>) -> bool {
    sign.says_any(&[
        "failed elb health checks",
        "is unhealthy in (target-group",
        "is unhealthy in (elb",
        "is not healthy in target-group",
    ])
}

/// The container's own check, in the words of a stop, an event, or of ours.
fn is_container(sign: &Sign<'_>) -> bool {
    sign.says("failed container health checks")
}

/// Whether it tells that some task is unhealthy.
pub fn is_of_a_task(sign: &Sign<'_>) -> bool {
    is_load_balancer(sign) || is_container(sign)
}

/// Tasks run in a zone that the load balancer does not serve.
pub fn target_zone_disabled<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = "availability zone that is not enabled for the load balancer";
    let reason = reason(sign, scene).filter(|_| is_load_balancer(sign));
    (sign.says(says) || reason.as_ref().is_some_and(|(_, reason)| Sign::of(reason).says(says))).then(|| {
        let cause = Cause::certain(
            Code::TargetZoneDisabled,
            "starts, but in an Availability Zone that its load balancer does not serve.",
            format!(
                "Enable the zones of {} on the load balancer, or take the subnets of other zones out of {}.",
                scene.subnets(),
                scene.service_name()
            ),
        );
        match reason {
            Some((whose, reason)) if !sign.says(says) => sure(cause, whose).seen(told(&reason)),
            _ => cause,
        }
    })
}

/// The target group was deleted or changed behind ECS.
pub fn target_group_missing<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = ["target group is not found", "target is not found", "targetgroupnotfound", "target groups not found"];
    (sign.says_any(&says) && !sign.says("listenerrule")).then(|| {
        let group = named_target_group(sign).map(str::to_owned).or_else(|| {
            let balancers = &scene.service()?.load_balancers;
            balancers.iter().find_map(|balancer| balancer.target_group_arn.clone())
        });
        let group =
            group.map_or_else(|| "its target group".to_owned(), |arn| format!("the target group {}", quoted(&arn)));
        Cause::certain(
            Code::TargetGroupMissing,
            format!("cannot serve: {group} does not exist any more, or does not hold its tasks."),
            format!(
                "Create {group} again, or give {} another one in `loadBalancers`; then deploy again.",
                scene.service_name()
            ),
        )
    })
}

/// The load balancer's health check fails: how it fails tells what is wrong.
pub fn load_balancer<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    if !is_load_balancer(sign) {
        return None;
    }
    let reason = reason(sign, scene);
    let (whose, reason) = reason.map_or((Whose::Ours, None), |(whose, reason)| (whose, Some(reason)));
    let said = Sign::of(reason.as_deref().unwrap_or_default());
    let check = Check::of(sign, scene);
    let codes = said.after("these codes: [", &[']']).map(str::to_owned);
    let first = codes.as_deref().and_then(|codes| codes.split([',', ' ']).next()?.trim().parse::<u16>().ok());
    let codes = codes.unwrap_or_default();
    let asks = &check.asks;
    let (code, what, fix) = match first {
        Some(404) => (
            Code::HealthCheckPathNotFound,
            format!("starts, but {asks} answers 404 to the load balancer."),
            format!("Answer {asks} with {}, or correct {}.", check.wanted(), check.setting("HealthCheckPath")),
        ),
        Some(401 | 403) => (
            Code::HealthCheckUnauthorized,
            format!("starts, but {asks} answers {codes} to the load balancer."),
            format!(
                "Let {} answer {asks} without a login, or correct {}.",
                check.container,
                check.setting("HealthCheckPath")
            ),
        ),
        Some(500..=599) => (
            Code::HealthCheckServerError,
            format!("starts, but {asks} answers {codes} to the load balancer: the application is broken."),
            format!("Read the log of {}{}, correct it, then deploy again.", check.container, check.log),
        ),
        Some(_) => (
            Code::HealthCheckCodeMismatch,
            format!("starts, but {asks} answers {codes} to the load balancer, which wants {}.", check.wanted()),
            format!("Answer {asks} with {}, or correct {}.", check.wanted(), check.setting("Matcher")),
        ),
        None if said.says_any(&["timed out", "timeout"]) => (
            Code::HealthCheckTimedOut,
            format!("starts, but {asks} does not answer the load balancer in time."),
            format!(
                "Let {} take TCP {} from the load balancer's security group, if it does not; else make {asks} faster{}.",
                scene.security_groups(),
                check.port,
                check.grace
            ),
        ),
        None if said.says("health checks failed") => (
            Code::HealthCheckConnectionFailed,
            format!("starts, but nothing takes the load balancer's connections on port {}.", check.port),
            format!(
                "Let {} listen on `0.0.0.0:{}`, or correct the port in `portMappings` and in `loadBalancers` of {}{}.",
                check.container,
                check.port,
                scene.service_name(),
                check.grace
            ),
        ),
        None => (
            Code::HealthCheckFailing,
            format!("starts, but fails the health check of its load balancer on port {}.", check.port),
            format!(
                "Compare path, port and codes in {} with what {} answers{}.",
                check.group, check.container, check.grace
            ),
        ),
    };
    let cause = sure(Cause::certain(code, what, fix), whose);
    let cause = match reason {
        Some(reason) if !sign.says(&reason.to_ascii_lowercase()) => cause.seen(told(&reason)),
        _ => cause,
    };
    // Why a connection fails is not for the load balancer to see.
    let sees_why = first.is_some();
    Some(if sees_why { cause } else { cause.likely() })
}

/// The reason that the load balancer has against another task need not be the one that it has against ours.
fn sure(cause: Cause, whose: Whose) -> Cause {
    if whose == Whose::Ours { cause } else { cause.likely() }
}

fn told(reason: &str) -> String {
    format!("The load balancer says: {}.", reason.trim_end_matches('.'))
}

/// Why the load balancer finds the targets unhealthy: as the sentence says it, as a target says it now, or as an event
/// said it last; of our tasks, if it is known of one.
fn reason(sign: &Sign<'_>, scene: &Scene<'_>) -> Option<(Whose, String)> {
    if let Some(reason) = reason_in(sign) {
        return Some((Whose::Ours, reason));
    }
    let targets = scene.target_group(sign).into_iter().flat_map(|group| &group.targets);
    let unhealthy = targets.filter(|target| target.state == "unhealthy" || target.state == "unused");
    let now =
        unhealthy.filter_map(|target| Some((whose::of_target(target, scene.evidence), target.description.clone()?)));
    let group = named_target_group(sign);
    let same = |event: &Sign<'_>| match (group, named_target_group(event)) {
        (Some(ours), Some(theirs)) => ours == theirs || target_group_name(ours) == target_group_name(theirs),
        _ => true,
    };
    let events = scene.evidence.events.iter().rev().map(|event| Sign::of(&event.message));
    let events = events
        .filter(|event| is_load_balancer(event) && same(event))
        .filter_map(|event| Some((whose::of_event(&event, scene), reason_in(&event)?)));
    let reasons: Vec<(Whose, String)> = now.chain(events).collect();
    let of = |whose: Whose| reasons.iter().find(|(of, _)| *of == whose).cloned();
    of(Whose::Ours).or_else(|| of(Whose::Unknown))
}

fn reason_in(sign: &Sign<'_>) -> Option<String> {
    let reason = sign.after("due to (reason ", &[])?;
    Some(reason.trim_end_matches('.').trim_end_matches(')').to_owned())
}

/// A health check, in words for a sentence.
struct Check {
    /// `GET /healthz` on port 8080.
    asks: String,
    /// The codes that count as healthy, or "success".
    matcher: Option<String>,
    /// The port it connects to.
    port: String,
    /// The container that answers.
    container: String,
    /// Where that container's log is.
    log: String,
    /// How long ECS lets a task fail it.
    grace: String,
    /// The target group.
    group: String,
}

impl Check {
    fn of(sign: &Sign<'_>, scene: &Scene<'_>) -> Self {
        let group = scene.target_group(sign);
        let registered = scene.registered(sign);
        let port = group.map(|group| group.port.as_str()).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let port = port.filter(|port| !port.is_empty()).map(str::to_owned);
        let port = port.or_else(|| sign.after("(port ", &[')']).map(str::to_owned));
        let port = port.or_else(|| registered.as_ref().map(|(_, port)| port.to_string()));
        let port = port.unwrap_or_else(|| "of the container".to_owned());
        let path = group.and_then(|group| group.path.as_deref());
        let asks = match (group, path) {
            (_, Some(path)) => format!("{} on port {port}", quoted(&format!("GET {path}"))),
            (Some(_), None) => format!("port {port}"),
            (None, None) => format!("the path of its health check on port {port}"),
        };
        let name = registered.map(|(name, _)| name);
        let container =
            name.as_deref().map_or_else(|| "the container".to_owned(), |name| format!("container {}", quoted(name)));
        let log = name.as_deref().and_then(|name| scene.log_option(name, "awslogs-group"));
        let log = log.map_or_else(String::new, |group| format!(" (log group {})", quoted(group)));
        let grace = scene.service().and_then(|service| service.health_check_grace_period_seconds);
        let grace = grace.map_or_else(String::new, |seconds| {
            format!(" (`healthCheckGracePeriodSeconds` is {seconds}: raise it if the container needs longer to start)")
        });
        let arn = group.map(|group| group.arn.as_str()).or_else(|| named_target_group(sign));
        let group_name =
            arn.map_or_else(|| "the target group".to_owned(), |arn| format!("the target group {}", quoted(arn)));
        let matcher = group.and_then(|group| group.matcher.clone());
        Self { asks, matcher, port, container, log, grace, group: group_name }
    }

    fn wanted(&self) -> String {
        self.matcher.as_deref().map_or_else(|| "a code that its matcher takes".to_owned(), quoted)
    }

    fn setting(&self, name: &str) -> String {
        format!("{} of {}", quoted(name), self.group)
    }
}

/// The container's own health check fails.
pub fn container<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    is_container(sign).then(|| {
        let unhealthy = scene.evidence.unhealthy.iter().find(|(_, _, status)| status == "UNHEALTHY");
        let name = unhealthy.map(|(_, name, _)| name.clone()).or_else(|| with_health_check(scene));
        let container = name.as_deref().map_or_else(|| "the container".to_owned(), |name| format!("container {}", quoted(name)));
        let check = name.as_deref().and_then(|name| scene.container(name)?.get("healthCheck"));
        let words = check.and_then(|check| check.get("command")?.as_array());
        let words: Vec<&str> = words.into_iter().flatten().filter_map(|word| word.as_str()).collect();
        let command = words.split_first().map(|(_, rest)| rest.join(" ")).filter(|command| !command.is_empty());
        let command = command.map_or_else(|| "the `healthCheck` command".to_owned(), |command| quoted(&command));
        let start = check.and_then(|check| check.get("startPeriod")?.as_i64()).unwrap_or(0);
        Cause::certain(
            Code::ContainerUnhealthy,
            format!("starts, but {container} fails its own health check."),
            format!(
                "Run {command} in the image by hand (is its program in the image?), and give it a `startPeriod` long enough, \
                 now {start} s."
            ),
        )
    })
}

/// The only container with a health check.
fn with_health_check(scene: &Scene<'_>) -> Option<String> {
    let mut checked = scene.definition()?.containers().filter(|container| container.contains_key("healthCheck"));
    let name = checked.next()?.get("name")?.as_str()?.to_owned();
    checked.next().is_none().then_some(name)
}

/// What is unhealthy now, in ECS's own words for it, and whose task it is.
pub fn unhealthy_now(evidence: &Evidence) -> Vec<(Whose, String)> {
    let targets = evidence.target_groups.iter().flat_map(|group| {
        group.targets.iter().filter(|target| target.state == "unhealthy").map(|target| {
            let reason = target.description.as_deref().or(target.reason.as_deref()).unwrap_or("unknown");
            let said = format!(
                "Target {} (port {}) is unhealthy in (target-group {}) due to (reason {reason})",
                target.id, target.port, group.arn
            );
            (whose::of_target(target, evidence), said)
        })
    });
    let containers = evidence.unhealthy.iter().filter(|(_, _, status)| status == "UNHEALTHY");
    let containers = containers.map(|(task, name, _)| {
        (Whose::Ours, format!("Container `{name}` of task {task} failed container health checks"))
    });
    targets.chain(containers).collect()
}
