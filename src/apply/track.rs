//! Finds our service deployment: the one whose target revision carries the digits of our deployment id.
//!
//! `currentServiceDeployment` is a hint (it lags behind `UpdateService`), the list is searched without a status filter
//! (a fast deployment is over before the first look), and what is found must be ours by its target revision.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;

use super::facts::{Facts, Goal, Tracking};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::model::service::{Service, ServiceDeployment};

/// How long the API may lag behind `UpdateService` before the search is given up.
const SEARCH: Duration = Duration::from_mins(1);

/// Answers in a row that can lead nowhere (errors, an empty list) before the API counts as absent.
const FRUITLESS: u32 = 3;

/// How long one look may take: the service's own list of deployments must not wait for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The search, and then the reading, of our service deployment.
#[derive(Debug, Default)]
pub struct Track {
    /// Hints that turned out to be someone else's, and the one that was there before.
    not_ours: BTreeSet<String>,
    /// Searches made.
    searches: u32,
    /// When to search next.
    next: Duration,
    /// Answers in a row that led nowhere.
    fruitless: u32,
    /// Since when reading the known one fails.
    failing_since: Option<Duration>,
}

/// What one look is to ask.
#[derive(Debug, PartialEq, Eq)]
pub enum Question {
    /// Nothing now.
    Nothing,
    /// How a service deployment is: ours, or what may be ours.
    Describe(String),
    /// Which service deployments there are.
    List,
}

/// What one look brought.
#[derive(Debug)]
pub enum Answer {
    /// Nothing was asked.
    Nothing,
    /// The service deployment, if ECS knows it.
    Described(String, Option<Box<ServiceDeployment>>),
    /// The newest service deployments.
    Listed(Vec<ServiceDeployment>),
    /// The call failed, or took too long.
    Failed(Option<CallError>),
}

impl Track {
    /// A search that does not trust what was current before the update.
    pub fn new(before: Option<&Service>, goal: &Goal) -> Self {
        // Where nothing was updated, what was current before may be the very one that is followed.
        let is_older = |service: &&Service| service.primary().is_some_and(|primary| primary.id != goal.deployment_id);
        let current = before.filter(is_older).and_then(|service| service.current_service_deployment.clone());
        Self { not_ours: current.into_iter().collect(), ..Self::default() }
    }

    /// What to ask now.
    pub fn question(&self, facts: &Facts) -> Question {
        match (facts.tracking, &facts.service_deployment) {
            (Tracking::Absent, _) => Question::Nothing,
            (Tracking::Known, Some(known)) => Question::Describe(known.service_deployment_arn.clone()),
            _ => {
                let hint = facts.service.as_ref().and_then(|service| service.current_service_deployment.as_ref());
                match hint.filter(|arn| !self.not_ours.contains(*arn)) {
                    Some(arn) => Question::Describe(arn.clone()),
                    None if facts.now >= self.next => Question::List,
                    None => Question::Nothing,
                }
            }
        }
    }

    /// Takes in an answer; a warning when the search is given up.
    pub fn take(&mut self, answer: Answer, facts: &mut Facts, goal: &Goal) -> Option<String> {
        let known = facts.tracking == Tracking::Known;
        match answer {
            Answer::Nothing => return None,
            Answer::Described(_, Some(deployment)) if goal.owns(&deployment) => {
                self.failing_since = None;
                accept(*deployment, facts, goal);
            }
            // History goes when the service goes; the service itself tells then.
            Answer::Described(_, None) if known => return self.failing(facts, None),
            Answer::Described(arn, _) => {
                self.not_ours.insert(arn);
                self.fruitless = 0;
            }
            Answer::Listed(deployments) => {
                let empty = deployments.is_empty();
                match deployments.into_iter().find(|deployment| goal.owns(deployment)) {
                    Some(ours) => accept(ours, facts, goal),
                    None => return self.searched(empty, facts, None),
                }
            }
            Answer::Failed(error) => {
                let hopeless = error.as_ref().is_some_and(|error| {
                    !matches!(
                        error.kind,
                        CallErrorKind::Throttled | CallErrorKind::Unreachable | CallErrorKind::Credentials
                    )
                });
                return match error {
                    error if hopeless => Some(give_up(facts, error.as_ref())),
                    error if known => self.failing(facts, error.as_ref()),
                    error => self.searched(true, facts, error.as_ref()),
                };
            }
        }
        None
    }

    fn searched(&mut self, fruitless: bool, facts: &mut Facts, error: Option<&CallError>) -> Option<String> {
        self.fruitless = if fruitless { self.fruitless + 1 } else { 0 };
        self.next = facts.now + Duration::from_secs(1 << self.searches.min(3));
        self.searches += 1;
        let over = self.fruitless >= FRUITLESS || facts.now >= SEARCH;
        over.then(|| give_up(facts, error))
    }

    fn failing(&mut self, facts: &mut Facts, error: Option<&CallError>) -> Option<String> {
        let since = *self.failing_since.get_or_insert(facts.now);
        (facts.now.saturating_sub(since) >= SEARCH).then(|| give_up(facts, error))
    }
}

/// Takes in our service deployment, unless it tells of another time: ECS goes back to a deployment by its old id, whose
/// own service deployment was successful long ago. The service's list tells how that goes.
fn accept(deployment: ServiceDeployment, facts: &mut Facts, goal: &Goal) {
    let state = facts.ours(goal).and_then(|ours| ours.rollout_state.as_deref());
    let contradicts = state.is_some_and(|state| state != "COMPLETED") && deployment.status == "SUCCESSFUL";
    let is_as_it_was = !goal.is_new() || goal.previous_deployment_id.is_none();
    if is_as_it_was && facts.tracking != Tracking::Known && contradicts {
        facts.lose_service_deployment();
    } else {
        facts.read_service_deployment(deployment);
    }
}

fn give_up(facts: &mut Facts, error: Option<&CallError>) -> String {
    facts.lose_service_deployment();
    let seen = match error {
        Some(error @ CallError { kind: CallErrorKind::Denied, .. }) => error.to_string(),
        Some(CallError { kind: CallErrorKind::UnknownOperation, action, .. }) => {
            format!("the endpoint does not know `{action}`")
        }
        Some(CallError { kind: CallErrorKind::Refused, action, .. }) => format!("`{action}` is refused"),
        Some(CallError { action, .. }) => format!("`{action}` keeps failing"),
        None => "ECS does not list ours".to_owned(),
    };
    format!(
        "The service deployment cannot be followed: {seen}. The service's own list of deployments decides instead, which \
         is less exact; `ecs:ListServiceDeployments` and `ecs:DescribeServiceDeployments` are what it takes."
    )
}

/// Asks.
pub async fn ask(question: Question, cluster: &str, service: &str, aws: &Aws) -> Answer {
    let asked = async {
        Ok(match question {
            Question::Nothing => Answer::Nothing,
            Question::Describe(arn) => {
                let found = aws.describe_service_deployment(&arn).await?;
                Answer::Described(arn, found.map(Box::new))
            }
            Question::List => Answer::Listed(aws.list_service_deployments(cluster, service).await?),
        })
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::Failed(Some(error)),
        Err(_) => Answer::Failed(None),
    }
}
