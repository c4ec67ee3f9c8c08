//! The job summary: the verdict, then what a reader in an incident needs, then the record.

use super::markdown::cut;
use super::sections::{SECTIONS, told};
use super::{Report, discreet};

/// GitHub drops a summary of more than 1 MiB whole; the file may already hold another step's part of it.
const LONGEST: usize = 900_000;

/// The summary, as Markdown.
pub fn summary(report: &Report) -> String {
    let whole = format!("{}\n", told(report, SECTIONS));
    cut(&discreet(report, whole), LONGEST, "_Cut here: the rest is in the log and in the report file._")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::apply::{Event, What};
    use crate::error::{Code, Error};
    use crate::model::service::ServiceEvent;
    use crate::report::comment::comment;
    use crate::report::stories;

    #[test]
    fn each_story_has_its_summary() {
        for (name, report) in stories::all() {
            insta::assert_snapshot!(format!("summary_{name}"), summary(&report));
        }
    }

    #[test]
    fn a_summary_stays_below_what_github_takes() {
        let mut report = stories::invalid();
        let why = format!("{}\n", "<|>".repeat(400)).repeat(100);
        let error = |n| Error::new(Code::InputInvalid, format!("mistake {n}"), why.clone(), "");
        report.errors = (0..100).map(error).collect();
        let summary = summary(&report);
        assert!(summary.len() < 1_000_000, "{}", summary.len());
        assert!(summary.contains("_Cut here"));
    }

    #[test]
    fn however_much_evidence_there_is_the_summary_stays_whole_and_short() {
        for text in ["x".repeat(9_000), "<|>`\n".repeat(3_000)] {
            let summary = summary(&stories::nasty(&text));
            assert!(summary.len() < 1_000_000, "{}", summary.len());
            assert_eq!(summary.matches("\n</details>").count(), summary.matches("<details>\n").count());
        }
    }

    #[test]
    fn no_evidence_gets_out_of_its_place() {
        let nasty =
            "\n```\n</details>\n# @everyone <img src=x onerror=y> | [a](https://b.example) ![c](https://d.example)";
        for told in [summary(&stories::nasty(nasty)), comment(&stories::nasty(nasty)).unwrap().body] {
            let prose = stories::outside_code(&told);
            for bad in ["<img", "@everyone", "](https://b", "![c]", "\n#  ", "\n# @"] {
                assert!(!prose.contains(bad), "{bad}: {prose}");
            }
            assert_eq!(prose.matches("</details>").count(), prose.matches("<details>").count(), "{prose}");
        }
    }

    #[test]
    fn only_a_failure_shows_evidence() {
        let mut report = stories::succeeded();
        report.outcome.evidence = stories::crash_loop().outcome.evidence;
        assert_eq!(summary(&report), summary(&stories::succeeded()));
    }

    #[test]
    fn what_ecs_says_cannot_leave_its_cell() {
        let mut report = stories::bad_image();
        let message = "a | b\n</details>\n# @everyone <img src=x> ```".to_owned();
        let said = What::ServiceSaid(ServiceEvent { message, ..Default::default() });
        report.timeline.push(Event { at: report.duration, what: said });
        let summary = summary(&report);
        assert!(summary.contains("| 01:52 | ```` a \\| b </details> # @everyone <img src=x> ``` ```` |"), "{summary}");
    }

    #[test]
    fn a_masked_account_is_not_in_the_summary() {
        for (name, mut report) in stories::all() {
            if let Some(inputs) = &mut report.inputs {
                inputs.credentials.mask_account_id = true;
                assert!(!summary(&report).contains(stories::ACCOUNT), "{name}");
            }
        }
        assert!(summary(&stories::succeeded()).contains(stories::ACCOUNT));
    }

    #[test]
    fn an_account_is_masked_too_when_aws_refused_before_saying_who_we_are() {
        let mut report = stories::denied();
        (report.identity, report.observed, report.plan) = (None, None, None);
        if let Some(inputs) = &mut report.inputs {
            inputs.credentials.mask_account_id = true;
        }
        let why = format!("User: arn:aws:sts::{}:assumed-role/x is not authorized", stories::ACCOUNT);
        let what = format!("The credentials belong to account {}, id 1234567890123.", stories::ACCOUNT);
        report.errors = vec![Error::new(Code::AccountNotAllowed, what, why, "")];
        let told = summary(&report);
        assert!(
            !told.contains(&format!("{},", stories::ACCOUNT)) && !told.contains(&format!("{}:", stories::ACCOUNT)),
            "{told}"
        );
        assert!(told.contains("1234567890123"), "a longer number is no account: {told}");
    }

    #[test]
    fn no_environment_value_and_no_secret_gets_into_a_summary_or_a_comment() {
        for (name, report) in stories::all() {
            let told = [Some(summary(&report)), comment(&report).map(|comment| comment.body)];
            for told in told.into_iter().flatten() {
                assert!(!stories::NEVER_SHOWN.iter().any(|value| told.contains(value)), "{name}");
            }
        }
    }
}
