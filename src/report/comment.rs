//! The comment on the pull request: one for each cluster and service, edited in place.

use super::links::segment;
use super::markdown::{code, cut, link};
use super::sections::{COMMENT_SECTIONS, run, told};
use super::{Report, discreet};
use crate::inputs::Role;
use crate::model::names::Arn;

/// GitHub refuses more than 65,536 characters; a character may be up to four bytes, but ours are nearly all one.
const LONGEST: usize = 60_000;

/// A comment and how to know it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The hidden line that the body begins with.
    pub marker: String,
    /// The whole body, marker included.
    pub body: String,
}

/// The comment, where there is a service to comment on.
pub fn comment(report: &Report) -> Option<Comment> {
    let marker = marker(report)?;
    let told = discreet(report, told(report, COMMENT_SECTIONS));
    let told = cut(&told, LONGEST, "_Cut here: the whole is in the summary of the run._");
    Some(Comment { body: format!("{marker}\n{told}"), marker })
}

/// The comment that is left behind if the run is killed: it says what is not known, and where to look.
pub fn killed(report: &Report) -> Option<Comment> {
    let marker = marker(report)?;
    let (service, cluster) = (report.service_name()?, report.cluster_name()?);
    let page = report.place().map(|place| place.service(cluster, service, "deployments"));
    let head = format!(
        "### 🛑 Killed: the deploy to service {} in cluster {} was cut off before it could tell how it ended.",
        code(service),
        code(cluster)
    );
    let look = format!(
        "What it began goes on in ECS, whatever it was: look at the deployments of {}, or run the job again.",
        link(service, page.as_deref())
    );
    let sections = [Some(head), Some(look), run::section(report)];
    let told = discreet(report, sections.into_iter().flatten().collect::<Vec<_>>().join("\n\n"));
    Some(Comment { body: format!("{marker}\n{told}"), marker })
}

/// Cluster and service; and because accounts and regions have clusters of the same name, these too.
fn marker(report: &Report) -> Option<String> {
    let (cluster, service) = (safe(report.cluster_name()?), safe(report.service_name()?));
    let inputs = report.inputs.as_ref()?;
    // The role's account is known even when AWS was never reached: the comment must be found again then.
    let of_role = match &inputs.credentials.role {
        Some(Role::Arn(arn)) => Arn::parse(arn).map(|arn| arn.account),
        _ => None,
    };
    let account = of_role.or_else(|| report.identity.as_ref().map(|identity| identity.account.clone()));
    let account = account.filter(|_| !inputs.credentials.mask_account_id).unwrap_or_default();
    let place = format!("{}/{}", safe(&inputs.region), safe(&account));
    Some(format!("<!-- ecs-deploy-action:{cluster}/{service} --><!-- {place} -->"))
}

/// A name that cannot end the HTML comment it stands in.
fn safe(name: &str) -> String {
    segment(name).replace("--", "-%2D")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::stories;

    #[test]
    fn each_story_has_its_comment() {
        for (name, report) in stories::all() {
            let Some(comment) = comment(&report) else { continue };
            insta::assert_snapshot!(format!("comment_{name}"), comment.body);
        }
    }

    #[test]
    fn a_killed_run_says_that_it_does_not_know() {
        insta::assert_snapshot!(killed(&stories::started()).unwrap().body);
    }

    #[test]
    fn a_run_without_a_service_has_no_comment() {
        assert_eq!(killed(&stories::registered()), None);
        assert_eq!(comment(&stories::registered()), None);
        assert_eq!(comment(&Report::default()), None);
    }

    #[test]
    fn a_name_cannot_end_the_marker() {
        let mut report = stories::denied();
        report.observed = None;
        report.plan = None;
        report.inputs.as_mut().unwrap().deploy.service = Some("a--><img src=x>".to_owned());
        let marker = comment(&report).unwrap().marker;
        assert_eq!(
            marker,
            "<!-- ecs-deploy-action:prod/a-%2D%3E%3Cimg%20src%3Dx%3E --><!-- eu-central-1/123456789012 -->"
        );
    }

    #[test]
    fn the_same_service_has_the_same_marker_whatever_happened() {
        let marker = |report| comment(&report).unwrap().marker;
        assert_eq!(marker(stories::succeeded()), marker(stories::bad_image()));
        let early = Report { identity: None, observed: None, plan: None, ..stories::denied() };
        assert_eq!(marker(stories::succeeded()), marker(early));
    }

    #[test]
    fn a_comment_shows_the_end_of_one_log_and_few_targets() {
        let mut report = stories::crash_loop();
        let tail = report.outcome.evidence.as_ref().unwrap().logs[0].clone();
        report.outcome.evidence.as_mut().unwrap().logs = vec![tail; 3];
        let body = comment(&report).unwrap().body;
        assert_eq!(body.matches("Node.js v20.11.1").count(), 1, "{body}");
        assert!(body.contains("applying migration 014") && !body.contains("applying migration 013"), "{body}");
        let mut report = stories::health_check();
        let targets = &mut report.outcome.evidence.as_mut().unwrap().target_groups[0].targets;
        targets.extend(targets.clone());
        let body = comment(&report).unwrap().body;
        assert!(body.contains("… and 3 more") && body.matches("10.0.1.").count() == 3, "{body}");
    }

    #[test]
    fn however_much_evidence_there_is_the_comment_is_taken() {
        for text in ["ä".repeat(9_000), "<|>`\n".repeat(3_000)] {
            let body = comment(&stories::nasty(&text)).unwrap().body;
            assert!(body.chars().count() <= 65_536, "{}", body.chars().count());
            assert_eq!(body.matches("\n</details>").count(), body.matches("<details>\n").count());
        }
    }

    #[test]
    fn a_comment_stays_below_what_github_takes() {
        let mut report = stories::bad_image();
        let group = report.outcome.evidence.as_ref().unwrap().stopped[0].clone();
        let noisy = crate::plan::diff::Change {
            path: "container `web` › environment X".to_owned(),
            from: Some("ä".repeat(400)),
            to: Some("ö".repeat(400)),
        };
        report.outcome.evidence.as_mut().unwrap().stopped = vec![group; 50];
        report.plan.as_mut().unwrap().services[0].changes = vec![noisy; 500];
        let body = comment(&report).unwrap().body;
        assert!(body.chars().count() <= 65_536, "{}", body.chars().count());
        assert!(body.contains("_Cut here") && body.matches("<details>").count() == body.matches("</details>").count());
    }
}
