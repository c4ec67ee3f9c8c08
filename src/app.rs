//! The story: from the inputs to the report, in this order. Nothing else decides order.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::apply::{self, Event, What, concurrent};
use crate::aws::{Aws, Transport};
use crate::checks::{self, Checked, Subject};
use crate::cli::{self, Command};
use crate::diagnose;
use crate::error::{Code, Error};
use crate::github;
use crate::http::Http;
use crate::inputs::environment::Environment;
use crate::inputs::{self, Asked, Inputs, Mode, OnConcurrent, Wait};
use crate::model::verdict::Verdict;
use crate::observe;
use crate::plan::{self, Plan};
use crate::policy::Policy;
use crate::report::{Report, console, json, outputs, summary};

use self::publish::Open;

pub mod policy;
pub mod post;
mod publish;

/// Does what the command line and the environment ask for.
pub fn main(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> ExitCode {
    log_to_stderr(environment);
    let command = match cli::parse(arguments, environment) {
        Command::Say { text, exit_code } => {
            if exit_code == 0 {
                print(text.trim_end());
            } else {
                complain(text.trim_end());
            }
            return ExitCode::from(exit_code);
        }
        Command::Policy { asked, which } => return told(policy::policy(&asked, which)),
        command => command,
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("The async runtime did not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let exit_code = runtime.block_on(async {
        match command {
            Command::Run(asked) => {
                ExitCode::from(Box::pin(run(&asked, &Doors::default(), first_signal(), print)).await.exit_code())
            }
            Command::Post(left_open) => {
                left_open.close(&Http::default(), print).await;
                ExitCode::SUCCESS
            }
            other => stage(other).await,
        }
    });
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    exit_code
}

/// The policy alone on stdout, so that it can be handed on as it is.
fn told(policy: Result<Policy, Vec<Error>>) -> ExitCode {
    match policy {
        Ok(Policy { document, remarks }) => {
            for remark in &remarks {
                complain(remark);
            }
            print(&format!("{document:#}"));
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            for mistake in &mistakes {
                complain(&mistake.to_string());
            }
            ExitCode::from(Verdict::Invalid.exit_code())
        }
    }
}

/// The verbs of the stage: the demo, and the pretend AWS on its own.
#[cfg(feature = "sim")]
async fn stage(command: Command) -> ExitCode {
    use crate::sim::{Clock, World, demo, serve};

    let done = match command {
        Command::Sim { listen, record } => {
            let world = World::default().clock(Clock::Wall(Duration::from_millis(400)));
            serve(&listen, world, record.as_deref()).await
        }
        _ => match std::env::current_exe() {
            Ok(program) => demo::play(&program, std::path::Path::new("target/demo")).await,
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// The verbs of the stage, which the released binary does not have.
#[cfg(not(feature = "sim"))]
#[expect(clippy::unused_async, reason = "its twin with the sim waits")]
async fn stage(_: Command) -> ExitCode {
    complain("This binary was built without the pretend AWS: build it with `--features sim`.");
    ExitCode::from(2)
}

/// What the program reaches the outside through. The default is the network.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// Requests to AWS.
    pub aws: Transport,
    /// All others.
    pub http: Http,
}

/// Runs the whole story and tells it. `cancelled_by` is the name of the signal that ends it early; `say` prints one line
/// for the user.
pub async fn run(
    asked: &Asked,
    doors: &Doors,
    cancelled_by: impl Future<Output = &'static str>,
    say: fn(&str),
) -> Verdict {
    let started = Instant::now();
    let began = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    let mut report = Report { runner: asked.runner.clone(), began, ..Report::default() };
    let mut cancelled_by = pin!(cancelled_by);
    let (mut reached, mut open) = (None, Open::default());
    let ended = tokio::select! {
        biased;
        name = &mut cancelled_by => Err(name),
        ended = story(asked, &mut report, &mut open, doors, &mut reached, started, say) => Ok(ended),
    };
    let (ended, signal) = match ended {
        Ok(ended) => (ended, None),
        Err(name) => (Err(vec![cancel(name, &mut report, reached.as_ref(), started, say).await]), Some(name)),
    };
    let verdict = conclude(&mut report, ended, started.elapsed());
    // The first signal that comes while the report is told shortens it, and takes nothing back.
    let hurry = async {
        if signal.is_none() {
            cancelled_by.await;
        }
    };
    Box::pin(tell(&mut report, open, &doors.http, hurry, say)).await;
    verdict
}

/// What a signal leaves behind, and the error that says so. An ending that was seen already stands.
async fn cancel(name: &str, report: &mut Report, aws: Option<&Aws>, started: Instant, say: fn(&str)) -> Error {
    let Report { outcome, timeline, plan, .. } = report;
    let service = plan.as_ref().and_then(|plan| plan.services.first()).filter(|_| outcome.verdict.is_none());
    let mut tell = |what| timeline_of(timeline, started, say, what);
    apply::cancel::cancel(name, service, aws, outcome, &mut tell).await
}

/// Tells what happened, and keeps it for the report.
fn timeline_of(timeline: &mut Vec<Event>, started: Instant, say: fn(&str), what: What) {
    let event = Event { at: started.elapsed(), what };
    say(&console::event(&event));
    timeline.push(event);
}

/// One page from the inputs to the ending. Everything learned goes into the report at once, so that a run cut short
/// still tells what it knew.
async fn story(
    asked: &Asked,
    report: &mut Report,
    open: &mut Open,
    doors: &Doors,
    reached: &mut Option<Aws>,
    started: Instant,
    say: fn(&str),
) -> Result<(), Vec<Error>> {
    // 1 What the user asked.
    let runner = &asked.runner;
    let read = |given: &str| {
        observe::file::read(&observe::file::TASK_DEFINITION, &runner.workspace, runner.temp.as_deref(), given)
    };
    let file = asked.raw.task_definition.as_deref().map(read).transpose();
    let (file, inputs) = match (file, inputs::parse(asked)) {
        (Ok(file), Ok((inputs, warnings))) => {
            report.warnings.extend(warnings);
            (file, inputs)
        }
        (file, parsed) => return Err(parsed.err().into_iter().flatten().chain(file.err()).collect()),
    };
    report.inputs = Some(inputs.clone());
    let mask = github::mask::for_runner(runner);
    let connected = Aws::connect(&inputs.credentials, &inputs.region, runner, &doors.http, &doors.aws, mask).await;
    let (aws, warnings) = connected.map_err(one)?;
    inputs.reporting.token.iter().for_each(|token| aws.remember(token.expose()));
    report.identity = Some(aws.identity.clone());
    report.warnings.extend(warnings);
    *reached = Some(aws.clone());

    // 2 What is true now, and 3 what we will do: again after another deployment was awaited, which may have changed it.
    let mut wait = inputs.wait.clone();
    let (plan, other) = loop {
        let observed = observe::observe(&inputs, file.clone(), runner, &aws).await.map_err(one)?;
        report.observed = Some(observed.clone());
        let plan = plan::plan(&inputs, &observed)?;
        report.plan = Some(plan.clone());
        let began = Instant::now();
        if let Way::Open(other) = make_way(&inputs, &plan, &wait, &aws, report, started, say).await.map_err(one)? {
            break (plan, other);
        }
        wait.limit = wait.limit.saturating_sub(began.elapsed());
    };
    for line in console::plan(report) {
        say(&line);
    }

    // 4 May we; and meanwhile, what a reader of the plan wants to know of its images.
    for (index, service) in plan.services.iter().enumerate().filter(|(_, service)| service.writes()) {
        let Some(observed) = &report.observed else { continue };
        let subject =
            Subject { inputs: &inputs, observed, plan: service, in_flight: other.as_ref(), http: &doors.http };
        let stored = async {
            match inputs.deploy.mode {
                Mode::Plan => observe::images::stored(observed, &aws).await,
                Mode::Deploy | Mode::Rollback => (BTreeMap::new(), None),
            }
        };
        let (checked, (stored, unread)) = Box::pin(async { tokio::join!(checks::check(&subject, &aws), stored) }).await;
        report.checked.extend(checked);
        report.warnings.extend(unread);
        let told = report.plan.as_mut().and_then(|plan| plan.services.get_mut(index));
        told.into_iter().flat_map(|plan| &mut plan.images).for_each(|image| image.describe(&stored));
    }
    for line in console::checks(report) {
        say(&line);
    }
    let blocking = report.checked.iter().flat_map(Checked::blocking).map(|finding| finding.error.clone());
    report.errors.extend(blocking.collect::<Vec<_>>());
    if !report.errors.is_empty() {
        report.verdict = Some(Verdict::Blocked);
        return Ok(());
    }
    if inputs.deploy.mode == Mode::Plan {
        let reuse = plan.services.iter().find_map(|service| service.reuse.as_ref());
        report.outcome.task_definition_arn = reuse.map(|found| found.arn.clone());
        report.verdict = Some(Verdict::Planned);
        return Ok(());
    }

    // What is shown on GitHub meanwhile.
    let mut told = Vec::new();
    open.open(report, &doors.http, &mut |what| timeline_of(&mut told, started, say, what)).await;
    report.timeline.extend(told);

    // 5 Do it, and 6 why not.
    for service in &plan.services {
        let Report { outcome, timeline, .. } = report;
        let mut tell = |what| timeline_of(timeline, started, say, what);
        apply::apply(service, &wait, &aws, outcome, &mut tell).await.map_err(one)?;
        if outcome.verdict.is_some_and(calls_for_evidence)
            && let Some(subject) = outcome.subject(service)
        {
            let evidence = match &outcome.evidence {
                Some(evidence) => evidence.clone(),
                None => diagnose::gather(&subject, &aws).await,
            };
            let cause = diagnose::name_cause(&evidence, &subject);
            outcome.cause = cause.or(outcome.cause.take());
            outcome.evidence = Some(evidence);
        }
    }
    Ok(())
}

/// Whether our deployment may begin now.
enum Way {
    /// It may; what is to be known of another one in progress.
    Open(Option<Error>),
    /// Another one was awaited: everything has to be looked at again.
    AwaitedAnother,
}

/// Makes way for our deployment: `on-concurrent` decides where another one is in progress.
async fn make_way(
    inputs: &Inputs,
    plan: &Plan,
    wait: &Wait,
    aws: &Aws,
    report: &mut Report,
    started: Instant,
    say: fn(&str),
) -> Result<Way, Error> {
    let Some(service) = plan.services.first() else { return Ok(Way::Open(None)) };
    let Some(other) = concurrent::other(service, aws).await else { return Ok(Way::Open(None)) };
    let asked = inputs.deploy.on_concurrent;
    match (inputs.deploy.mode, asked) {
        (Mode::Plan, _) => Ok(Way::Open(Some(other.remarked(asked)))),
        // Going back from it is what was asked for.
        (Mode::Rollback, OnConcurrent::Replace) if other.may_be_replaced() => {
            report.warnings.push(other.replaced());
            Ok(Way::Open(None))
        }
        (_, OnConcurrent::Replace) if other.may_be_replaced() => Ok(Way::Open(Some(other.remarked(asked)))),
        (_, OnConcurrent::Replace | OnConcurrent::Fail) => Err(other.refused(None)),
        (_, OnConcurrent::Wait) => {
            let timeline = &mut report.timeline;
            let mut tell = |what| timeline_of(timeline, started, say, what);
            concurrent::wait(other, service, wait, aws, &mut tell).await.map(|()| Way::AwaitedAnother)
        }
    }
}

/// 7 Tell it. What later steps rely on comes first, the cause of a failure last. A report that cannot be delivered is
/// a warning: it never changes the verdict.
async fn tell(report: &mut Report, open: Open, http: &Http, hurry: impl Future<Output = ()>, say: fn(&str)) {
    write_documents(report);
    let runner = &report.runner;
    let outputs = github::files::append_outputs(runner.output.as_deref(), &outputs::outputs(report));
    let wanted = report.inputs.as_ref().is_none_or(|inputs| inputs.reporting.job_summary);
    let summary = if wanted {
        github::files::append_summary(runner.step_summary.as_deref(), &summary::summary(report))
    } else {
        Ok(())
    };
    let published = open.close(report, http, hurry).await;
    report.warnings.extend([outputs, summary].into_iter().filter_map(Result::err).chain(published));
    for line in console::ending(report) {
        say(&line);
    }
}

/// The rendered task definition and the report, as files for later steps. One that cannot be written is a warning.
fn write_documents(report: &mut Report) {
    let workspace = report.runner.workspace.clone();
    let name = document_name(report);
    let place =
        |kind: &str, text: &str| github::files::write_for_later_steps(&workspace, &format!("{kind}-{name}.json"), text);
    let definition = report.service_plan().map(|plan| plan.definition.pretty());
    let definition = definition.map(|text| place("task-definition", &text)).transpose();
    report.task_definition_path = definition.as_ref().ok().cloned().flatten();
    let told = place("report", &json::json(report));
    report.report_path = told.as_ref().ok().cloned();
    report.warnings.extend(definition.err().into_iter().chain(told.err()));
}

/// A name of its own for each cluster and service: a job may deploy the same service to several clusters, and the files
/// of an earlier step must stay what its outputs said.
fn document_name(report: &Report) -> String {
    match (report.cluster_name(), report.service_name()) {
        (Some(cluster), Some(service)) => format!("{cluster}.{service}"),
        _ => report.family().unwrap_or_else(|| "run".to_owned()),
    }
}

/// The verdict, from how the story ended.
fn conclude(report: &mut Report, ended: Result<(), Vec<Error>>, duration: Duration) -> Verdict {
    report.duration = duration;
    let verdict = match ended {
        Ok(()) => {
            report.errors.extend(report.outcome.cause.clone());
            report.verdict.or(report.outcome.verdict)
        }
        // A signal that comes while the cause is looked for does not undo an ending that was already seen.
        Err(errors) if report.outcome.verdict.is_some() && errors.iter().all(|error| error.code == Code::Cancelled) => {
            report.errors.extend(report.outcome.cause.clone());
            report.warnings.extend(errors.into_iter().map(|error| format!("{} {}", error.what, error.why)));
            report.outcome.verdict
        }
        Err(errors) => {
            let verdict = errors.first().map(|error| after(error.code, report.outcome.changed));
            report.errors.extend(errors);
            verdict
        }
    };
    // A story without an ending cannot be green.
    let verdict = verdict.unwrap_or(Verdict::Failed);
    report.verdict = Some(verdict);
    verdict
}

/// Whether a run that ended so has a cause to look for in the service's tasks.
fn calls_for_evidence(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::RolledBack | Verdict::Failed | Verdict::RollbackFailed | Verdict::TimedOut)
}

/// `invalid` and `blocked` promise that nothing was written: after a change they would be a lie. A request that AWS
/// refuses then leaves the job half done, which is more than `denied`.
fn after(code: Code, changed: bool) -> Verdict {
    match code.verdict() {
        Verdict::Invalid | Verdict::Blocked if changed => Verdict::Failed,
        Verdict::Denied if changed && code == Code::RequestRefused => Verdict::Failed,
        other => other,
    }
}

/// Waits for the first SIGINT or SIGTERM. As PID 1 of a container the process would otherwise ignore both.
async fn first_signal() -> &'static str {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}

fn one(error: Error) -> Vec<Error> {
    vec![error]
}

/// Prints a line for the user. Nobody may be reading any more, as after a cancel: that is no reason to die.
fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a line about the command line itself.
fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Sends the program's own log to stderr: warnings, or everything of ours when the runner debugs.
fn log_to_stderr(environment: &Environment) {
    let level = if environment.text("RUNNER_DEBUG") == Some("1") { "ecs_deploy=debug" } else { "off" };
    let filter = tracing_subscriber::EnvFilter::new(level);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::service::Service;

    #[test]
    fn the_same_service_in_two_clusters_has_files_of_its_own() {
        let name = |cluster: &str| {
            let service = Service {
                service_name: "web".to_owned(),
                cluster_arn: format!("arn:aws:ecs:eu-central-1:123456789012:cluster/{cluster}"),
                ..Service::default()
            };
            document_name(&Report {
                outcome: apply::Outcome { service: Some(service), ..Default::default() },
                ..Report::default()
            })
        };
        assert_eq!((name("staging").as_str(), name("prod").as_str()), ("staging.web", "prod.web"));
        assert_eq!(document_name(&Report::default()), "run");
    }
}
