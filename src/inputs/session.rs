//! What a session of a role carries: its name, tags and policies, within the limits of STS.

use serde_json::Value;

use super::arns::is_policy;
use super::given::{Given, Remarks};
use super::suggest::shortened;

/// Session tags that the run itself sends with `AssumeRole`.
const OWN_TAGS: &[&str] = &[
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

/// Session tags that there may be in all, the run's own among them.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const MOST_TAGS: usize = 50;

/// STS takes 2 to 64 of `[A-Za-z0-9_+=,.@-]`; workflow names have more.
pub(super) fn session_name(input: Given<'_>, remarks: &mut Remarks) -> String {
    let asked = input.text().unwrap_or("GitHubActions");
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' };
    let mut name: String = asked.chars().map(allowed).take(64).collect();
    if name.len() < 2 {
        name.push('-');
    }
    if name != asked {
        remarks
            .warnings
            .push(format!("`role-session-name` is sent as `{name}`: STS takes 2 to 64 letters, digits and `_+=,.@-`."));
    }
    name
}

pub(super) fn external_id(input: Given<'_>, remarks: &mut Remarks) -> Option<String> {
    let text = input.text()?;
    if !(2..=1224).contains(&text.chars().count()) {
        remarks.wrong(
            input,
            "is too short or too long",
            "STS takes 2 to 1224 characters",
            "Copy it from the role's trust policy.",
        );
    }
    Some(text.to_owned())
}

pub(super) fn custom_tags(input: Given<'_>, remarks: &mut Remarks) -> Vec<(String, String)> {
    let Some(Value::Object(tags)) = input.object(remarks) else { return Vec::new() };
    if tags.len() > MOST_TAGS - OWN_TAGS.len() {
        let problem = format!("has {} tags", tags.len());
        let allowed = format!("A session has at most {MOST_TAGS}, and {} of them are the run's own", OWN_TAGS.len());
        remarks.wrong(input, &problem, &allowed, "Leave some out.");
    }
    tags.into_iter().filter_map(|(key, value)| custom_tag(input, key, &value, remarks)).collect()
}

fn custom_tag(input: Given<'_>, key: String, value: &Value, remarks: &mut Remarks) -> Option<(String, String)> {
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    let fits = |text: &str, longest: usize| text.chars().count() <= longest && text.chars().all(is_tag_character);
    let problem = if OWN_TAGS.iter().any(|own| own.eq_ignore_ascii_case(&key)) {
        Some(("sets", "The run sends a tag of this name itself"))
    } else if key.is_empty() || !fits(&key, 128) {
        Some(("has a key", "A key is 1 to 128 letters, digits, blanks and `_.:/=+-@`"))
    } else if text.as_ref().is_none_or(|text| !fits(text, 256)) {
        Some((
            "has a wrong value for",
            "A value is a text, number or boolean, at most 256 letters, digits, blanks and `_.:/=+-@`",
        ))
    } else {
        None
    };
    match (problem, text) {
        (None, Some(text)) => Some((key, text)),
        (problem, _) => {
            let (verb, allowed) = problem.unwrap_or_default();
            remarks.wrong(
                input,
                &format!("{verb} `{}`", shortened(&key)),
                allowed,
                "Rename, shorten or remove this tag.",
            );
            None
        }
    }
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`
fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// The policy without its blanks: STS counts at most 2048 characters.
pub(super) fn inline_policy(input: Given<'_>, remarks: &mut Remarks) -> Option<String> {
    let policy = input.object(remarks)?.to_string();
    let length = policy.chars().count();
    if length > 2048 {
        remarks.wrong(
            input,
            &format!("is {length} characters long"),
            "STS takes 2048, blanks apart",
            "Use `managed-session-policies`.",
        );
    }
    Some(policy)
}

pub(super) fn managed_policies(input: Given<'_>, remarks: &mut Remarks) -> Vec<String> {
    let policies =
        input.items_that(is_policy, "It takes ARNs such as `arn:aws:iam::aws:policy/ReadOnlyAccess`", remarks);
    if policies.len() > 10 {
        remarks.wrong(input, &format!("has {} policies", policies.len()), "STS takes at most ten", "Leave some out.");
    }
    policies
}
