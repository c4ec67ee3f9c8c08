//! Images that cannot be pulled.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html>

use super::{Cause, Scene, Sign, network, quoted};
use crate::error::Code;
use crate::model::image::Registry;
use crate::model::names::Arn;

/// What a sentence about a pull begins with; the login to ECR is part of it.
const PULL: &[&str] = &["cannotpullcontainer", "cannotpullimagemanifest", "image pull", "registry auth", "pull image"];

fn is_pull(sign: &Sign<'_>) -> bool {
    sign.says_any(PULL) && !sign.says_any(&["secret from asm", "secrets from ssm"])
}

/// What keeps a pull from its registry; also in the words that AWS uses for the task's network.
const NO_WAY: &[&str] = &[
    "i/o timeout",
    "connection issue between the task and",
    "request canceled while waiting for connection",
    "context canceled",
    "context deadline exceeded",
    "requestcanceled",
    "connection refused",
    "no such host",
    "network is unreachable",
    "the task cannot pull registry auth",
];

/// The registry counts pulls, and ECR's own API the logins too.
pub fn rate_limited<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let limited = sign.says_any(&["toomanyrequests", "reached your pull rate limit", "429 too many requests"]);
    (limited || (is_pull(sign) && sign.is_throttled())).then(|| {
        let (what, name) = (scene.image_in_words(sign), scene.starting_in_words(sign));
        // Of what ECR fetches from another registry, that one counts the pulls.
        let is_of_ecr = matches!(scene.registry(sign), Some(Registry::Ecr { .. })) || sign.says("ecr registry auth");
        if is_of_ecr && !sign.says("reached your pull rate limit") {
            return Cause::certain(
                Code::ImagePullRateLimited,
                format!("cannot start for now: ECR limits how often {what} and the login for it may be asked for."),
                "Run the job again; if it happens again, start fewer tasks of the account at the same time, or raise \
                 ECR's rate in Service Quotas.",
            );
        }
        Cause::certain(
            Code::ImagePullRateLimited,
            format!("cannot start for now: its registry limits how often {what} may be pulled."),
            format!(
                "Pull it with a login (`repositoryCredentials` of {name}), or from ECR: an ECR pull through cache rule \
                 for the registry, or a copy in a repository of yours."
            ),
        )
    })
}

/// The image has no manifest for the task's platform.
pub fn platform_mismatch<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = sign.says_any(&["descriptor matching platform", "no matching manifest for", "no match for platform in"]);
    says.then(|| {
        let (cpu, os) = scene.platform();
        let wanted = sign.after("matching platform '", &['\'']).map(str::to_owned);
        let wanted = wanted.unwrap_or_else(|| docker_platform(&cpu, &os));
        let image = scene.image_in_words(sign);
        Cause::certain(
            Code::ImagePlatformMismatch,
            format!("cannot start: {image} is not built for {}.", quoted(&wanted)),
            format!(
                "Build it for that platform (`docker buildx build --platform {wanted}`), or set \
                 `runtimePlatform.cpuArchitecture` of the task definition, now {}, to what it is built for.",
                quoted(&cpu)
            ),
        )
        .for_ever()
    })
}

/// `linux/amd64`, as Docker writes what ECS calls `X86_64` and `LINUX`.
pub fn docker_platform(cpu: &str, os: &str) -> String {
    let os = if os.starts_with("WINDOWS") { "windows" } else { "linux" };
    format!("{os}/{}", if cpu == "ARM64" { "arm64" } else { "amd64" })
}

/// The layers lie in S3, and the task does not reach it: the runtime panics.
pub fn layer_unreachable<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    (is_pull(sign) && sign.says("invalid memory address or nil pointer dereference")).then(|| {
        Cause::certain(
            Code::ImageLayerUnreachable,
            format!(
                "cannot start: the task does not reach S3, where the layers of {} lie.",
                scene.image_in_words(sign)
            ),
            format!(
                "Let {} send TCP 443 to S3: a gateway endpoint {} in the route tables of {}, or a NAT gateway.",
                scene.security_groups(),
                quoted(&format!("com.amazonaws.{}.s3", scene.region())),
                scene.subnets()
            ),
        )
        .likely()
    })
}

/// A layer is refused where it lies.
pub fn layer_refused<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    (is_pull(sign) && sign.says("httpreaderseeker: failed open")).then(|| {
        let bucket = sign.after("unexpected status code https://", &['/', ' ', ':']);
        let bucket = bucket.map_or_else(String::new, |host| format!(" ({})", quoted(host)));
        Cause::certain(
            Code::ImageLayerRefused,
            format!("cannot start: a layer of {} was refused.", scene.image_in_words(sign)),
            format!(
                "Allow `s3:GetObject` on `arn:aws:s3:::prod-{}-starport-layer-bucket/*` in the policy of the S3 endpoint \
                 that {} use{bucket}; if there is none, push the image again.",
                scene.region(),
                scene.subnets()
            ),
        )
        .likely()
    })
}

/// No way through the network to the registry.
pub fn registry_unreachable<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    (is_pull(sign) && !sign.says_any(&["accessdenied", "error pulling image configuration"]) && sign.says_any(NO_WAY))
        .then(|| {
            let services: &[&str] = match scene.registry(sign) {
                Some(Registry::Ecr { .. }) | None => &["ecr.api", "ecr.dkr", "s3", "logs"],
                Some(_) => &[],
            };
            Cause::certain(
                Code::RegistryUnreachable,
                format!("cannot start: the task does not reach the registry of {}.", scene.image_in_words(sign)),
                network::way_out(scene, services),
            )
        })
}

/// The registry has an error of its own, or breaks the connection off.
pub fn registry_broken<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    (is_pull(sign) && sign.is_broken() && !sign.says_any(NO_WAY)).then(|| {
        let image = scene.image_in_words(sign);
        Cause::certain(
            Code::ImagePullInterrupted,
            format!("cannot start for now: the registry of {image} has an error of its own, or broke off."),
            "Run the job again; if it happens again, look at the registry's status page.",
        )
        .likely()
    })
}

/// The registry refuses.
pub fn denied<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let bare = sign.without_references();
    // The name of ECR's login, `GetAuthorizationToken`, is no refusal.
    let refused = [
        "denied",
        "not authorized",
        "unauthorized",
        "authorization failed",
        "no basic auth credentials",
        "403 forbidden",
        "status code: 403",
        "statuscode: 403",
        "status code: 401",
        "statuscode: 401",
        "has the permissions to pull",
    ];
    (is_pull(sign) && bare.says_any(&refused)).then(|| {
        let image = scene.image_in_words(sign);
        let registry = scene.registry(sign);
        let fix = if let None | Some(Registry::Ecr { .. }) = &registry {
            let action = sign.refused_action().map_or_else(
                || "`ecr:GetAuthorizationToken`, `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer`".to_owned(),
                quoted,
            );
            let policy = match &registry {
                Some(Registry::Ecr { account, .. }) if is_another_account(account, scene) => {
                    format!(", and in the policy of the repository, which belongs to account `{account}`")
                }
                _ => String::new(),
            };
            format!("Allow {action} for {}{}.", scene.execution_role(), policy)
        } else {
            format!(
                "Give {} `repositoryCredentials` with a secret that may pull {image}; correct the name if it is misspelled.",
                scene.starting_in_words(sign)
            )
        };
        let what = format!("cannot start: the registry refuses {image}.");
        Cause::certain(Code::ImagePullDenied, what, fix).for_ever()
    })
}

fn is_another_account(account: &str, scene: &Scene<'_>) -> bool {
    let ours = scene.subject.and_then(|subject| Arn::parse(subject.task_definition));
    ours.is_some_and(|ours| ours.account != account)
}

/// Tag, digest or repository do not exist.
pub fn not_found<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let bare = sign.without_references();
    let absent = ["manifest unknown", "not found", "does not exist", "no such image", "name unknown", "notfound"];
    let is_named = bare.says_any(&absent);
    // ECS cuts long sentences: a reference that was not resolved, and nothing said of a server's answer.
    let is_cut = sign.says_any(&["failed to resolve ref", "cannotpullimagemanifest"])
        && !bare.says_any(&["status", "server error", "failed to do request"]);
    (is_pull(sign) && (is_named || is_cut)).then(|| {
        let fix = match scene.image(sign) {
            Some((container, image)) => format!(
                "Push {} before deploying it, or correct `image` of container {}: registry, repository and tag.",
                quoted(image),
                quoted(container)
            ),
            None => "Push the image before deploying it, or correct `image`: registry, repository and tag.".to_owned(),
        };
        let what = format!("cannot start: {} is not in the registry.", scene.image_in_words(sign));
        let cause = Cause::certain(Code::ImageNotFound, what, fix);
        if is_named { cause.for_ever() } else { cause.likely() }
    })
}

/// The pull broke off.
pub fn interrupted<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("error pulling image configuration").then(|| {
        let image = scene.image_in_words(sign);
        Cause::certain(
            Code::ImagePullInterrupted,
            format!("cannot start: the pull of {image} broke off."),
            format!(
                "Run the job again; if it happens again, copy {image} to an ECR repository in the service's region."
            ),
        )
        .likely()
    })
}
