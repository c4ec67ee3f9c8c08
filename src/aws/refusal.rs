//! What an `AccessDenied` says, and the IAM statement that would have allowed the call.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use serde_json::json;

use crate::error::{Code, Error};
use crate::model::names::Arn;

/// AWS refused `action`, with `message`; `why` is the evidence to show.
pub(super) fn denied(action: &str, message: &str, why: String) -> Error {
    let refusal = Refusal::parse(message);
    // The action refused is not always the one that was called: RegisterTaskDefinition also needs iam:PassRole.
    let refused = refusal.action.unwrap_or(action);
    let resource = refusal.resource.unwrap_or("*");
    let mut statement = json!({ "Effect": "Allow", "Action": refused, "Resource": resource });
    if refused == "iam:PassRole"
        && let Some(fields) = statement.as_object_mut()
    {
        fields
            .insert("Condition".to_owned(), json!({"StringLike": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}));
    }
    let who = refusal.user.map_or_else(|| "the role of this job".to_owned(), principal);
    let fix = if message.contains("explicit deny") {
        format!("Remove the explicit deny of `{refused}` for {who} from the policy that AWS names.")
    } else {
        format!("Add this statement to a policy of {who}: {statement}")
    };
    let during = if refused == action { String::new() } else { format!(", which `{action}` needs") };
    Error::new(Code::AccessDenied, format!("AWS refused `{refused}`{during}: the permission is missing."), why, fix)
}

/// The parts of `User: U is not authorized to perform: A on resource: R because …`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Refusal<'a> {
    user: Option<&'a str>,
    action: Option<&'a str>,
    resource: Option<&'a str>,
}

impl<'a> Refusal<'a> {
    fn parse(message: &'a str) -> Self {
        let word_after = |mark: &str| {
            let (_, rest) = message.split_once(mark)?;
            rest.split_whitespace()
                .next()
                .map(|word| word.trim_end_matches(['.', ',', ';']))
                .filter(|word| !word.is_empty())
        };
        Self {
            user: word_after("User: "),
            action: word_after("is not authorized to perform: ").filter(|action| action.contains(':')),
            resource: word_after("on resource: ").filter(|resource| resource.starts_with("arn:") || *resource == "*"),
        }
    }
}

/// The role or user of a session ARN, in words.
fn principal(user: &str) -> String {
    let parts = Arn::parse(user).map(|arn| arn.resource).unwrap_or_default();
    match parts.split('/').collect::<Vec<_>>().as_slice() {
        ["assumed-role", role, ..] => format!("the role `{role}`"),
        ["user", .., name] => format!("the user `{name}`"),
        _ => format!("`{user}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "User: arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions";

    #[test]
    fn a_denied_update_names_the_statement_that_allows_it() {
        let message = format!(
            "{USER} is not authorized to perform: ecs:UpdateService on resource: \
             arn:aws:ecs:eu-central-1:123456789012:service/prod/web because no identity-based policy allows the \
             ecs:UpdateService action"
        );
        let error = denied("ecs:UpdateService", &message, "AccessDeniedException".to_owned());
        insta::assert_snapshot!(error, @r#"
        AWS refused `ecs:UpdateService`: the permission is missing. [access-denied]
          why: AccessDeniedException
          fix: Add this statement to a policy of the role `deploy`: {"Effect":"Allow","Action":"ecs:UpdateService","Resource":"arn:aws:ecs:eu-central-1:123456789012:service/prod/web"}
        "#);
    }

    #[test]
    fn a_denied_register_names_the_missing_pass_role() {
        let message = format!(
            "{USER} is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/task."
        );
        let error = denied("ecs:RegisterTaskDefinition", &message, String::new());
        insta::assert_snapshot!(error, @r#"
        AWS refused `iam:PassRole`, which `ecs:RegisterTaskDefinition` needs: the permission is missing. [access-denied]
          fix: Add this statement to a policy of the role `deploy`: {"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/task","Condition":{"StringLike":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}}
        "#);
    }

    #[test]
    fn an_explicit_deny_is_not_answered_with_an_allow() {
        let message = format!(
            "{USER} is not authorized to perform: ecs:UpdateService on resource: * with an explicit deny in a service control policy"
        );
        let error = denied("ecs:UpdateService", &message, String::new());
        assert_eq!(
            error.fix,
            "Remove the explicit deny of `ecs:UpdateService` for the role `deploy` from the policy that AWS names."
        );
    }

    #[test]
    fn a_refusal_without_details_names_the_action_that_was_called() {
        let error = denied("ecr:BatchGetImage", "Access Denied", String::new());
        assert!(error.fix.contains(r#""Action":"ecr:BatchGetImage","Resource":"*""#), "{}", error.fix);
    }
}
