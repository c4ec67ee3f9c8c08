//! 1 What the user asked: raw strings to typed [`Inputs`], all mistakes at once. Pure.

pub mod raw;
pub mod runner;

use std::time::Duration;

use serde_json::Value;

use crate::error::Error;
use crate::model::image::ImageRef;
use crate::model::secret::Secret;

use self::raw::RawInputs;
use self::runner::Runner;

/// Everything the user asked for, typed.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The AWS region.
    pub region: String,
    /// Who to be in AWS.
    pub credentials: Credentials,
    /// What to deploy.
    pub definition: Definition,
    /// Where, and what to change about the service.
    pub deploy: Deploy,
    /// How long to follow the rollout.
    pub wait: Wait,
    /// What to publish on GitHub.
    pub reporting: Reporting,
}

/// Who to be in AWS.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `role-to-assume`.
    pub role: Option<Role>,
    /// `audience` of the OIDC token.
    pub audience: String,
    /// `role-session-name`, already what STS allows.
    pub session_name: String,
    /// `role-duration-seconds`.
    pub duration: Duration,
    /// `role-external-id`.
    pub external_id: Option<String>,
    /// `role-chaining`.
    pub chaining: bool,
    /// `role-skip-session-tagging`.
    pub skip_session_tagging: bool,
    /// `transitive-tag-keys`.
    pub transitive_tag_keys: Vec<String>,
    /// `custom-tags`.
    pub custom_tags: Vec<(String, String)>,
    /// `inline-session-policy`.
    pub inline_session_policy: Option<String>,
    /// `managed-session-policies`.
    pub managed_session_policies: Vec<String>,
    /// `web-identity-token-file`, as given; relative to the workspace.
    pub web_identity_token_file: Option<String>,
    /// `sts-endpoint`.
    pub sts_endpoint: Option<String>,
    /// `force-skip-oidc`.
    pub force_skip_oidc: bool,
    /// `aws-access-key-id` and its companions.
    pub access_keys: Option<AccessKeys>,
    /// `allowed-account-ids`; empty means any.
    pub allowed_account_ids: Vec<String>,
    /// `mask-aws-account-id`.
    pub mask_account_id: bool,
    /// `max-retries`: attempts of one AWS call, at least 1.
    pub max_attempts: u32,
}

/// `role-to-assume`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A whole ARN.
    Arn(String),
    /// A bare name, completed when the account is known.
    Name(String),
}

/// Static keys.
#[derive(Debug, Clone)]
pub struct AccessKeys {
    /// `aws-access-key-id`.
    pub id: Secret,
    /// `aws-secret-access-key`.
    pub secret: Secret,
    /// `aws-session-token`.
    pub session_token: Option<Secret>,
}

/// What to deploy.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Where the task definition comes from.
    pub source: Source,
    /// What to change in it.
    pub edits: Edits,
    /// `pin-image-digest`.
    pub pin_image_digest: bool,
    /// `tags` of the revision.
    pub tags: Vec<(String, String)>,
}

/// Where the task definition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, as given; relative to the workspace.
    File(String),
    /// A family, `family:revision` or an ARN.
    Registered(String),
    /// The revision that the service runs now.
    Running,
}

/// What to change in the task definition.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    /// `container-name`: the containers that the other edits apply to; empty: the only one there is.
    pub containers: Vec<String>,
    /// `image`.
    pub image: Option<ImageRef>,
    /// `images`.
    pub images: Vec<(String, ImageRef)>,
    /// `environment-variables`. The values may be secret: never shown.
    pub environment: Vec<(String, String)>,
    /// `secrets`: name and ARN or parameter name.
    pub secrets: Vec<(String, String)>,
    /// `env-files`: S3 ARNs; they replace the ones there are.
    pub env_files: Vec<String>,
    /// `docker-labels`.
    pub docker_labels: Vec<(String, String)>,
    /// `log-configuration-log-driver`.
    pub log_driver: Option<String>,
    /// `log-configuration-options`.
    pub log_options: Vec<(String, String)>,
    /// `command`, split into words.
    pub command: Option<Vec<String>>,
    /// `task-role-arn`.
    pub task_role: Option<String>,
    /// `execution-role-arn`.
    pub execution_role: Option<String>,
    /// `patch`: a merge patch in which named lists may be maps by name.
    pub patch: Option<Value>,
}

/// Where to deploy, and what to change about the service.
#[derive(Debug, Clone)]
pub struct Deploy {
    /// `mode`.
    pub mode: Mode,
    /// `service`, a name or ARN; none: register only.
    pub service: Option<String>,
    /// `cluster`, a name or ARN.
    pub cluster: String,
    /// `desired-count`.
    pub desired_count: Option<u32>,
    /// `force-new-deployment`.
    pub force_new_deployment: Option<bool>,
    /// `enable-ecs-managed-tags`.
    pub enable_ecs_managed_tags: Option<bool>,
    /// `propagate-tags`: SERVICE, TASK_DEFINITION or NONE.
    pub propagate_tags: Option<String>,
    /// `service-managed-ebs-volume-name` and `service-managed-ebs-volume`, as one entry of `volumeConfigurations`.
    pub volume_configuration: Option<Value>,
    /// `deployment-configuration`, whole.
    pub deployment_configuration: Option<Value>,
}

/// `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Deploy.
    Deploy,
    /// The same run, stopped before the first write.
    Plan,
}

/// How long to follow the rollout.
#[derive(Debug, Clone)]
pub struct Wait {
    /// `wait-for-service-stability`.
    pub enabled: bool,
    /// `wait-for-minutes`.
    pub limit: Duration,
    /// `wait-max-delay-seconds`.
    pub max_delay: Duration,
}

/// What to publish on GitHub.
#[derive(Debug, Clone)]
pub struct Reporting {
    /// `github-token`.
    pub token: Option<Secret>,
    /// `job-summary`.
    pub job_summary: bool,
    /// `pr-comment`.
    pub pr_comment: PrComment,
}

/// `pr-comment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrComment {
    /// When the run belongs to a pull request.
    Auto,
    /// Always; a run without a pull request is a warning.
    Always,
    /// Never.
    Never,
}

/// A remark on the inputs that does not stop the run.
pub type Warning = String;

/// The typed inputs and the warnings about them.
///
/// # Errors
/// Every mistake there is, not only the first.
pub fn parse(raw: &RawInputs, runner: &Runner) -> Result<(Inputs, Vec<Warning>), Vec<Error>> {
    let _ = (raw, runner);
    todo!()
}
