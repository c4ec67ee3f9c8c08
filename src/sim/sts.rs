//! STS, in its query protocol: a form comes in, XML goes out.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use serde_json::{Map, Value};

use super::clock::iso;
use super::iam;
use super::identity::{Key, Role, like};
use super::wire::{Answer, Refusal, text};
use super::world::World;

/// The namespace of its answers.
pub(super) const SPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The answer to one call: the inner XML of its result.
pub(super) fn answer(
    world: &mut World,
    operation: &str,
    form: &Value,
    caller: Option<&Key>,
) -> Result<String, Refusal> {
    match (operation, caller) {
        ("AssumeRoleWithWebIdentity", _) => with_web_identity(world, form),
        ("AssumeRole", Some(caller)) => assume_role(world, form, caller),
        ("GetCallerIdentity", Some(caller)) => Ok(caller_identity(world, caller)),
        _ => Err(Refusal::new("InvalidAction", format!("Could not find operation {operation} for version 2011-06-15"))),
    }
}

fn with_web_identity(world: &mut World, form: &Value) -> Result<String, Refusal> {
    let session = checked_session(form)?;
    let token = required(form, "WebIdentityToken")?;
    let issued = world.identity.tokens.iter().find(|issued| issued.token == token).cloned();
    let Some(issued) = issued else {
        return Err(Refusal::new(
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        ));
    };
    let claim = |name: &str| issued.claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let expires = issued.claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
    if expires <= super::clock::whole(world.now()) {
        return Err(Refusal::new(
            "ExpiredTokenException",
            "Token expired: current date/time must be before the expiration date/time",
        ));
    }
    if !world.identity.provider {
        let message = format!("No OpenIDConnect provider found in your account for {}", claim("iss"));
        return Err(Refusal::new("InvalidIdentityToken", message));
    }
    let (audience, subject) = (claim("aud"), claim("sub"));
    if !world.identity.roles.iter().any(|role| role.audiences.contains(&audience)) {
        return Err(Refusal::new("InvalidIdentityToken", "Incorrect token audience"));
    }
    let refused =
        || Refusal::new("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity").status(403);
    let role = find(world, form)?.ok_or_else(refused)?;
    let trusted = role.audiences.contains(&audience) && role.subjects.iter().any(|pattern| like(pattern, &subject));
    if !trusted {
        return Err(refused());
    }
    let seconds = duration(form, &role)?;
    let credentials = issue(world, &role, &session, seconds);
    let provider =
        format!("arn:aws:iam::{}:oidc-provider/{}", world.account, claim("iss").trim_start_matches("https://"));
    Ok(format!(
        "<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Audience>{}</Audience>{credentials}<Provider>{}</Provider>",
        escape(&subject),
        escape(&audience),
        escape(&provider)
    ))
}

fn assume_role(world: &mut World, form: &Value, caller: &Key) -> Result<String, Refusal> {
    let session = checked_session(form)?;
    let wanted = required(form, "RoleArn")?;
    let refused = |action: &str| {
        let message = format!("User: {} is not authorized to perform: {action} on resource: {wanted}", caller.arn);
        Refusal::new("AccessDenied", message).status(403)
    };
    let role = find(world, form)?.ok_or_else(|| refused("sts:AssumeRole"))?;
    if role.external_id.as_deref().is_some_and(|wanted| text(form, "ExternalId") != Some(wanted)) {
        return Err(refused("sts:AssumeRole"));
    }
    let tagged = form.as_object().is_some_and(|form| form.keys().any(|key| key.starts_with("Tags.member.")));
    if tagged && !iam::may(world, "sts:TagSession", &wanted, None) {
        return Err(refused("sts:TagSession"));
    }
    if tagged && role.packed_too_large {
        return Err(Refusal::new(
            "PackedPolicyTooLarge",
            "Packed size of session tags consumes 104% of allotted space.",
        ));
    }
    let seconds = duration(form, &role)?;
    // A chained session, one made with the keys of a session, lasts an hour at most.
    if caller.session.is_some() && seconds > 3600 {
        return Err(validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    Ok(issue(world, &role, &session, seconds))
}

fn caller_identity(world: &World, caller: &Key) -> String {
    format!(
        "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
        escape(&caller.arn),
        "AROAEXAMPLEID:session",
        world.account
    )
}

fn find(world: &World, form: &Value) -> Result<Option<Role>, Refusal> {
    let wanted = required(form, "RoleArn")?;
    if wanted.len() < 20 || !wanted.starts_with("arn:") {
        return Err(validation(&format!("{wanted} is invalid")));
    }
    Ok(world.identity.roles.iter().find(|role| role.arn == wanted).cloned())
}

fn required(form: &Value, name: &str) -> Result<String, Refusal> {
    let lower: String =
        name.char_indices().map(|(at, letter)| if at == 0 { letter.to_ascii_lowercase() } else { letter }).collect();
    let message = format!(
        "1 validation error detected: Value null at '{lower}' failed to satisfy constraint: Member must not be null"
    );
    text(form, name).map(str::to_owned).ok_or_else(|| validation(&message))
}

fn checked_session(form: &Value) -> Result<String, Refusal> {
    let session = required(form, "RoleSessionName")?;
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    if (2..=64).contains(&session.len()) && session.chars().all(legal) {
        return Ok(session);
    }
    Err(validation(&format!(
        "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    )))
}

fn duration(form: &Value, role: &Role) -> Result<u64, Refusal> {
    let Some(asked) = text(form, "DurationSeconds") else { return Ok(3600.min(role.max_session)) };
    let seconds: u64 = asked.parse().map_err(|_| validation("DurationSeconds is not a number"))?;
    if !(900..=43_200).contains(&seconds) {
        return Err(validation(&format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200"
        )));
    }
    if seconds > role.max_session {
        return Err(validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    Ok(seconds)
}

fn validation(message: &str) -> Refusal {
    Refusal::new("ValidationError", message)
}

fn issue(world: &mut World, role: &Role, session: &str, seconds: u64) -> String {
    let seconds = world.identity.session_override.unwrap_or(seconds);
    let expires = world.now() + f64::from(u32::try_from(seconds).unwrap_or(u32::MAX));
    let key = Key {
        id: format!("ASIA{}", world.dice.capitals(16)),
        secret: world.dice.letters(40),
        session: Some(world.dice.base64(300)),
        expires: Some(expires),
        arn: format!("arn:aws:sts::{}:assumed-role/{}/{session}", world.account, role.name()),
    };
    let assumed = format!("AROA{}:{session}", world.dice.capitals(17));
    let xml = format!(
        "<AssumedRoleUser><Arn>{}</Arn><AssumedRoleId>{}</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{}</Expiration></Credentials><PackedPolicySize>6</PackedPolicySize>",
        escape(&key.arn),
        escape(&assumed),
        key.id,
        key.secret,
        key.session.as_deref().unwrap_or_default(),
        iso(expires),
    );
    world.identity.keys.push(key);
    xml
}

/// Wraps a result as the services of the query protocol do.
pub(super) fn envelope(space: &str, operation: &str, inner: &str, request: &str) -> Answer {
    let xml = format!(
        "<{operation}Response xmlns=\"{space}\"><{operation}Result>{inner}</{operation}Result>\
         <ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata></{operation}Response>"
    );
    Answer::new(200, "text/xml", xml)
}

/// Wraps a refusal as they do.
pub(super) fn error(space: &str, refusal: &Refusal, request: &str) -> Answer {
    let sender = if refusal.status >= 500 { "Receiver" } else { "Sender" };
    let xml = format!(
        "<ErrorResponse xmlns=\"{space}\"><Error><Type>{sender}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request}</RequestId></ErrorResponse>",
        refusal.code,
        escape(&refusal.message)
    );
    Answer::new(refusal.status, "text/xml", xml)
}

/// A form body as an object.
pub(super) fn form(body: &str) -> Value {
    Value::Object(
        super::wire::pairs(body).into_iter().map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>(),
    )
}

/// A text inside an element.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
