//! The tasks of our deployment that stopped, by reason.

use crate::diagnose::StoppedGroup;
use crate::model::exit_code;
use crate::report::Report;
use crate::report::clean::shorten;
use crate::report::markdown::{code, link, table, text};

/// The most frequent reasons come first; further ones are noise.
const MOST: usize = 10;

pub fn section(report: &Report) -> Option<String> {
    let groups = &report.outcome.evidence.as_ref()?.stopped;
    if groups.is_empty() {
        return None;
    }
    let rows = groups.iter().take(MOST).map(|group| row(report, group));
    let table = table(["Tasks", "Newest", "Stopped because", "Containers"], rows);
    Some(format!("#### Tasks that stopped\n\n{table}"))
}

fn row(report: &Report, group: &StoppedGroup) -> [String; 4] {
    let page =
        report.place().zip(report.cluster_name()).map(|(place, cluster)| place.task(cluster, &group.newest_task));
    let newest = link(group.newest_task.get(..8).unwrap_or(&group.newest_task), page.as_deref());
    let stop_code = group.stop_code.as_deref().map(|stop_code| format!("**{}**<br>", text(stop_code)));
    let because = format!("{}{}", stop_code.unwrap_or_default(), code(&shorten(&group.reason, 600)));
    let containers = group.containers.iter().map(|(name, exit, reason)| {
        // ECS tells lack of memory in the container's reason or in the task's.
        let said = [reason.as_deref().unwrap_or_default(), &group.reason];
        let out_of_memory = said.into_iter().any(exit_code::is_out_of_memory);
        let exit = exit.map(|exit| format!(" exit {exit} ({})", exit_code::meaning(exit, out_of_memory)));
        let exit = exit.unwrap_or_default();
        // ECS often repeats the task's reason here word by word.
        let reason = reason.as_ref().filter(|reason| **reason != group.reason);
        let reason = reason.map(|reason| format!("<br>{}", code(&shorten(reason, 600)))).unwrap_or_default();
        format!("{}{exit}{reason}", code(name))
    });
    [group.count.to_string(), newest, because, containers.collect::<Vec<_>>().join("<br>")]
}
