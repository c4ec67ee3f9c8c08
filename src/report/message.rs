//! The run in one sentence.

use std::time::Duration;

use crate::model::service::Service;
use crate::model::verdict::Verdict;
use crate::plan::Step;

use super::Report;
use super::clean::{one_line, shorten};
use super::view::revision;

/// One sentence for the verdict, as the output `message` carries it. Names stand in backticks.
pub fn message(report: &Report) -> String {
    let subject = subject(report);
    let target = report.outcome.task_definition_arn.as_deref().map(|arn| format!("`{}`", revision(arn)));
    let target = target.unwrap_or_else(|| "the task definition".to_owned());
    let took = human(report.duration);
    let Some(verdict) = report.ending() else {
        return "The run has not ended yet.".to_owned();
    };
    match verdict {
        Verdict::Succeeded if report.service_name().is_none() => {
            format!("{target} was registered; no service was asked for.")
        }
        Verdict::Succeeded | Verdict::Paused if report.outcome.reached.is_some() => {
            let live = report.live_arn().map(revision).filter(|live| !target.contains(live.as_str()));
            let live = live.map(|live| format!("; `{live}` serves now")).unwrap_or_default();
            format!("{subject}: {}{live}.", report.outcome.reached.as_deref().unwrap_or_default())
        }
        // Nothing but settings changed, or the rollout of somebody else was awaited.
        Verdict::Succeeded if !began_a_deployment(report) => {
            format!("{subject} has the settings asked for and runs {target}.")
        }
        Verdict::Succeeded if report.service().is_some_and(|service| service.desired_count == 0) => {
            format!("{subject} is set to {target}; its desired count is 0, so no task runs.")
        }
        Verdict::Succeeded => format!("{subject} now runs {target}, proven by its own deployment after {took}."),
        Verdict::Unchanged if report.service_name().is_none() => {
            format!("{target} already is exactly as asked; nothing was registered.")
        }
        Verdict::Unchanged => format!("{subject} already runs {target} as asked; nothing was changed."),
        Verdict::Planned => planned(report, &subject),
        Verdict::Started => format!("{subject} is being moved to {target}; the end was not awaited, as asked."),
        Verdict::Paused => format!("{subject} reached the pause asked for while moving to {target}."),
        _ => unhappy(report, verdict, &subject),
    }
}

/// What a deploy would do, in a few words.
fn planned(report: &Report, subject: &str) -> String {
    let Some(plan) = report.service_plan() else { return "The plan is not known.".to_owned() };
    if plan.steps.is_empty() {
        return format!("{subject} already is as asked: a deploy would change nothing.");
    }
    if !plan.writes() {
        return format!("{subject} is on its way to what is asked: a deploy would follow that, and change nothing.");
    }
    let registers = plan.steps.iter().any(|step| matches!(step, Step::RegisterTaskDefinition { .. }));
    let revision = plan.reuse.as_ref().map(|reuse| format!("`{}`", revision(&reuse.arn)));
    let revision = revision.unwrap_or_else(|| format!("a new revision of `{}`", plan.definition.family()));
    let again = plan.reuse.as_ref().map(|reuse| &reuse.arn) == plan.previous_task_definition_arn.as_ref();
    let would = match (plan.moves_tasks(), registers) {
        (true, _) if again => format!("deploy {revision} again"),
        (true, _) => format!("roll out {revision}"),
        (false, true) => format!("register {revision}"),
        (false, false) => "change its settings and move no task".to_owned(),
    };
    let images =
        plan.images.iter().filter(|image| image.from.is_some() && image.from.as_ref() != Some(&image.to)).count();
    let others = plan.changes.iter().filter(|change| change.image_of().is_none()).count();
    let counted = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(one.to_owned()),
        n => Some(format!("{n} {many}")),
    };
    let other = if images > 0 { ("1 more change", "more changes") } else { ("1 change", "changes") };
    let with: Vec<String> =
        counted(images, "another image", "other images").into_iter().chain(counted(others, other.0, other.1)).collect();
    let with = if with.is_empty() { String::new() } else { format!(", with {}", with.join(" and ")) };
    let place = report.service_name().map(|_| format!(" to {}", lower(subject))).unwrap_or_default();
    format!("A deploy{place} would {would}{with}.")
}

/// Whether the run's deployment is another than the one there was before.
fn began_a_deployment(report: &Report) -> bool {
    let before = report.service_plan().and_then(|plan| plan.service.as_ref()).and_then(Service::primary);
    let ours = report.outcome.deployment_id.as_deref();
    ours.is_some() && ours != before.map(|deployment| deployment.id.as_str())
}

/// A sentence for a verdict that is not green: the cause, and what it means for the service now.
fn unhappy(report: &Report, verdict: Verdict, subject: &str) -> String {
    let failures = report.failures();
    let cause = failures.first().map(|error| report.named(&shorten(&one_line(&error.what), 600)));
    let cause = cause.as_deref().map_or("", |what| what.trim_end_matches('.'));
    let live = report.live_arn().map(|arn| format!("`{}`", revision(arn)));
    let changed = report.outcome.changed;
    let cause = match (verdict, failures.len()) {
        (Verdict::Invalid, 2..) => format!("{} mistakes were found, the first: {cause}", failures.len()),
        (Verdict::Blocked, 2..) => format!("{} findings refuse the deploy, the first: {cause}", failures.len()),
        (_, 0) => format!("{subject}: {}", title(verdict).to_lowercase()),
        _ => cause.to_owned(),
    };
    let by_code_deploy = report.outcome.codedeploy_deployment_id.is_some();
    let mover = if by_code_deploy { "CodeDeploy" } else { "ECS" };
    let began = by_code_deploy || report.outcome.deployment_id.is_some();
    let consequence = match verdict {
        Verdict::Invalid | Verdict::Blocked => Some("nothing was changed".to_owned()),
        Verdict::RolledBack => live.map(|live| format!("{live} serves again")),
        Verdict::RollbackFailed => Some(format!("the rollback failed too, look at {} now", lower(subject))),
        Verdict::TimedOut => changed.then(|| format!("{mover} goes on with it")),
        Verdict::Superseded => (report.outcome.superseded_by.as_deref())
            .map(|arn| format!("`{}`", revision(arn)))
            .filter(|winner| !cause.contains(winner.as_str()))
            .map(|winner| format!("the other is {winner}")),
        Verdict::Cancelled if report.outcome.way_back.is_some() => {
            Some("the way back was asked for, and not awaited".to_owned())
        }
        Verdict::Cancelled if began => Some(format!("{mover} goes on with the deployment")),
        Verdict::Cancelled if report.outcome.unanswered.is_some() => {
            Some("what was asked of AWS last had not been answered".to_owned())
        }
        _ if !changed => Some("nothing was changed".to_owned()),
        _ => live.map(|live| format!("{live} serves now")),
    };
    match consequence {
        Some(consequence) if !cause.contains(&consequence) => format!("{cause}; {consequence}."),
        _ => format!("{cause}."),
    }
}

/// The verdict in a word or two, for titles.
pub fn title(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "Succeeded",
        Verdict::Unchanged => "Unchanged",
        Verdict::Planned => "Planned",
        Verdict::Started => "Started",
        Verdict::Paused => "Paused",
        Verdict::Invalid => "Invalid",
        Verdict::Blocked => "Blocked",
        Verdict::RolledBack => "Rolled back",
        Verdict::Failed => "Failed",
        Verdict::RollbackFailed => "Rollback failed",
        Verdict::TimedOut => "Timed out",
        Verdict::Denied => "Denied",
        Verdict::Superseded => "Superseded",
        Verdict::Cancelled => "Cancelled",
    }
}

/// A duration as people say it: `0.4s`, `12s`, `1m 52s`, `1h 03m`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{:.1}s", (duration.as_secs_f64() * 10.0).floor() / 10.0),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

fn subject(report: &Report) -> String {
    match (report.service_name(), report.cluster_name()) {
        (Some(service), Some(cluster)) => format!("Service `{service}` in cluster `{cluster}`"),
        _ => report.family().map_or_else(|| "The run".to_owned(), |family| format!("Task definition `{family}`")),
    }
}

/// The subject inside a sentence.
fn lower(subject: &str) -> String {
    let mut chars = subject.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::stories;

    #[test]
    fn a_plan_of_what_is_on_its_way_already_promises_no_change() {
        let mut report = stories::planned();
        report.plan.as_mut().unwrap().services[0].steps = vec![Step::AwaitRollout];
        let told = "Service `web` in cluster `prod` is on its way to what is asked: a deploy would follow that, and change nothing.";
        assert_eq!(message(&report), told);
    }

    #[test]
    fn every_story_is_told_in_one_sentence() {
        let told: Vec<String> =
            stories::all().into_iter().map(|(name, report)| format!("{name}: {}", message(&report))).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn durations_read_like_speech() {
        let of = |millis| human(Duration::from_millis(millis));
        assert_eq!([of(0), of(449), of(999)], ["0.0s", "0.4s", "0.9s"]);
        assert_eq!([of(12_900), of(112_000), of(3_780_000)], ["12s", "1m 52s", "1h 03m"]);
    }
}
