//! What the containers that failed wrote last.

use crate::diagnose::LogTail;
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::markdown::{code, details, fence, link};

/// Lines of a log that are not folded.
const OPEN: usize = 10;
/// More lines than these are not shown, nor longer ones.
const MOST_LINES: usize = 100;
const LONGEST: usize = 500;
/// Further logs tell the same.
const MOST: usize = 6;

pub fn section(report: &Report) -> Option<String> {
    let tails: Vec<String> = tails(report).take(MOST).map(|tail| told(report, tail, true)).collect();
    titled(&tails)
}

/// The end of the first log alone, for the comment.
pub fn first(report: &Report) -> Option<String> {
    let tails: Vec<String> = tails(report).take(1).map(|tail| told(report, tail, false)).collect();
    titled(&tails)
}

fn tails(report: &Report) -> impl Iterator<Item = &LogTail> {
    let tails = report.evidence().into_iter().flat_map(|evidence| &evidence.logs);
    tails.filter(|tail| !tail.lines.is_empty())
}

fn titled(tails: &[String]) -> Option<String> {
    (!tails.is_empty()).then(|| format!("#### Last log lines\n\n{}", tails.join("\n\n")))
}

fn told(report: &Report, tail: &LogTail, whole: bool) -> String {
    let lines: Vec<String> = tail.lines.iter().map(|line| shorten(&line.text, LONGEST)).collect();
    let (earlier, last) = lines.split_at(lines.len().saturating_sub(OPEN));
    let earlier = earlier.get(earlier.len().saturating_sub(MOST_LINES - OPEN)..).unwrap_or_default();
    let page = report.place_in(&tail.region).map(|place| place.log_stream(&tail.group, &tail.stream));
    let mut parts = vec![format!(
        "Container {} of task {}, log group {}:",
        code(&tail.container),
        report.task(&tail.task),
        link(&tail.group, page.as_deref())
    )];
    if whole && !earlier.is_empty() {
        let title =
            if earlier.len() == 1 { "1 earlier line".to_owned() } else { format!("{} earlier lines", earlier.len()) };
        parts.push(details(&title, &fence("text", &earlier.join("\n"))));
    }
    parts.push(fence("text", &last.join("\n")));
    parts.join("\n\n")
}
