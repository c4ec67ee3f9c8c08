//! From evidence to a cause: one small rule for each, the most telling first. Pure.

use super::{Evidence, StoppedGroup};
use crate::error::{Code, Error};

/// A cause, and the one thing to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its stable code.
    pub code: Code,
    /// What is wrong with the revision, in words that follow its name.
    pub what: String,
    /// The one thing to do.
    pub fix: String,
}

/// One cause that the evidence may show.
pub type Rule = fn(&Evidence) -> Option<Cause>;

/// The rules, most telling first.
pub const RULES: &[Rule] = &[image_not_found, health_checks, exited, never_started, not_placed];

/// The first cause that a rule finds.
pub fn name_cause(evidence: &Evidence) -> Option<Cause> {
    RULES.iter().find_map(|rule| rule(evidence))
}

impl Cause {
    /// The cause as an error, with the evidence for it.
    pub fn explain(self, evidence: &Evidence, revision: &str, known: Option<&Error>) -> Error {
        let mut why = Vec::new();
        if let Some(group) = evidence.stopped.first() {
            let all: usize = evidence.stopped.iter().map(|group| group.count).sum();
            why.push(format!(
                "{} of {all} stopped tasks, the newest {}: {}",
                group.count,
                group.newest_task,
                told(group)
            ));
        } else {
            why.extend(complaint(evidence).map(str::to_owned));
        }
        why.extend(known.map(|cause| cause.what.clone()));
        Error::new(self.code, format!("{revision} {}", self.what), why.join(" "), self.fix)
    }
}

/// A stop in one line: code, sentence, containers.
fn told(group: &StoppedGroup) -> String {
    let mut parts: Vec<String> = group.stop_code.iter().cloned().collect();
    parts.extend(Some(&group.reason).filter(|reason| !reason.is_empty()).cloned());
    for (name, code, reason) in &group.containers {
        let code = code.map(|code| format!(" exit code {code}")).unwrap_or_default();
        // ECS often repeats the container's reason as the task's.
        let reason = reason.as_ref().filter(|reason| **reason != group.reason);
        let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
        if code.is_empty() && reason.is_empty() {
            continue;
        }
        parts.push(format!("container `{name}`:{code}{reason}"));
    }
    format!("{}.", parts.join("; ").trim_end_matches('.'))
}

/// Everything the most frequent stop says, in lower case.
fn said(evidence: &Evidence) -> Option<(&StoppedGroup, String)> {
    let group = evidence.stopped.first()?;
    let reasons = group.containers.iter().filter_map(|(_, _, reason)| reason.as_deref());
    let said = reasons.fold(group.reason.clone(), |said, reason| said + " " + reason).to_ascii_lowercase();
    Some((group, said))
}

fn image_not_found(evidence: &Evidence) -> Option<Cause> {
    let (_, said) = said(evidence)?;
    let pull = ["cannotpullcontainer", "cannotpullimagemanifest", "image pull"].iter().any(|part| said.contains(part));
    let absent = ["manifest unknown", "not found", "failed to resolve ref", "does not exist", "no such image"];
    (pull && absent.iter().any(|part| said.contains(part))).then(|| Cause {
        code: Code::ImageNotFound,
        what: "cannot start: its image is not in the registry.".to_owned(),
        fix: "Push the image before deploying it, or correct `image`: registry, repository and tag.".to_owned(),
    })
}

fn health_checks(evidence: &Evidence) -> Option<Cause> {
    let (_, said) = said(evidence)?;
    let (which, fix) = if said.contains("failed elb health checks") {
        (
            "the load balancer's health checks",
            "Compare the target group's health check (path, port, codes) with what the container answers, and \
             `healthCheckGracePeriodSeconds` with how long it takes to start.",
        )
    } else if said.contains("failed container health checks") {
        (
            "its container's health check",
            "Run the `healthCheck` command in the image by hand, and give it a `startPeriod` long enough.",
        )
    } else {
        return None;
    };
    let what = format!("starts, but fails {which}.");
    Some(Cause { code: Code::TasksFailing, what, fix: fix.to_owned() })
}

fn exited(evidence: &Evidence) -> Option<Cause> {
    let group = evidence.stopped.first()?;
    let (name, code) = group.containers.iter().find_map(|(name, code, _)| Some((name, (*code)?)))?;
    let fix = match code {
        0 => "Run the program in the foreground: a service's essential container must not end.",
        126 | 127 => "Correct `command` and `entryPoint`: the program is not in the image, or may not be executed.",
        137 => "Give the container or the task more memory, if it ran out of it; otherwise see what killed it.",
        _ => "Read the container's log of that task; correct the image or its settings, then deploy again.",
    };
    let what = format!("keeps stopping: container `{name}` exits with code {code}.");
    Some(Cause { code: Code::TasksFailing, what, fix: fix.to_owned() })
}

fn never_started(evidence: &Evidence) -> Option<Cause> {
    evidence.stopped.first().map(|_| Cause {
        code: Code::TasksFailing,
        what: "keeps stopping before its containers run.".to_owned(),
        fix: "Correct what ECS names as the reason, then deploy again.".to_owned(),
    })
}

fn not_placed(evidence: &Evidence) -> Option<Cause> {
    complaint(evidence).map(|_| Cause {
        code: Code::TasksFailing,
        what: "cannot start all of its tasks.".to_owned(),
        fix: "Correct what ECS names as the reason (capacity, ports, constraints), then deploy again.".to_owned(),
    })
}

/// The newest event in which ECS says that it cannot start tasks.
fn complaint(evidence: &Evidence) -> Option<&str> {
    let complaints =
        ["was unable to place", "could not launch", "failed to launch a task", "unable to consistently start"];
    let messages = evidence.events.iter().rev().map(|event| event.message.as_str());
    messages.into_iter().find(|message| complaints.iter().any(|part| message.contains(part)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::model::service::ServiceEvent;

    fn stopped(stop_code: &str, reason: &str, exit_code: Option<i64>, why: Option<&str>) -> Evidence {
        let containers = match (exit_code, why) {
            (None, None) => Vec::new(),
            (code, why) => vec![("web".to_owned(), code, why.map(str::to_owned))],
        };
        let group = StoppedGroup {
            count: 3,
            newest_task: "0a1b".to_owned(),
            stop_code: Some(stop_code.to_owned()),
            reason: reason.to_owned(),
            containers,
        };
        let rare = StoppedGroup { count: 1, reason: "Timeout waiting for ENI".to_owned(), ..group.clone() };
        Evidence { stopped: vec![group, rare], ..Evidence::default() }
    }

    #[test]
    fn each_cause_is_named_with_its_evidence_and_one_fix() {
        let event =
            ServiceEvent { message: "(service web) was unable to place a task.".to_owned(), ..ServiceEvent::default() };
        let told: Vec<String> = [
            stopped(
                "TaskFailedToStart",
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
                 registry/web:v9: not found",
                None,
                None,
            ),
            stopped(
                "TaskFailedToStart",
                "Task failed to start",
                None,
                Some("CannotPullContainerError: manifest unknown"),
            ),
            stopped("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group x)", Some(143), None),
            stopped("ServiceSchedulerInitiated", "Task failed container health checks", None, None),
            stopped("EssentialContainerExited", "Essential container in task exited", Some(1), None),
            stopped("EssentialContainerExited", "Essential container in task exited", Some(0), None),
            stopped(
                "EssentialContainerExited",
                "Essential container in task exited",
                Some(137),
                Some("OutOfMemoryError"),
            ),
            stopped("TaskFailedToStart", "ResourceInitializationError: unable to retrieve secret from asm", None, None),
            Evidence { events: vec![event], ..Evidence::default() },
        ]
        .iter()
        .map(|evidence| name_cause(evidence).unwrap().explain(evidence, "web:8", None).to_string())
        .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn no_evidence_names_no_cause() {
        assert_eq!(name_cause(&Evidence::default()), None);
    }
}
