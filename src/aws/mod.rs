//! Door: the only place that knows the AWS SDK. Nouns go in and come out; SDK types never leave.

pub mod call;
pub mod ecr;
pub mod ecs;

mod connect;
mod explain;
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
