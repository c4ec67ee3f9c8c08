//! The story: from the inputs to the report, in this order. Nothing else decides order.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::pin::pin;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::apply::{self, Event, What};
use crate::aws::{Aws, Transport};
use crate::checks::InFlight;
use crate::cli::{self, Command};
use crate::diagnose;
use crate::error::Error;
use crate::github;
use crate::http::Http;
use crate::inputs::environment::Environment;
use crate::inputs::{self, Asked, Inputs, Mode};
use crate::model::verdict::Verdict;
use crate::observe;
use crate::plan::{self, Plan};
use crate::report::{Report, console, outputs, summary};

use self::publish::Open;
use self::way::Way;

mod checking;
mod conclude;
mod documents;
pub mod policy;
pub mod post;
mod publish;
mod way;

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
        Command::Policy { asked, which } => return policy::print(&asked, which),
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

/// The verbs of the stage: the demo, and the pretend AWS on its own.
#[cfg(feature = "sim")]
async fn stage(command: Command) -> ExitCode {
    use std::time::Duration;

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
    let verdict = conclude::conclude(&mut report, ended, started.elapsed());
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

    // 2 What is true now, 3 what we will do, and 4 may we: again after anything was awaited, which may have changed it.
    let mut wait = inputs.wait.clone();
    let mut checked: Option<Plan> = None;
    let plan = loop {
        // What was true before is not told as what is.
        (report.observed, report.plan) = (None, None);
        let observed = observe::observe(&inputs, file.clone(), runner, &aws).await.map_err(one)?;
        report.observed = Some(observed.clone());
        let plan = plan::plan(&inputs, &observed)?;
        report.plan = Some(plan.clone());
        let began = Instant::now();
        let way = way::make_way(&inputs, &plan, &wait, &aws, report, started, say).await.map_err(one)?;
        let Way::Open(in_flight) = way else {
            wait.limit = wait.limit.saturating_sub(began.elapsed());
            continue;
        };
        let is_free = !matches!(in_flight, InFlight::Other(_));
        if is_free && checked.as_ref().is_some_and(|checked| checked.does_the_same(&plan)) {
            break plan;
        }
        for line in console::plan(report) {
            say(&line);
        }
        let began = Instant::now();
        let within = Inputs { wait: wait.clone(), ..inputs.clone() };
        checking::check(&within, &plan, &in_flight, report, doors, &aws).await;
        for line in console::checks(report) {
            say(&line);
        }
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
        if !checking::took_long(began) {
            break plan;
        }
        wait.limit = wait.limit.saturating_sub(began.elapsed());
        checked = Some(plan);
    };
    if checked.is_some() {
        wait.limit = checking::rest(wait.limit, inputs.wait.limit);
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
        if outcome.verdict.is_some_and(conclude::calls_for_evidence)
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

/// 7 Tell it. What later steps rely on comes first, the cause of a failure last. A report that cannot be delivered is
/// a warning: it never changes the verdict.
async fn tell(report: &mut Report, open: Open, http: &Http, hurry: impl Future<Output = ()>, say: fn(&str)) {
    documents::write(report);
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
