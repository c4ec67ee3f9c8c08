//! IAM, in its query protocol: the roles that tasks run with, whom they trust, and who may pass them.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::clock::iso;
use super::iam;
use super::sts::escape;
use super::wire::{Refusal, text};
use super::world::World;

/// The namespace of its answers.
pub(super) const SPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// A role that tasks may be given.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its ARN, path included.
    pub arn: String,
    /// Its trust policy.
    pub trust: Value,
}

/// The roles of the account, and which of them nobody may pass.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// The roles.
    pub roles: Vec<Role>,
    /// ARNs of roles that the caller's policies do not let him pass.
    pub not_passable: BTreeSet<String>,
    /// Condition keys of the caller's policies that the simulator is not told.
    pub conditions: Vec<String>,
}

/// The trust policy of a role for one AWS service.
#[must_use]
pub fn trusting(service: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "", "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})
}

impl World {
    /// Adds a role that tasks may have, by its name or ARN.
    #[must_use]
    pub fn with_role(mut self, named: &str) -> Self {
        self.add_role(named, trusting("ecs-tasks.amazonaws.com"));
        self
    }

    /// Adds a role with its trust policy, by its name or ARN; it takes the place of one of the same name.
    pub fn add_role(&mut self, named: &str, trust: Value) {
        let arn = if named.starts_with("arn:") {
            named.to_owned()
        } else {
            format!("arn:aws:iam::{}:role/{named}", self.account)
        };
        self.roles.roles.retain(|role| name(&role.arn) != name(&arn));
        self.roles.roles.push(Role { arn, trust });
    }
}

fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The inner XML of the answer to one call; none when the operation is not known here.
pub(super) fn answer(world: &World, operation: &str, form: &Value) -> Option<Result<String, Refusal>> {
    Some(match operation {
        "GetRole" => get_role(world, form),
        "SimulatePrincipalPolicy" => simulate(world, form),
        _ => return None,
    })
}

fn get_role(world: &World, form: &Value) -> Result<String, Refusal> {
    let wanted = text(form, "RoleName").unwrap_or_default();
    let role = world.roles.roles.iter().find(|role| name(&role.arn) == wanted).ok_or_else(|| {
        Refusal::new("NoSuchEntity", format!("The role with name {wanted} cannot be found.")).status(404)
    })?;
    let resource = role.arn.split_once(":role").map_or("/", |(_, resource)| resource);
    let path = resource.strip_suffix(wanted).unwrap_or("/");
    Ok(format!(
        "<Role><Path>{}</Path><RoleName>{}</RoleName><RoleId>AROAEXAMPLEEXAMPLE00</RoleId><Arn>{}</Arn>\
         <CreateDate>{}</CreateDate><AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>\
         <MaxSessionDuration>3600</MaxSessionDuration></Role>",
        escape(path),
        escape(wanted),
        escape(&role.arn),
        iso(world.now() - 5_000_000.0),
        utf8_percent_encode(&role.trust.to_string(), NON_ALPHANUMERIC),
    ))
}

fn simulate(world: &World, form: &Value) -> Result<String, Refusal> {
    let source = text(form, "PolicySourceArn").unwrap_or_default();
    let known = world.identity.roles.iter().any(|role| role.arn == source)
        || world.identity.keys.iter().any(|key| key.arn == source && source.contains(":user/"));
    if !known {
        let message = format!("The user, group or role with ARN {source} cannot be found.");
        return Err(Refusal::new("NoSuchEntity", message).status(404));
    }
    let members = |list: &str| (1..).map_while(|nth| text(form, &format!("{list}.member.{nth}"))).collect::<Vec<_>>();
    let resources = members("ResourceArns");
    let to = text(form, "ContextEntries.member.1.ContextKeyValues.member.1");
    let results: String =
        members("ActionNames").iter().map(|action| evaluated(world, action, &resources, to)).collect();
    Ok(format!("<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"))
}

/// One result for an action; it is the strictest of those for its resources.
fn evaluated(world: &World, action: &str, resources: &[&str], to: Option<&str>) -> String {
    let decision = |resource: &&str| {
        if iam::may(world, action, resource, to) && !world.roles.not_passable.contains(*resource) {
            "allowed"
        } else {
            "implicitDeny"
        }
    };
    let strictest = resources.iter().map(decision).find(|decision| *decision != "allowed").unwrap_or("allowed");
    let keys = world.roles.conditions.iter();
    let lacking = keys.map(|key| format!("<member>{}</member>", escape(key))).collect::<Vec<_>>().concat();
    let specific: Vec<String> = resources
        .iter()
        .map(|resource| {
            format!(
                "<member><EvalResourceName>{}</EvalResourceName><EvalResourceDecision>{}</EvalResourceDecision>\
                 <MissingContextValues>{lacking}</MissingContextValues></member>",
                escape(resource),
                decision(resource)
            )
        })
        .collect();
    let specific = specific.concat();
    format!(
        "<member><EvalActionName>{}</EvalActionName>\
         <EvalResourceName>arn:${{Partition}}:iam::${{Account}}:role/${{RoleNameWithPath}}</EvalResourceName>\
         <EvalDecision>{strictest}</EvalDecision><MissingContextValues/>\
         <ResourceSpecificResults>{specific}</ResourceSpecificResults></member>",
        escape(action)
    )
}
