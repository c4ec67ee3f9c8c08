//! Where the time went: each step with its duration, and everything that happened folded below.

use std::time::Duration;

use crate::apply::{Event, What};
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::console::clock;
use crate::report::markdown::{code, details, prose, table, text};
use crate::report::message::human;

/// More lines than these are not shown: the beginning and the end tell the story.
const MOST: usize = 120;

pub fn section(report: &Report) -> Option<String> {
    let steps = steps(&report.timeline, report.duration);
    if steps.is_empty() {
        return None;
    }
    let everything =
        details(&format!("Everything that happened, {} lines", report.timeline.len()), &log(&report.timeline));
    Some(format!("#### Timeline\n\n{}\n\n{everything}", table(["At", "Step", "Took"], steps)))
}

/// Each step that began, under the words it ended with.
fn steps(timeline: &[Event], now: Duration) -> Vec<[String; 3]> {
    let mut steps = Vec::new();
    for (index, event) in timeline.iter().enumerate() {
        let What::Started(began) = &event.what else { continue };
        let rest = timeline.iter().skip(index + 1).take_while(|later| !matches!(later.what, What::Started(_)));
        let finished = rest.clone().find_map(|later| match &later.what {
            What::Finished(words) => Some((words, later.at)),
            _ => None,
        });
        let last = rest.clone().last().is_some_and(|last| timeline.last().is_some_and(|end| end.at == last.at));
        steps.push(match finished {
            Some((words, at)) => [clock(event.at), prose(words), human(at.saturating_sub(event.at))],
            None if last || index + 1 == timeline.len() => {
                [clock(event.at), format!("{}, not finished", prose(began)), human(now.saturating_sub(event.at))]
            }
            None => [clock(event.at), prose(began), "–".to_owned()],
        });
    }
    steps
}

fn log(timeline: &[Event]) -> String {
    let line = |event: &Event| {
        let (who, what) = match &event.what {
            What::Started(words) => ("▸", prose(words)),
            What::Finished(words) => ("✔", prose(words)),
            What::Progress(words) => ("", text(words)),
            What::ServiceSaid(said) => ("ECS", code(&shorten(&said.message, 400))),
            What::Warned(words) => ("!", prose(words)),
        };
        [clock(event.at), who.to_owned(), what]
    };
    let half = MOST / 2;
    if timeline.len() <= MOST {
        return table(["At", "", ""], timeline.iter().map(line));
    }
    let gap = [String::new(), String::new(), format!("… {} lines more, in the log …", timeline.len() - 2 * half)];
    let (head, tail) = (timeline.iter().take(half), timeline.iter().skip(timeline.len() - half));
    table(["At", "", ""], head.map(line).chain([gap]).chain(tail.map(line)))
}
