//! The steps of a plan that was not carried out, because none was to be or because a check refused it.

use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::console::step_line;
use crate::report::markdown::prose;

pub fn section(report: &Report) -> Option<String> {
    let title = match report.ending() {
        Some(Verdict::Planned) => "A deploy would",
        Some(Verdict::Blocked) => "Without that, the deploy would",
        _ => return None,
    };
    let plan = report.service_plan()?;
    let steps = plan.steps.iter().enumerate().map(|(index, step)| {
        let line = step_line(step, plan);
        let mut chars = line.chars();
        let line: String = chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default();
        format!("{}. {}", index + 1, prose(&line))
    });
    let steps: Vec<String> = steps.collect();
    (!steps.is_empty()).then(|| format!("#### {title}\n\n{}", steps.join("\n")))
}
