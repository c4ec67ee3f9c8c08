//! Signature Version 4, from AWS's side: is the request signed, by a key that is known, for this service and region?
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::identity::Key;
use super::wire::{Asked, Refusal, pairs, speaks_query};
use super::world::World;

/// What stands in an `Authorization` header.
struct Claim {
    key: String,
    date: String,
    region: String,
    service: String,
    signed: Vec<String>,
    signature: String,
}

/// The names a protocol gives to the same refusals: the JSON services and the query services differ.
pub(super) fn name(service: &str, json: &'static str) -> &'static str {
    match (speaks_query(service), json) {
        (true, "UnrecognizedClientException") => "InvalidClientTokenId",
        (true, "InvalidSignatureException") => "SignatureDoesNotMatch",
        (true, "IncompleteSignatureException") => "IncompleteSignature",
        (true, "ExpiredTokenException") => "ExpiredToken",
        (true, "MissingAuthenticationTokenException") => "MissingAuthenticationToken",
        _ => json,
    }
}

/// The key a request is signed with.
///
/// # Errors
/// AWS's own refusal when it is not signed, or not well.
pub(super) fn check(world: &World, asked: &Asked, service: &str) -> Result<Key, Refusal> {
    let refuse = |code, message: String| {
        let status = if speaks_query(service) { 403 } else { 400 };
        Refusal::new(name(service, code), message).status(status)
    };
    let Some(header) = asked.header("authorization") else {
        return Err(refuse("MissingAuthenticationTokenException", "Missing Authentication Token".into()));
    };
    let Some(claim) = parse(header) else {
        let message = format!(
            "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters. Authorization={header}"
        );
        return Err(refuse("IncompleteSignatureException", message));
    };
    let expected = ["host", "x-amz-date"];
    if asked.header("x-amz-date").is_none()
        || expected.iter().any(|name| !claim.signed.iter().any(|signed| signed == name))
    {
        return Err(refuse("InvalidSignatureException", "'Host' and 'X-Amz-Date' must be signed headers.".into()));
    }
    let Some(key) = world.identity.keys.iter().find(|key| key.id == claim.key) else {
        return Err(refuse(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".into(),
        ));
    };
    if key.session.as_deref() != asked.header("x-amz-security-token") {
        return Err(refuse(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".into(),
        ));
    }
    if key.expires.is_some_and(|expires| expires <= world.now()) {
        return Err(refuse("ExpiredTokenException", "The security token included in the request is expired".into()));
    }
    let elsewhere = match service {
        "logs" => world.logs.has_region(&claim.region),
        "secretsmanager" | "ssm" => world.secrets.has_region(service, &claim.region),
        // IAM has one endpoint in each partition.
        "iam" => claim.region == "us-east-1",
        "ecr" => true,
        _ => false,
    };
    if claim.region != world.region && !elsewhere {
        let message = format!("Credential should be scoped to a valid region, not '{}'. ", claim.region);
        return Err(refuse("InvalidSignatureException", message));
    }
    // CloudWatch is signed for under another name than IAM's.
    let scope = if service == "cloudwatch" { "monitoring" } else { service };
    if claim.service != scope {
        return Err(refuse(
            "InvalidSignatureException",
            format!("Credential should be scoped to correct service: '{scope}'. "),
        ));
    }
    if world.identity.verify_signatures && sign(asked, &claim, &key.secret) != claim.signature {
        let message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                       Access Key and signing method. Consult the service documentation for details.";
        return Err(refuse("InvalidSignatureException", message.into()));
    }
    Ok(key.clone())
}

/// The region that a request is signed for, and so sent to.
pub(super) fn region(asked: &Asked) -> Option<String> {
    parse(asked.header("authorization")?).map(|claim| claim.region)
}

fn parse(header: &str) -> Option<Claim> {
    let rest = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let part = |name: &str| {
        rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let credential = part("Credential")?;
    let mut scope = credential.split('/');
    let claim = Claim {
        key: scope.next()?.into(),
        date: scope.next()?.into(),
        region: scope.next()?.into(),
        service: scope.next()?.into(),
        signed: part("SignedHeaders")?.split(';').map(str::to_owned).collect(),
        signature: part("Signature")?,
    };
    let hex = claim.signature.len() == 64 && claim.signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    (scope.next() == Some("aws4_request") && claim.date.len() == 8 && hex).then_some(claim)
}

/// Lower-case hex of a digest.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The SHA-256 of some bytes in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        },
    )
}

fn sign(asked: &Asked, claim: &Claim, secret: &str) -> String {
    let value = |name: &str| asked.header(name).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let headers: Vec<String> = claim.signed.iter().map(|name| format!("{name}:{}", value(name))).collect();
    // Each header ends its line, so the last one is followed by an empty line.
    let headers = format!(
        "{}
",
        headers.join(
            "
"
        )
    );
    let mut query: Vec<String> =
        pairs(&asked.query).iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    query.sort();
    let payload = asked.header("x-amz-content-sha256").map_or_else(|| sha256(&asked.body), str::to_owned);
    let canonical = [&asked.method, &asked.path, &query.join("&"), &headers, &claim.signed.join(";"), &payload]
        .map(String::as_str)
        .join("\n");
    let scope = format!("{}/{}/{}/aws4_request", claim.date, claim.region, claim.service);
    let date = asked.header("x-amz-date").unwrap_or_default();
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut key = keyed(format!("AWS4{secret}").as_bytes(), &claim.date);
    for part in [claim.region.as_str(), claim.service.as_str(), "aws4_request"] {
        key = keyed(&key, part);
    }
    hex(&keyed(&key, &text))
}

fn encode(text: &str) -> String {
    const KEEP: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, &KEEP).to_string()
}
