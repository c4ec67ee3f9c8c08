#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test speaks by failing")]

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStringExt;

use crate::model::document;

use super::*;

fn read(given: &[(&str, &str)]) -> Asked {
    Asked::new(given.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(*value))), Runner::default())
}

#[test]
fn action_yml_declares_exactly_the_inputs_that_are_read() {
    let action = document::parse(include_str!("../../../action.yml")).unwrap();
    let declared: BTreeSet<String> =
        action["inputs"].as_object().unwrap().keys().map(|name| name.to_lowercase()).collect();
    assert_eq!(declared, RawInputs::names().collect::<BTreeSet<_>>());
}

#[test]
fn every_declared_input_reaches_its_field() {
    let all = RawInputs::names().map(|name| (name.clone(), OsString::from(name)));
    let asked = Asked::new(all, Runner::default());
    assert!(asked.mistakes.is_empty() && asked.warnings.is_empty(), "{asked:?}");
    assert_eq!(asked.raw.run_task_assign_public_ip.as_deref(), Some("run-task-assign-public-ip"));
    assert_eq!(asked.raw.wait_for_minutes.as_deref(), Some("wait-for-minutes"));
}

#[test]
fn a_name_is_read_in_any_case_and_a_blank_value_is_not_given() {
    let asked = read(&[("SERVICE", " web "), ("cluster", ""), ("image", " \n ")]);
    assert_eq!(asked.raw, RawInputs { service: Some(" web ".to_owned()), ..RawInputs::default() });
}

#[test]
fn a_misspelled_input_is_a_mistake_that_names_the_right_one() {
    for (name, meant) in [
        ("TASK-DEFINTION", "task-definition"),
        ("TASK_DEFINITION", "task-definition"),
        ("WAIT_FOR_SERVICE_STABILTY", "wait-for-service-stability"),
        ("imgae", "image"),
        ("clustre", "cluster"),
        ("secret", "secrets"),
        ("environment-variable", "environment-variables"),
    ] {
        let asked = read(&[(name, "x")]);
        let [mistake] = asked.mistakes.as_slice() else { panic!("{name}: {asked:?}") };
        assert_eq!(mistake.code, Code::InputUnknown);
        assert!(mistake.why.contains(&format!("`{meant}`")), "{name}: {mistake}");
    }
}

#[test]
fn a_variable_of_the_jobs_own_is_a_warning() {
    // The official actions' inputs that have no meaning here are among them: a merged workflow still runs.
    for name in [
        "PATH",
        "version",
        "node",
        "http-proxy",
        "no-proxy",
        "aws-profile",
        "output-credentials",
        "output-env-credentials",
        "registries",
        "registry-type",
        "skip-logout",
        "mask-password",
        "disable-retry",
        "retry-max-attempts",
        "use-existing-credentials",
        "unset-current-credentials",
        "special-characters-workaround",
        "action-timeout-s",
        "overwrite-aws-profile",
    ] {
        let asked = read(&[(name, "hunter2")]);
        assert!(asked.mistakes.is_empty(), "{name}: {asked:?}");
        assert_eq!(asked.warnings, [format!("There is no input `{}`; it has no effect.", name.to_lowercase())]);
    }
}

#[test]
fn what_the_runner_hands_on_for_itself_is_passed_over() {
    let asked = read(&[("args", "deploy"), ("entrypoint", "/ecs-deploy"), ("task-defintion", " ")]);
    assert!(asked.mistakes.is_empty() && asked.warnings.is_empty(), "{asked:?}");
}

#[test]
fn a_value_that_is_no_text_or_too_long_names_the_input() {
    let odd = OsString::from_vec(vec![b'w', 0xff]);
    let long = OsString::from("x".repeat(2_000_000));
    let given =
        [("service".to_owned(), odd), ("patch".to_owned(), long), ("cluster".to_owned(), OsString::from("prod"))];
    let asked = Asked::new(given, Runner::default());
    let told: Vec<String> = asked.mistakes.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    The input `service` is not text. [input-invalid]
      why: Its value has bytes that no UTF-8 text has.
      fix: Save the value as UTF-8.
    The input `patch` is too long. [input-invalid]
      why: It is 2000000 bytes long; at most 1000000 are read.
      fix: Shorten it, or put it into a file.
    ");
    assert_eq!(asked.raw.cluster.as_deref(), Some("prod"), "the others are still read");
}

#[test]
fn an_input_in_two_spellings_is_a_conflict() {
    let asked = read(&[("service", "web"), ("SERVICE", "api")]);
    assert_eq!(asked.mistakes.iter().map(|mistake| mistake.code).collect::<Vec<_>>(), [Code::InputConflict]);
}

#[test]
fn debug_shows_no_value() {
    let asked = read(&[("aws-secret-access-key", "hunter2")]);
    assert!(!format!("{asked:?}").contains("hunter2"));
}
