//! `roles`: the task's roles exist, ECS may assume them for tasks, and this job may pass them on.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html>

mod needs;
mod passing;
mod source;
mod trust;

use std::collections::{BTreeMap, BTreeSet};

use tokio::task::JoinSet;

use self::passing::Passing;
use self::trust::Trust;
use super::unread::unread;
use super::{Finding, Ruling, Subject};
use crate::aws::call::CallError;
use crate::aws::iam::Role;
use crate::aws::{Aws, Identity};
use crate::error::{Code, Error};
use crate::inputs::Mode;
use crate::model::names::{Arn, short_name};
use crate::model::task_definition::TaskDefinition;
use crate::plan::Step;

/// A role that the task definition names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    /// `taskRoleArn` or `executionRoleArn`.
    field: &'static str,
    /// The same in words.
    kind: &'static str,
    /// What stands there: an ARN or a bare name.
    text: String,
}

/// What IAM says, each role asked once.
#[derive(Debug, Default)]
struct Known {
    /// The roles, by name.
    roles: BTreeMap<String, Result<Option<Role>, CallError>>,
    /// Whether they may be passed.
    passing: Passing,
}

impl Named {
    fn name(&self) -> &str {
        short_name(&self.text)
    }

    fn is_arn(&self) -> bool {
        self.text.starts_with("arn:")
    }

    /// Whether IAM can be asked for it: a well-formed role of this account.
    fn is_ours(&self, identity: &Identity) -> bool {
        is_role_name(self.name())
            && (!self.is_arn()
                || Arn::parse(&self.text).is_some_and(|arn| is_role(&arn) && arn.account == identity.account))
    }
}

/// Asks for all of it at once.
pub(super) async fn check(subject: &Subject<'_>, aws: &Aws) -> Ruling {
    let named = named(&subject.plan.definition);
    // A plan registers nothing, and the role that it is given on a pull request is not the one that will.
    let registers = subject.inputs.deploy.mode != Mode::Plan
        && subject.plan.steps.iter().any(|step| matches!(step, Step::RegisterTaskDefinition { .. }));
    let source = source::source(&aws.identity, subject.inputs.credentials.role.as_ref());
    let mut known = read(&named, source.as_deref().filter(|_| registers), aws).await;
    if registers && source.is_none() {
        known.passing = Passing::Nobody;
    }
    let needed = needs::execution_role(&subject.plan.definition);
    judge(&named, &known, &aws.identity).and(Ruling { findings: needed.into_iter().collect(), ..Ruling::default() })
}

fn named(definition: &TaskDefinition) -> Vec<Named> {
    let fields = [("executionRoleArn", "execution role"), ("taskRoleArn", "task role")];
    let named = fields.map(|(field, kind)| {
        let text = definition.text(field).filter(|text| !text.is_empty())?.to_owned();
        Some(Named { field, kind, text })
    });
    named.into_iter().flatten().collect()
}

async fn read(named: &[Named], source: Option<&str>, aws: &Aws) -> Known {
    let ours = || named.iter().filter(|role| role.is_ours(&aws.identity));
    let asked: BTreeSet<String> = ours().map(|role| role.name().to_owned()).collect();
    // The ARN of a role that is named alone is not known: it may have a path.
    let arns: BTreeSet<String> = ours().filter(|role| role.is_arn()).map(|role| role.text.clone()).collect();
    let mut reading = JoinSet::new();
    for name in asked {
        let aws = aws.clone();
        reading.spawn(async move {
            let role = aws.get_role(&name).await;
            (name, role)
        });
    }
    let passing = async {
        match source {
            None => Passing::Unasked,
            Some(_) if arns.is_empty() => Passing::Said(Vec::new()),
            Some(source) => match aws.simulate_pass_role(source, arns.iter().cloned().collect()).await {
                Ok(said) => Passing::Said(said),
                Err(error) => Passing::Unread(error),
            },
        }
    };
    let (roles, passing) = tokio::join!(reading.join_all(), passing);
    Known { roles: roles.into_iter().collect(), passing }
}

fn judge(named: &[Named], known: &Known, identity: &Identity) -> Ruling {
    let mut ruling = Ruling::default();
    let mut failed = Vec::new();
    for role in named {
        match known.roles.get(role.name()) {
            Some(Ok(found)) => ruling = ruling.and(found_or_not(role, found.as_ref(), identity)),
            Some(Err(error)) => failed.push((role.name().to_owned(), error)),
            None => ruling.findings.push(not_ours(role, identity)),
        }
    }
    // What is not there is told already.
    let is_missing = |role: &&Named| matches!(known.roles.get(role.name()), None | Some(Ok(None)));
    let there: Vec<&Named> = named.iter().filter(|role| !is_missing(role)).collect();
    ruling.and(unread("role", failed)).and(passing::judge(&there, &known.passing, identity))
}

fn finding(role: &Named, code: Code, what: &str, why: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding::new(Error::new(code, what, why, fix)).at(format!("/{}", role.field))
}

/// A role that IAM was asked for.
fn found_or_not(role: &Named, found: Option<&Role>, identity: &Identity) -> Ruling {
    let Named { field, kind, text } = role;
    let missing = |why: String| {
        let what = format!("The {kind} `{}` does not exist.", role.name());
        finding(role, Code::RoleNotFound, &what, why, format!("Create it, or correct `{field}`."))
    };
    let Some(found) = found else {
        return Ruling::found(missing(format!("IAM has no role of this name in account {}.", identity.account)));
    };
    if role.is_arn() && found.arn != *text {
        return Ruling::found(missing(format!("It has another ARN: `{}`.", found.arn)));
    }
    let refused = |says: String| {
        finding(
            role,
            Code::RoleNotAssumable,
            &format!("ECS may not assume the {kind} `{}`.", role.name()),
            says,
            format!(
                "Add to the trust policy of `{}`: `{{\"Effect\": \"Allow\", \"Principal\": {{\"Service\": \
                 \"ecs-tasks.amazonaws.com\"}}, \"Action\": \"sts:AssumeRole\"}}`.",
                role.name()
            ),
        )
    };
    match trust::judge(&found.trust) {
        Trust::Given => Ruling::default(),
        Trust::Unreadable => Ruling::skip(format!(
            "It is not known whom the role `{}` trusts: its trust policy is not readable.",
            role.name()
        )),
        Trust::Refused => {
            let why = "A statement of its trust policy with the effect Deny is about `ecs-tasks.amazonaws.com`.";
            Ruling::found(refused(why.to_owned()).doubtful())
        }
        Trust::Absent(others) if others.is_empty() => {
            Ruling::found(refused("Its trust policy lets no service assume it.".to_owned()))
        }
        Trust::Absent(others) => {
            let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
            let others = others.join(", ");
            Ruling::found(refused(format!("Its trust policy names {others}, and not `ecs-tasks.amazonaws.com`.")))
        }
    }
}

/// A role that IAM could not be asked for.
fn not_ours(role: &Named, identity: &Identity) -> Finding {
    let Named { field, kind, text } = role;
    let other = Arn::parse(text).filter(is_role).map(|arn| arn.account);
    match other.filter(|account| *account != identity.account) {
        Some(account) => finding(
            role,
            Code::RoleNotAssumable,
            &format!("The {kind} `{}` belongs to another account.", role.name()),
            format!("It is a role of account {account}, and the tasks run in {}.", identity.account),
            format!("Name a role of account {} in `{field}`.", identity.account),
        )
        .doubtful(),
        None => finding(
            role,
            Code::RoleNotFound,
            &format!("The {kind} `{text}` is not one that a role can be."),
            "ECS takes the ARN of a role, `arn:aws:iam::ACCOUNT:role/NAME`, or its name.",
            format!("Correct `{field}`."),
        ),
    }
}

fn is_role(arn: &Arn) -> bool {
    arn.service == "iam" && arn.resource.starts_with("role/")
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>
fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

#[cfg(test)]
mod tests;
