//! Every failure a user can meet, on one page.
//!
//! An [`Error`] says what happened, why (facts seen, AWS's own words), and the one thing to do. Its [`Code`] is stable
//! for ever: workflows compare the output `reason` with it.

use std::fmt;

use serde::Serialize;
use strum::{EnumIter, EnumMessage, IntoStaticStr};

use crate::model::verdict::Verdict;

/// A failure, told as a user needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// The stable code of the cause.
    pub code: Code,
    /// What happened, in one sentence.
    pub what: String,
    /// Why: the facts that were seen, AWS's or GitHub's own text and request id included.
    pub why: String,
    /// The one thing to do: the exact input, IAM action or command.
    pub fix: String,
}

impl Error {
    /// An error from its four parts.
    pub fn new(code: Code, what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { code, what: what.into(), why: why.into(), fix: fix.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.what, self.code.slug())?;
        if !self.why.is_empty() {
            write!(f, "\n  why: {}", self.why)?;
        }
        if !self.fix.is_empty() {
            write!(f, "\n  fix: {}", self.fix)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The stable name of a cause. The doc comment of each is its line in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, EnumIter, EnumMessage, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Code {
    /// An input's value is not one that is allowed.
    InputInvalid,
    /// An input that is needed was not given.
    InputMissing,
    /// An input's name is misspelled.
    InputUnknown,
    /// Two inputs exclude each other.
    InputConflict,
    /// An input belongs to a later version of this action.
    InputNotAvailable,
    /// A file named by an input cannot be read: absent, empty, a folder, too large, or outside the workspace.
    FileUnreadable,
    /// A file or an input is neither JSON nor YAML.
    DocumentUnparsable,
    /// The task definition breaks a rule that ECS would refuse it for.
    TaskDefinitionInvalid,
    /// An edit names a container that the task definition does not have.
    ContainerNotFound,
    /// The task definition, or the revision of it, does not exist.
    TaskDefinitionNotFound,
    /// The cluster does not exist.
    ClusterNotFound,
    /// The service does not exist in the cluster.
    ServiceNotFound,
    /// The service is being deleted or is gone.
    ServiceNotActive,
    /// The service's deployment controller is one this version cannot deploy with.
    ControllerNotSupported,
    /// An image that must be pinned to a digest cannot be.
    ImageNotPinned,
    /// The AWS account is not one of `allowed-account-ids`.
    AccountNotAllowed,
    /// The job may not ask GitHub for an OIDC token.
    OidcPermissionMissing,
    /// GitHub refused the OIDC token, or its endpoint could not be reached.
    OidcTokenRefused,
    /// AWS refused the role: the trust policy does not match the token.
    RoleRefused,
    /// AWS knows no OIDC provider for the token's issuer, or not this audience.
    OidcProviderMissing,
    /// A bare role name was given and the account is not known.
    RoleNameBare,
    /// No AWS credentials were found.
    CredentialsMissing,
    /// AWS does not accept the credentials.
    CredentialsInvalid,
    /// AWS refused an action for lack of permission.
    AccessDenied,
    /// AWS kept throttling a call until the attempts were used up.
    Throttled,
    /// AWS or GitHub could not be reached, or answered with a server error.
    Unreachable,
    /// AWS refused a request for another reason; its own words are in `why`.
    RequestRefused,
    /// ECS's circuit breaker ended the deployment: tasks kept failing.
    CircuitBreaker,
    /// An alarm ended the deployment.
    AlarmTriggered,
    /// A lifecycle hook failed or timed out, and ended the deployment.
    HookFailed,
    /// Somebody stopped or rolled back the deployment.
    StoppedByHand,
    /// The deployment failed and ECS gave another reason.
    DeploymentFailed,
    /// Tasks could not start because their image is not there.
    ImageNotFound,
    /// Tasks of the deployment keep stopping.
    TasksFailing,
    /// Another deployment took over before this one was finished.
    Superseded,
    /// The deployment was still moving when the time was up.
    TimedOut,
    /// The service or its cluster was deleted during the deployment.
    ServiceGone,
    /// The run was cancelled.
    Cancelled,
    /// A bug in this action.
    Internal,
}

impl Code {
    /// The code as users see it: kebab-case, stable for ever.
    pub fn slug(self) -> &'static str {
        self.into()
    }

    /// The verdict of a run that ends with this cause before anything was changed.
    ///
    /// Causes found by following a rollout carry the verdict of the rollout instead; see `apply`.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::InputInvalid
            | Self::InputMissing
            | Self::InputUnknown
            | Self::InputConflict
            | Self::InputNotAvailable
            | Self::FileUnreadable
            | Self::DocumentUnparsable
            | Self::TaskDefinitionInvalid
            | Self::ContainerNotFound
            | Self::TaskDefinitionNotFound
            | Self::ClusterNotFound
            | Self::ServiceNotFound
            | Self::ServiceNotActive
            | Self::ControllerNotSupported
            | Self::ImageNotPinned
            | Self::RoleNameBare => Verdict::Invalid,
            Self::AccountNotAllowed => Verdict::Blocked,
            Self::OidcPermissionMissing
            | Self::OidcTokenRefused
            | Self::RoleRefused
            | Self::OidcProviderMissing
            | Self::CredentialsMissing
            | Self::CredentialsInvalid
            | Self::AccessDenied
            | Self::Throttled
            | Self::Unreachable
            | Self::RequestRefused => Verdict::Denied,
            Self::CircuitBreaker
            | Self::AlarmTriggered
            | Self::HookFailed
            | Self::StoppedByHand
            | Self::DeploymentFailed
            | Self::ImageNotFound
            | Self::TasksFailing
            | Self::ServiceGone
            | Self::Internal => Verdict::Failed,
            Self::Superseded => Verdict::Superseded,
            Self::TimedOut => Verdict::TimedOut,
            Self::Cancelled => Verdict::Cancelled,
        }
    }
}
