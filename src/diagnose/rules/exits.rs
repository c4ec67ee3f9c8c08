//! Containers that ran and ended.

use super::{Cause, Scene, Sign, images, quoted};
use crate::diagnose::LogTail;
use crate::error::Code;
use crate::model::exit_code;

/// What a log line has that tells more than others do.
const TELLING: &[&str] = &[
    "cannot find module",
    "module not found",
    "modulenotfounderror",
    "no module named",
    "classnotfoundexception",
    "noclassdeffounderror",
    "error while loading shared libraries",
    "address already in use",
    "eaddrinuse",
    "econnrefused",
    "connection refused",
    "could not connect to",
    "unable to connect",
    "enotfound",
    "name or service not known",
    "password authentication failed",
    "access denied",
    "permission denied",
    "is not set",
    "missing required",
    "out of memory",
    "outofmemoryerror",
    "panic:",
    "unhandled exception",
    "traceback (most recent call last)",
];

/// Whether ECS itself says that the memory was too small.
pub fn tells_out_of_memory(sign: &Sign<'_>) -> bool {
    exit_code::is_out_of_memory(sign.raw())
}

/// A program of another platform, or a script without `#!`. The kernel's sentence stands in the reason or in the log.
pub fn exec_format_error<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    const SENTENCE: &str = "exec format error";
    let culprit = scene.culprit(sign);
    let in_reason = sign.says(SENTENCE);
    let logged = culprit.filter(|(_, code)| sign.ended_by_itself() && matches!(code, 1 | 255)).and_then(|(name, _)| {
        scene.log(name)?.lines.iter().rev().find(|line| line.text.to_ascii_lowercase().contains(SENTENCE))
    });
    (in_reason || logged.is_some()).then(|| {
        let (cpu, os) = scene.platform();
        let platform = images::docker_platform(&cpu, &os);
        let container = culprit.map(|(name, _)| name.to_owned()).or_else(|| scene.starting(sign));
        let container =
            container.map_or_else(|| "the container".to_owned(), |name| format!("container {}", quoted(&name)));
        let cause = Cause::certain(
            Code::ExecFormatError,
            format!("cannot run: the program of {container} is not one for {}.", quoted(&platform)),
            format!(
                "Build {} for that platform (`docker buildx build --platform {platform}`), or set \
                 `runtimePlatform.cpuArchitecture`, now {}; a script needs `#!` in its first line.",
                scene.image_in_words(sign),
                quoted(&cpu)
            ),
        )
        .for_ever();
        match logged {
            Some(line) if !in_reason => cause.likely().seen(format!("It wrote: {}.", quoted(&line.text))),
            _ => cause,
        }
    })
}

/// ECS says that the memory was too small.
pub fn out_of_memory<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    tells_out_of_memory(sign).then(|| {
        // The killed container is the one with the reason: it is told even when another failed with it.
        let killed = sign.stop.and_then(|group| {
            group
                .containers
                .iter()
                .find(|(_, _, why)| why.as_deref().is_some_and(|why| tells_out_of_memory(&Sign::of(why))))
        });
        let name = killed.map(|(name, ..)| name.as_str()).or_else(|| scene.culprit(sign).map(|(name, _)| name));
        let container = name.map_or_else(|| "its container".to_owned(), |name| format!("container {}", quoted(name)));
        Cause::certain(
            Code::OutOfMemory,
            format!("keeps stopping: {container} uses more memory than it may."),
            more_memory(name, scene),
        )
        .for_ever()
    })
}

/// The limit that was met and its double.
fn more_memory(container: Option<&str>, scene: &Scene<'_>) -> String {
    let named = container.map_or_else(|| "the container".to_owned(), |name| format!("container {}", quoted(name)));
    match (container.and_then(|name| scene.number(name, "memory")), scene.task_memory()) {
        (Some(own), Some(task)) if own.saturating_mul(2) > task => format!(
            "Raise `memory` of {named} (now {own} MiB) and of the task (now {task} MiB), or correct what uses it up."
        ),
        (Some(own), _) => {
            format!(
                "Raise `memory` of {named} from {own} to {} MiB, or correct what uses it up.",
                own.saturating_mul(2)
            )
        }
        (None, Some(task)) => format!(
            "Raise `memory` of the task from {task} to {} MiB (with a `cpu` that allows it), or correct what uses it up.",
            task.saturating_mul(2)
        ),
        (None, None) => format!("Raise `memory` of {named}, or correct what uses it up."),
    }
}

/// Killed while it was being stopped: it did not listen to SIGTERM.
pub fn stop_timeout<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let stopped = sign.stop?.stop_code.as_deref() == Some("ServiceSchedulerInitiated");
    let (name, _) = scene.culprit(sign).filter(|(_, code)| *code == 137 && stopped && !sign.ended_by_itself())?;
    let limit = scene.number(name, "stopTimeout").unwrap_or(30);
    let container = quoted(name);
    Some(
        Cause::certain(
            Code::StopTimeoutExceeded,
            format!("was stopped by ECS, and container {container} had to be killed: it did not end within {limit} s."),
            format!("Let the program of container {container} end on SIGTERM (`entryPoint` in exec form, not through a shell)."),
        )
        .likely(),
    )
}

/// Killed, and ECS does not say why.
pub fn killed<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let (name, _) = scene.culprit(sign).filter(|(_, code)| *code == 137 && sign.ended_by_itself())?;
    let cause = Cause::certain(
        Code::ContainerKilled,
        format!("keeps stopping: container {} is killed (exit code 137), as a rule for lack of memory.", quoted(name)),
        more_memory(Some(name), scene),
    );
    Some(with_log(cause.likely(), name, scene))
}

/// It ended by itself and found nothing wrong with that.
pub fn finished<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let (name, _) = scene.culprit(sign).filter(|(_, code)| *code == 0 && sign.ended_by_itself())?;
    let container = quoted(name);
    let cause = Cause::certain(
        Code::ContainerFinished,
        format!("keeps stopping: container {container} finishes with exit code 0."),
        format!(
            "Run the program of container {container} in the foreground; a container that is meant to finish gets \
             `\"essential\": false`."
        ),
    );
    Some(with_log(cause, name, scene))
}

/// It ended with an error of its own.
pub fn crashed<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    // Nobody knows who sent SIGTERM, and 0 and 137 have rules of their own.
    let by_itself = |(_, code): &(&str, i64)| !matches!(code, 0 | 137 | 143) && sign.ended_by_itself();
    let (name, code) = scene.culprit(sign).filter(by_itself)?;
    let container = quoted(name);
    let log = match (scene.log(name), scene.log_option(name, "awslogs-group")) {
        (Some(log), _) => format!(" (log group {}, stream {})", quoted(&log.group), quoted(&log.stream)),
        (None, Some(group)) => format!(" (log group {})", quoted(group)),
        (None, None) => String::new(),
    };
    let cause = Cause::certain(
        Code::ApplicationCrashed,
        format!("keeps stopping: container {container} exits with code {code} ({}).", exit_code::meaning(code, false)),
        format!("Read the log of container {container}{log}, correct the image or its settings, then deploy again."),
    );
    Some(with_log(cause.for_ever(), name, scene))
}

/// The cause with the line of the log that tells it; the last lines stand beside the cause wherever it is told.
fn with_log(cause: Cause, container: &str, scene: &Scene<'_>) -> Cause {
    match scene.log(container).and_then(telling_line) {
        Some(line) => cause.seen(format!("A telling line of its log: {}.", quoted(line))),
        None => cause,
    }
}

fn telling_line(log: &LogTail) -> Option<&str> {
    let lines = log.lines.iter().rev().map(|line| line.text.as_str());
    let tells = |line: &&str| TELLING.iter().any(|part| line.to_ascii_lowercase().contains(part));
    lines.into_iter().find(tells)
}
