//! What an `AccessDenied` says, and the IAM statement that would have allowed the call.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use std::borrow::Cow;

use serde_json::json;

use crate::error::{Code, Error};
use crate::model::names::Arn;

/// AWS refused `action`, with `message`; `why` is the evidence to show.
pub(super) fn denied(action: &str, message: &str, why: String) -> Error {
    let refusal = Refusal::parse(message);
    let (refused, during) = (refusal.action.unwrap_or(action), refusal.during(action));
    let what = format!("AWS refused `{refused}`{during}: the permission is missing.");
    Error::new(Code::AccessDenied, what, why, refusal.fix(action))
}

/// The same as a remark of one line: who may not do what on what, and the statement that allows it.
pub(super) fn remark(action: &str, message: &str) -> String {
    let refusal = Refusal::parse(message);
    let (refused, mut during, fix) = (refusal.action.unwrap_or(action), refusal.during(action), refusal.fix(action));
    if !during.is_empty() {
        during.push(',');
    }
    let Some(user) = refusal.user.filter(|_| !refusal.is_explicit) else {
        return format!("`{refused}`{during} is denied. {} {fix}", sentence(&without_secret_words(message)));
    };
    let on = refusal.resource.map(|resource| format!(" on `{resource}`")).unwrap_or_default();
    format!("`{refused}`{during} is denied to `{user}`{on}. {fix}")
}

/// EC2 may say the reason in a form that only `aws sts decode-authorization-message` reads: hundreds of letters.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>
fn without_secret_words(message: &str) -> Cow<'_, str> {
    match message.split_once("Encoded authorization failure message:") {
        Some((words, _)) => words.trim().into(),
        None => message.trim().into(),
    }
}

/// The text with a full stop at its end.
fn sentence(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('.') { text.into() } else { format!("{text}.").into() }
}

/// The parts of `User: U is not authorized to perform: A on resource: R because …`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Refusal<'a> {
    user: Option<&'a str>,
    action: Option<&'a str>,
    resource: Option<&'a str>,
    /// A statement denies it: one that allows it changes nothing.
    is_explicit: bool,
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
            is_explicit: message.contains("explicit deny"),
        }
    }

    /// The action refused is not always the one that was called: RegisterTaskDefinition also needs iam:PassRole.
    fn during(&self, called: &str) -> String {
        match self.action {
            Some(refused) if refused != called => format!(", which `{called}` needs"),
            _ => String::new(),
        }
    }

    /// The one thing to do.
    fn fix(&self, called: &str) -> String {
        let refused = self.action.unwrap_or(called);
        let who = self.user.map_or_else(|| "the role of this job".to_owned(), principal);
        if self.is_explicit {
            return format!("Remove the explicit deny of `{refused}` for {who} from the policy that AWS names.");
        }
        let mut statement = json!({ "Effect": "Allow", "Action": refused, "Resource": self.resource.unwrap_or("*") });
        if refused == "iam:PassRole"
            && let Some(fields) = statement.as_object_mut()
        {
            // Tasks take their roles when they are registered; with an update the service itself takes one.
            let service = if called == "ecs:UpdateService" { "ecs.amazonaws.com" } else { "ecs-tasks.amazonaws.com" };
            fields.insert("Condition".to_owned(), json!({"StringEquals": {"iam:PassedToService": service}}));
        }
        format!("Add this statement to a policy of {who}: {statement}")
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
          fix: Add this statement to a policy of the role `deploy`: {"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/task","Condition":{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}}
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
    fn a_remark_names_action_resource_and_principal_as_aws_did() {
        let on = "arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/web:log-stream:web/web/1";
        let role = "arn:aws:iam::123456789012:role/hooks";
        let told = [
            remark(
                "logs:GetLogEvents",
                &format!(
                    "{USER} is not authorized to perform: logs:GetLogEvents on resource: {on} because no identity-based policy allows the logs:GetLogEvents action"
                ),
            ),
            remark(
                "ecs:UpdateService",
                &format!("{USER} is not authorized to perform: iam:PassRole on resource: {role}"),
            ),
            remark(
                "ec2:DescribeSubnets",
                &format!(
                    "You are not authorized to perform this operation. {USER} is not authorized to perform: ec2:DescribeSubnets because no identity-based policy allows the ec2:DescribeSubnets action"
                ),
            ),
            remark(
                "ec2:DescribeSubnets",
                "You are not authorized to perform this operation. Encoded authorization failure message: 4fd1VbsS2Vx",
            ),
            remark(
                "ecr:BatchGetImage",
                &format!(
                    "{USER} is not authorized to perform: ecr:BatchGetImage on resource: * with an explicit deny in a service control policy"
                ),
            ),
        ];
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_refusal_without_details_names_the_action_that_was_called() {
        let error = denied("ecr:BatchGetImage", "Access Denied", String::new());
        assert!(error.fix.contains(r#""Action":"ecr:BatchGetImage","Resource":"*""#), "{}", error.fix);
    }
}
