//! What could not be looked up, told once for all that failed in the same way.

use std::collections::BTreeMap;

use super::Ruling;
use crate::aws::call::{CallError, CallErrorKind};

/// No more names than these stand in one sentence.
const MOST: usize = 5;

/// Whether these exist is not known; `kind` is what they are, such as `log group`.
pub(super) fn unread<'a>(kind: &str, failed: impl IntoIterator<Item = (String, &'a CallError)>) -> Ruling {
    let mut alike: BTreeMap<_, (&CallError, Vec<String>)> = BTreeMap::new();
    for (name, error) in failed {
        // AWS names the resource in a refusal, but the missing permission is the same.
        let message = (error.kind != CallErrorKind::Denied).then_some(error.message.as_str());
        let (_, names) = alike.entry((error.action, message)).or_insert((error, Vec::new()));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    alike.into_values().map(|(error, names)| Ruling::unread(&whether(kind, &names), error)).collect()
}

fn whether(kind: &str, names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let listed: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match names.len() {
        1 => format!("whether the {kind} {} exists", listed.join("")),
        _ => format!("whether the {kind}s {}{more} exist", listed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_in_the_same_way_is_one_sentence() {
        let error = |kind, message: &str| CallError {
            action: "secretsmanager:DescribeSecret",
            kind,
            code: None,
            message: message.to_owned(),
            request_id: None,
            maybe_applied: false,
            explained: None,
        };
        let failed: Vec<(String, CallError)> = (1..=7)
            .map(|n| (format!("s{n}"), error(CallErrorKind::Denied, &format!("not authorized on s{n}"))))
            .chain([
                ("s1".to_owned(), error(CallErrorKind::Denied, "again")),
                ("odd".to_owned(), error(CallErrorKind::Throttled, "Rate exceeded")),
            ])
            .collect();
        let ruling = unread("secret", failed.iter().map(|(name, error)| (name.clone(), error)));
        insta::assert_snapshot!(ruling.skipped.join("\n"));
    }
}
