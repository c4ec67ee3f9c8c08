//! Secrets Manager and Systems Manager: which secrets and parameters there are. A value is never asked for.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::Region;
use aws_sdk_ssm::types::ParameterStringFilter;
use aws_smithy_types::retry::RetryConfig;
use serde::Deserialize;

use super::Aws;
use super::call::CallError;
use super::wire::Wire;

/// A secret of Secrets Manager, without its value.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct DescribedSecret {
    /// Its ARN, whole.
    #[serde(rename = "ARN")]
    pub arn: String,
    /// When it is to be deleted, in seconds since 1970. Nothing can read it from then on that this is set.
    #[serde(rename = "DeletedDate")]
    pub deleted_at: Option<f64>,
    /// The staging labels of each version that has any, by the version's id. A secret without a value has none.
    #[serde(rename = "VersionIdsToStages")]
    pub versions: BTreeMap<String, Vec<String>>,
}

/// The most values that a filter of `DescribeParameters` takes.
const MOST_NAMES: usize = 50;

impl Aws {
    /// What a secret is, by its ARN or name; nothing when there is none in this region.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_secret(&self, region: &str, id: &str) -> Result<Option<DescribedSecret>, CallError> {
        let config = aws_sdk_secretsmanager::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        let config = config.timeout_config(self.briefly()).retry_config(RetryConfig::standard().with_max_attempts(2));
        let wire = Wire::default();
        let call = aws_sdk_secretsmanager::Client::from_conf(config.build()).describe_secret().secret_id(id);
        let sent = call.customize().interceptor(wire.clone()).send().await;
        match wire.answer("secretsmanager:DescribeSecret", sent) {
            Err(error) if error.code.as_deref() == Some("ResourceNotFoundException") => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Those of these parameters that exist in this region.
    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html>
    ///
    /// # Errors
    /// A call failed.
    pub async fn existing_parameters(
        &self,
        region: &str,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, CallError> {
        let config = aws_sdk_ssm::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        let config = config.timeout_config(self.briefly()).retry_config(RetryConfig::standard().with_max_attempts(2));
        let client = aws_sdk_ssm::Client::from_conf(config.build());
        let names: Vec<String> = names.iter().cloned().collect();
        let mut found = BTreeSet::new();
        for names in names.chunks(MOST_NAMES) {
            let filter = ParameterStringFilter::builder().key("Name").option("Equals").set_values(Some(names.to_vec()));
            let filter = filter.build().map_err(|error| CallError::unreadable(ACTION, &error.to_string()))?;
            let mut token = None;
            loop {
                let wire = Wire::default();
                let call = client.describe_parameters().parameter_filters(filter.clone()).max_results(50);
                let call = call.set_next_token(token).customize().interceptor(wire.clone());
                let page: Parameters = wire.answer(ACTION, call.send().await)?;
                found.extend(page.parameters.into_iter().map(|parameter| parameter.name));
                token = page.next_token.filter(|token| !token.is_empty());
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }
}

const ACTION: &str = "ssm:DescribeParameters";

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Parameters {
    parameters: Vec<Parameter>,
    next_token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Parameter {
    name: String,
}
