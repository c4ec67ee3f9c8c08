#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;
use crate::aws::call::CallErrorKind;
use crate::aws::iam::Simulated;
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
    Known { roles: [("web-task".to_owned(), answer)].into(), ..Known::default() }
}

fn denied(action: &'static str) -> CallError {
    let message = "User is not authorized to perform it".to_owned();
    let kind = CallErrorKind::Denied;
    CallError { action, kind, code: None, message, request_id: None, maybe_applied: false, explained: None }
}

fn simulated(decision: &str, lacks: &[&str]) -> Known {
    let lacks = lacks.iter().map(|key| (*key).to_owned()).collect();
    passing(Passing::Said(vec![Simulated { role: ARN.to_owned(), decision: decision.to_owned(), lacks }]))
}

/// Nothing is wrong with the role itself.
fn passing(passing: Passing) -> Known {
    Known { passing, ..known(Ok(Some(role(ARN, "ecs-tasks.amazonaws.com")))) }
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
        judge(&task_role(ARN), &simulated("implicitDeny", &[]), &us()),
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
    let keys = ["aws:SourceIp", "aws:PrincipalTag/team"];
    let of = |decision, lacks: &[&str]| {
        let ruling = judge(&task_role(ARN), &simulated(decision, lacks), &us());
        (ruling.findings.len(), ruling.skipped.len())
    };
    assert_eq!((of("allowed", &[]), of("explicitDeny", &[])), ((0, 0), (1, 0)));
    assert_eq!((of("allowed", &keys), of("implicitDeny", &keys)), ((0, 1), (0, 1)));
}

#[test]
fn a_role_of_which_nobody_knows_whether_it_may_be_passed_is_not_passed_over() {
    let root = Identity { arn: "arn:aws:iam::123456789012:root".to_owned(), ..us() };
    let rulings = [
        judge(&task_role(ARN), &simulated("allowed", &["aws:SourceIp", "aws:PrincipalTag/team"]), &us()),
        judge(&task_role(ARN), &passing(Passing::Said(Vec::new())), &us()),
        judge(&task_role("web-task"), &passing(Passing::Said(Vec::new())), &us()),
        judge(&task_role(ARN), &passing(Passing::Nobody), &root),
    ];
    let told: Vec<&str> = rulings.iter().flat_map(|ruling| &ruling.skipped).map(String::as_str).collect();
    insta::assert_snapshot!(told.join("\n"));
    assert!(rulings.iter().all(|ruling| ruling.findings.is_empty()));
    // A role that is not there is a finding, and enough.
    let missing = Known { passing: Passing::Nobody, ..known(Ok(None)) };
    assert_eq!(judge(&task_role(ARN), &missing, &root).skipped, [""; 0]);
}

#[test]
fn what_iam_does_not_show_is_skipped_with_the_action() {
    let passing = Passing::Unread(denied("iam:SimulatePrincipalPolicy"));
    let known = Known { passing, ..known(Err(denied("iam:GetRole"))) };
    let ruling = judge(&task_role(ARN), &known, &us());
    assert_eq!(ruling.findings, []);
    insta::assert_snapshot!(ruling.skipped.join("\n"));
}
