//! What a `valueFrom` stands for.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html>
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html>

use crate::model::names::Arn;
use crate::model::reference::{odd_in_parameter, odd_in_secret};

/// A secret or parameter, as a task definition names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// A secret of Secrets Manager.
    Secret(Secret),
    /// A parameter of Systems Manager.
    Parameter {
        /// Its region.
        region: String,
        /// What it may be called: an ARN does not tell whether a name without a path begins with a slash.
        names: Vec<String>,
    },
    /// It cannot be looked up from here; why, in one sentence.
    Hidden(String),
}

/// A secret of Secrets Manager, and which of its values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Secret {
    /// Its region.
    pub region: String,
    /// Its ARN, with or without the six characters at the end, or its name.
    pub id: String,
    /// Another account's: who may see it is that account's to say.
    pub is_foreign: bool,
    /// The staging label, when one is named.
    pub stage: Option<String>,
    /// The version's id, when one is named.
    pub version: Option<String>,
}

/// Where the tasks run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here<'a> {
    pub partition: &'a str,
    pub region: &'a str,
    pub account: &'a str,
}

impl Secret {
    /// Its name, as the ARN has it.
    pub fn name(&self) -> &str {
        self.id.split_once(":secret:").map_or(self.id.as_str(), |(_, name)| name)
    }
}

/// What the `valueFrom` of a secret stands for.
///
/// # Errors
/// Half a sentence that says why it stands for nothing.
pub(super) fn value_from(text: &str, here: Here<'_>) -> Result<Reference, String> {
    if !text.starts_with("arn:") {
        return parameter(text, here.region.to_owned(), &[text.to_owned()]);
    }
    let arn = whole(text, &["secretsmanager", "ssm"], here)?;
    if arn.service == "secretsmanager" {
        let rest = arn.resource.strip_prefix("secret:");
        return secret(&arn, rest.ok_or("after the account comes `secret:` and the secret's name")?, here);
    }
    let Some(name) = arn.resource.strip_prefix("parameter/") else {
        return Ok(Reference::Hidden(format!(
            "It is not known what `{text}` stands for: Systems Manager writes `parameter/` before the name."
        )));
    };
    if is_foreign(&arn, here) {
        return Ok(Reference::Hidden(format!(
            "The parameter `{name}` belongs to account {}: it is not known from here whether it exists.",
            arn.account
        )));
    }
    let path = format!("/{name}");
    let names = if name.contains('/') { vec![path] } else { vec![name.to_owned(), path] };
    parameter(name, arn.region, &names)
}

/// What the `credentialsParameter` of a registry stands for: a secret's ARN, or its name.
///
/// # Errors
/// Half a sentence that says why it stands for nothing.
pub(super) fn credentials_parameter(text: &str, here: Here<'_>) -> Result<Reference, String> {
    if text.starts_with("arn:") {
        let arn = whole(text, &["secretsmanager"], here)?;
        let is_foreign = is_foreign(&arn, here);
        return Ok(Reference::Secret(Secret {
            id: text.to_owned(),
            region: arn.region,
            is_foreign,
            ..Secret::default()
        }));
    }
    if let Some(odd) = odd_in_secret(text) {
        return Err(format!("the name of a secret has no {odd:?}{}", placeholder(odd)));
    }
    Ok(Reference::Secret(Secret { id: text.to_owned(), region: here.region.to_owned(), ..Secret::default() }))
}

fn whole(text: &str, services: &[&str], here: Here<'_>) -> Result<Arn, String> {
    let arn = Arn::parse(text).ok_or("it is no whole ARN")?;
    if !services.contains(&arn.service.as_str()) {
        return Err(format!("it is an ARN of `{}`, not of `{}`", arn.service, services.join("` or `")));
    }
    let is_region = |region: &str| {
        !region.is_empty() && region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if !is_region(&arn.region) {
        return Err(format!("where the region stands, it has `{}`", arn.region));
    }
    if arn.account.len() != 12 || !arn.account.chars().all(|c| c.is_ascii_digit()) {
        return Err(format!("where the account stands, it has `{}`", arn.account));
    }
    if !here.partition.is_empty() && arn.partition != here.partition {
        return Err(format!("it is of the partition `{}`, and the tasks run in `{}`", arn.partition, here.partition));
    }
    Ok(arn)
}

fn is_foreign(arn: &Arn, here: Here<'_>) -> bool {
    !here.account.is_empty() && arn.account != here.account
}

/// `rest` is the secret's name, and what may follow: a JSON key, a staging label and a version's id, each of which may be
/// empty, but not absent.
fn secret(arn: &Arn, rest: &str, here: Here<'_>) -> Result<Reference, String> {
    let parts: Vec<&str> = rest.split(':').collect();
    let (name, stage, version) = match parts.as_slice() {
        [name] => (*name, "", ""),
        [name, _key, stage, version] => (*name, *stage, *version),
        _ => {
            return Err(format!(
                "after the secret's name come `:json-key:version-stage:version-id`, empty ones too, so three colons or \
                 none; it has {}",
                parts.len().saturating_sub(1)
            ));
        }
    };
    if name.is_empty() {
        return Err("it has no name of a secret".to_owned());
    }
    let given = |part: &str| Some(part.to_owned()).filter(|part| !part.is_empty());
    let id = Arn { resource: format!("secret:{name}"), ..arn.clone() }.to_string();
    Ok(Reference::Secret(Secret {
        region: arn.region.clone(),
        id,
        is_foreign: is_foreign(arn, here),
        stage: given(stage),
        version: given(version),
    }))
}

/// `text` is the name, and what may follow: `:` and a version or a label. Of what is no such name, which may be a secret,
/// no more than one character is told.
fn parameter(text: &str, region: String, names: &[String]) -> Result<Reference, String> {
    let bare = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    let name = bare(text);
    if let Some(odd) = odd_in_parameter(text) {
        let part = if name.is_empty() || odd_in_parameter(&name).is_some() { "name" } else { "version or label" };
        return Err(format!("the {part} of a parameter has no {odd:?}{}", placeholder(odd)));
    }
    let path = format!("/{}", name.trim_start_matches('/'));
    if path.starts_with("/aws/") || names.iter().any(|name| name.contains("//")) {
        // AWS's own parameters, and secrets under a parameter's name.
        return Ok(Reference::Hidden(format!(
            "The parameter `{name}` is not one that `ssm:DescribeParameters` lists: it is not known whether it exists."
        )));
    }
    Ok(Reference::Parameter { region, names: names.iter().map(|name| bare(name)).collect() })
}

/// What an odd character may come from.
fn placeholder(odd: char) -> &'static str {
    if "<>${}%".contains(odd) { " (a placeholder that was not replaced?)" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Here<'_> = Here { partition: "aws", region: "eu-central-1", account: "123456789012" };

    fn told(text: &str) -> String {
        match value_from(text, HERE) {
            Ok(Reference::Secret(Secret { region, id, is_foreign, stage, version })) => {
                let foreign = if is_foreign { " of another account" } else { "" };
                format!("secret{foreign} in {region}: {id}, {stage:?}, {version:?}")
            }
            Ok(Reference::Parameter { region, names }) => format!("parameter in {region}: {}", names.join(" or ")),
            Ok(Reference::Hidden(why)) => format!("hidden: {why}"),
            Err(why) => format!("wrong: {why}"),
        }
    }

    #[test]
    fn every_way_to_name_a_secret_is_read_as_ecs_reads_it() {
        let secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:";
        let parameter = "arn:aws:ssm:eu-central-1:123456789012:parameter";
        let rows = [
            format!("{secret}shop/database-AbCdEf"),
            format!("{secret}shop/database"),
            format!("{secret}database-AbCdEf:url::"),
            format!("{secret}database-AbCdEf:::"),
            format!("{secret}database-AbCdEf:url:AWSPREVIOUS:"),
            format!("{secret}database-AbCdEf::AWSPENDING:9d4cb84b"),
            format!("{secret}database-AbCdEf:url"),
            format!("{secret}database-AbCdEf:url:"),
            format!("{secret}database-AbCdEf:url:::"),
            secret.to_owned(),
            secret.trim_end_matches(':').to_owned(),
            secret.replace("eu-central-1", "us-east-1") + "database-AbCdEf",
            secret.replace("123456789012", "210987654321") + "database-AbCdEf",
            secret.replace("123456789012", "${ACCOUNT}") + "database-AbCdEf",
            secret.replace("123456789012", "12345678901") + "database-AbCdEf",
            secret.replace("eu-central-1", "") + "database-AbCdEf",
            secret.replace("arn:aws:", "arn:aws-cn:") + "database-AbCdEf",
            format!("{parameter}/shop/token"),
            format!("{parameter}/token"),
            format!("{parameter}/shop/token:3"),
            format!("{parameter}:token"),
            parameter.replace("123456789012", "210987654321") + "/token",
            parameter.replace("eu-central-1", "us-east-1") + "/shop/token",
            "token".to_owned(),
            "/shop/token".to_owned(),
            "token:prod".to_owned(),
            "mongodb://me:hunter2@db/shop".to_owned(),
            "${TOKEN}".to_owned(),
            "a token".to_owned(),
            "/aws/reference/secretsmanager/database".to_owned(),
            format!("{parameter}/aws/service/ami"),
            format!("{parameter}//shop/token"),
            "arn:aws:s3:::bucket/key".to_owned(),
            "arn:aws:kms:eu-central-1:123456789012:key/1".to_owned(),
            "arn:aws".to_owned(),
        ];
        let table: Vec<String> = rows.iter().map(|row| format!("{row}\n  {}", told(row))).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn a_registry_takes_a_secret_by_its_name_too() {
        let of = |text| credentials_parameter(text, HERE);
        let named = Secret { id: "dockerhub".into(), region: "eu-central-1".into(), ..Secret::default() };
        assert_eq!(of("dockerhub"), Ok(Reference::Secret(named)));
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:dockerhub-AaBbCc";
        let whole = Secret { id: arn.into(), region: "us-east-1".into(), ..Secret::default() };
        assert_eq!(of(arn), Ok(Reference::Secret(whole)));
        assert!(of("arn:aws:ssm:eu-central-1:123456789012:parameter/dockerhub").is_err());
        assert_eq!(of("me:hunter2"), Err("the name of a secret has no ':'".to_owned()));
    }
}
