//! What ECS said about the service while it went wrong: folded where other evidence tells more.

use crate::apply::What;
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::console::clock;
use crate::report::markdown::{code, details, table};

/// The newest tell how it ended.
const MOST: usize = 10;

pub fn section(report: &Report) -> Option<String> {
    if report.ending()?.is_green() {
        return None;
    }
    let said: Vec<[String; 2]> = (report.timeline.iter())
        .filter_map(|event| match &event.what {
            What::ServiceSaid(said) => Some([clock(event.at), code(&shorten(&said.message, 400))]),
            _ => None,
        })
        .collect();
    if said.is_empty() {
        return None;
    }
    let title = match said.len() {
        all if all > MOST => format!("The newest {MOST} of {all} service events"),
        1 => "1 service event".to_owned(),
        all => format!("{all} service events"),
    };
    let newest = said.into_iter().rev().take(MOST).rev().collect::<Vec<_>>();
    let table = table(["At", "ECS said"], newest);
    let tells_more = report.evidence().is_some_and(|evidence| {
        let silent = evidence.stopped.is_empty() && evidence.logs.is_empty() && evidence.unhealthy.is_empty();
        !silent || evidence.target_groups.iter().any(|group| !group.targets.is_empty())
    });
    Some(if tells_more { details(&title, &table) } else { format!("#### {title}\n\n{table}") })
}
