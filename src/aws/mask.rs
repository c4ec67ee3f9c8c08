//! The secrets this run knows: told to the runner's log the moment they exist, and blotted out of texts from outside.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Anything shorter hides nothing and would blot out half a text.
const SHORTEST: usize = 6;

/// The fields in which ECS speaks in sentences: of events, of tasks and their containers, of deployments.
const SENTENCES: [&str; 5] = ["message", "reason", "stoppedReason", "statusReason", "rolloutStateReason"];

/// The secrets this run knows.
#[derive(Clone)]
pub(super) struct Mask {
    tell: fn(&str),
    known: Arc<Mutex<BTreeSet<String>>>,
}

impl Mask {
    /// No secret yet; each is told to `tell`.
    pub fn new(tell: fn(&str)) -> Self {
        Self { tell, known: Arc::default() }
    }

    /// A secret of the log.
    pub fn hide(&self, secret: &str) {
        (self.tell)(secret);
        self.remember(secret);
    }

    /// A secret that the runner's log masks already.
    pub fn remember(&self, secret: &str) {
        if secret.trim().len() >= SHORTEST {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.trim().to_owned());
        }
    }

    /// The text with `***` for each secret.
    pub fn blot(&self, text: &str) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut longest_first: Vec<&String> = known.iter().collect();
        longest_first.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        longest_first.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }

    /// The same for each sentence in an answer of ECS; names and ids stay what they are.
    pub fn blot_sentences(&self, answer: &mut Value) {
        match answer {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if SENTENCES.contains(&name.as_str()) => *text = self.blot(text),
                        other => self.blot_sentences(other),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.blot_sentences(item)),
            _ => {}
        }
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_ecs_says_is_told_without_secrets_and_names_stay() {
        let mask = Mask::new(|_| ());
        mask.remember("hunter2!");
        let mut answer = json!({"services": [{"serviceName": "hunter2!", "events": [{"message": "no hunter2!"}]}]});
        mask.blot_sentences(&mut answer);
        let told = json!({"services": [{"serviceName": "hunter2!", "events": [{"message": "no ***"}]}]});
        assert_eq!(answer, told);
    }

    #[test]
    fn a_known_secret_is_blotted_out_whole() {
        let mask = Mask::new(|_| ());
        for secret in ["hunter2", "hunter2-and-more", "short", "line\n"] {
            mask.hide(secret);
        }
        assert_eq!(mask.blot("a hunter2-and-more b hunter2 short line"), "a *** b *** short line");
    }
}
