//! Whether this job may pass the roles on to the tasks: what IAM's policy simulator says, and what it cannot know.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>

use super::{Named, finding};
use crate::aws::Identity;
use crate::aws::call::CallError;
use crate::aws::iam::Simulated;
use crate::checks::{Finding, Ruling};
use crate::error::Code;

/// What is known of it.
#[derive(Debug, Default)]
pub(super) enum Passing {
    /// No role is passed on: nothing is registered.
    #[default]
    Unasked,
    /// Whose policies decide cannot be told from the identity.
    Nobody,
    /// What the simulator says of each role that is named by its ARN.
    Said(Vec<Simulated>),
    /// It could not be asked.
    Unread(CallError),
}

/// What is known of these roles.
pub(super) fn judge(roles: &[&Named], passing: &Passing, identity: &Identity) -> Ruling {
    match passing {
        Passing::Unasked => Ruling::default(),
        Passing::Unread(error) => Ruling::unread("whether this job may pass the roles to ECS", error),
        Passing::Nobody => {
            let why = format!(
                "IAM's policy simulator is asked about a user or a role, and which one `{}` stands for cannot be told",
                identity.arn
            );
            roles.iter().map(|role| unknown(role, &why)).collect()
        }
        Passing::Said(said) => roles.iter().map(|role| said_of(role, said)).collect(),
    }
}

fn unknown(role: &Named, why: &str) -> Ruling {
    Ruling::skip(format!(
        "It is not known whether this job may pass the {} `{}` to ECS: {why}.",
        role.kind,
        role.name()
    ))
}

fn said_of(role: &Named, said: &[Simulated]) -> Ruling {
    if !role.is_arn() {
        let why = format!("IAM's policy simulator takes its ARN, and `{}` has its name alone", role.field);
        return unknown(role, &why);
    }
    match said.iter().find(|said| said.role == role.text) {
        None => unknown(role, "IAM's policy simulator said nothing of it"),
        Some(said) if !said.lacks.is_empty() => {
            let keys: Vec<String> = said.lacks.iter().map(|key| format!("`{key}`")).collect();
            unknown(role, &format!("a policy asks for {}, which IAM's policy simulator does not know", keys.join(", ")))
        }
        Some(said) if said.decision == "allowed" => Ruling::default(),
        Some(said) => Ruling::found(not_passable(role, &said.decision)),
    }
}

/// The simulation knows no session policies and not all of an organization's: what it says is not certain.
fn not_passable(role: &Named, decision: &str) -> Finding {
    let arn = &role.text;
    finding(
        role,
        Code::AccessDenied,
        &format!("The role of this job may not pass the {} `{}` to ECS.", role.kind, role.name()),
        format!("IAM's policy simulator says `{decision}` for `iam:PassRole` on `{arn}`."),
        format!(
            "Allow `iam:PassRole` on `{arn}` for the role of this job, with the condition `iam:PassedToService` = \
             `ecs-tasks.amazonaws.com`."
        ),
    )
    .doubtful()
}
