//! IAM: the roles that tasks run with, whom they trust, and whether we may pass them.

use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum};
use aws_smithy_types::retry::RetryConfig;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Aws;
use super::call::CallError;

/// A role of the account.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its ARN, path included.
    pub arn: String,
    /// Its trust policy; null when it is none that could be read.
    pub trust: Value,
}

/// What IAM's policy simulator says of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// The ARN of the role that is to be passed.
    pub role: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub decision: String,
    /// The keys of conditions whose values the simulation was not told: with any, the decision says little.
    pub lacks: Vec<String>,
}

impl Aws {
    /// A role by its name, without its path; nothing when the account has none of that name.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn get_role(&self, name: &str) -> Result<Option<Role>, CallError> {
        let sent = self.iam().get_role().role_name(name).send().await;
        match sent.map_err(|error| CallError::from_sdk("iam:GetRole", &error)) {
            Ok(answer) => Ok(answer.role.map(|role| Role {
                arn: role.arn,
                trust: decoded(role.assume_role_policy_document.as_deref().unwrap_or_default()),
            })),
            Err(error) if error.code.as_deref() == Some("NoSuchEntity") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the policies of the user or role `source` say about passing these roles to the tasks of ECS.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn simulate_pass_role(&self, source: &str, roles: Vec<String>) -> Result<Vec<Simulated>, CallError> {
        let passed_to = ContextEntry::builder()
            .context_key_name("iam:PassedToService")
            .context_key_type(ContextKeyTypeEnum::String)
            .context_key_values("ecs-tasks.amazonaws.com")
            .build();
        let call = self.iam().simulate_principal_policy().policy_source_arn(source).action_names("iam:PassRole");
        let sent = call.set_resource_arns(Some(roles)).context_entries(passed_to).send().await;
        let answer = sent.map_err(|error| CallError::from_sdk("iam:SimulatePrincipalPolicy", &error))?;
        let results = answer.evaluation_results.unwrap_or_default().into_iter();
        let specific = results.flat_map(|result| result.resource_specific_results.unwrap_or_default());
        Ok(specific
            .map(|result| Simulated {
                role: result.eval_resource_name,
                decision: result.eval_resource_decision.as_str().to_owned(),
                lacks: result.missing_context_values.unwrap_or_default(),
            })
            .collect())
    }

    fn iam(&self) -> Client {
        let config = Builder::from(&self.config).timeout_config(self.briefly());
        Client::from_conf(config.retry_config(RetryConfig::standard().with_max_attempts(2)).build())
    }
}

/// A policy document as IAM hands it out: JSON, percent-encoded.
fn decoded(policy: &str) -> Value {
    serde_json::from_slice(&percent_decode_str(policy).collect::<Vec<u8>>()).unwrap_or_default()
}
