//! Session tags: what `AssumeRole` says of the run, so that the trail and policies can use it.
//!
//! The names are those of the official credentials action, because policies already ask for them. A web identity token
//! carries its own tags: `AssumeRoleWithWebIdentity` takes none.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use crate::inputs::Credentials;
use crate::inputs::runner::Runner;

/// Tags of one session, in the order they are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tags {
    pub always: Vec<(String, String)>,
    /// Left out when the packed policy gets too large.
    pub droppable: Vec<(String, String)>,
}

/// The tags of this run. That custom ones have other names, and that all of them fit, the inputs made sure of.
pub(super) fn of(credentials: &Credentials, runner: &Runner) -> Tags {
    if credentials.skip_session_tagging {
        return Tags::default();
    }
    let mut always = tags(&[
        ("GitHub", Some("Actions")),
        ("Repository", runner.repository.as_deref()),
        ("Workflow", runner.workflow.as_deref()),
        ("Action", runner.action.as_deref()),
        ("Actor", runner.actor.as_deref()),
        ("Commit", runner.sha.as_deref()),
        ("Branch", runner.git_ref.as_deref()),
    ]);
    always.extend(credentials.custom_tags.iter().cloned());
    let droppable = tags(&[
        ("EventName", runner.event_name.as_deref()),
        ("BaseRef", runner.base_ref.as_deref()),
        ("HeadRef", runner.head_ref.as_deref()),
        ("RunId", runner.run_id.as_deref()),
        ("Job", runner.job.as_deref()),
        ("TriggeringActor", runner.triggering_actor.as_deref()),
    ]);
    Tags { always, droppable }
}

fn tags(pairs: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
    let given = pairs.iter().filter_map(|(key, value)| Some((*key, value.filter(|value| !value.is_empty())?)));
    given.map(|(key, value)| (key.to_owned(), allowed(value))).collect()
}

/// A value as STS takes it: other characters become `_`, and it ends after 256.
fn allowed(value: &str) -> String {
    let keep = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    value.chars().take(256).map(|c| if keep(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_becomes_what_sts_takes() {
        assert_eq!(allowed("MY-USERNAME[bot]"), "MY-USERNAME_bot_");
        assert_eq!(allowed("feature/has spaces&bad?chars"), "feature/has spaces_bad_chars");
        assert_eq!(allowed(&"é".repeat(300)).chars().count(), 256);
    }

    #[test]
    fn a_run_has_thirteen_tags_and_an_unset_variable_none() {
        let given = || Some("x".to_owned());
        let mut runner = Runner {
            repository: given(),
            workflow: given(),
            action: given(),
            actor: given(),
            sha: given(),
            git_ref: given(),
            event_name: given(),
            base_ref: given(),
            head_ref: given(),
            run_id: given(),
            job: given(),
            triggering_actor: given(),
            ..Runner::default()
        };
        let mut credentials = super::super::tests::credentials();
        let count = |credentials: &Credentials, runner: &Runner| {
            let tags = of(credentials, runner);
            (tags.always.len(), tags.droppable.len())
        };
        assert_eq!(count(&credentials, &runner), (7, 6));
        runner.base_ref = Some(String::new());
        assert_eq!(count(&credentials, &runner), (7, 5));
        credentials.custom_tags = vec![("Team".to_owned(), "shop".to_owned())];
        assert_eq!(count(&credentials, &runner), (8, 5));
        credentials.skip_session_tagging = true;
        assert_eq!(count(&credentials, &runner), (0, 0));
    }
}
