//! `secrets-exist`: each secret and parameter that containers get is there. No value is ever asked for.

mod reference;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tokio::task::JoinSet;

use self::reference::{Here, Reference, Secret, credentials_parameter, value_from};
use super::unread::unread;
use super::{Finding, Ruling, Subject};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::aws::secrets::DescribedSecret;
use crate::error::{Code, Error};
use crate::model::reference::{HIDDEN, shown_credentials, shown_value_from};
use crate::model::task_definition::TaskDefinition;

/// A place in the task definition that names a secret or parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Use {
    /// The beginning of a sentence: ``Container `web` gets `DATABASE_URL` from``.
    who: String,
    /// The place.
    pointer: String,
    /// The text that stands there, as it may be shown.
    text: String,
    /// What it stands for, or why it stands for nothing.
    reference: Result<Reference, String>,
}

/// What AWS says, each asked once.
#[derive(Debug, Default)]
struct Known {
    /// By region and ARN or name.
    secrets: BTreeMap<(String, String), Result<Option<DescribedSecret>, CallError>>,
    /// Those that exist, by region.
    parameters: BTreeMap<String, Result<BTreeSet<String>, CallError>>,
}

/// Looks up whatever the containers get.
pub(super) async fn check(subject: &Subject<'_>, aws: &Aws) -> Ruling {
    let here = Here { partition: &aws.identity.partition, region: &aws.region, account: &aws.identity.account };
    let uses = uses(&subject.plan.definition, here);
    let known = read(&uses, aws).await;
    judge(&uses, &known, here.region)
}

fn uses(definition: &TaskDefinition, here: Here<'_>) -> Vec<Use> {
    let mut uses = Vec::new();
    for (index, container) in definition.containers().enumerate() {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let place = format!("/containerDefinitions/{index}");
        let mut list = |list: Option<&Value>, who: String, place: String| {
            for (nth, secret) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
                let field = |field: &str| secret.get(field).and_then(Value::as_str);
                let Some(text) = field("valueFrom").filter(|text| !text.is_empty()) else { continue };
                uses.push(Use {
                    who: format!("{who} gets `{}` from", field("name").unwrap_or_default()),
                    pointer: format!("{place}/{nth}/valueFrom"),
                    text: shown_value_from(text).to_owned(),
                    reference: value_from(text, here),
                });
            }
        };
        list(container.get("secrets"), format!("Container `{name}`"), format!("{place}/secrets"));
        let options = container.get("logConfiguration").and_then(|log| log.get("secretOptions"));
        let who = format!("The log driver of container `{name}`");
        list(options, who, format!("{place}/logConfiguration/secretOptions"));
        uses.extend(registry(container, name, &place, here));
    }
    uses
}

fn registry(container: &Map<String, Value>, name: &str, place: &str, here: Here<'_>) -> Option<Use> {
    let text = container.get("repositoryCredentials")?.get("credentialsParameter")?.as_str()?;
    (!text.is_empty()).then(|| Use {
        who: format!("The image of container `{name}` is pulled with"),
        pointer: format!("{place}/repositoryCredentials/credentialsParameter"),
        text: shown_credentials(text).to_owned(),
        reference: credentials_parameter(text, here),
    })
}

async fn read(uses: &[Use], aws: &Aws) -> Known {
    let (mut secrets, mut parameters) = (BTreeSet::new(), BTreeMap::<String, BTreeSet<String>>::new());
    for reference in uses.iter().filter_map(|one| one.reference.as_ref().ok()) {
        match reference {
            Reference::Secret(secret) => {
                secrets.insert((secret.region.clone(), secret.id.clone()));
            }
            Reference::Parameter { region, names } => {
                parameters.entry(region.clone()).or_default().extend(names.iter().cloned());
            }
            Reference::Hidden(_) => {}
        }
    }
    let (mut reading, mut listing) = (JoinSet::new(), JoinSet::new());
    for (region, id) in secrets {
        let aws = aws.clone();
        reading.spawn(async move {
            let described = aws.describe_secret(&region, &id).await;
            ((region, id), described)
        });
    }
    for (region, names) in parameters {
        let aws = aws.clone();
        listing.spawn(async move {
            let existing = aws.existing_parameters(&region, &names).await;
            (region, existing)
        });
    }
    let (secrets, parameters) = tokio::join!(reading.join_all(), listing.join_all());
    Known { secrets: secrets.into_iter().collect(), parameters: parameters.into_iter().collect() }
}

/// `here` is the region of the service.
fn judge(uses: &[Use], known: &Known, here: &str) -> Ruling {
    let mut ruling = Ruling::default();
    let (mut no_secret, mut no_parameter) = (Vec::new(), Vec::new());
    for one in uses {
        match &one.reference {
            Err(why) => ruling.findings.push(invalid(one, why)),
            Ok(Reference::Hidden(why)) if ruling.skipped.contains(why) => {}
            Ok(Reference::Hidden(why)) => ruling.skipped.push(why.clone()),
            Ok(Reference::Secret(secret)) => match known.secrets.get(&(secret.region.clone(), secret.id.clone())) {
                Some(Ok(Some(described))) => ruling.findings.extend(unusable(one, secret, described)),
                Some(Ok(None)) => ruling.findings.push(secret_missing(one, secret, here)),
                Some(Err(error)) => no_secret.push((secret.name().to_owned(), error)),
                None => {}
            },
            Ok(Reference::Parameter { region, names }) => match known.parameters.get(region) {
                Some(Ok(existing)) if names.iter().any(|name| existing.contains(name)) => {}
                Some(Ok(_)) => ruling.findings.push(parameter_missing(one, region, names)),
                Some(Err(error)) => no_parameter.push((names.first().cloned().unwrap_or_default(), error)),
                None => {}
            },
        }
    }
    ruling.and(unread("secret", no_secret)).and(unread("parameter", no_parameter))
}

fn finding(one: &Use, code: Code, what: &str, why: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding::new(Error::new(code, format!("{} {what}", one.who), why, fix)).at(&one.pointer)
}

fn invalid(one: &Use, why: &str) -> Finding {
    let hidden = if one.text == HIDDEN {
        " The text is not shown: it may be the secret's own value, put where its name belongs."
    } else {
        ""
    };
    finding(
        one,
        Code::SecretReferenceInvalid,
        &format!("`{}`, which is no secret and no parameter.", one.text),
        format!("ECS takes the ARN of a secret, or the ARN or name of a parameter: {why}.{hidden}"),
        "Correct it: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-XXXXXX:json-key:version-stage:version-id`, where \
         all after the name may be left out together, or `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`.",
    )
}

fn secret_missing(one: &Use, secret: &Secret, here: &str) -> Finding {
    let Secret { region, id, .. } = secret;
    let elsewhere = if region == here { String::new() } else { format!("; the service runs in {here}") };
    let found = finding(
        one,
        Code::SecretNotFound,
        &format!("the secret `{}`, which does not exist.", secret.name()),
        format!("Secrets Manager finds no `{id}` in {region}{elsewhere}."),
        "Create it, or correct its ARN: `aws secretsmanager list-secrets` shows it, with the six characters at its end.",
    );
    // What another account does not show us it may still show to the tasks.
    if secret.is_foreign { found.doubtful() } else { found }
}

fn parameter_missing(one: &Use, region: &str, names: &[String]) -> Finding {
    let hint = if one.text.starts_with("arn:") {
        "Create it, or correct its ARN."
    } else {
        "Create it, or correct its name; a parameter of another region, or a secret of Secrets Manager, needs its whole ARN."
    };
    finding(
        one,
        Code::ParameterNotFound,
        &format!("the parameter `{}`, which does not exist.", names.first().map_or("", String::as_str)),
        format!("Systems Manager has no parameter of this name in {region}."),
        hint,
    )
}

/// A secret that is there and cannot be read.
fn unusable(one: &Use, secret: &Secret, described: &DescribedSecret) -> Option<Finding> {
    let name = secret.name();
    if described.deleted_at.is_some() {
        return Some(finding(
            one,
            Code::SecretBeingDeleted,
            &format!("the secret `{name}`, which is being deleted."),
            "Secrets Manager gives out no value of a secret that is scheduled for deletion.",
            format!(
                "Name another secret, or restore it: `aws secretsmanager restore-secret --secret-id {}`.",
                described.arn
            ),
        ));
    }
    let (why, is_doubtful) = lacks_version(secret, &described.versions)?;
    let found = finding(
        one,
        Code::SecretVersionNotFound,
        &format!("a value of the secret `{name}` that does not exist."),
        why,
        "Correct the version's stage and id after the ARN, or put a value into the secret.",
    );
    Some(if is_doubtful { found.doubtful() } else { found })
}

/// Why the secret has no such value, and whether that is not certain: versions without a label are not listed.
fn lacks_version(secret: &Secret, versions: &BTreeMap<String, Vec<String>>) -> Option<(String, bool)> {
    let has = |labels: &Vec<String>, stage: &str| labels.iter().any(|label| label == stage);
    let stage = secret.stage.as_deref();
    if versions.is_empty() {
        return Some(("It seems to have no value yet.".to_owned(), true));
    }
    match (&secret.version, stage) {
        (Some(version), stage) => match (versions.get(version), stage) {
            (None, _) => Some((format!("No version `{version}` of it has a staging label."), true)),
            (Some(labels), Some(stage)) if !has(labels, stage) => {
                Some((format!("Its version `{version}` does not have the staging label `{stage}`."), false))
            }
            _ => None,
        },
        (None, stage) => {
            let stage = stage.unwrap_or("AWSCURRENT");
            let absent = !versions.values().any(|labels| has(labels, stage));
            absent.then(|| (format!("No version of it has the staging label `{stage}`."), false))
        }
    }
}

#[cfg(test)]
mod tests;
