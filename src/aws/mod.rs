//! Door: the only place that knows the AWS SDK. Nouns go in and come out; SDK types never leave.

pub mod call;
pub mod ecr;
pub mod ecs;
pub mod sts;

mod refusal;

use crate::error::Error;
use crate::http::Http;
use crate::inputs::Credentials;
use crate::inputs::runner::Runner;

/// AWS, as one identity in one region.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Who we are.
    pub identity: Identity,
    /// The region of the service.
    pub region: String,
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

impl Aws {
    /// Obtains credentials the way the inputs ask for, proves them, and checks the account against
    /// `allowed-account-ids`. Every secret is handed to `mask` the moment it exists. Beside AWS: remarks for the user.
    ///
    /// # Errors
    /// Credentials that cannot be had, each cause with its own explanation.
    pub async fn connect(
        credentials: &Credentials,
        region: &str,
        runner: &Runner,
        http: &Http,
        mask: fn(&str),
    ) -> Result<(Self, Vec<String>), Error> {
        let _ = (credentials, region, runner, http, mask);
        todo!()
    }
}
