//! 2 What is true now: everything is read before anything is decided.

pub mod definition;
pub mod images;
pub mod service;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aws::Aws;
use crate::error::Error;
use crate::inputs::Inputs;
use crate::model::service::{Service, ServiceRevision};
use crate::model::task_definition::Registered;

/// What was true before the first write.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The service, when one is to be deployed.
    pub service: Option<Service>,
    /// The document that the edits start from.
    pub base: Base,
    /// The revision that the service runs.
    pub running: Option<Registered>,
    /// What the service's newest service revision really runs, digests included; absent where the API is.
    pub running_revision: Option<ServiceRevision>,
    /// The newest active revision of the family.
    pub newest: Option<Registered>,
    /// The digest of each image that is in question, by the image's text.
    pub digests: BTreeMap<String, Digest>,
    /// Remarks: what could not be read, and which permission it lacked.
    pub warnings: Vec<String>,
}

/// The document that the edits start from.
#[derive(Debug, Clone)]
pub struct Base {
    /// The document as it was read, a DescribeTaskDefinition answer's wrapper included.
    pub document: Value,
    /// The file it came from, as the user named it, or the revision's ARN.
    pub origin: String,
}

/// What is known of the digest of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digest {
    /// `sha256:…`.
    Known(String),
    /// The registry says that the image is not there; its words.
    Missing(String),
    /// It could not be looked up; why.
    Unknown(String),
}

/// Reads everything that the plan needs. `file` is the task definition file, already read.
///
/// # Errors
/// The service, cluster or revision does not exist, or a needed call failed.
pub async fn observe(inputs: &Inputs, file: Option<Base>, aws: &Aws) -> Result<Observed, Error> {
    let _ = (inputs, file, aws);
    todo!()
}
