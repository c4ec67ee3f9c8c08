//! Who answers what: finds the operation, plays the tricks, checks signature and permissions, writes the ledger.

use std::time::Duration;

use serde_json::{Value, json};

use super::clock::http_date;
use super::faults::{self, Trick};
use super::identity::Key;
use super::ledger::Call;
use super::wire::{Answer, Asked, Outcome, Refusal, speaks_query};
use super::world::World;
use super::{
    Shared, cbor, cloudwatch, codedeploy, ec2, ecr, ecs, elbv2, github, iam, lock, logs, oidc, registry, roles,
    secrets, signature, sts,
};

const JSON: &str = "application/x-amz-json-1.1";

/// Which operation a request is.
struct Named {
    door: &'static str,
    service: &'static str,
    operation: String,
    input: Value,
}

/// Answers one request and writes it down.
pub async fn answer(world: &Shared, asked: Asked) -> Outcome {
    let named = name(&asked);
    let (came, trick) = {
        let mut world = lock(world);
        (world.now(), faults::due(&mut world.faults, &named.operation))
    };
    if let Some(Trick::Delay(delay)) = &trick {
        wait(*delay).await;
    }
    let mut world = lock(world);
    let (outcome, applied) = perform(&mut world, &asked, &named, trick);
    let (status, body) = match &outcome {
        Outcome::Answered(answer) => (answer.status, answer.body.clone()),
        Outcome::Cut => (0, String::new()),
    };
    let at = world.now();
    let sent = if cbor::is(&asked) { named.input.to_string() } else { asked.text() };
    let changing = is_changing(&named, &asked);
    let call = Call {
        door: named.door.into(),
        service: named.service.into(),
        operation: named.operation,
        method: asked.method.clone(),
        path: asked.path.clone(),
        query: asked.query.clone(),
        request: named.input,
        sent,
        status,
        answer: body,
        changing,
        applied: applied && changing,
        came,
        at,
    };
    world.ledger.enter(call);
    outcome
}

async fn wait(delay: Duration) {
    tokio::time::sleep(delay).await;
}

fn name(asked: &Asked) -> Named {
    let json = || serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
    if asked.path == "/oidc/token" {
        return Named { door: "oidc", service: "oidc", operation: "GetToken".into(), input: Value::Null };
    }
    if let Some(path) = github::below(&asked.path) {
        return Named {
            door: "github",
            service: "github",
            operation: github::operation(&asked.method, path),
            input: json(),
        };
    }
    if let Some(operation) = registry::operation(asked) {
        return Named { door: "registry", service: "registry", operation, input: Value::Null };
    }
    if let Some((service, operation)) = cbor::named(asked) {
        return Named { door: "aws", service, operation, input: cbor::decode(&asked.body) };
    }
    if let Some((target, operation)) = asked.header("x-amz-target").and_then(|target| target.split_once('.')) {
        let service = match target {
            "AmazonEC2ContainerServiceV20141113" => "ecs",
            "AmazonEC2ContainerRegistry_V20150921" => "ecr",
            "CodeDeploy_20141006" => "codedeploy",
            "Logs_20140328" => "logs",
            "secretsmanager" => "secretsmanager",
            "AmazonSSM" => "ssm",
            _ => "unknown",
        };
        return Named { door: "aws", service, operation: operation.into(), input: json() };
    }
    let form = sts::form(&asked.text());
    match form.get("Action").and_then(Value::as_str).map(str::to_owned) {
        Some(operation) => {
            let service = match form.get("Version").and_then(Value::as_str) {
                Some("2015-12-01") => "elasticloadbalancing",
                Some("2016-11-15") => "ec2",
                Some("2010-05-08") => "iam",
                _ => "sts",
            };
            Named { door: "aws", service, operation, input: form }
        }
        None => Named {
            door: "aws",
            service: "unknown",
            operation: format!("{} {}", asked.method, asked.path),
            input: Value::Null,
        },
    }
}

fn is_changing(named: &Named, asked: &Asked) -> bool {
    match named.door {
        "github" => asked.method != "GET",
        "aws" if matches!(named.service, "ecs" | "ecr" | "codedeploy") => {
            let reads = ["Describe", "List", "BatchGet", "Get"];
            !reads.iter().any(|verb| named.operation.starts_with(verb))
        }
        _ => false,
    }
}

/// What comes of it, and whether it was carried out.
fn perform(world: &mut World, asked: &Asked, named: &Named, trick: Option<Trick>) -> (Outcome, bool) {
    match trick {
        Some(Trick::Reset) => (Outcome::Cut, false),
        Some(Trick::Html(status)) => (Outcome::Answered(faults::html(status)), false),
        Some(Trick::LostAnswer) => (Outcome::Cut, respond(world, asked, named, None).status < 300),
        trick => {
            let answer = respond(world, asked, named, trick.as_ref());
            let applied = answer.status < 300;
            (Outcome::Answered(answer), applied)
        }
    }
}

fn respond(world: &mut World, asked: &Asked, named: &Named, trick: Option<&Trick>) -> Answer {
    let request = world.dice.uuid();
    let date = http_date(world.now());
    let answer = match named.door {
        "oidc" => match trick {
            Some(Trick::Status(status)) => {
                Answer::new(*status, "application/json", json!({"message": "Service unavailable"}).to_string())
            }
            _ => oidc::answer(world, asked),
        },
        "github" => {
            github::answer(world, asked, &named.operation, &named.input, trick).with("x-github-request-id", request)
        }
        "registry" => registry::answer(world, asked, trick),
        _ => aws(world, asked, named, trick, &request).with("x-amzn-requestid", request),
    };
    answer.with("date", date)
}

fn aws(world: &mut World, asked: &Asked, named: &Named, trick: Option<&Trick>, request: &str) -> Answer {
    let result = aws_result(world, asked, named, trick);
    let space = match named.service {
        "elasticloadbalancing" => elbv2::SPACE,
        "iam" => roles::SPACE,
        _ => sts::SPACE,
    };
    match (named.service, result) {
        ("ec2", result) => ec2::envelope(&named.operation, result, request),
        ("cloudwatch", result) => cbor::envelope(result),
        (service, Ok(inner)) if speaks_query(service) => {
            sts::envelope(space, &named.operation, inner.as_str().unwrap_or_default(), request)
        }
        (service, Err(mut refusal)) if speaks_query(service) => {
            if refusal.code == "AccessDeniedException" {
                (refusal.code, refusal.status) = ("AccessDenied".into(), 403);
            }
            sts::error(space, &refusal, request)
        }
        (_, Ok(value)) => Answer::new(200, JSON, value.to_string()),
        (_, Err(refusal)) => Answer::new(refusal.status, JSON, refusal.json()),
    }
}

fn aws_result(world: &mut World, asked: &Asked, named: &Named, trick: Option<&Trick>) -> Result<Value, Refusal> {
    let (service, operation, input) = (named.service, named.operation.as_str(), &named.input);
    if let Some(mut refusal) = trick.and_then(|trick| faults::refusal(trick, operation)) {
        if speaks_query(service) && refusal.code == "ThrottlingException" {
            refusal.code = "Throttling".into();
        }
        return Err(refusal);
    }
    // The one call that is made before there are credentials.
    let unsigned = operation == "AssumeRoleWithWebIdentity";
    let caller = if unsigned || service == "unknown" { None } else { Some(signature::check(world, asked, service)?) };
    let arn = caller.as_ref().map_or("anonymous", |caller| caller.arn.as_str()).to_owned();
    let region = signature::region(asked).unwrap_or_default();
    if matches!(trick, Some(Trick::Denied)) {
        return Err(if service == "sts" {
            Refusal::new("AccessDenied", format!("Not authorized to perform sts:{operation}")).status(403)
        } else {
            iam::denied(world, service, operation, input, &region, &arn)
        });
    }
    if input.is_null() && service != "unknown" {
        return Err(Refusal::new("SerializationException", "Unexpected end-of-input"));
    }
    // Whoever has keys may ask STS who he is; what else it needs it looks for itself.
    if !matches!(service, "sts" | "unknown") {
        iam::check(world, service, operation, input, &region, &arn)?;
    }
    carry_out(world, asked, named, caller.as_ref()).unwrap_or_else(|| {
        world.ledger.puzzled(format!("{service}:{operation}"));
        Err(faults::unknown_operation(operation))
    })
}

fn carry_out(world: &mut World, asked: &Asked, named: &Named, caller: Option<&Key>) -> Option<Result<Value, Refusal>> {
    match named.service {
        "ecs" => ecs::answer(world, &named.operation, &named.input, caller.map_or("", |caller| caller.arn.as_str())),
        "ecr" => ecr::answer(world, &named.operation, &named.input, &signature::region(asked).unwrap_or_default()),
        "codedeploy" => codedeploy::answer(world, &named.operation, &named.input),
        "logs" => logs::answer(world, &named.operation, &named.input, &signature::region(asked).unwrap_or_default()),
        "secretsmanager" | "ssm" => {
            secrets::answer(world, &named.operation, &named.input, &signature::region(asked).unwrap_or_default())
        }
        "elasticloadbalancing" => {
            elbv2::answer(world, &named.operation, &named.input).map(|answered| answered.map(Value::String))
        }
        "ec2" => ec2::answer(world, &named.operation, &named.input).map(|answered| answered.map(Value::String)),
        "cloudwatch" => cloudwatch::answer(world, &named.operation, &named.input),
        "iam" => roles::answer(world, &named.operation, &named.input).map(|answered| answered.map(Value::String)),
        "sts" => Some(sts::answer(world, &named.operation, &named.input, caller).map(Value::String)),
        _ => None,
    }
}
