//! One thing that AWS said, in the form that rules look at.

use crate::diagnose::StoppedGroup;
use crate::model::names::Arn;

/// How AWS and registries say that they are asked too often.
const THROTTLED: &[&str] = &[
    "throttl",
    "rate exceeded",
    "toomanyrequests",
    "too many requests",
    "requestlimitexceeded",
    "slowdown",
    "reduce your request rate",
];

/// How a server says that the trouble is its own, and how a connection ends too early.
const BROKEN: &[&str] = &[
    "status code: 5",
    "statuscode: 5",
    "http status: 5",
    "internal server error",
    "bad gateway",
    "service unavailable",
    "serviceunavailable",
    "gateway timeout",
    "gateway time-out",
    "internalfailure",
    "internalservererror",
    "serverexception",
    "tls handshake timeout",
    "connection reset",
    "broken pipe",
    "unexpected eof",
    ": eof",
];

/// One thing that AWS said.
#[derive(Debug, Clone)]
pub struct Sign<'a> {
    /// As it was said, with single blanks and plain apostrophes: both kinds occur in the same sentence of AWS's.
    raw: String,
    /// The same in lower case. Its letters stand where they stand in `raw`.
    said: String,
    /// The stopped tasks that it was said of; none for an event, a status reason or a target.
    pub stop: Option<&'a StoppedGroup>,
}

impl<'a> Sign<'a> {
    /// A sentence of an event, a status or a target.
    pub fn of(text: &str) -> Self {
        let raw = text.replace(['’', '‘'], "'").split_whitespace().collect::<Vec<_>>().join(" ");
        Self { said: raw.to_ascii_lowercase(), raw, stop: None }
    }

    /// Everything that was said of stopped tasks: of the task, then of its containers.
    pub fn of_stop(group: &'a StoppedGroup) -> Self {
        let reasons = group.containers.iter().filter_map(|(_, _, reason)| reason.as_deref());
        // ECS often repeats the container's reason as the task's.
        let reasons = reasons.filter(|reason| !group.reason.contains(reason));
        let text = reasons.fold(group.reason.clone(), |said, reason| said + " " + reason);
        Self { stop: Some(group), ..Self::of(&text) }
    }

    /// As it was said.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Whether it contains the part, given in lower case.
    pub fn says(&self, part: &str) -> bool {
        self.said.contains(part)
    }

    /// Whether it contains one of the parts, given in lower case.
    pub fn says_any(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.says(part))
    }

    /// Whether it tells of a call that was made too often.
    pub fn is_throttled(&self) -> bool {
        self.without_references().says_any(THROTTLED)
    }

    /// Whether it tells of a server's own error, or of a connection that ended too early.
    pub fn is_broken(&self) -> bool {
        self.without_references().says_any(BROKEN)
    }

    /// What was said, without image references and addresses: a repository may well be called `authorization-denied`.
    pub fn without_references(&self) -> Self {
        let plain = |word: &&str| !word.contains('/') || ["i/o", "net/http:"].contains(word);
        Self::of(&self.raw.split(' ').filter(plain).collect::<Vec<_>>().join(" "))
    }

    /// What stands between the marker, given in lower case, and the first of the ends; nothing when it is empty.
    pub fn after(&self, marker: &str, ends: &[char]) -> Option<&str> {
        let start = self.said.find(marker)? + marker.len();
        let found = self.raw.get(start..)?.split(ends).next()?.trim();
        (!found.is_empty()).then_some(found)
    }

    /// The first word in it that is an ARN of the service.
    pub fn arn(&self, service: &str) -> Option<&str> {
        let edges = |c: char| !c.is_ascii_alphanumeric() && c != '*' && c != '/';
        let words = self.raw.split([' ', ',', '(', ')', '\'', '"']).map(|word| word.trim_matches(edges));
        words.into_iter().find(|word| Arn::parse(word).is_some_and(|arn| arn.service == service))
    }

    /// The action that AWS refused, such as `secretsmanager:GetSecretValue`.
    pub fn refused_action(&self) -> Option<&str> {
        self.after("not authorized to perform: ", &[' ', ',', ')']).map(|action| action.trim_end_matches('.'))
    }

    /// Whether the task stopped because an essential container ended, not because somebody stopped it.
    pub fn ended_by_itself(&self) -> bool {
        self.stop.is_some_and(|group| {
            group.stop_code.as_deref() == Some("EssentialContainerExited")
                || group.reason.to_ascii_lowercase().contains("essential container in task exited")
        })
    }
}
