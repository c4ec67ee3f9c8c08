//! The base of the task definition: a file, a registered revision, or what runs.

use super::Base;
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::{Code, Error};
use crate::inputs::{Inputs, Source};
use crate::model::names::Revision;
use crate::model::service::Service;
use crate::model::task_definition::Registered;

impl Base {
    /// A registered revision as the base of edits.
    pub fn of(registered: &Registered) -> Self {
        Self { document: registered.answer(), origin: registered.arn.clone(), text: None }
    }
}

/// The base when it is no file: the registered revision that the inputs name, or the one that the service runs.
///
/// # Errors
/// The revision does not exist, or the call failed.
pub async fn base(inputs: &Inputs, service: Option<&Service>, aws: &Aws) -> Result<(Base, Registered), Error> {
    let which = match (&inputs.definition.source, service) {
        (Source::Registered(which), _) => which.as_str(),
        (Source::File(_) | Source::Running, Some(service)) => service.task_definition.as_str(),
        (Source::File(_) | Source::Running, None) => "",
    };
    if which.is_empty() {
        return Err(Error::new(
            Code::InputMissing,
            "There is no task definition to start from.",
            "Neither a file nor a registered revision nor a service that runs one was given.",
            "Give `task-definition`, `task-definition-family`, `task-definition-arn` or `service`.",
        ));
    }
    let registered = match aws.describe_task_definition(which).await {
        Ok(registered) => registered,
        Err(error) if is_unknown(&error) => return Err(not_found(which, &error, aws).await),
        Err(error) => return Err(error.into()),
    };
    Ok((Base::of(&registered), registered))
}

/// Whether ECS says that there is no such revision.
fn is_unknown(error: &CallError) -> bool {
    error.kind == CallErrorKind::Refused
        && matches!(error.code.as_deref(), Some("ClientException" | "InvalidParameterException"))
}

/// The error of a revision that is not there; names the newest one of its family if there is one.
async fn not_found(which: &str, error: &CallError, aws: &Aws) -> Error {
    let newest = match Revision::parse(which) {
        Some(revision) => aws.describe_task_definition(&revision.family).await.ok(),
        None => None,
    };
    let (account, region) = (&aws.identity.account, &aws.region);
    let said = format!("ECS says in account {account}, region {region}: {}", error.message);
    let (why, fix) = match newest.and_then(|newest| Revision::parse(&newest.arn)) {
        Some(newest) => (
            format!("{said} The newest active revision of its family is `{newest}`."),
            format!("Name a revision that exists, for example `{newest}`."),
        ),
        None => (
            said,
            "Correct the family or the revision, or the region and the account that it is looked for in.".to_owned(),
        ),
    };
    Error::new(Code::TaskDefinitionNotFound, format!("The task definition `{which}` does not exist."), why, fix)
}
