//! The event that started the run, as its file tells it.
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use std::path::Path;

use serde_json::Value;

/// The event's payload; empty when the file is absent or no JSON.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Payload(Value);

impl Payload {
    /// Reads the file of `GITHUB_EVENT_PATH`.
    pub fn read(path: Option<&Path>) -> Self {
        let text = path.and_then(|path| std::fs::read_to_string(path).ok());
        Self::parse(&text.unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// The pull request that the event is about.
    pub fn pull_request(&self) -> Option<u64> {
        let number = |pointer: &str| self.0.pointer(pointer).and_then(Value::as_u64);
        // An issue's comment event is about a pull request only when the issue is one.
        let issue = || self.0.pointer("/issue/pull_request").filter(|it| !it.is_null()).and(number("/issue/number"));
        number("/pull_request/number").or_else(issue).or_else(|| number("/workflow_run/pull_requests/0/number"))
    }

    /// The newest commit of the pull request's branch.
    pub fn pull_request_sha(&self) -> Option<&str> {
        self.0.pointer("/pull_request/head/sha").and_then(Value::as_str)
    }

    /// The commit that the event is about, where it is not the run's own.
    pub fn head_sha(&self) -> Option<&str> {
        self.0.pointer("/workflow_run/head_sha").and_then(Value::as_str)
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn the_pull_request_is_found_in_each_kind_of_event() {
        for (text, number) in [
            (r#"{"pull_request":{"number":12}}"#, Some(12)),
            (r#"{"issue":{"number":13,"pull_request":{"url":"x"}}}"#, Some(13)),
            (r#"{"issue":{"number":13}}"#, None),
            (r#"{"issue":{"number":13,"pull_request":null}}"#, None),
            (r#"{"workflow_run":{"head_sha":"abc","pull_requests":[{"number":14}]}}"#, Some(14)),
            (r#"{"workflow_run":{"pull_requests":[]}}"#, None),
            (r#"{"pull_request":{"number":"12; rm"}}"#, None),
            ("", None),
            ("garbage", None),
            ("[]", None),
        ] {
            assert_eq!(Payload::parse(text).pull_request(), number, "{text}");
        }
    }

    #[test]
    fn a_missing_file_is_an_empty_event() {
        assert_eq!(Payload::read(None), Payload::default());
        assert_eq!(Payload::read(Some(Path::new("/nowhere/event.json"))), Payload::default());
    }

    #[test]
    fn another_workflows_run_names_its_commit() {
        assert_eq!(Payload::parse(r#"{"workflow_run":{"head_sha":"abc"}}"#).head_sha(), Some("abc"));
        assert_eq!(Payload::parse("{}").head_sha(), None);
    }
}
