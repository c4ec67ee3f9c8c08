#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;
use crate::aws::call::CallErrorKind;
use crate::checks::tests::Story;

const ARN: &str = "arn:aws:iam::123456789012:role/web-task";

fn us() -> Identity {
    let arn = "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions".to_owned();
    Identity { account: "123456789012".to_owned(), arn, partition: "aws".to_owned() }
}

fn task_role(text: &str) -> Vec<Named> {
    let definition = json!({"family": "web", "taskRoleArn": text, "executionRoleArn": "",
        "containerDefinitions": [{"name": "web", "image": "web"}]});
    named(&Story::of(definition).plan.definition)
}

fn role(arn: &str, service: &str) -> Role {
    let statement = json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"});
    Role { arn: arn.to_owned(), trust: json!({"Statement": [statement]}) }
}

fn known(answer: Result<Option<Role>, CallError>) -> Known {
    Known { roles: [("web-task".to_owned(), answer)].into(), passing: None }
}

fn denied(action: &'static str) -> CallError {
    let message = "User is not authorized to perform it".to_owned();
    let kind = CallErrorKind::Denied;
    CallError { action, kind, code: None, message, request_id: None, maybe_applied: false, explained: None }
}

fn simulated(decision: &str, lacks_context: bool) -> Known {
    let said = Simulated { role: ARN.to_owned(), decision: decision.to_owned(), lacks_context };
    let fine = known(Ok(Some(role(ARN, "ecs-tasks.amazonaws.com"))));
    Known { passing: Some(Ok(vec![said])), ..fine }
}

#[test]
fn a_role_that_tasks_may_have_is_nothing_to_tell() {
    for text in [ARN, "web-task"] {
        let found = known(Ok(Some(role(ARN, "ecs-tasks.amazonaws.com"))));
        assert_eq!(judge(&task_role(text), &found, &us()), Ruling::default(), "{text}");
    }
    // A bare name does not say which path the role has.
    let deep = "arn:aws:iam::123456789012:role/apps/web-task";
    let found = known(Ok(Some(role(deep, "ecs-tasks.amazonaws.com"))));
    assert_eq!(judge(&task_role("web-task"), &found, &us()), Ruling::default());
}

#[test]
fn what_is_wrong_with_a_role_is_told_with_its_mend() {
    let deep = "arn:aws:iam::123456789012:role/apps/web-task";
    let of = |text: &str, found: Option<Role>| judge(&task_role(text), &known(Ok(found)), &us());
    let alone = |text: &str| judge(&task_role(text), &Known::default(), &us());
    let rows = [
        of(ARN, None),
        of("web-task", None),
        of(ARN, Some(role(deep, "ecs-tasks.amazonaws.com"))),
        of(ARN, Some(role(ARN, "ec2.amazonaws.com"))),
        of(ARN, Some(Role { trust: json!({"Statement": {"Effect": "Allow"}}), ..role(ARN, "") })),
        alone("arn:aws:iam::210987654321:role/web-task"),
        alone("arn:aws:iam::123456789012:user/web-task"),
        alone("${TASK_ROLE}"),
        judge(&task_role(ARN), &simulated("implicitDeny", false), &us()),
    ];
    let told = rows.iter().flat_map(|ruling| &ruling.findings).map(|finding| {
        assert_eq!(finding.pointer.as_deref(), Some("/taskRoleArn"));
        format!("{}{}", if finding.is_doubtful { "(not certain) " } else { "" }, finding.error)
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_statement_that_denies_is_not_certain() {
    let mut refused = role(ARN, "ecs-tasks.amazonaws.com");
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"});
    refused.trust["Statement"].as_array_mut().into_iter().for_each(|list| list.push(deny.clone()));
    let ruling = judge(&task_role(ARN), &known(Ok(Some(refused))), &us());
    assert!(ruling.findings[0].is_doubtful && ruling.findings[0].error.code == Code::RoleNotAssumable);
}

#[test]
fn the_simulator_is_believed_only_when_it_knew_all_it_needed() {
    let count = |decision, lacks| judge(&task_role(ARN), &simulated(decision, lacks), &us()).findings.len();
    assert_eq!((count("allowed", false), count("implicitDeny", true), count("explicitDeny", false)), (0, 0, 1));
}

#[test]
fn what_iam_does_not_show_is_skipped_with_the_action() {
    let passing = Some(Err(denied("iam:SimulatePrincipalPolicy")));
    let known = Known { passing, ..known(Err(denied("iam:GetRole"))) };
    let ruling = judge(&task_role(ARN), &known, &us());
    assert_eq!(ruling.findings, []);
    insta::assert_snapshot!(ruling.skipped.join("\n"));
}
