//! 2 What is true now: everything is read before anything is decided.

pub mod codedeploy;
pub mod definition;
pub mod file;
pub mod images;
pub mod rollback;
pub mod service;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aws::Aws;
use crate::error::Error;
use crate::inputs::runner::Runner;
use crate::inputs::{Definition, Inputs, Mode, Source};
use crate::model::manifest::Manifest;
use crate::model::names::{Revision, short_name};
use crate::model::service::{Service, ServiceRevision};
use crate::model::task_definition::{Registered, TaskDefinition};

use self::rollback::WayBack;

/// What was true before the first write.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The service, when one is to be deployed.
    pub service: Option<Service>,
    /// What CodeDeploy says, where it moves the service's tasks.
    pub code_deploy: Option<codedeploy::CodeDeploy>,
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
    /// Where `mode: rollback` leads.
    pub way_back: Option<WayBack>,
    /// Remarks: what could not be read, and which permission it lacked.
    pub warnings: Vec<String>,
}

/// The document that the edits start from.
#[derive(Debug, Clone)]
pub struct Base {
    /// The document as it was read, a `DescribeTaskDefinition` answer's wrapper included.
    pub document: Value,
    /// The file it came from, as the user named it, or the revision's ARN.
    pub origin: String,
    /// The file's text; none when it was no file.
    pub text: Option<String>,
}

/// What is known of the digest of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digest {
    /// It is known.
    Known {
        /// `sha256:…`, of the index where there is one.
        digest: String,
        /// What its manifest says.
        manifest: Manifest,
    },
    /// The registry says that the image is not there; its words.
    Missing(String),
    /// The registry says that the image is archived, and cannot be pulled; its words.
    Archived(String),
    /// It could not be looked up; why.
    Unknown(String),
}

/// Reads everything that the plan needs. `file` is the task definition file, already read.
///
/// # Errors
/// The service, cluster or revision does not exist, or a needed call failed.
pub async fn observe(inputs: &Inputs, file: Option<Base>, runner: &Runner, aws: &Aws) -> Result<Observed, Error> {
    let service = match &inputs.deploy.service {
        Some(name) => Some(service::describe(&inputs.deploy.cluster, name, aws).await?),
        None => None,
    };
    let service = service.as_ref();
    let way_back = match service.filter(|_| inputs.deploy.mode == Mode::Rollback) {
        Some(service) => Some(rollback::way_back(inputs, service, aws).await?),
        None => None,
    };
    // From here on, going back is deploying a revision that is named.
    let named = way_back.as_ref().map(|back| Source::Registered(back.task_definition.clone()));
    let definition =
        Definition { source: named.unwrap_or(inputs.definition.source.clone()), ..inputs.definition.clone() };
    let inputs = &Inputs { definition, ..inputs.clone() };
    let source = &inputs.definition.source;
    let runs = service.map(|service| service.task_definition.as_str());
    let family = family(inputs, file.as_ref(), runs);
    // What is read as the base already is not read twice.
    let base_runs = file.is_none() && matches!(source, Source::Registered(which) if runs == Some(which.as_str()));
    let base_runs = base_runs || (file.is_none() && *source == Source::Running);
    let base_is_newest = file.is_none() && matches!(source, Source::Registered(which) if *which == family);
    let from = async {
        let (base, registered) = match file {
            Some(file) => (file, None),
            None => definition::base(inputs, service, aws).await.map(|(base, registered)| (base, Some(registered)))?,
        };
        let (digests, warnings) = images::digests(inputs, &base, aws).await;
        Ok::<_, Error>((base, registered, digests, warnings))
    };
    let running = service::revision(runs.filter(|_| !base_runs), "What the service runs now is not known", aws);
    let newest = service::revision(
        Some(family.as_str()).filter(|family| !base_is_newest && !family.is_empty()),
        "Whether the same revision exists already is not known, so one is registered",
        aws,
    );
    let running_revision = service::running_revision(service, aws);
    let code_deploy = code_deploy(inputs, service, runner, aws);
    let (from, running, newest, running_revision, code_deploy) =
        tokio::join!(from, running, newest, running_revision, code_deploy);
    let (base, registered, digests, mut warnings) = from?;
    let (code_deploy, remarks) = code_deploy?;
    warnings.extend(remarks);
    warnings.extend(way_back.iter().filter_map(|back| back.remark.clone()));
    for warning in [running.1, newest.1, running_revision.1] {
        warnings.extend(warning);
    }
    Ok(Observed {
        service: service.cloned(),
        code_deploy,
        base,
        running: if base_runs { registered.clone() } else { running.0 },
        running_revision: running_revision.0,
        newest: if base_is_newest { registered } else { newest.0 },
        digests,
        way_back,
        warnings,
    })
}

/// What CodeDeploy says, where it moves the service's tasks, and remarks.
async fn code_deploy(
    inputs: &Inputs,
    service: Option<&Service>,
    runner: &Runner,
    aws: &Aws,
) -> Result<(Option<codedeploy::CodeDeploy>, Vec<String>), Error> {
    let Some(service) = service.filter(|service| service.controller() == "CODE_DEPLOY") else {
        let unused = inputs.deploy.code_deploy.is_given().then(|| {
            "The inputs `codedeploy-…` have no effect: CodeDeploy does not move the tasks of this service.".to_owned()
        });
        return Ok((None, unused.into_iter().collect()));
    };
    codedeploy::observe(inputs, service, runner, aws).await.map(|(seen, remarks)| (Some(seen), remarks))
}

/// The family that is going to be registered: the patch's, the file's, or that of the revision to start from.
fn family(inputs: &Inputs, file: Option<&Base>, runs: Option<&str>) -> String {
    let patched = inputs.definition.edits.patch.as_ref().and_then(|patch| patch.get("family")?.as_str());
    if let Some(family) = patched {
        return family.to_owned();
    }
    let of =
        |which: &str| Revision::parse(which).map_or_else(|| short_name(which).to_owned(), |revision| revision.family);
    match (file, &inputs.definition.source) {
        (Some(file), _) => TaskDefinition::from_document(file.document.clone())
            .map(|definition| definition.family().to_owned())
            .unwrap_or_default(),
        (None, Source::Registered(which)) => of(which),
        (None, _) => of(runs.unwrap_or_default()),
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;
