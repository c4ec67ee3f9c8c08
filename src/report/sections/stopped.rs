//! The tasks of our deployment that stopped, by reason.

use crate::diagnose::StoppedGroup;
use crate::model::exit_code;
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::markdown::{code, table, text};

/// The most frequent reasons come first; further ones are noise.
const MOST: usize = 10;

/// A table of them; what the cause quotes already is not said again.
pub fn section(report: &Report) -> Option<String> {
    let evidence = report.evidence()?;
    // What stops in the ordinary course of things explains at most why it took long.
    let (title, groups) = match (evidence.stopped.as_slice(), evidence.routine.as_slice()) {
        ([], []) => return None,
        ([], routine) => ("Tasks that stopped without a failure", routine),
        (stopped, _) => ("Tasks that stopped", stopped),
    };
    let rows = groups.iter().take(MOST).map(|group| row(report, group));
    let table = table(["Tasks", "Newest", "Stopped because", "Containers"], rows);
    Some(format!("#### {title}\n\n{table}"))
}

fn row(report: &Report, group: &StoppedGroup) -> [String; 4] {
    let stop_code = group.stop_code.as_deref().map(|stop_code| format!("**{}**", text(stop_code)));
    let reason = Some(&group.reason).filter(|reason| !reason.is_empty() && !is_told(report, reason));
    let because: Vec<String> = stop_code.into_iter().chain(reason.map(|reason| code(&shorten(reason, 600)))).collect();
    let containers = group.containers.iter().map(|(name, exit, reason)| {
        let exit = exit.map(|exit| format!(" {}", ended(exit, reason.as_deref(), group))).unwrap_or_default();
        // ECS often repeats the task's reason here word by word.
        let reason = reason.as_ref().filter(|reason| **reason != group.reason && !is_told(report, reason));
        let reason = reason.map(|reason| format!("<br>{}", code(&shorten(reason, 600)))).unwrap_or_default();
        format!("{}{exit}{reason}", code(name))
    });
    let containers: Vec<String> = containers.collect();
    let containers = if containers.is_empty() { "–".to_owned() } else { containers.join("<br>") };
    [group.count.to_string(), report.task(&group.newest_task), because.join("<br>"), containers]
}

/// `exit 137 (SIGKILL: it used more memory than it may)`
pub fn ended(exit: i64, reason: Option<&str>, group: &StoppedGroup) -> String {
    // ECS tells lack of memory in the container's reason or in the task's.
    let said = [reason.unwrap_or_default(), &group.reason];
    let out_of_memory = said.into_iter().any(exit_code::is_out_of_memory);
    format!("exit {exit} ({})", exit_code::meaning(exit, out_of_memory))
}

/// Whether the cause quotes the reason already.
fn is_told(report: &Report, reason: &str) -> bool {
    report.failures().iter().any(|error| error.why.contains(reason.trim().trim_end_matches('.')))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::stories;

    #[test]
    fn stops_without_a_failure_are_told_where_nothing_failed() {
        let mut report = stories::bad_image();
        let evidence = report.outcome.evidence.as_mut().unwrap();
        evidence.routine = std::mem::take(&mut evidence.stopped);
        assert!(section(&report).unwrap().starts_with("#### Tasks that stopped without a failure\n"));
        let failed = stories::bad_image().outcome.evidence.unwrap();
        report.outcome.evidence.as_mut().unwrap().stopped = failed.stopped;
        assert_eq!(section(&report), section(&stories::bad_image()));
    }

    #[test]
    fn a_reason_that_the_cause_does_not_quote_stands_in_the_table() {
        let mut report = stories::bad_image();
        assert!(!section(&report).unwrap().contains("CannotPullContainerError"));
        report.outcome.cause.as_mut().unwrap().why = "ECS says nothing.".to_owned();
        assert!(section(&report).unwrap().contains("CannotPullContainerError"));
    }
}
