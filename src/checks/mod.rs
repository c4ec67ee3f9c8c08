//! 4 May we: what can be known to go wrong is told before the first write. Each check reads what it needs, and judges it
//! in a pure function; none writes. What cannot be read is skipped, and says why.

mod alarms;
mod circuit_breaker;
mod fargate_size;
mod images;
mod in_flight;
mod log_groups;
mod roles;
mod secrets_exist;
mod subnets;
mod target_groups;
mod unread;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::error::Error;
use crate::http::Http;
use crate::inputs::{Check, Inputs, Level};
use crate::model::place::{Place, place};
use crate::model::service::Service;
use crate::observe::Observed;
use crate::plan::ServicePlan;
use crate::plan::origin::origin;

/// How long one check may take: a deploy does not wait for what only warns of it. A scan has a limit of its own.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a check is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What the user asked.
    pub inputs: &'a Inputs,
    /// What is true now.
    pub observed: &'a Observed,
    /// What is to be done.
    pub plan: &'a ServicePlan,
    /// What is known of another deployment of the service.
    pub in_flight: &'a InFlight,
    /// The door for what is not AWS.
    pub http: &'a Http,
}

/// What is known of another deployment of the service, which `on-concurrent` is about.
#[derive(Debug, Clone)]
pub enum InFlight {
    /// Nobody asked: ours takes no deployment's place, or to go back from it is what was asked for.
    NotAsked,
    /// There is none.
    No,
    /// It is in progress; what becomes of it.
    Other(Error),
    /// It could not be read.
    Unread(CallError),
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its name in the input `checks`.
    pub check: &'static str,
    /// Whether its findings keep the deploy from being begun.
    pub blocks: bool,
    /// What it says.
    #[serde(flatten)]
    pub ruling: Ruling,
}

/// What a check says; it passes when it has nothing to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ruling {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What could not be known, and why: the missing IAM action by name.
    pub skipped: Vec<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, why, and the one thing to do.
    #[serde(flatten)]
    pub error: Error,
    /// Where in the rendered task definition, as a JSON pointer: `/containerDefinitions/0/image`.
    pub pointer: Option<String>,
    /// Where in the task definition's file.
    pub place: Option<Place>,
    /// It is not certain: it is told, and never blocks.
    pub is_doubtful: bool,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing is wrong.
    Pass,
    /// Something is wrong, and told.
    Warn,
    /// Something is wrong, and nothing is written.
    Block,
    /// It could not be known.
    Skip,
}

impl<'a> Subject<'a> {
    /// The service, where ECS itself moves its tasks.
    fn moved_by_ecs(&self) -> Option<&'a Service> {
        self.plan.service.as_ref().filter(|service| service.controller() == "ECS")
    }
}

impl Checked {
    /// How it ended: its worst.
    pub fn mark(&self) -> Mark {
        if self.blocking().next().is_some() {
            Mark::Block
        } else if !self.ruling.findings.is_empty() {
            Mark::Warn
        } else if !self.ruling.skipped.is_empty() {
            Mark::Skip
        } else {
            Mark::Pass
        }
    }

    /// Whether this finding of it keeps the deploy from being begun.
    pub fn is_blocked_by(&self, finding: &Finding) -> bool {
        self.blocks && !finding.is_doubtful
    }

    /// The findings that keep the deploy from being begun.
    pub fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.ruling.findings.iter().filter(|finding| self.is_blocked_by(finding))
    }
}

impl Ruling {
    /// Only this is wrong.
    fn found(finding: Finding) -> Self {
        Self { findings: vec![finding], ..Self::default() }
    }

    /// It could not be known; why, in one sentence.
    fn skip(why: impl Into<String>) -> Self {
        Self { skipped: vec![why.into()], ..Self::default() }
    }

    /// It could not be read; `what` is what is not known then, such as ``whether the log group `/ecs/web` exists``.
    fn unread(what: &str, error: &CallError) -> Self {
        Self::skip(format!("It is not known {what}: {error}"))
    }

    /// Both together.
    fn and(mut self, other: Self) -> Self {
        self.findings.extend(other.findings);
        self.skipped.extend(other.skipped);
        self
    }
}

impl FromIterator<Self> for Ruling {
    fn from_iter<I: IntoIterator<Item = Self>>(rulings: I) -> Self {
        rulings.into_iter().fold(Self::default(), Self::and)
    }
}

impl Finding {
    /// A finding about the service or the account.
    fn new(error: Error) -> Self {
        Self { error, pointer: None, place: None, is_doubtful: false }
    }

    /// The same, about a place of the rendered task definition: `/containerDefinitions/0/image`.
    fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// The same, but not certain.
    fn doubtful(mut self) -> Self {
        self.is_doubtful = true;
        self
    }
}

/// Runs every check that is not off and that the run is a matter of, all at once; the answers stand in the order of
/// [`Check`].
pub async fn check(subject: &Subject<'_>, aws: &Aws) -> Vec<Checked> {
    let elsewhere = images::Elsewhere::default();
    let (refuse, refused) = watch::channel(false);
    // Each on the heap: together they would be more than a stack should carry.
    let ask = |check: Check| Box::pin(run(check, subject, aws, &elsewhere, &refused));
    let others = async {
        let all = tokio::join!(
            ask(Check::ImageExists),
            ask(Check::ImagePlatform),
            ask(Check::FargateSize),
            ask(Check::SecretsExist),
            ask(Check::LogGroups),
            ask(Check::Roles),
            ask(Check::TargetGroups),
            ask(Check::CircuitBreaker),
            ask(Check::InFlight),
            ask(Check::Alarms),
            ask(Check::Subnets),
        );
        let all: [Option<Checked>; 11] = all.into();
        let checked: Vec<Checked> = all.into_iter().flatten().collect();
        // What a scan that goes on will find changes nothing then.
        refuse.send_replace(checked.iter().any(|checked| checked.mark() == Mark::Block));
        checked
    };
    let (mut checked, scan) = Box::pin(async { tokio::join!(others, ask(Check::ImageScan)) }).await;
    checked.extend(scan);
    for finding in checked.iter_mut().flat_map(|checked| &mut checked.ruling.findings) {
        finding.place = finding.pointer.as_deref().and_then(|pointer| written(pointer, subject));
    }
    checked
}

async fn run(
    check: Check,
    subject: &Subject<'_>,
    aws: &Aws,
    elsewhere: &images::Elsewhere,
    refused: &watch::Receiver<bool>,
) -> Option<Checked> {
    let level = subject.inputs.checks.level(check);
    if level == Level::Off {
        return None;
    }
    let ruling = match check {
        Check::ImageExists => Some(in_time(Box::pin(images::exists::ruling(subject, aws, elsewhere))).await),
        Check::ImagePlatform => Some(in_time(Box::pin(images::platform::ruling(subject, aws, elsewhere))).await),
        Check::ImageScan => Some(Box::pin(images::scan::ruling(subject, refused, aws)).await),
        Check::FargateSize => Some(fargate_size::judge(subject)),
        Check::SecretsExist => Some(in_time(secrets_exist::check(subject, aws)).await),
        Check::LogGroups => Some(in_time(log_groups::check(subject, aws)).await),
        Check::Roles => Some(in_time(roles::check(subject, aws)).await),
        Check::TargetGroups => in_time(target_groups::check(subject, aws)).await,
        Check::CircuitBreaker => circuit_breaker::judge(subject),
        Check::Alarms => in_time(alarms::check(subject, aws)).await,
        Check::Subnets => in_time(subnets::check(subject, aws)).await,
        Check::InFlight => in_flight::judge(subject),
    }?;
    Some(Checked { check: check.name(), blocks: level == Level::Block, ruling })
}

/// The ruling of a check that asks AWS, in good time.
async fn in_time<R: From<Ruling>>(ruling: impl Future<Output = R>) -> R {
    let late = || Ruling::skip(format!("There was no answer within {} seconds.", PATIENCE.as_secs()));
    timeout(PATIENCE, ruling).await.unwrap_or_else(|_| late().into())
}

/// Where what a pointer names is written in the file that was deployed.
fn written(pointer: &str, subject: &Subject<'_>) -> Option<Place> {
    let base = &subject.observed.base;
    let text = base.text.as_deref()?;
    let (wrapping, document) = match base.document.get("taskDefinition") {
        Some(inner) if base.document.get("containerDefinitions").is_none() => ("/taskDefinition", inner),
        _ => ("", &base.document),
    };
    let rendered = Value::Object(subject.plan.definition.0.clone());
    let (line, column) = place(text, &format!("{wrapping}{}", origin(pointer, &rendered, document)))?;
    Some(Place { file: base.origin.clone(), line, column })
}

#[cfg(test)]
mod tests;
