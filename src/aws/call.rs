//! One AWS call that failed, in words rooms can decide by.

use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::refusal;
use crate::error::{Code, Error};
use crate::http::chain;

/// A failed call.
#[derive(Debug, Clone)]
pub struct CallError {
    /// The IAM action, e.g. `ecs:UpdateService`.
    pub action: &'static str,
    /// What kind of failure it is.
    pub kind: CallErrorKind,
    /// AWS's error code, e.g. `ClusterNotFoundException`.
    pub code: Option<String>,
    /// AWS's message, or what the transport said. Text from outside.
    pub message: String,
    /// AWS's request id.
    pub request_id: Option<String>,
    /// The request may have been carried out although no answer says so: look before sending it again.
    pub maybe_applied: bool,
    /// The failure as it was already explained, where obtaining credentials is what failed.
    pub explained: Option<Box<Error>>,
}

/// What kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// `AccessDenied`: a permission is missing.
    Denied,
    /// The credentials are expired or not known.
    Credentials,
    /// Throttled until the attempts were used up.
    Throttled,
    /// No connection, a time-out, or a server error until the attempts were used up.
    Unreachable,
    /// The endpoint does not know the operation.
    UnknownOperation,
    /// Refused for another reason: see the code.
    Refused,
}

impl CallError {
    /// The failure of `action`, told by the SDK.
    pub(super) fn from_sdk<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let body = error.raw_response().and_then(|response| response.body().bytes()).unwrap_or_default();
        let code = error.code().map(str::to_owned);
        let message = error.message().map_or_else(|| chain(error), str::to_owned);
        let explained = find::<Error>(error).cloned().map(Box::new);
        let no_credentials = explained.is_some() || find::<CredentialsError>(error).is_some();
        let kind = match status {
            _ if no_credentials => CallErrorKind::Credentials,
            None => CallErrorKind::Unreachable,
            Some(status) => classify(status, code.as_deref(), &message, is_page(body)),
        };
        // A service error below 500 is an answer: nothing was done. A refused connection never carried the request.
        let maybe_applied = kind == CallErrorKind::Unreachable && !never_connected(error);
        let request_id = error.request_id().map(str::to_owned);
        Self { action, kind, code, message, request_id, maybe_applied, explained }
    }

    /// An answer with status 200 that cannot be understood.
    pub(super) fn unreadable(action: &'static str, why: &str) -> Self {
        Self {
            action,
            kind: CallErrorKind::Unreachable,
            code: None,
            message: format!("The answer is not what the API promises: {why}"),
            request_id: None,
            maybe_applied: true,
            explained: None,
        }
    }

    /// A refusal inside an answer with status 200.
    pub(super) fn refused(action: &'static str, code: &str, message: &str) -> Self {
        let (code, message) = (Some(code.to_owned()), message.to_owned());
        let kind = CallErrorKind::Refused;
        Self { action, kind, code, message, request_id: None, maybe_applied: false, explained: None }
    }

    /// AWS's words with its code and request id, as one sentence of evidence.
    pub(super) fn evidence(&self) -> String {
        let code = self.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        let request = self.request_id.as_ref().map(|id| format!(" (request id {id})")).unwrap_or_default();
        format!("{code}{}{request}", self.message)
    }
}

fn classify(status: u16, code: Option<&str>, message: &str, is_page: bool) -> CallErrorKind {
    match code {
        Some("AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation") => CallErrorKind::Denied,
        _ if message.contains("is not authorized to perform: ") => CallErrorKind::Denied,
        Some(
            "ExpiredToken"
            | "ExpiredTokenException"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException",
        ) => CallErrorKind::Credentials,
        Some("UnknownOperationException" | "UnknownOperation" | "InvalidAction" | "NotImplemented") => {
            CallErrorKind::UnknownOperation
        }
        Some("TooManyRequestsException" | "RequestLimitExceeded" | "SlowDown") => CallErrorKind::Throttled,
        Some(code) if code.starts_with("Throttl") => CallErrorKind::Throttled,
        _ if status == 501 => CallErrorKind::UnknownOperation,
        None if status == 404 || (status == 500 && is_page) => CallErrorKind::UnknownOperation,
        None if status == 429 => CallErrorKind::Throttled,
        _ if status >= 500 => CallErrorKind::Unreachable,
        _ => CallErrorKind::Refused,
    }
}

/// Whether a body is an HTML page: no AWS API answers so, but stand-ins for AWS do when they lack an operation.
pub(super) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"<!doctype"))
}

fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    find::<std::io::Error>(error).is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
}

/// The first of an error's causes that is an `E`.
pub(super) fn find<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What failed, as a remark of one line; of a refusal also to whom, on what, and the statement that allows it.
impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            CallErrorKind::Denied => f.write_str(&refusal::remark(self.action, &self.message)),
            _ => write!(f, "`{}` failed. {}", self.action, self.message),
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        let why = error.evidence();
        let action = error.action;
        if let Some(explained) = error.explained {
            return *explained;
        }
        match error.kind {
            CallErrorKind::Denied => refusal::denied(action, &error.message, why),
            CallErrorKind::Credentials => Self::new(
                Code::CredentialsInvalid,
                format!("AWS does not accept the credentials for `{action}`."),
                why,
                "Check that the credentials are complete and not expired; with `role-to-assume` and `permissions: \
                 id-token: write` the job needs no stored keys.",
            ),
            CallErrorKind::Throttled => Self::new(
                Code::Throttled,
                format!("AWS kept throttling `{action}`."),
                why,
                "Run the job again later, deploy fewer services of the account at once, or raise `max-retries`.",
            ),
            CallErrorKind::Unreachable => Self::new(
                Code::Unreachable,
                format!("AWS could not be reached for `{action}`."),
                why,
                "Check `aws-region`, the network and proxy of the runner, and https://health.aws.amazon.com; then run \
                 the job again.",
            ),
            CallErrorKind::UnknownOperation => Self::new(
                Code::RequestRefused,
                format!("The endpoint does not know `{action}`."),
                why,
                "Check `AWS_ENDPOINT_URL`: what answers there is not the whole AWS API.",
            ),
            CallErrorKind::Refused => {
                let code = match error.code.as_deref() {
                    Some("ClusterNotFoundException") => Code::ClusterNotFound,
                    Some("ServiceNotFoundException") => Code::ServiceNotFound,
                    Some("ServiceNotActiveException") => Code::ServiceNotActive,
                    _ => Code::RequestRefused,
                };
                Self::new(
                    code,
                    format!("AWS refused `{action}`."),
                    why,
                    "Correct what AWS names above, then run the job again.",
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_known_by_its_code_then_by_its_status() {
        use CallErrorKind::{Credentials, Denied, Refused, Throttled, UnknownOperation, Unreachable};
        for (status, code, is_page, expected) in [
            (400, Some("AccessDeniedException"), false, Denied),
            (403, Some("AccessDenied"), false, Denied),
            (400, Some("ExpiredTokenException"), false, Credentials),
            (400, Some("UnrecognizedClientException"), false, Credentials),
            (400, Some("ThrottlingException"), false, Throttled),
            (400, Some("UnknownOperationException"), false, UnknownOperation),
            (400, Some("ClusterNotFoundException"), false, Refused),
            (500, Some("ServerException"), false, Unreachable),
            (503, None, true, Unreachable),
            (500, None, true, UnknownOperation),
            (500, None, false, Unreachable),
            (501, None, false, UnknownOperation),
            (404, None, false, UnknownOperation),
            (404, Some("ServiceNotFoundException"), false, Refused),
        ] {
            assert_eq!(classify(status, code, "", is_page), expected, "{status} {code:?} {is_page}");
        }
        let message = "User: u is not authorized to perform: iam:PassRole on resource: r";
        assert_eq!(classify(400, Some("ClientException"), message, false), Denied);
    }

    #[test]
    fn a_refusal_keeps_the_words_and_the_request_id_of_aws() {
        let error = Error::from(CallError {
            action: "ecs:DescribeServices",
            kind: CallErrorKind::Refused,
            code: Some("ClusterNotFoundException".to_owned()),
            message: "Cluster not found.".to_owned(),
            request_id: Some("4f1c".to_owned()),
            maybe_applied: false,
            explained: None,
        });
        insta::assert_snapshot!(error, @r"
        AWS refused `ecs:DescribeServices`. [cluster-not-found]
          why: ClusterNotFoundException: Cluster not found. (request id 4f1c)
          fix: Correct what AWS names above, then run the job again.
        ");
    }
}
