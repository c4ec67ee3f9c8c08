//! Whom a role trusts.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use serde_json::Value;

/// What a trust policy says about the tasks of ECS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// They may have the role, as far as can be told without its conditions.
    Given,
    /// A statement denies it to them.
    Refused,
    /// No statement is about them; the services that others are about.
    Absent(Vec<String>),
    /// It is no policy that can be read.
    Unreadable,
}

/// Conditions are not judged: where there are some, an Allow counts and a Deny does not.
pub(super) fn judge(policy: &Value) -> Trust {
    let statements = each(policy.get("Statement"));
    if statements.is_empty() {
        return Trust::Unreadable;
    }
    let effect = |statement: &&&Value, effect: &str| statement.get("Effect").and_then(Value::as_str) == Some(effect);
    let is_denied = statements.iter().filter(|statement| effect(statement, "Deny")).any(|statement| {
        statement.get("Condition").is_none() && names_tasks(statement, false) && names_assuming(statement, false)
    });
    let mut allowing = statements.iter().filter(|statement| effect(statement, "Allow"));
    let is_given = allowing.any(|statement| names_tasks(statement, true) && names_assuming(statement, true));
    match (is_given, is_denied) {
        (_, true) => Trust::Refused,
        (true, false) => Trust::Given,
        (false, false) => {
            let allowing = statements.iter().filter(|statement| effect(statement, "Allow"));
            let mut others: Vec<String> = allowing.flat_map(|statement| services(statement)).collect();
            others.sort_unstable();
            others.dedup();
            Trust::Absent(others)
        }
    }
}

/// One value or a list of them.
fn each(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one @ (Value::Object(_) | Value::String(_))) => vec![one],
        _ => Vec::new(),
    }
}

fn services(statement: &Value) -> Vec<String> {
    let named = statement.get("Principal").and_then(|principal| principal.get("Service"));
    each(named).into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a statement is about the tasks of ECS; `otherwise` where it says whom it is not about.
fn names_tasks(statement: &Value, otherwise: bool) -> bool {
    match statement.get("Principal") {
        None => otherwise,
        Some(Value::String(everyone)) => everyone == "*",
        Some(principal) => {
            each(principal.get("AWS")).iter().any(|one| *one == "*")
                || services(statement).iter().any(|service| service == "*" || service.starts_with("ecs-tasks."))
        }
    }
}

/// Whether a statement is about `sts:AssumeRole`; `otherwise` where it says what it is not about.
fn names_assuming(statement: &Value, otherwise: bool) -> bool {
    let actions = each(statement.get("Action"));
    if actions.is_empty() {
        return otherwise;
    }
    actions.into_iter().filter_map(Value::as_str).any(|action| matches("sts:assumerole", &action.to_ascii_lowercase()))
}

/// Whether a pattern with `*` and `?` is about a text.
fn matches(text: &str, pattern: &str) -> bool {
    match (pattern.split_at_checked(1), text.split_at_checked(1)) {
        (None, _) => text.is_empty(),
        (Some(("*", rest)), letter) => {
            matches(text, rest) || letter.is_some_and(|(_, following)| matches(following, pattern))
        }
        (Some((wanted, rest)), Some((letter, following))) => {
            (wanted == "?" || wanted == letter) && matches(following, rest)
        }
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(effect: &str, principal: &Value, action: &Value) -> Value {
        json!({"Effect": effect, "Principal": principal, "Action": action})
    }

    #[test]
    fn every_way_to_trust_the_tasks_of_ecs_is_known() {
        let tasks = json!({"Service": "ecs-tasks.amazonaws.com"});
        let assume = json!("sts:AssumeRole");
        let ec2 = json!({"Service": "ec2.amazonaws.com"});
        let absent = |services: &[&str]| Trust::Absent(services.iter().map(|it| (*it).to_owned()).collect());
        let with = |mut statement: Value, field: &str, value: Value| {
            statement.as_object_mut().and_then(|fields| fields.insert(field.to_owned(), value));
            statement
        };
        let condition = json!({"StringEquals": {"aws:SourceAccount": "123456789012"}});
        for (nth, (statement, expected)) in [
            (one("Allow", &tasks, &assume), Trust::Given),
            (json!([one("Allow", &ec2, &assume), one("Allow", &tasks, &assume)]), Trust::Given),
            (
                one("Allow", &json!({"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}), &assume),
                Trust::Given,
            ),
            (one("Allow", &json!({"Service": "ecs-tasks.amazonaws.com.cn"}), &assume), Trust::Given),
            (one("Allow", &tasks, &json!(["sts:TagSession", "sts:AssumeRole"])), Trust::Given),
            (one("Allow", &tasks, &json!("STS:assume*")), Trust::Given),
            (one("Allow", &tasks, &json!("sts:AssumeRol?")), Trust::Given),
            (one("Allow", &tasks, &json!("*")), Trust::Given),
            (one("Allow", &json!("*"), &assume), Trust::Given),
            (one("Allow", &json!({"AWS": "*"}), &assume), Trust::Given),
            (json!({"Effect": "Allow", "NotPrincipal": ec2, "Action": "sts:AssumeRole"}), Trust::Given),
            (json!({"Effect": "Allow", "Principal": tasks, "NotAction": "iam:*"}), Trust::Given),
            (with(one("Allow", &tasks, &assume), "Condition", condition.clone()), Trust::Given),
            (one("Allow", &ec2, &assume), absent(&["ec2.amazonaws.com"])),
            (one("Allow", &json!({"Service": "ecs.amazonaws.com"}), &assume), absent(&["ecs.amazonaws.com"])),
            (one("Allow", &json!({"AWS": "arn:aws:iam::123456789012:root"}), &assume), absent(&[])),
            (one("Allow", &tasks, &json!("sts:AssumeRoleWithWebIdentity")), absent(&["ecs-tasks.amazonaws.com"])),
            (one("Allow", &tasks, &json!("sts:TagSession")), absent(&["ecs-tasks.amazonaws.com"])),
            (json!([one("Allow", &tasks, &assume), one("Deny", &tasks, &assume)]), Trust::Refused),
            (
                json!([one("Allow", &tasks, &assume), with(one("Deny", &json!("*"), &assume), "Condition", condition)]),
                Trust::Given,
            ),
            (json!([one("Allow", &tasks, &assume), one("Deny", &ec2, &assume)]), Trust::Given),
            (json!([]), Trust::Unreadable),
        ]
        .into_iter()
        .enumerate()
        {
            let policy = json!({"Version": "2012-10-17", "Statement": statement});
            assert_eq!(judge(&policy), expected, "{nth}: {statement}");
        }
        assert_eq!(judge(&Value::Null), Trust::Unreadable);
    }
}
