//! The log: progress as it happens, then what to know last. Strings only; somebody else prints them.

use std::time::Duration;

use serde_json::Value;

use crate::apply::{Event, What};
use crate::checks::{Checked, Finding, Mark};
use crate::error::Error;
use crate::model::command::Command;
use crate::model::names::short_name;
use crate::model::place::Place;
use crate::plan::{ServicePlan, Step};

use super::Report;
use super::clean::{log_line, shorten, visible};
use super::evidence;
use super::message::{message, title};
use super::outputs::console_url;
use super::sections::{cost, pause, will};

/// The runner keeps this many annotations of each level; later ones are but lines.
const ANNOTATIONS: usize = 10;
/// The runner cuts an annotation's message here.
const ANNOTATION_LENGTH: usize = 4_096;

/// One thing that happened, as a line: the time since the run began, and what.
pub fn event(event: &Event) -> String {
    let (sign, text) = match &event.what {
        What::Started(text) => ("▸ ", text),
        What::Progress(text) => ("  ", text),
        What::ServiceSaid(said) => ("  ECS: ", &said.message),
        What::Finished(text) => ("✔ ", text),
        What::Warned(text) => ("! ", text),
    };
    log_line(&format!("[{}] {sign}{text}", clock(event.at)))
}

/// What will be done, before it is done: a group in the log of a workflow.
pub fn plan(report: &Report) -> Vec<String> {
    let Some(plan) = report.service_plan() else { return Vec::new() };
    let mut lines: Vec<String> = plan.steps.iter().map(|step| format!("  {}", step_line(step, plan))).collect();
    if lines.is_empty() {
        lines.push("  nothing: everything already is as asked".to_owned());
    }
    for image in plan.images.iter().filter(|image| image.from.as_ref() != Some(&image.to)) {
        let from = image.from.as_deref().unwrap_or("(new)");
        lines.push(format!("  image of {}: {from} -> {}", image.container, image.to));
    }
    // The images stand above already.
    for change in plan.changes.iter().filter(|change| change.image_of().is_none()) {
        let show = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
        lines.push(format!("  {}: {} -> {}", change.path, show(&change.from), show(&change.to)));
    }
    lines.extend(will::rows(report).into_iter().map(|(name, told)| format!("  {}: {told}", name.to_lowercase())));
    let cost = plan.cost.as_ref().filter(|_| !plan.steps.is_empty());
    lines.extend(cost.map(|cost| format!("  cost: {}", cost::sentence(cost))));
    group("What will be done", &lines, report.runner.is_actions)
}

/// What the checks said: a group in the log of a workflow.
pub fn checks(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for checked in &report.checked {
        let sign = match checked.mark() {
            Mark::Pass => "✔",
            Mark::Warn => "!",
            Mark::Block => "✖",
            Mark::Skip => "–",
        };
        let findings = checked.ruling.findings.iter().map(|finding| finding.error.what.as_str());
        let said: Vec<&str> = findings.chain(checked.ruling.skipped.iter().map(String::as_str)).collect();
        match said.split_first() {
            None => lines.push(format!("  {sign} {}", checked.check)),
            Some((first, rest)) => {
                lines.push(format!("  {sign} {}: {first}", checked.check));
                lines.extend(rest.iter().map(|said| format!("    {said}")));
            }
        }
    }
    if lines.is_empty() { lines } else { group("What was checked", &lines, report.runner.is_actions) }
}

/// The last lines of the log: on failure the evidence, then annotations, what to know, and the cause as the very last
/// block.
pub fn ending(report: &Report) -> Vec<String> {
    let actions = report.runner.is_actions;
    let mut lines: Vec<String> =
        evidence::groups(report).iter().flat_map(|(title, lines)| group(title, lines, actions)).collect();
    lines.extend(if actions { annotations(report) } else { plain_warnings(report) });
    let Some(verdict) = report.ending() else { return lines };
    let sign = if verdict.is_green() { "✔" } else { "✖" };
    if let Some(url) = console_url(report) {
        lines.push(log_line(&format!("Console: {url}")));
    }
    lines.extend(pause::command(report).map(|command| log_line(&format!("To go on with it: {command}"))));
    let ended = format!("{sign} {}: {}", verdict.name(), message(report));
    let failures = if verdict.is_green() { Vec::new() } else { report.failures() };
    match failures.as_slice() {
        // The sentence of the ending says already what.
        [only] => {
            lines.push(log_line(&format!("{ended} [{}]", only.code.slug())));
            lines.extend(reasons(only));
        }
        several => {
            lines.push(log_line(&ended));
            lines.extend(several.iter().flat_map(|error| failure(error)));
        }
    }
    lines
}

/// What, why and fix.
fn failure(error: &Error) -> Vec<String> {
    let what = log_line(&format!("{} [{}]", error.what, error.code.slug()));
    [String::new(), what].into_iter().chain(reasons(error)).collect()
}

/// Why and fix, with further lines of each indented below it.
fn reasons(error: &Error) -> Vec<String> {
    let mut lines = Vec::new();
    for (label, part) in [("  why: ", &error.why), ("  fix: ", &error.fix)] {
        let indent = " ".repeat(label.len());
        for (index, line) in visible(part).lines().filter(|line| !line.trim().is_empty()).enumerate() {
            lines.push(log_line(&format!("{}{line}", if index == 0 { label } else { &indent })));
        }
    }
    lines
}

/// What an annotation says, and where in a file of the workspace.
struct Note<'a> {
    title: String,
    text: String,
    place: Option<&'a Place>,
}

/// The annotations of the run: at most ten of each level, what and fix of each failure and finding.
fn annotations(report: &Report) -> Vec<String> {
    let verdict = report.ending();
    let note = |title: String, text: String| Note { title, text, place: None };
    let found = report.checked.iter().flat_map(|checked| checked.ruling.findings.iter().map(move |it| (checked, it)));
    let found: Vec<(&Checked, &Finding)> = found.collect();
    let findings =
        found.iter().filter(|(checked, finding)| !checked.is_blocked_by(finding)).map(|(checked, finding)| {
            let text = format!("{} {}", finding.error.what, finding.error.fix);
            Note {
                title: format!("{}: {}", checked.check, finding.error.code.slug()),
                text,
                place: finding.place.as_ref(),
            }
        });
    let remarks = report.remarks().into_iter().map(|remark| note("ecs-deploy".to_owned(), remark.to_owned()));
    let warnings = findings.chain(remarks).collect();
    let notices = match verdict {
        Some(verdict) if verdict.is_green() => vec![note(title(verdict).to_owned(), message(report))],
        _ => Vec::new(),
    };
    let mut errors = match verdict {
        Some(verdict) if !verdict.is_green() => (report.failures().into_iter())
            .map(|error| Note {
                title: format!("{}: {}", title(verdict), error.code.slug()),
                text: format!("{} {}", error.what, error.fix),
                place: report.finding(error).and_then(|(_, finding)| finding.place.as_ref()),
            })
            .collect(),
        _ => Vec::new(),
    };
    if let Some(verdict) = verdict.filter(|verdict| errors.is_empty() && !verdict.is_green()) {
        errors.push(note(title(verdict).to_owned(), message(report)));
    }
    level("warning", warnings).chain(level("notice", notices)).chain(level("error", errors)).collect()
}

/// The annotations of one level, the last of them counting those that the runner would drop.
fn level(name: &'static str, all: Vec<Note<'_>>) -> impl Iterator<Item = String> {
    let more = all.len().saturating_sub(ANNOTATIONS);
    all.into_iter().take(ANNOTATIONS).enumerate().map(move |(index, note)| {
        let Note { title, text, place } = note;
        let text = if index + 1 == ANNOTATIONS && more > 0 { format!("{text} (and {more} more)") } else { text };
        let text = shorten(&log_line(&text), ANNOTATION_LENGTH - 1);
        let command = Command::new(name, text).with("title", shorten(&log_line(&title), 200));
        let Some(place) = place else { return command.to_string() };
        let command = command.with("file", log_line(&place.file)).with("line", place.line.to_string());
        command.with("col", place.column.to_string()).to_string()
    })
}

fn plain_warnings(report: &Report) -> Vec<String> {
    report.remarks().into_iter().map(|remark| log_line(&format!("warning: {remark}"))).collect()
}

fn group(title: &str, lines: &[String], actions: bool) -> Vec<String> {
    let lines = lines.iter().map(|line| log_line(line));
    if actions {
        let open = Command::new("group", log_line(title)).to_string();
        std::iter::once(open).chain(lines).chain([Command::new("endgroup", "").to_string()]).collect()
    } else {
        std::iter::once(log_line(&format!("{title}:"))).chain(lines).collect()
    }
}

/// A step in words, for the log and the summary of a plan.
pub fn step_line(step: &Step, plan: &ServicePlan) -> String {
    let service = plan.service.as_ref().map(|service| service.service_name.as_str()).unwrap_or_default();
    match step {
        Step::RegisterTaskDefinition { .. } => format!("register a new revision of `{}`", plan.definition.family()),
        Step::UpdateService { body } | Step::UpdateSettings { body } => {
            let with = given(body, &["cluster", "service", "taskDefinition"]);
            format!("update service `{service}` in cluster `{}`{with}", short_name(&plan.cluster))
        }
        Step::StopDeployment { .. } => {
            format!("have ECS roll back the deployment of `{service}` that is in progress")
        }
        Step::CodeDeploy(deployment) => {
            let (group, application) = (deployment.name("deploymentGroupName"), deployment.name("applicationName"));
            let with = given(&deployment.body, &["applicationName", "deploymentGroupName"]);
            format!("have CodeDeploy deploy it to `{service}` by the group `{group}` of `{application}`{with}")
        }
        Step::JoinCodeDeploy { deployment_id } => {
            format!("follow {deployment_id}, by which CodeDeploy deploys it to `{service}` already")
        }
        Step::AwaitRollout => "follow the rollout to its end".to_owned(),
    }
}

/// What a request carries besides the names of what it is about.
fn given(body: &Value, names: &[&str]) -> String {
    let fields = body.as_object().into_iter().flatten().filter(|(key, _)| !names.contains(&key.as_str()));
    let given: Vec<String> = fields.map(|(key, value)| format!("{key} {value}")).collect();
    if given.is_empty() { String::new() } else { format!(", with `{}`", given.join("`, `")) }
}

/// `00:12`, `1:00:12`.
pub fn clock(at: Duration) -> String {
    let seconds = at.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::model::service::ServiceEvent;
    use crate::model::verdict::Verdict;
    use crate::report::stories;

    fn whole_log(report: &Report) -> String {
        let told = report.timeline.iter().map(event);
        plan(report).into_iter().chain(told).chain(ending(report)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_log_of_a_rollback_ends_with_the_cause() {
        insta::assert_snapshot!(whole_log(&stories::bad_image()));
    }

    #[test]
    fn the_log_alone_tells_what_the_containers_wrote_and_what_the_load_balancer_finds() {
        let ends = [stories::crash_loop(), stories::health_check()].map(|report| ending(&report).join("\n"));
        insta::assert_snapshot!(ends.join("\n\n"));
    }

    #[test]
    fn no_evidence_can_speak_to_the_runner() {
        let report = stories::nasty("\n::error::x\n ::add-mask::y ##[error]z");
        for line in ending(&report) {
            let is_ours = ["::error title=", "::warning title=", "::group::", "::endgroup::"];
            let plain = !line.trim_start().starts_with("::") || is_ours.iter().any(|ours| line.starts_with(ours));
            assert!(plain && !line.contains("##[") && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn the_log_of_three_mistakes_names_them_all() {
        insta::assert_snapshot!(whole_log(&stories::invalid()));
    }

    #[test]
    fn outside_of_actions_there_are_no_commands() {
        let mut report = stories::succeeded();
        report.runner.is_actions = false;
        let log = whole_log(&report);
        assert!(!log.lines().any(|line| line.trim_start().starts_with("::")), "{log}");
        insta::assert_snapshot!(log);
    }

    #[test]
    fn a_service_event_cannot_speak_to_the_runner() {
        let said =
            ServiceEvent { message: "::error::x\n::stop-commands::y ##[error]z".to_owned(), ..Default::default() };
        let line = event(&Event { at: Duration::from_secs(3612), what: What::ServiceSaid(said) });
        assert_eq!(line, "[1:00:12]   ECS: ::error::x ::stop-commands::y # #[error]z");
    }

    #[test]
    fn a_failure_from_outside_cannot_speak_to_the_runner() {
        let error = Error::new(Code::RequestRefused, "::error::a", "b\n::add-mask::c", "##[group]d");
        assert_eq!(
            failure(&error),
            ["", ": :error::a [request-refused]", "  why: b", "       : :add-mask::c", "  fix: # #[group]d"]
        );
    }

    #[test]
    fn at_most_ten_annotations_of_a_level_and_none_too_long() {
        let error = |n| Error::new(Code::InputInvalid, format!("mistake {n}"), "", "x".repeat(5_000));
        let report =
            Report { verdict: Some(Verdict::Invalid), errors: (0..13).map(error).collect(), ..stories::in_actions() };
        let annotations = annotations(&report);
        assert_eq!(annotations.len(), 10);
        assert!(annotations.iter().all(|line| line.chars().count() < 4_200 && line.starts_with("::error title=")));
    }
}
