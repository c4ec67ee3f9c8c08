//! Door: the only place that knows the AWS SDK. Nouns go in and come out; SDK types never leave.

pub mod call;
pub mod cloudwatch;
pub mod codedeploy;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod elbv2;
pub mod iam;
pub mod logs;
pub mod secrets;

mod connect;
mod explain;
mod history;
mod mask;
mod oidc;
mod provider;
mod refusal;
mod resend;
mod sts;
mod tags;
mod token_file;
mod transport;
mod wire;

pub use self::transport::{Carried, Courier, Transport};

use std::time::Duration;

use aws_smithy_types::timeout::TimeoutConfig;

use crate::model::names::Arn;

/// AWS, as one identity in one region.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Who we are.
    pub identity: Identity,
    /// The region of the service.
    pub region: String,
    /// What the clients of all services share.
    config: aws_config::SdkConfig,
    ecs: aws_sdk_ecs::Client,
    max_attempts: u32,
    mask: mask::Mask,
}

impl Aws {
    /// Remembers a secret of the run that is not AWS's.
    pub fn remember(&self, secret: &str) {
        self.mask.remember(secret);
    }

    /// A text from outside with `***` for each secret that this run knows.
    pub fn blot(&self, text: &str) -> String {
        self.mask.blot(text)
    }

    /// Time-outs for what is worth a few seconds and no more.
    fn briefly(&self) -> TimeoutConfig {
        let usual = self.config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        usual.operation_attempt_timeout(Duration::from_secs(4)).operation_timeout(Duration::from_secs(8)).build()
    }
}

/// Who we are in AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's twelve digits.
    pub account: String,
    /// The ARN of the role session or user.
    pub arn: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
}

impl Identity {
    /// The identity that an ARN names.
    fn of(arn: &str) -> Self {
        let parts = Arn::parse(arn);
        let (account, partition) = parts.map(|parts| (parts.account, parts.partition)).unwrap_or_default();
        Self { account, arn: arn.to_owned(), partition }
    }
}

#[cfg(test)]
pub(crate) mod tests;
