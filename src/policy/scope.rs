//! What a policy is for: the inputs, the run, and the task definition where it is known.

use std::collections::BTreeSet;

use crate::inputs::runner::Runner;
use crate::inputs::{Check, Inputs, Level, Mode, OnCancel, OnConcurrent, OnFailure, Role, Source};
use crate::model::names::{Arn, short_name};
use crate::model::task_definition::TaskDefinition;

/// Stands for the account when nothing names it.
const ACCOUNT: &str = "ACCOUNT_ID";

/// What a policy is for.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// What the user asked.
    pub inputs: &'a Inputs,
    /// The run.
    pub runner: &'a Runner,
    /// The rendered task definition; none when it is no file, so that only AWS knows it.
    pub definition: Option<&'a TaskDefinition>,
}

impl Scope<'_> {
    /// The account: that of an ARN among the inputs, or the only one that is allowed.
    pub(super) fn account(&self) -> String {
        self.known_account().unwrap_or_else(|| ACCOUNT.to_owned())
    }

    fn known_account(&self) -> Option<String> {
        let allowed = match self.inputs.credentials.allowed_account_ids.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        self.arns().map(|arn| arn.account).find(|account| !account.is_empty()).or(allowed)
    }

    /// `aws`, or that of the region's own partition.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
    pub(super) fn partition(&self) -> String {
        self.arns().next().map_or_else(|| partition_of(&self.inputs.region).to_owned(), |arn| arn.partition)
    }

    fn arns(&self) -> impl Iterator<Item = Arn> {
        let role = match &self.inputs.credentials.role {
            Some(Role::Arn(arn)) => Some(arn.as_str()),
            _ => None,
        };
        let deploy = &self.inputs.deploy;
        [role, deploy.service.as_deref(), Some(deploy.cluster.as_str())].into_iter().flatten().filter_map(Arn::parse)
    }

    /// An ARN of this account and region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        self.arn_in(&self.inputs.region, service, resource)
    }

    /// An ARN of this account.
    pub(super) fn arn_in(&self, region: &str, service: &str, resource: &str) -> String {
        let (partition, account) = (self.partition(), self.account());
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// The cluster's name.
    pub(super) fn cluster(&self) -> &str {
        short_name(&self.inputs.deploy.cluster)
    }

    /// The service's name.
    pub(super) fn service(&self) -> Option<&str> {
        self.inputs.deploy.service.as_deref().map(short_name)
    }

    /// `mode: deploy`.
    pub(super) fn deploys(&self) -> bool {
        self.inputs.deploy.mode == Mode::Deploy
    }

    /// `mode: plan`.
    pub(super) fn plans(&self) -> bool {
        self.inputs.deploy.mode == Mode::Plan
    }

    /// `mode: rollback`, which chooses the revision itself.
    pub(super) fn goes_back(&self) -> bool {
        self.inputs.deploy.mode == Mode::Rollback
    }

    /// The revision to go back to is named.
    pub(super) fn names_the_way_back(&self) -> bool {
        matches!(self.inputs.definition.source, Source::Registered(_))
    }

    /// Something about a service is changed.
    pub(super) fn moves(&self) -> bool {
        self.service().is_some() && !self.plans()
    }

    /// CodeDeploy moves the tasks. Only AWS knows; the inputs for it say so.
    pub(super) fn by_code_deploy(&self) -> bool {
        self.service().is_some() && self.inputs.deploy.code_deploy.is_given()
    }

    /// The deployment is followed to its end.
    pub(super) fn follows(&self) -> bool {
        self.moves() && self.inputs.wait.enabled
    }

    /// This run may have to ask for the way back.
    pub(super) fn may_undo(&self) -> bool {
        let asked = self.inputs.deploy.on_failure == OnFailure::Rollback && self.inputs.wait.enabled;
        self.deploys() && self.moves() && (asked || self.inputs.deploy.on_cancel == OnCancel::Rollback)
    }

    /// Another deployment may have to be stopped for ours.
    pub(super) fn may_replace(&self) -> bool {
        self.moves() && self.inputs.deploy.on_concurrent == OnConcurrent::Replace
    }

    /// ECS updates the service, or would.
    pub(super) fn updates(&self) -> bool {
        self.service().is_some() && (!self.by_code_deploy() || self.changes_settings())
    }

    /// Settings of the service are given that ECS takes for a service which CodeDeploy moves.
    fn changes_settings(&self) -> bool {
        let deploy = &self.inputs.deploy;
        deploy.desired_count.is_some() || deploy.enable_ecs_managed_tags.is_some() || deploy.propagate_tags.is_some()
    }

    /// The check is on.
    pub(super) fn checks(&self, check: Check) -> bool {
        self.inputs.checks.level(check) != Level::Off
    }

    /// The revision has tags, or may have those of the revision that it comes from.
    pub(super) fn has_tags(&self) -> bool {
        let tags = |definition: &TaskDefinition| {
            definition.0.get("tags").and_then(|tags| tags.as_array()).is_some_and(|tags| !tags.is_empty())
        };
        !self.inputs.definition.tags.is_empty() || self.definition.is_none_or(tags)
    }

    /// What stands in the policy for something that is not known.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks: Vec<String> = self.account_remark().into_iter().collect();
        if self.definition.is_none() {
            let why =
                if self.goes_back() { "Which revision is gone back to" } else { "What the task definition holds" };
            remarks.push(format!(
                "{why} is not known without asking AWS: the policy allows every role, repository, log group and secret \
                 in their place. Narrow it{}.",
                if self.goes_back() { "" } else { ", or give `task-definition` with a file" }
            ));
        }
        remarks
    }

    /// That the account is not known.
    pub(super) fn account_remark(&self) -> Option<String> {
        let allowed: BTreeSet<&String> = self.inputs.credentials.allowed_account_ids.iter().collect();
        let because = if allowed.len() > 1 { "`allowed-account-ids` has several" } else { "no input names it" };
        self.known_account().is_none().then(|| {
            format!("`{ACCOUNT}` stands for the account, since {because}: give `role-to-assume` with the role's ARN.")
        })
    }
}

/// The partition of a region.
fn partition_of(region: &str) -> &'static str {
    let known = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-iso-", "aws-iso"),
        ("eusc-", "aws-eusc"),
    ];
    known.into_iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}
