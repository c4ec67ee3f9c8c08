//! Where the time went: each step with its duration; folded below, what happened in AWS and what this run saw of it.

use std::time::Duration;

use crate::apply::What;
use crate::diagnose::{Moment, Spent};
use crate::model::names::Arn;
use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::clean::{one_line, shorten};
use crate::report::console::{clock, event};
use crate::report::markdown::{details, fence, prose, table};
use crate::report::message::human;

/// More lines than these are not shown: the beginning and the end tell the story.
const MOST: usize = 120;

pub fn section(report: &Report) -> Option<String> {
    let steps = steps(report);
    if steps.is_empty() {
        return None;
    }
    let mut parts = vec![format!("#### Timeline\n\n{}", table(["At", "Step", "Took"], steps))];
    parts.extend(report.evidence().and_then(|evidence| evidence.spent.as_ref()).and_then(spent));
    parts.extend(report.evidence().and_then(|evidence| moments(&evidence.moments)));
    let lines = cut(report.timeline.iter().map(event).collect());
    parts.push(details(&format!("What this run did and saw, {} lines", report.timeline.len()), &fence("text", &lines)));
    Some(parts.join("\n\n"))
}

/// Where the time of its tasks went, as far as it is known.
fn spent(spent: &Spent) -> Option<String> {
    let parts = [
        ("pulling images", spent.pull),
        ("start to healthy", spent.healthy),
        ("start to load balancer", spent.registration),
        ("draining", spent.drain),
    ];
    let told: Vec<String> = (parts.into_iter())
        .filter_map(|(what, seconds)| Some(format!("{what} {}", human(Duration::try_from_secs_f64(seconds?).ok()?))))
        .collect();
    (!told.is_empty()).then(|| format!("Where the time of a task went: {}.", told.join(" · ")))
}

/// What AWS told, by its own clock, from the deployment's start.
fn moments(moments: &[Moment]) -> Option<String> {
    let widest = moments.iter().map(|moment| moment.who.chars().count()).max()?.min(24);
    let line = |moment: &Moment| {
        let sign = if moment.at < 0.0 { '-' } else { '+' };
        let at = clock(Duration::try_from_secs_f64(moment.at.abs()).unwrap_or_default());
        let (who, what) = (shorten(&one_line(&moment.who), 24), shorten(&without_arns(&one_line(&moment.what)), 200));
        format!("{sign}{at}  {who:widest$}  {what}")
    };
    let title = format!("What happened in AWS since the deployment began, {} lines", moments.len());
    Some(details(&title, &fence("text", &cut(moments.iter().map(line).collect()))))
}

/// The line with the names of resources in place of their ARNs, so that it need not be scrolled.
fn without_arns(line: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        match Arn::parse(bare).as_ref().and_then(|arn| arn.resource.split_once([':', '/'])) {
            Some((_, name)) => word.replacen(bare, name, 1),
            None => word.to_owned(),
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The lines, without the middle when there are too many.
fn cut(mut lines: Vec<String>) -> String {
    if lines.len() > MOST {
        let gap = format!("… {} more lines …", lines.len() - MOST);
        let half = MOST / 2;
        let last = lines.split_off(lines.len() - half);
        lines.truncate(half);
        lines.push(gap);
        lines.extend(last);
    }
    lines.join("\n")
}

/// Each step that began, under the words it ended with.
fn steps(report: &Report) -> Vec<[String; 3]> {
    let timeline = &report.timeline;
    // What ended badly has ended all the same.
    let is_open = matches!(report.ending(), Some(Verdict::TimedOut | Verdict::Cancelled | Verdict::Denied));
    let mut steps = Vec::new();
    for (index, event) in timeline.iter().enumerate() {
        let What::Started(began) = &event.what else { continue };
        let rest = timeline.iter().skip(index + 1).take_while(|later| !matches!(later.what, What::Started(_)));
        let finished = rest.clone().find_map(|later| match &later.what {
            What::Finished(words) => Some((words, later.at)),
            _ => None,
        });
        let next = timeline.iter().skip(index + 1).find(|later| matches!(later.what, What::Started(_)));
        let (words, ended) = match (finished, next) {
            (Some((words, at)), _) => (words.clone(), at),
            (None, Some(next)) => (began.clone(), next.at),
            (None, None) if is_open => (format!("{began}, not finished"), report.duration),
            (None, None) => (began.clone(), report.duration),
        };
        steps.push([clock(event.at), prose(&report.named(&words)), human(ended.saturating_sub(event.at))]);
    }
    steps
}
