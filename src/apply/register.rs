//! Registers the rendered task definition, exactly once even when an answer is lost.

use std::time::Duration;

use serde_json::Value;

use super::{Outcome, What};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::error::Error;
use crate::model::names::short_name;
use crate::model::normal::differs;
use crate::model::task_definition::{Registered, TaskDefinition};

/// Requests without an answer before giving up.
const ATTEMPTS: u32 = 3;

/// Pauses before the looks for what a request without an answer may have registered: reads lag.
const LOOKS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];

/// Registers, and notes the revision's ARN in `outcome`.
///
/// # Errors
/// The call failed. `outcome.changed` is true when it may have been carried out all the same.
pub async fn register(body: &Value, aws: &Aws, outcome: &mut Outcome, tell: &mut dyn FnMut(What)) -> Result<(), Error> {
    let family = body.get("family").and_then(Value::as_str).unwrap_or_default();
    tell(What::Started(format!("registering {family}")));
    let mut attempt = 0;
    let registered = loop {
        attempt += 1;
        let changed = std::mem::replace(&mut outcome.changed, true);
        outcome.unanswered = Some("ecs:RegisterTaskDefinition");
        let sent = aws.register_task_definition(body).await;
        outcome.unanswered = None;
        match sent {
            Ok(registered) => break registered,
            Err(error) if !error.maybe_applied => {
                outcome.changed = changed;
                return Err(error.into());
            }
            Err(error) => {
                tell(What::Warned(format!("`{}` brought no answer; looking whether it was carried out", error.action)));
                match search(family, body, aws).await {
                    Ok(Some(registered)) => break registered,
                    // Known not to be there: safe to send again.
                    Ok(None) if attempt < ATTEMPTS => {}
                    _ => return Err(unsure(error, family)),
                }
            }
        }
    };
    tell(What::Finished(format!("registered {}", short_name(&registered.arn))));
    outcome.task_definition_arn = Some(registered.arn);
    Ok(())
}

/// Looks for what the lost request registered; the last look decides, and the request is sent again right after it.
async fn search(family: &str, body: &Value, aws: &Aws) -> Result<Option<Registered>, CallError> {
    let mut found = Ok(None);
    for pause in LOOKS {
        tokio::time::sleep(pause).await;
        found = find(family, body, aws).await;
        if matches!(found, Ok(Some(_))) {
            break;
        }
    }
    found
}

/// The newest revision of the family, when it is what the lost request carried. It was not there before: a revision
/// with the same content would have been used instead of registering one.
async fn find(family: &str, body: &Value, aws: &Aws) -> Result<Option<Registered>, CallError> {
    match aws.describe_task_definition(family).await {
        Ok(newest) => {
            let asked = TaskDefinition(body.as_object().cloned().unwrap_or_default());
            Ok((!differs(&asked, &newest.definition())).then_some(newest))
        }
        Err(error) if error.code.as_deref() == Some("ClientException") => Ok(None),
        Err(error) => Err(error),
    }
}

fn unsure(error: CallError, family: &str) -> Error {
    let mut error = Error::from(error);
    error.what = format!("{} Whether a revision of `{family}` was registered is not known.", error.what);
    error
}
