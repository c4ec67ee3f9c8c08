//! Session tags: what `AssumeRole` says of the run, so that the trail and policies can use it.
//!
//! The names are those of the official credentials action, because policies already ask for them. A web identity token
//! carries its own tags: `AssumeRoleWithWebIdentity` takes none.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use crate::error::{Code, Error};
use crate::inputs::Credentials;
use crate::inputs::runner::Runner;

/// Tags of one session, in the order they are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tags {
    pub always: Vec<(String, String)>,
    /// Left out when the packed policy gets too large.
    pub droppable: Vec<(String, String)>,
}

const MOST: usize = 50;
const RESERVED: [&str; 13] = [
    "GitHub",
    "Repository",
    "Workflow",
    "Action",
    "Actor",
    "Commit",
    "Branch",
    "EventName",
    "BaseRef",
    "HeadRef",
    "RunId",
    "Job",
    "TriggeringActor",
];

/// The tags of this run.
///
/// # Errors
/// A custom tag has a name of ours, or there are too many.
pub(super) fn of(credentials: &Credentials, runner: &Runner) -> Result<Tags, Error> {
    if credentials.skip_session_tagging {
        return Ok(Tags::default());
    }
    if let Some((key, _)) = credentials.custom_tags.iter().find(|(key, _)| RESERVED.contains(&key.as_str())) {
        return Err(Error::new(
            Code::InputConflict,
            format!("`custom-tags` has the key `{key}`, which this action sets itself."),
            format!("The keys set here are {}.", RESERVED.join(", ")),
            "Give the tag another key.",
        ));
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
    if always.len() + droppable.len() > MOST {
        return Err(Error::new(
            Code::InputInvalid,
            format!("A session has at most {MOST} tags; here are {}.", always.len() + droppable.len()),
            "The tags that this action sets itself count too.",
            "Shorten `custom-tags`, or set `role-skip-session-tagging: true`.",
        ));
    }
    Ok(Tags { always, droppable })
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
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

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
        let tags = of(&credentials, &runner).unwrap();
        assert_eq!((tags.always.len(), tags.droppable.len()), (7, 6));
        runner.base_ref = Some(String::new());
        assert_eq!(of(&credentials, &runner).unwrap().droppable.len(), 5);
        credentials.custom_tags = vec![("Branch".to_owned(), "x".to_owned())];
        assert_eq!(of(&credentials, &runner).unwrap_err().code, Code::InputConflict);
        credentials.custom_tags = (0..38).map(|n| (format!("k{n}"), String::new())).collect();
        assert_eq!(of(&credentials, &runner).unwrap().always.len(), 45);
        credentials.custom_tags.push(("k38".to_owned(), String::new()));
        assert_eq!(of(&credentials, &runner).unwrap_err().code, Code::InputInvalid);
        credentials.skip_session_tagging = true;
        assert_eq!(of(&credentials, &runner).unwrap(), Tags::default());
    }
}
