//! The GitHub deployment of a run: which environment, of what, and how it ended.
//! <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>

use serde_json::{Value, json};

use crate::model::verdict::Verdict;

use super::clean::{one_line, shorten};
use super::message::message;
use super::view::revision;
use super::{Report, discreet};

/// The longest description that GitHub takes, in characters.
const LONGEST: usize = 140;

/// The environment: as given, or named after cluster and service.
pub fn environment(report: &Report) -> Option<String> {
    let given = report.inputs.as_ref()?.reporting.environment.clone();
    let named = || Some(format!("{}/{}", report.cluster_name()?, report.service_name()?));
    given.or_else(named)
}

/// What is deployed where, in a sentence.
pub fn description(report: &Report) -> String {
    let service = report.service_name().unwrap_or_default();
    let cluster = report.cluster_name().unwrap_or_default();
    brief(report, &format!("{} to service {service} in cluster {cluster}", what(report)))
}

/// The same for machines. A revision that is yet to be registered has no number.
pub fn payload(report: &Report) -> Value {
    json!({
        "service": report.service_name(),
        "cluster": report.cluster_name(),
        "revision": reused(report),
        "family": report.family(),
    })
}

/// The state that the deployment ends in, and why.
///
/// A run that did not await the end, or stopped at a pause, knows of no success: what it began is not shown as active.
/// Nor is it while another revision serves: `wait-until: stage:…` may end the wait before the traffic shifts.
pub fn ending(report: &Report) -> (&'static str, String) {
    let state = match report.ending() {
        Some(Verdict::Succeeded | Verdict::Unchanged) if another_serves(report) => "inactive",
        Some(Verdict::Succeeded | Verdict::Unchanged) => "success",
        Some(Verdict::RolledBack | Verdict::Failed | Verdict::RollbackFailed | Verdict::TimedOut) => "failure",
        Some(Verdict::Superseded | Verdict::Started | Verdict::Paused | Verdict::Planned) => "inactive",
        Some(Verdict::Invalid | Verdict::Blocked | Verdict::Denied | Verdict::Cancelled) | None => "error",
    };
    (state, brief(report, &message(report)))
}

fn another_serves(report: &Report) -> bool {
    let asked = report.outcome.task_definition_arn.as_deref();
    asked.zip(report.live_arn()).is_some_and(|(asked, live)| revision(asked) != revision(live))
}

fn what(report: &Report) -> String {
    reused(report).or_else(|| report.family()).unwrap_or_default()
}

fn reused(report: &Report) -> Option<String> {
    Some(revision(&report.service_plan()?.reuse.as_ref()?.arn))
}

/// GitHub shows no Markdown here, and masks nothing.
fn brief(report: &Report, text: &str) -> String {
    let text = discreet(report, one_line(&text.replace('`', "")));
    shorten(&text, LONGEST - 1)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::stories;

    #[test]
    fn every_story_ends_its_deployment() {
        let told: Vec<String> = (stories::all().into_iter())
            .map(|(name, report)| {
                let (state, description) = ending(&report);
                assert!(description.chars().count() <= LONGEST, "{name}: {description}");
                format!("{name}: {state}: {description}")
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn only_a_proven_success_is_shown_as_one() {
        for (name, report) in stories::all() {
            let proven = matches!(report.ending(), Some(Verdict::Succeeded | Verdict::Unchanged));
            assert_eq!(ending(&report).0 == "success", proven, "{name}");
        }
        assert_eq!(ending(&Report::default()).0, "error");
    }

    #[test]
    fn a_success_before_the_traffic_shifts_is_not_shown_as_active() {
        let mut report = stories::succeeded();
        let mut state = |serves: &str| {
            let asked = report.outcome.task_definition_arn.clone().unwrap();
            report.outcome.live_task_definition_arn = Some(asked.replace("web:8", serves));
            ending(&report).0
        };
        assert_eq!([state("web:8"), state("web:7")], ["success", "inactive"]);
    }

    #[test]
    fn the_environment_is_the_one_given_or_cluster_and_service() {
        let mut report = stories::succeeded();
        assert_eq!(environment(&report).as_deref(), Some("prod/web"));
        report.inputs.as_mut().unwrap().reporting.environment = Some("production".to_owned());
        assert_eq!(environment(&report).as_deref(), Some("production"));
        assert_eq!(description(&report), "web to service web in cluster prod");
        assert_eq!(payload(&report), json!({ "service": "web", "cluster": "prod", "revision": null, "family": "web" }));
        assert_eq!(payload(&stories::unchanged()).get("revision").unwrap(), "web:7");
    }
}
