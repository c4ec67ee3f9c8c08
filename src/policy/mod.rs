//! What the role of a job must be allowed, and who may have it: the policies that `ecs-deploy policy` prints. Pure: AWS
//! is not asked, so what only AWS knows is as wide as it must be, and said.

mod needs;
mod resources;
mod scope;
mod trust;

use serde_json::{Value, json};

use self::needs::STATEMENTS;
pub use self::scope::Scope;
pub use self::trust::trust;

/// A policy, and what is to be known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The policy's document.
    pub document: Value,
    /// What stands in it for something that is not known, and how to tell it.
    pub remarks: Vec<String>,
}

/// A policy of a role has so many letters at most, white space not counted.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const LONGEST: usize = 10_240;

/// What a role must be allowed for just what the inputs ask for.
pub fn permissions(scope: &Scope<'_>) -> Policy {
    let statement = |it: &needs::Statement| {
        let actions: Vec<&str> =
            it.actions.iter().filter(|(_, is_needed)| is_needed(scope)).map(|(action, _)| *action).collect();
        let resources = (it.resources)(scope);
        if actions.is_empty() || resources.is_empty() {
            return None;
        }
        let mut statement = json!({"Sid": it.sid, "Effect": "Allow", "Action": one_or_more(actions)});
        let fields = statement.as_object_mut()?;
        fields.insert("Resource".to_owned(), one_or_more(resources));
        if let Some((operator, key, value)) = (it.condition)(scope) {
            fields.insert("Condition".to_owned(), json!({operator: {key: value}}));
        }
        Some(statement)
    };
    let statements: Vec<Value> = STATEMENTS.iter().filter_map(statement).collect();
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let mut remarks = scope.remarks();
    let length = document.to_string().chars().filter(|letter| !letter.is_whitespace()).count();
    if length > LONGEST {
        remarks.push(format!("It has {length} letters; a policy inside a role has {LONGEST} at most: split it."));
    }
    Policy { document, remarks }
}

/// IAM takes a single value alone, and it reads better.
fn one_or_more<T: Into<Value>>(mut values: Vec<T>) -> Value {
    match values.pop() {
        Some(only) if values.is_empty() => only.into(),
        last => values.into_iter().chain(last).map(Into::into).collect::<Vec<Value>>().into(),
    }
}

#[cfg(test)]
mod tests;
