//! What to deploy: where the task definition comes from.

use crate::model::names::Revision;

use super::arns::{is_family, is_task_definition};
use super::edits::{self, Edits};
use super::given::{Given, Remarks, given};
use super::raw::RawInputs;

/// What to deploy.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Where the task definition comes from.
    pub source: Source,
    /// What to change in it.
    pub edits: Edits,
    /// `pin-image-digest`.
    pub pin_image_digest: bool,
    /// `tags` of the revision.
    pub tags: Vec<(String, String)>,
}

/// Where the task definition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, as given; relative to the workspace.
    File(String),
    /// A family, `family:revision` or an ARN.
    Registered(String),
    /// The revision that the service runs now.
    Running,
}

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Definition {
    if given!(raw.keep_null_value_keys).text().is_some() {
        remarks
            .warnings
            .push("`keep-null-value-keys` has no effect: nothing is dropped from the task definition.".to_owned());
    }
    Definition {
        source: source(raw, remarks),
        edits: edits::parse(raw, remarks),
        pin_image_digest: given!(raw.pin_image_digest).boolean(remarks).unwrap_or(false),
        tags: given!(raw.tags).pairs(remarks),
    }
}

/// The file wins over the ARN, and the ARN over the family, as in the official actions; here it is said.
fn source(raw: &RawInputs, remarks: &mut Remarks) -> Source {
    let file = given!(raw.task_definition);
    let arn = given!(raw.task_definition_arn);
    let family = given!(raw.task_definition_family);
    let revision = given!(raw.task_definition_revision);
    let from_family = registered(family, revision, remarks);
    if arn.text().is_some_and(|text| !is_task_definition(text)) {
        let allowed = "It takes the ARN of a revision, `arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION`";
        remarks.invalid(arn, allowed, "For a family or `family:revision` use `task-definition-family`.");
    }
    let given: Vec<Given<'_>> = [file, arn, family].into_iter().filter(|input| input.text().is_some()).collect();
    if let [used, ignored @ ..] = given.as_slice() {
        for other in ignored {
            remarks.warnings.push(format!("`{}` has no effect beside `{}`, which decides.", other.name(), used.name()));
        }
    }
    match (file.owned(), arn.owned(), from_family) {
        (Some(path), _, _) => Source::File(path),
        (None, Some(name), _) | (None, None, Some(name)) => Source::Registered(name),
        (None, None, None) => Source::Running,
    }
}

/// A family, with its revision when one is given.
fn registered(family: Given<'_>, revision: Given<'_>, remarks: &mut Remarks) -> Option<String> {
    let number = revision.number(1..=i32::MAX.unsigned_abs(), remarks);
    let Some(name) = family.text() else {
        if revision.text().is_some() {
            remarks.missing(family, "`task-definition-revision` does not say of which family");
        }
        return None;
    };
    let written = Revision::parse(name);
    let bare = written.as_ref().map_or(name, |revision| revision.family.as_str());
    if !is_family(bare) {
        let allowed =
            "A family has letters, digits, hyphens and underscores, at most 255; a revision may follow, as in `web:7`";
        remarks.invalid(family, allowed, "Correct the name; for an ARN use `task-definition-arn`.");
    }
    match (written, number) {
        (Some(written), Some(number)) if written.number != u64::from(number) => {
            let what = "`task-definition-family` and `task-definition-revision` name different revisions.".to_owned();
            remarks.conflict(
                what,
                &format!("One says {}, the other {number}.", written.number),
                "Keep one of the two numbers.",
            );
            None
        }
        (None, Some(number)) => Some(format!("{name}:{number}")),
        _ => Some(name.to_owned()),
    }
}
