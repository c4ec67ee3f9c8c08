//! Gathers the evidence, everything at once and for ten seconds in all: whatever arrived by then is kept.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::join;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::evidence::{belongs, events, group, is_routine};
use super::logs::{Source, sources, tail};
use super::moments::{moments, spent};
use super::{Evidence, LogTail, Subject, targets};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::aws::ecs::MOST_TASKS;
use crate::model::log::LogLine;
use crate::model::names::short_name;
use crate::model::task::Task;

/// How long the verdict may wait for its evidence: the limit of the wait is over by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Log lines reach `CloudWatch` some seconds after they are written.
const DELIVERY: Duration = Duration::from_secs(5);

/// Lines read of one log.
const LINES: i32 = 50;

/// What is known without asking: what the service said, and what its deployment counted.
pub fn in_hand(subject: &Subject<'_>) -> Evidence {
    let deployment = subject.service_deployment;
    let mut evidence = Evidence {
        alarms: deployment
            .and_then(|it| it.alarms.as_ref())
            .map(|it| it.triggered_alarm_names.clone())
            .unwrap_or_default(),
        breaker: deployment.and_then(|it| it.deployment_circuit_breaker.clone()).filter(|it| it.threshold > 0),
        events: subject.plan.service.as_ref().map(|before| events(before, subject.service)).unwrap_or_default(),
        ..Evidence::default()
    };
    order(&mut evidence, subject, &[]);
    evidence
}

/// Gathers the evidence, while it still exists. A permission that is missing takes away one piece of it.
pub async fn gather(subject: &Subject<'_>, aws: &Aws) -> Evidence {
    let mut evidence = in_hand(subject);
    let Some(service) = &subject.plan.service else { return evidence };
    let until = Instant::now() + PATIENCE;
    let (cluster, name) = (subject.plan.cluster.as_str(), service.service_name.as_str());
    let stopped = async {
        let read = before(until, "The stopped tasks", aws.stopped_tasks(cluster, name)).await;
        let are_all = are_all(&read);
        let tasks = read.map(|tasks| ours(tasks, subject));
        let failed = tasks.iter().flatten().filter(|task| !is_routine(task));
        let (wanted, elsewhere) = sources(group(failed).iter(), &tasks.iter().flatten(), subject, &aws.region);
        (tasks, are_all, tails(wanted, elsewhere, subject, aws, until).await)
    };
    let running = async {
        let read = before(until, "The running tasks", aws.running_tasks(cluster, name)).await;
        let are_all = are_all(&read);
        (read.map(|tasks| ours(tasks, subject)), are_all)
    };
    let seen = subject.service.unwrap_or(service);
    let ((stopped, are_all_stopped, (logs, unread)), (running, are_all_running), (groups, unseen)) =
        join!(Box::pin(stopped), Box::pin(running), Box::pin(targets::read(seen, aws, until)));
    (evidence.logs, evidence.target_groups) = (logs, groups);
    let mut tasks = Vec::new();
    for read in [stopped, running] {
        match read {
            Ok(read) => tasks.extend(read),
            Err(why) => evidence.missing.push(why),
        }
    }
    evidence.tasks = (are_all_stopped && are_all_running)
        .then(|| tasks.iter().map(|task| short_name(&task.task_arn).to_owned()).collect());
    evidence.missing.extend(unread.into_iter().chain(unseen));
    let mut told = BTreeSet::new();
    evidence.missing.retain(|why| told.insert(why.clone()));
    let failed = |task: &&Task| has_stopped(task) && !is_routine(task);
    evidence.stopped = group(tasks.iter().filter(failed));
    evidence.routine = group(tasks.iter().filter(|task| has_stopped(task) && is_routine(task)));
    evidence.unhealthy = unhealthy(&tasks);
    targets::join_tasks(&mut evidence.target_groups, &tasks);
    order(&mut evidence, subject, &tasks);
    evidence
}

/// Adds what the service said and counted since the evidence was gathered.
pub fn refresh(evidence: &mut Evidence, subject: &Subject<'_>) {
    let now = in_hand(subject);
    let known: BTreeSet<String> = evidence.events.iter().map(|event| event.id.clone()).collect();
    let new: Vec<_> = now.events.iter().filter(|event| !known.contains(&event.id)).cloned().collect();
    evidence.moments.extend(moments(since(subject, &[]), &new, &[], &[]));
    evidence.moments.sort_by(|one, other| one.at.total_cmp(&other.at));
    evidence.events.extend(new);
    evidence.alarms = now.alarms;
    evidence.breaker = now.breaker;
}

fn order(evidence: &mut Evidence, subject: &Subject<'_>, tasks: &[Task]) {
    evidence.moments = moments(since(subject, tasks), &evidence.events, tasks, &evidence.logs);
    evidence.spent = spent(subject.deployment_id, &evidence.events, tasks);
}

/// When our deployment began, by AWS's clock.
fn since(subject: &Subject<'_>, tasks: &[Task]) -> f64 {
    let listed = subject.service.and_then(|it| it.deployments.iter().find(|it| it.id == subject.deployment_id));
    let told = listed.and_then(|it| it.created_at).or(subject.service_deployment.and_then(|it| it.created_at));
    let first = || tasks.iter().filter_map(|task| task.created_at).min_by(f64::total_cmp);
    let event = || subject.service.and_then(|it| it.events.last()).map(|event| event.created_at);
    told.or_else(first).or_else(event).unwrap_or_default()
}

/// Whether there are no more tasks than those that were read.
fn are_all(read: &Result<Vec<Task>, String>) -> bool {
    read.as_ref().is_ok_and(|tasks| tasks.len() < usize::from(MOST_TASKS))
}

/// The tasks of our deployment.
fn ours(tasks: Vec<Task>, subject: &Subject<'_>) -> Vec<Task> {
    tasks.into_iter().filter(|task| belongs(task, subject.deployment_id, subject.task_definition)).collect()
}

fn has_stopped(task: &Task) -> bool {
    task.stopped_at.is_some() || task.stop_code.is_some() || task.last_status == "STOPPED"
}

/// Container health of the tasks that still run.
fn unhealthy(tasks: &[Task]) -> Vec<(String, String, String)> {
    let running = tasks.iter().filter(|task| !has_stopped(task));
    running
        .flat_map(|task| {
            let sick = task.containers.iter().filter(|it| it.health_status.as_deref() == Some("UNHEALTHY"));
            sick.map(|it| (short_name(&task.task_arn).to_owned(), it.name.clone(), "UNHEALTHY".to_owned()))
        })
        .collect()
}

/// What `asked` brings by `until`; otherwise why `what` is missing.
pub(super) async fn before<T>(
    until: Instant,
    what: &str,
    asked: impl Future<Output = Result<T, CallError>>,
) -> Result<T, String> {
    match timeout_at(until, asked).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(format!("{what}: {error}")),
        Err(_) => Err(format!("{what}: AWS took longer than {} seconds.", PATIENCE.as_secs())),
    }
}

/// The log of each source, as far as it arrives; and what does not.
async fn tails(
    wanted: Vec<Source>,
    elsewhere: Vec<String>,
    subject: &Subject<'_>,
    aws: &Aws,
    until: Instant,
) -> (Vec<LogTail>, Vec<String>) {
    let mut reading = JoinSet::new();
    for (nth, source) in wanted.into_iter().enumerate() {
        let aws = aws.clone();
        reading.spawn(async move {
            let what = format!("The log of container `{}`", source.container);
            let read = before(until, &what, lines(&source, &aws, until)).await;
            (nth, read, source)
        });
    }
    let (mut found, mut unread) = (Vec::new(), elsewhere);
    while let Some(read) = reading.join_next().await {
        match read {
            Ok((_, Ok(lines), source)) if lines.is_empty() => unread.push(source.nothing()),
            Ok((nth, Ok(lines), source)) => found.push((nth, tail(source, lines, subject, aws))),
            Ok((_, Err(why), _)) => unread.push(why),
            Err(_) => {}
        }
    }
    found.sort_by_key(|(nth, _)| *nth);
    (found.into_iter().map(|(_, tail)| tail).collect(), unread)
}

/// The last lines of a log; when there are none yet and the task has just ended, once more after a while.
async fn lines(source: &Source, aws: &Aws, until: Instant) -> Result<Vec<LogLine>, CallError> {
    let read = || async {
        match aws.log_tail(&source.region, &source.group, &source.stream, LINES).await {
            // The stream begins with the first line.
            Err(error) if error.code.as_deref() == Some("ResourceNotFoundException") => Ok(Vec::new()),
            read => read,
        }
    };
    let lines = read().await?;
    if !lines.is_empty() || !source.is_fresh || Instant::now() + DELIVERY >= until {
        return Ok(lines);
    }
    sleep(DELIVERY).await;
    read().await
}
