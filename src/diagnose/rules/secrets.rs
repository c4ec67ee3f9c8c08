//! Secrets, parameters and environment files that cannot be read before the containers start.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html>

use super::{Cause, Scene, Sign, network, quoted};
use crate::error::Code;

const SECRET: &[&str] = &["secret from asm", "secrets from asm", "secrets manager", "secretsmanager", "asm:"];
const PARAMETER: &[&str] = &["secrets from ssm", "ssm parameter", "parameters from ssm", "parameter store"];
const NO_WAY: &[&str] = &[
    "connection issue",
    "context deadline exceeded",
    "i/o timeout",
    "requestcanceled",
    "request canceled",
    "connection refused",
    "no such host",
    "network is unreachable",
];

fn is_secret(sign: &Sign<'_>) -> bool {
    sign.says_any(SECRET)
}

fn is_parameter(sign: &Sign<'_>) -> bool {
    sign.says_any(PARAMETER)
}

/// The secret or parameter that the sentence names; else the only one of the task definition.
fn named(sign: &Sign<'_>, scene: &Scene<'_>) -> Option<String> {
    let said = sign.arn("secretsmanager").or_else(|| sign.arn("ssm")).map(str::to_owned);
    said.or_else(|| match scene.secrets().as_slice() {
        [only] => Some(without_key(only)),
        _ => None,
    })
}

/// The ARN of a secret without the JSON key and version that `valueFrom` may add.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html>
fn without_key(value_from: &str) -> String {
    if value_from.contains(":secretsmanager:") {
        return value_from.split(':').take(7).collect::<Vec<_>>().join(":");
    }
    value_from.to_owned()
}

fn in_words(sign: &Sign<'_>, scene: &Scene<'_>, kind: &str) -> String {
    named(sign, scene).map_or_else(|| format!("one of its {kind}s"), |name| format!("the {kind} {}", quoted(&name)))
}

/// The secret is there, the key in it is not.
pub fn key_missing<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["did not contain json key", "does not contain json key"]).then(|| {
        let key = sign.after("contain json key ", &[' ', ',']).map(|key| key.trim_matches(['"', '\'', '.']));
        let key = key
            .map_or_else(|| "the JSON key that is asked for".to_owned(), |key| format!("the JSON key {}", quoted(key)));
        let secret = in_words(sign, scene, "secret");
        Cause::certain(
            Code::SecretKeyMissing,
            format!("cannot start: {secret} does not have {key}."),
            format!("Add {key} to {secret}, or correct the part after the ARN in `valueFrom`."),
        )
        .for_ever()
    })
}

/// The execution role may not read or decrypt.
pub fn denied<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let denied = sign.says_any(&["accessdenied", "not authorized to perform", "access to kms is not allowed"]);
    ((is_secret(sign) || is_parameter(sign)) && denied).then(|| {
        let (kind, usual) = if is_parameter(sign) {
            ("parameter", "ssm:GetParameters")
        } else {
            ("secret", "secretsmanager:GetSecretValue")
        };
        let action = match sign.refused_action() {
            Some(action) => action,
            None if sign.says("kms") => "kms:Decrypt",
            None => usual,
        };
        let name = in_words(sign, scene, kind);
        let on = if action.starts_with("kms:") {
            sign.arn("kms").map_or_else(|| format!("the key that encrypts {name}"), quoted)
        } else {
            named(sign, scene).map_or_else(|| format!("the {kind}s of the task definition"), |arn| quoted(&arn))
        };
        Cause::certain(
            Code::SecretDenied,
            format!("cannot start: {name} may not be read."),
            format!(
                "Allow {} on {on} for {}; the task role does not count here.",
                quoted(action),
                scene.execution_role()
            ),
        )
        .for_ever()
    })
}

/// No way through the network to the store.
pub fn store_unreachable<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    ((is_secret(sign) || is_parameter(sign)) && !sign.says("accessdenied") && sign.says_any(NO_WAY)).then(|| {
        let (store, endpoint) =
            if is_parameter(sign) { ("Systems Manager", "ssm") } else { ("Secrets Manager", "secretsmanager") };
        Cause::certain(
            Code::SecretStoreUnreachable,
            format!("cannot start: the task does not reach {store}."),
            network::way_out(scene, &[endpoint]),
        )
    })
}

/// No secret of that ARN.
pub fn not_found<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let absent = ["resourcenotfoundexception", "can't find the specified secret"];
    (is_secret(sign) && sign.says_any(&absent)).then(|| {
        let secret = in_words(sign, scene, "secret");
        Cause::certain(
            Code::SecretNotFound,
            format!("cannot start: {secret} does not exist, or not in that region."),
            format!(
                "Correct `valueFrom`: the full ARN of {secret}, with its region and the six characters at its end."
            ),
        )
        .for_ever()
    })
}

/// No parameter of that name.
pub fn parameter_not_found<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let absent = ["invalid ssm parameters", "invalid parameters", "parameternotfound"];
    (is_parameter(sign) && sign.says_any(&absent)).then(|| {
        let name = sign.after("invalid ssm parameters: ", &[' ', ',', ']']);
        let name = name.or_else(|| sign.after("invalid parameters: ", &[' ', ',', ']']));
        let name = name.map(|name| name.trim_matches(['[', '.', '"', '\''])).map(str::to_owned);
        let name = name.or_else(|| named(sign, scene));
        let name =
            name.map_or_else(|| "one of its parameters".to_owned(), |name| format!("the parameter {}", quoted(&name)));
        Cause::certain(
            Code::ParameterNotFound,
            format!("cannot start: {name} does not exist in Systems Manager, or not in that region."),
            format!("Create {name}, or correct its name in `valueFrom`; one of another region needs its full ARN."),
        )
        .for_ever()
    })
}

/// A file in S3 with environment variables.
pub fn environment_file<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["failed to download env files", "download env file"]).then(|| {
        let file = sign.arn("s3").map(str::to_owned).or_else(|| environment_files(scene));
        let file = file.map_or_else(|| "the file".to_owned(), |arn| quoted(&arn));
        let cause = Cause::certain(
            Code::EnvironmentFileUnavailable,
            "cannot start: an environment file could not be read from S3.",
            format!(
                "Check that {file} exists, and allow `s3:GetObject` on it and `s3:GetBucketLocation` on its bucket for {}.",
                scene.execution_role()
            ),
        );
        // Without an answer of S3's it may have been the network. The digits alone may be part of a request's id.
        let answers = [
            "accessdenied",
            "access denied",
            "status code: 403",
            "statuscode: 403",
            "403 forbidden",
            "nosuchkey",
            "status code: 404",
            "statuscode: 404",
            "not found",
        ];
        if sign.says_any(&answers) && !sign.is_throttled() && !sign.is_broken() {
            cause.for_ever()
        } else {
            cause.likely()
        }
    })
}

fn environment_files(scene: &Scene<'_>) -> Option<String> {
    let containers = scene.definition()?.containers();
    let files = containers.filter_map(|container| container.get("environmentFiles")?.as_array()).flatten();
    files.filter_map(|file| file.get("value")?.as_str()).map(str::to_owned).next()
}
