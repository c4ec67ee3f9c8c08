//! What ECS said about the service while it went wrong.

use crate::apply::What;
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::console::clock;
use crate::report::markdown::{code, table};

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
    let title = if said.len() > MOST {
        format!("The newest {MOST} of {} service events", said.len())
    } else {
        "Service events".to_owned()
    };
    let newest = said.into_iter().rev().take(MOST).rev().collect::<Vec<_>>();
    Some(format!("#### {title}\n\n{}", table(["At", "ECS said"], newest)))
}
