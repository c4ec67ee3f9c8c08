//! Secrets Manager and Systems Manager's parameters: what exists, in which region. No value is ever handed out.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::wire::{Answered, Refusal, list, text, texts};
use super::world::World;

/// The characters that Secrets Manager puts at the end of an ARN: a hyphen and six more.
const SUFFIX: usize = 7;

/// A secret of Secrets Manager.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Its ARN, with the six characters at the end.
    pub arn: String,
    /// The staging labels of each version that has any, by the version's id.
    pub versions: BTreeMap<String, Vec<String>>,
    /// When it is to be deleted, in seconds since 1970.
    pub deleted: Option<f64>,
}

impl Secret {
    fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or_default()
    }

    fn name(&self) -> &str {
        let last = self.arn.split(':').nth(6).unwrap_or_default();
        last.get(..last.len().saturating_sub(SUFFIX)).unwrap_or_default()
    }

    /// Whether a request means this secret: by its name, its ARN, or its ARN without the end.
    fn is(&self, id: &str) -> bool {
        let stem = self.arn.get(..self.arn.len().saturating_sub(SUFFIX)).unwrap_or_default();
        if id.starts_with("arn:") { id == self.arn || id == stem } else { id == self.name() }
    }
}

/// Every secret and every parameter, in whichever region.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The secrets.
    pub secrets: Vec<Secret>,
    /// The parameters, by region and name.
    pub parameters: BTreeSet<(String, String)>,
}

impl Secrets {
    /// Whether a service of the two is used in this region.
    #[must_use]
    pub fn has_region(&self, service: &str, region: &str) -> bool {
        match service {
            "secretsmanager" => self.secrets.iter().any(|secret| secret.region() == region),
            _ => self.parameters.iter().any(|(other, _)| other == region),
        }
    }
}

impl World {
    /// Adds a secret with a current value; the ARN has the six characters at its end.
    #[must_use]
    pub fn with_secret(mut self, arn: &str) -> Self {
        self.add_secret(arn);
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with_parameter(mut self, region: &str, name: &str) -> Self {
        self.secrets.parameters.insert((region.into(), name.into()));
        self
    }

    /// The same as [`World::with_secret`], in the middle of a story.
    pub fn add_secret(&mut self, arn: &str) {
        if self.secrets.secrets.iter().all(|known| known.arn != arn) {
            let versions =
                BTreeMap::from([("a1b2c3d4-5678-90ab-cdef-example11111".to_owned(), vec!["AWSCURRENT".into()])]);
            self.secrets.secrets.push(Secret { arn: arn.into(), versions, deleted: None });
        }
    }
}

/// The answer to one call of either service; `region` is the one it was sent to.
pub(super) fn answer(world: &World, operation: &str, input: &Value, region: &str) -> Option<Answered> {
    Some(match operation {
        "DescribeSecret" => describe_secret(world, input, region),
        "DescribeParameters" => describe_parameters(world, input, region),
        _ => return None,
    })
}

fn describe_secret(world: &World, input: &Value, region: &str) -> Answered {
    let id = text(input, "SecretId").unwrap_or_default();
    let found = world.secrets.secrets.iter().find(|secret| secret.region() == region && secret.is(id));
    let secret = found
        .ok_or_else(|| Refusal::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret."))?;
    let mut answer = json!({"ARN": secret.arn, "Name": secret.name(), "CreatedDate": world.now() - 5_000_000.0});
    if let Some(answer) = answer.as_object_mut() {
        if !secret.versions.is_empty() {
            answer.insert("VersionIdsToStages".into(), json!(secret.versions));
        }
        if let Some(deleted) = secret.deleted {
            answer.insert("DeletedDate".into(), json!(deleted));
        }
    }
    Ok(answer)
}

fn describe_parameters(world: &World, input: &Value, region: &str) -> Answered {
    let invalid = |message: &str| Refusal::new("ValidationException", message);
    let filters = list(input, "ParameterFilters");
    let mut found: Vec<&str> =
        world.secrets.parameters.iter().filter(|(other, _)| other == region).map(|(_, name)| name.as_str()).collect();
    for filter in filters {
        if (text(filter, "Key"), text(filter, "Option")) != (Some("Name"), Some("Equals")) {
            return Err(Refusal::new(
                "InvalidFilterKey",
                "This stage knows the filter Name with the option Equals only.",
            ));
        }
        let values = texts(filter, "Values");
        if !(1..=50).contains(&values.len()) {
            return Err(invalid(
                "Value at 'values' failed to satisfy constraint: Member must have length less than or equal to 50",
            ));
        }
        found.retain(|name| values.iter().any(|value| value == name));
    }
    let limit = input.get("MaxResults").and_then(Value::as_u64).unwrap_or(10);
    if !(1..=50).contains(&limit) {
        return Err(invalid(
            "Value at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50",
        ));
    }
    let begin: usize = match text(input, "NextToken") {
        Some(token) => token.parse().map_err(|_| Refusal::new("InvalidNextToken", "The token is not valid."))?,
        None => 0,
    };
    let end = begin.saturating_add(usize::try_from(limit).unwrap_or(50)).min(found.len());
    let parameters: Vec<Value> =
        found.get(begin..end).unwrap_or_default().iter().map(|name| described(world, region, name)).collect();
    let mut answer = json!({"Parameters": parameters});
    if let (true, Some(answer)) = (end < found.len(), answer.as_object_mut()) {
        answer.insert("NextToken".into(), end.to_string().into());
    }
    Ok(answer)
}

fn described(world: &World, region: &str, name: &str) -> Value {
    let arn = format!("arn:aws:ssm:{region}:{}:parameter/{}", world.account, name.trim_start_matches('/'));
    json!({
        "Name": name, "ARN": arn, "Type": "SecureString", "KeyId": "alias/aws/ssm", "Version": 1, "Tier": "Standard",
        "LastModifiedDate": world.now() - 5_000_000.0, "DataType": "text",
    })
}
