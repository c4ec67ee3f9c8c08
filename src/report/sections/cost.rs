//! What the service costs before and after.

use crate::plan::cost::Cost;
use crate::report::Report;
use crate::report::markdown::prose;

/// The rows of a plan's table: what it costs, and by which prices.
pub(super) fn rows(report: &Report) -> Vec<[String; 2]> {
    let Some(plan) = report.service_plan().filter(|plan| !plan.steps.is_empty()) else { return Vec::new() };
    let Some(cost) = &plan.cost else { return Vec::new() };
    let told = ["Cost".to_owned(), prose(&sentence(cost))];
    let Some(as_of) = cost.as_of.filter(|_| cost.unknown.is_none()) else { return vec![told] };
    let spot = if cost.is_at_most { "; Fargate Spot costs less, at a price that moves" } else { "" };
    let basis = format!(
        "Fargate on demand in `{}`, {}, as of {as_of}: 730 hours, without traffic, logs and load balancers{spot}",
        cost.region, cost.platform
    );
    vec![told, ["Prices".to_owned(), prose(&basis)]]
}

/// The same in one sentence.
pub fn sentence(cost: &Cost) -> String {
    if let Some(why) = &cost.unknown {
        return format!("not known: {why}");
    }
    let most = if cost.is_at_most { "up to " } else { "" };
    let dollars = |dollars: f64| format!("${dollars:.2}");
    let both = |before: Option<f64>, after: f64| {
        let (before, after) = (before.map(dollars), dollars(after));
        match before.filter(|before| *before != after) {
            Some(before) => format!("{most}{before} → {after}"),
            None => format!("{most}{after}"),
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "a service has few tasks")]
    let (before, after) = (cost.tasks_before as f64, cost.tasks_after as f64);
    let task = cost.task_after.unwrap_or_default();
    let tasks = match (cost.tasks_before, cost.tasks_after) {
        (1, 1) => "1 task".to_owned(),
        (before, after) if before == after => format!("{after} tasks"),
        (before, after) => format!("{before} → {after} tasks"),
    };
    let service = both(cost.task_before.map(|task| task * before), task * after);
    let same = if service.contains('→') || cost.task_before.is_none() { "" } else { ", as before" };
    format!("one task {} a month, the service with {tasks} {service}{same}", both(cost.task_before, task))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_told_in_one_sentence() {
        let cost = |before: Option<f64>, after: f64, tasks: (i64, i64)| Cost {
            region: "us-east-1".to_owned(),
            as_of: Some("2026-06"),
            platform: "Linux on X86_64",
            task_before: before,
            task_after: Some(after),
            tasks_before: tasks.0,
            tasks_after: tasks.1,
            is_at_most: false,
            unknown: None,
        };
        let unknown = Some("this version has no Fargate prices of `eu-north-1`".to_owned());
        let told: Vec<String> = [
            cost(Some(9.01), 18.02, (2, 2)),
            cost(Some(9.01), 9.01, (2, 2)),
            cost(Some(9.01), 9.01, (2, 4)),
            cost(None, 9.01, (1, 1)),
            Cost { is_at_most: true, ..cost(Some(9.01), 18.02, (1, 1)) },
            Cost { unknown, task_after: None, ..cost(Some(9.01), 0.0, (1, 1)) },
        ]
        .iter()
        .map(sentence)
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        one task $9.01 → $18.02 a month, the service with 2 tasks $18.02 → $36.04
        one task $9.01 a month, the service with 2 tasks $18.02, as before
        one task $9.01 a month, the service with 2 → 4 tasks $18.02 → $36.04
        one task $9.01 a month, the service with 1 task $9.01
        one task up to $9.01 → $18.02 a month, the service with 1 task up to $9.01 → $18.02
        not known: this version has no Fargate prices of `eu-north-1`
        ");
    }
}
