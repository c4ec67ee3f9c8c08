//! The verb `policy`, and the policies that the README shows.

use ecs_deploy::app::policy::{Which, policy};
use ecs_deploy::cli::{self, Command};
use ecs_deploy::model::document;
use serde_json::Value;

use crate::harness::Scenario;
use crate::runner::input_variable;

const DEPLOY: &str = include_str!("../../../fixtures/workflows/deploy.yml");
const PLAN: &str = include_str!("../../../fixtures/workflows/plan.yml");

/// The variables of the README's step in a job of a workflow.
fn variables(workflow: &str, job: &str, workspace: &str) -> Vec<(String, String)> {
    let job = &document::parse(workflow).unwrap()["jobs"][job];
    let mut variables: Vec<(String, String)> = [
        ("GITHUB_WORKSPACE", workspace),
        ("GITHUB_REPOSITORY", "octo-org/shop"),
        ("GITHUB_REPOSITORY_ID", "2002"),
        ("GITHUB_REPOSITORY_OWNER_ID", "1001"),
        ("INPUT_ENVIRONMENT", job["environment"].as_str().unwrap_or_default()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    for (name, value) in job["steps"][1]["with"].as_object().unwrap() {
        let (before, commit) = value.as_str().unwrap().split_once("${{").unwrap_or((value.as_str().unwrap(), ""));
        let value = if commit.is_empty() { before.to_owned() } else { format!("{before}v2") };
        variables.push((input_variable(name), value));
    }
    variables
}

#[test]
fn the_policies_of_the_readme_are_those_that_are_printed_for_its_workflows() {
    let folder = tempfile::tempdir().unwrap();
    let definition = include_str!("../../../fixtures/task-definitions/web.json");
    std::fs::write(folder.path().join("task-definition.json"), definition).unwrap();
    let workspace = folder.path().display().to_string();
    for (workflow, job, verb, file) in [
        (DEPLOY, "deploy", vec!["policy"], "policy"),
        (DEPLOY, "deploy", vec!["policy", "--trust"], "trust"),
        (PLAN, "plan", vec!["policy"], "plan"),
    ] {
        let environment = variables(workflow, job, &workspace).into_iter().collect();
        let arguments = ["ecs-deploy"].iter().chain(&verb).map(Into::into);
        let Command::Policy { asked, which } = cli::parse(arguments, &environment) else { panic!("it is a verb") };
        assert_eq!(which == Which::Trust, file == "trust");
        let printed = policy(&asked, which).unwrap();
        // Whom the trust policy is for is said beside it, and nothing is unknown.
        let for_whom = "It is for a job with `environment: production`";
        assert!(printed.remarks.iter().all(|remark| remark.starts_with(for_whom)), "{:?}", printed.remarks);
        let path = format!("{}/fixtures/iam/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let text = format!("{:#}\n", printed.document);
        if std::env::var_os("UPDATE_README").is_some() {
            std::fs::write(path, text).unwrap();
        } else {
            let stale = "run `UPDATE_README=1 cargo test --features sim --test scenarios policies_of_the_readme`";
            assert!(std::fs::read_to_string(path).unwrap() == text, "{file}.json is stale: {stale}");
        }
    }
}

#[tokio::test]
async fn the_verb_prints_a_document_alone_on_stdout_and_asks_nobody() {
    let scenario = Scenario::new().await.without_env("AWS_REGION");
    let printed = scenario.run_verb(&["policy"]).await;
    assert_eq!(printed.status.code(), Some(2), "without a region there is no policy");
    assert!(printed.stdout.is_empty() && String::from_utf8_lossy(&printed.stderr).contains("aws-region"));
    let printed = scenario.input("aws-region", "eu-central-1").run_verb(&["policy", "--mode", "plan"]).await;
    assert_eq!(printed.status.code(), Some(0));
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(document["Version"], "2012-10-17");
    assert!(String::from_utf8_lossy(&printed.stderr).contains("is not known without asking AWS"));
}
