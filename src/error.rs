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
            write!(f, "\n  why: {}", self.why.replace('\n', "\n       "))?;
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
    /// Another deployment of the service is in progress, and `on-concurrent` says not to replace it.
    DeploymentInProgress,
    /// Whether another deployment is in progress could not be read, and `on-concurrent` says to begin beside none.
    DeploymentsUnread,
    /// There is no earlier revision to go back to, or it cannot be told which one, or it cannot be deployed any more.
    NothingToRollBackTo,
    /// The AppSpec file is not one that CodeDeploy could deploy the service by.
    AppspecInvalid,
    /// The CodeDeploy application or its deployment group does not exist.
    DeploymentGroupNotFound,
    /// The CodeDeploy deployment group deploys another service.
    DeploymentGroupMismatch,
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
    /// A lifecycle hook refused the revision, and ended the deployment.
    HookFailed,
    /// Somebody stopped or rolled back the deployment.
    StoppedByHand,
    /// The deployment failed and ECS gave another reason.
    DeploymentFailed,
    // The causes that `diagnose` names, from here …
    /// The image's tag, digest or repository is not in the registry.
    ImageNotFound,
    /// The image exists, but not for the CPU architecture and operating system of the task.
    ImagePlatformMismatch,
    /// The program in the image is built for another CPU architecture, or is a script without a first line that names
    /// its interpreter.
    ExecFormatError,
    /// The registry refuses the image: the execution role, the repository's policy or the login lacks the permission.
    ImagePullDenied,
    /// The registry refuses the image for now: too many pulls.
    ImagePullRateLimited,
    /// The task has no way through its network to the registry.
    RegistryUnreachable,
    /// The registry gave the manifest, but a layer of the image was refused.
    ImageLayerRefused,
    /// The task has no way through its network to S3, where ECR keeps the layers.
    ImageLayerUnreachable,
    /// The pull of the image broke off.
    ImagePullInterrupted,
    /// There is no room left for the image or the data.
    DiskFull,
    /// The execution role may not read a secret or parameter, or may not decrypt it.
    SecretDenied,
    /// A secret does not exist under the ARN that the task definition names.
    SecretNotFound,
    /// A secret exists, but has no such JSON key.
    SecretKeyMissing,
    /// A parameter of Systems Manager does not exist under the name that the task definition gives.
    ParameterNotFound,
    /// The task has no way through its network to Secrets Manager or Systems Manager.
    SecretStoreUnreachable,
    /// An environment file in S3 is missing or may not be read.
    EnvironmentFileUnavailable,
    /// The log group of a container does not exist.
    LogGroupMissing,
    /// The execution role may not write to CloudWatch Logs.
    LogsDenied,
    /// The task has no way through its network to CloudWatch Logs.
    LogsUnreachable,
    /// An EFS file system could not be mounted.
    FileSystemNotMounted,
    /// A volume could not be created or attached.
    VolumeNotAttached,
    /// A task's network interface was not ready in time.
    NetworkInterfaceTimeout,
    /// EC2 refused to create a task's network interface.
    NetworkInterfaceRefused,
    /// A subnet has no free address left.
    SubnetFull,
    /// A container instance has no network interface left for another task.
    InstanceInterfacesUsedUp,
    /// A task's ephemeral storage was not ready in time.
    EphemeralStorageTimeout,
    /// The task definition does not fit the launch type or capacity provider.
    ComputeIncompatible,
    /// The program that a container should start is not in its image.
    CommandNotFound,
    /// The program that a container should start is in its image, but may not be executed.
    CommandNotExecutable,
    /// An essential container ended with an error.
    ApplicationCrashed,
    /// An essential container ended by itself, without an error.
    ContainerFinished,
    /// A container used more memory than it may.
    OutOfMemory,
    /// A container was killed, and nobody said why.
    ContainerKilled,
    /// A container did not stop when it was asked to, and was killed.
    StopTimeoutExceeded,
    /// The load balancer's health check gets 404: its path is not one that the application answers.
    HealthCheckPathNotFound,
    /// The load balancer's health check gets 401 or 403.
    HealthCheckUnauthorized,
    /// The load balancer's health check gets a 5xx: the application answers, but is broken.
    HealthCheckServerError,
    /// The load balancer's health check gets a code that its matcher does not take.
    HealthCheckCodeMismatch,
    /// The load balancer's health check gets no answer in time.
    HealthCheckTimedOut,
    /// The load balancer's health check finds nothing that listens.
    HealthCheckConnectionFailed,
    /// The load balancer's health check fails, and nobody said how.
    HealthCheckFailing,
    /// Tasks run in an Availability Zone that the load balancer does not serve.
    TargetZoneDisabled,
    /// The target group of the service does not exist any more.
    TargetGroupMissing,
    /// The health check of a container fails.
    ContainerUnhealthy,
    /// No container instance has room for the task, or fits it.
    NoInstanceFits,
    /// The capacity provider has no container instances.
    CapacityProviderEmpty,
    /// AWS has no Fargate capacity of this kind at the moment.
    CapacityUnavailable,
    /// A quota of the AWS account is used up.
    QuotaReached,
    /// Too many tasks of the cluster wait for capacity at once.
    ProvisioningLimitReached,
    /// `minimumHealthyPercent` and `maximumPercent` leave no room to start or stop a task.
    DeploymentBoundsTooTight,
    /// Tasks protected from scale-in keep the deployment from replacing them.
    TasksProtected,
    /// ECS itself was throttled by other AWS services.
    SchedulerThrottled,
    /// ECS may not assume a role of the task or the service: its trust policy does not let it.
    RoleNotAssumable,
    /// A role that ECS works with lacks a permission.
    RolePermissionsMissing,
    /// The revision was deregistered while it was rolled out.
    TaskDefinitionInactive,
    /// The container runtime of a container instance is in trouble.
    HostRuntimeFailed,
    /// AWS's container runtime failed.
    ContainerRuntimeFailed,
    /// The listener rules and target groups are not wired as the strategy needs them.
    ListenerMisconfigured,
    /// The infrastructure role of the service may not manage the load balancer.
    InfrastructureRoleDenied,
    /// ECS may not assume the role of a lifecycle hook.
    HookRoleNotAssumable,
    /// ECS may not call the function of a lifecycle hook.
    HookNotInvocable,
    /// The function of a lifecycle hook did not answer as ECS needs it.
    HookAnswerInvalid,
    /// Nobody continued the deployment at a pause before its time was up.
    PauseHookTimedOut,
    /// The deployment failed, and no earlier one ever completed that ECS could go back to.
    NoRollbackCandidate,
    /// Tasks of the deployment keep stopping, and the cause is not one that this action knows.
    TasksFailing,
    // … to here.
    // What only `checks` find, from here …
    /// What a container has as its image is no image reference.
    ImageInvalid,
    /// The image is archived in ECR: nobody can pull it until it is restored.
    ImageArchived,
    /// The scan of an image found something as severe as `scan-severity`.
    ImageVulnerable,
    /// Nothing in ECS ends a deployment of the service that fails: no circuit breaker, no alarms.
    CircuitBreakerOff,
    /// An alarm that is to watch the deployment is in ALARM already: ECS ignores it for the whole deployment.
    AlarmActive,
    /// An alarm that is to watch the deployment does not exist.
    AlarmNotFound,
    /// A subnet of the service does not exist.
    SubnetNotFound,
    /// The subnets have fewer free addresses than tasks start at once.
    AddressesScarce,
    /// ECS ends a deployment that fails but does not go back from it, and this run does not wait to do so.
    RollbackOff,
    /// The service's target groups do not fit the task definition: container, port or target type.
    TargetGroupMismatch,
    /// The task definition names a secret or parameter in a way that ECS cannot read.
    SecretReferenceInvalid,
    /// A secret is being deleted: nothing can read it any more.
    SecretBeingDeleted,
    /// A secret has no value of the version or staging label that the task definition names.
    SecretVersionNotFound,
    /// A role that the task definition names does not exist.
    RoleNotFound,
    /// The task definition has no execution role, and something in it needs one.
    ExecutionRoleMissing,
    // … to here.
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
            | Self::AppspecInvalid
            | Self::DeploymentGroupNotFound
            | Self::DeploymentGroupMismatch
            | Self::ImageNotPinned
            | Self::NothingToRollBackTo
            | Self::RoleNameBare => Verdict::Invalid,
            Self::AccountNotAllowed | Self::DeploymentInProgress | Self::DeploymentsUnread => Verdict::Blocked,
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
            Self::Superseded => Verdict::Superseded,
            Self::TimedOut => Verdict::TimedOut,
            Self::Cancelled => Verdict::Cancelled,
            // What ends a rollout.
            _ => Verdict::Failed,
        }
    }
}
