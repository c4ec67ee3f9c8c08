//! 1 What the user asked: raw strings to typed [`Inputs`], all mistakes at once. Pure.
//!
//! [`raw`] reads the strings by name; each of [`credentials`], [`definition`], [`deploy`], [`wait`], [`checks`] and [`reporting`]
//! holds the types of its part and the parse of them; `given`, `lists` and `arns` know the formats, and `later`
//! the inputs that are declared but not available in this version.

mod arns;
pub mod checks;
pub mod credentials;
pub mod definition;
pub mod deploy;
mod edits;
pub mod environment;
mod given;
mod later;
mod lists;
pub mod raw;
pub mod reporting;
mod rollback;
pub mod runner;
mod session;
pub mod suggest;
pub mod wait;

use crate::error::{Code, Error};

pub use self::checks::{Check, Checks, Level, Severity};
pub use self::credentials::{AccessKeys, Credentials, Role};
pub use self::definition::{Definition, Source};
pub use self::deploy::{CodeDeploy, Deploy, Mode, OnCancel, OnConcurrent, OnFailure};
pub use self::edits::Edits;
pub use self::raw::Asked;
pub use self::reporting::{PrComment, Reporting};
pub use self::wait::{STAGES, Until, Wait};

use self::given::{Remarks, given};
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
    /// What to check before the first write, and how strictly.
    pub checks: Checks,
    /// What to publish on GitHub.
    pub reporting: Reporting,
}

/// A remark on the inputs that does not stop the run.
pub type Warning = String;

/// The typed inputs and the warnings about them.
///
/// Every part is parsed even when an earlier one is wrong; what stands in for a wrong value is never seen.
///
/// # Errors
/// Every mistake there is, not only the first.
pub fn parse(asked: &Asked) -> Result<(Inputs, Vec<Warning>), Vec<Error>> {
    let Asked { raw, runner, mistakes, warnings } = asked;
    let mut remarks = Remarks { mistakes: mistakes.clone(), warnings: warnings.clone() };
    later::refuse(raw, &mut remarks);
    rollback::check(raw, &mut remarks);
    let inputs = Inputs {
        region: region(raw, runner, &mut remarks),
        credentials: credentials::parse(raw, runner, &mut remarks),
        definition: definition::parse(raw, &mut remarks),
        deploy: deploy::parse(raw, &mut remarks),
        wait: wait::parse(raw, &mut remarks),
        checks: checks::parse(raw, &mut remarks),
        reporting: reporting::parse(raw, &mut remarks),
    };
    if remarks.mistakes.is_empty() { Ok((inputs, remarks.warnings)) } else { Err(remarks.mistakes) }
}

fn region(raw: &RawInputs, runner: &Runner, remarks: &mut Remarks) -> String {
    let input = given!(raw.aws_region);
    let Some(region) = input.text().or(runner.aws_region.as_deref().map(str::trim)) else {
        remarks.mistakes.push(Error::new(
            Code::InputMissing,
            "The AWS region is not known.",
            "Neither the input `aws-region` nor the variables `AWS_REGION` and `AWS_DEFAULT_REGION` are set.",
            "Add `aws-region:` with the region of the cluster, such as `eu-central-1`.",
        ));
        return String::new();
    };
    if !region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        let allowed = "A region has lower-case letters, digits and hyphens, as in `eu-central-1`";
        if input.text().is_some() {
            remarks.invalid(input, allowed, "Give the region of the cluster.");
        } else {
            let what =
                format!("The region `{}` of `AWS_REGION` or `AWS_DEFAULT_REGION` is none.", suggest::shortened(region));
            remarks.mistakes.push(Error::new(
                Code::InputInvalid,
                what,
                format!("{allowed}."),
                "Give the input `aws-region`.",
            ));
        }
    }
    region.to_owned()
}

#[cfg(test)]
mod tests;
