#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::*;
use crate::inputs::Asked;
use crate::inputs::runner::Runner;
use crate::model::code_deploy::{CodeDeployment, DeploymentGroup};
use crate::observe::Base;

/// A service that CodeDeploy moves, and a group that goes back when a deployment fails; each test changes what it is
/// about.
struct Case {
    inputs: BTreeMap<&'static str, String>,
    seen: Seen,
    reuse: Option<&'static str>,
    /// The status of the task set that the deployment `d-OTHER` made.
    status: &'static str,
    asked: fn(&mut Inputs),
}

impl Case {
    fn new(inputs: &[(&'static str, &str)]) -> Self {
        let always = [("aws-region", "eu-central-1"), ("service", "web"), ("cluster", "prod"), ("image", "nginx:2")];
        let appspec = json!({"Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {}}}]});
        let seen = Seen {
            application: "AppECS-prod-web".to_owned(),
            group_name: "DgpECS-prod-web".to_owned(),
            group: Some(group(&json!({"enabled": true, "events": ["DEPLOYMENT_FAILURE"]}))),
            appspec: Base { document: appspec, origin: "appspec.yaml".to_owned(), text: None },
            other: None,
        };
        let given = always.iter().chain(inputs).map(|(name, value)| (*name, (*value).to_owned()));
        Self { inputs: given.collect(), seen, reuse: None, status: "ACTIVE", asked: |_| {} }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The steps in short with the remarks under them, or the mistakes.
    fn told(&self) -> String {
        let given = self.inputs.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
        let (mut inputs, _) = crate::inputs::parse(&Asked::new(given, Runner::default())).unwrap();
        (self.asked)(&mut inputs);
        let set = json!({"id": "ecs-svc/9", "status": self.status, "taskDefinition": "web:9", "externalId": "d-OTHER"});
        let service = json!({"serviceName": "web", "desiredCount": 2, "taskDefinition": "web:7", "taskSets": [set]});
        let service: Service = serde_json::from_value(service).unwrap();
        let definition = json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx"}]});
        let definition = TaskDefinition::from_document(definition).unwrap();
        let reuse = self.reuse.map(|arn| Registered {
            arn: arn.to_owned(),
            status: "ACTIVE".to_owned(),
            document: json!({}),
            tags: Vec::new(),
        });
        let (mut steps, mut warnings) = (Vec::new(), Vec::new());
        let decided = decide(&inputs, &service, &self.seen, &definition, reuse.as_ref(), &mut steps, &mut warnings);
        if let Err(mistakes) = decided {
            return mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        }
        let step = |step: &Step| match step {
            Step::UpdateSettings { body } => format!("settings {body}"),
            Step::CodeDeploy(deploy) => {
                let replaces = deploy.replaces.as_ref().map(|other| format!("replaces {other} ")).unwrap_or_default();
                format!("{replaces}waits {} goes back {} {}", deploy.waits, deploy.goes_back, deploy.body)
            }
            Step::AwaitRollout => "await".to_owned(),
            other => format!("{other:?}"),
        };
        let warnings = warnings.iter().map(|warning| format!("! {warning}"));
        steps.iter().map(step).chain(warnings).collect::<Vec<_>>().join("\n")
    }
}

fn group(rollback: &Value) -> DeploymentGroup {
    let group = json!({"computePlatform": "ECS", "autoRollbackConfiguration": rollback,
        "lastAttemptedDeployment": {"deploymentId": "d-LAST"}});
    serde_json::from_value(group).unwrap()
}

fn busy_with(status: &str) -> impl FnOnce(&mut Case) {
    let other =
        CodeDeployment { deployment_id: "d-OTHER".to_owned(), status: status.to_owned(), ..CodeDeployment::default() };
    |case| case.seen.other = Some(other)
}

const NAMES: &str = r#""applicationName":"AppECS-prod-web","deploymentGroupName":"DgpECS-prod-web""#;

#[test]
fn a_new_revision_is_deployed_with_only_what_was_asked_for() {
    assert_eq!(Case::new(&[]).told(), format!("waits false goes back true {{{NAMES}}}\nawait"));
    let given = [
        ("codedeploy-deployment-config", "CodeDeployDefault.ECSAllAtOnce"),
        ("codedeploy-deployment-description", "by hand"),
        ("on-failure", "none"),
        ("wait-for-service-stability", "false"),
    ];
    let expected = format!(
        r#"waits false goes back false {{{NAMES},"deploymentConfigName":"CodeDeployDefault.ECSAllAtOnce","description":"by hand"}}"#
    );
    assert_eq!(Case::new(&given).told(), expected);
}

#[test]
fn a_revision_that_serves_needs_no_deployment_unless_it_is_forced() {
    let current = |inputs: &[(&'static str, &str)]| Case::new(inputs).with(|case| case.reuse = Some("web:7")).told();
    assert_eq!(current(&[]), "");
    let settings = r#"settings {"cluster":"prod","service":"web","desiredCount":4}"#;
    assert_eq!(current(&[("desired-count", "4")]), format!("{settings}\nawait"));
    assert_eq!(current(&[("desired-count", "2")]), "");
    let forced = format!("waits false goes back true {{{NAMES}}}\nawait");
    assert_eq!(current(&[("force-new-deployment", "true")]), forced);
    let both = [("force-new-deployment", "true"), ("desired-count", "4")];
    assert_eq!(current(&both), format!("{settings}\n{forced}"), "ECS would refuse a forced update");
}

#[test]
fn a_long_description_is_cut_as_the_official_action_cuts_it() {
    let long = "é".repeat(513);
    assert_eq!(shortened(&long), format!("{}…", "é".repeat(511)));
    assert_eq!(shortened(&long[..1024]), "é".repeat(512));
}

#[test]
fn a_group_that_does_not_go_back_is_told_to() {
    let other = |rollback: &Value| Case::new(&[]).with(|case| case.seen.group = Some(group(rollback))).told();
    insta::assert_snapshot!(
        [
            other(&json!({"enabled": false, "events": ["DEPLOYMENT_STOP_ON_ALARM"]})),
            other(&json!({"enabled": true, "events": ["DEPLOYMENT_STOP_ON_ALARM"]})),
        ]
        .join("\n")
    );
    let unknown = Case::new(&[]).with(|case| case.seen.group = None).told();
    assert_eq!(unknown, format!("waits false goes back true {{{NAMES}}}\nawait"));
}

#[test]
fn another_deployment_of_the_group_is_waited_for_replaced_or_in_the_way() {
    let asked = |asked: fn(&mut Inputs)| {
        let case = Case::new(&[]).with(|case| case.asked = asked).with(busy_with("InProgress"));
        case.with(|case| case.reuse = Some("web:7")).told()
    };
    let waits = asked(|inputs| inputs.deploy.on_concurrent = OnConcurrent::Wait);
    assert_eq!(waits, format!("waits true goes back true {{{NAMES}}}\nawait"));
    let fails = asked(|inputs| inputs.deploy.on_concurrent = OnConcurrent::Fail);
    assert_eq!(fails, format!("waits false goes back true {{{NAMES}}}\nawait"));
    assert_eq!(asked(|_| {}), format!("replaces d-OTHER waits false goes back true {{{NAMES}}}\nawait"));
}

#[test]
fn a_deployment_of_the_very_revision_is_followed_unless_it_is_forced_or_a_way_back() {
    let same = |inputs| Case::new(inputs).with(busy_with("InProgress")).with(|case| case.reuse = Some("web:9"));
    assert_eq!(same(&[]).told(), "JoinCodeDeploy { deployment_id: \"d-OTHER\" }\nawait");
    let begun = format!("replaces d-OTHER waits false goes back true {{{NAMES}}}\nawait");
    assert_eq!(same(&[("force-new-deployment", "true")]).told(), begun);
    let back = same(&[]).with(|case| {
        case.seen.other.as_mut().unwrap().creator = Some("codeDeployRollback".to_owned());
    });
    assert_eq!(back.told(), begun);
}

#[test]
fn what_serves_after_a_failed_deployment_is_deployed_again() {
    let last = |status: &str, of_set: &'static str| {
        let case = Case::new(&[]).with(|case| (case.reuse, case.status) = (Some("web:7"), of_set));
        let last = json!({"autoRollbackConfiguration": {"enabled": true, "events": ["DEPLOYMENT_FAILURE"]},
            "lastAttemptedDeployment": {"deploymentId": "d-OTHER", "status": status}});
        case.with(|case| case.seen.group = Some(serde_json::from_value(last).unwrap())).told()
    };
    assert!(last("Failed", "PRIMARY").ends_with("! web:9 serves although d-OTHER is Failed, so it is deployed again."));
    assert_eq!(last("Succeeded", "PRIMARY"), "");
    assert_eq!(last("Failed", "ACTIVE"), "");
}

#[test]
fn a_rollback_itself_is_not_gone_back_from() {
    let rollback: fn(&mut Inputs) = |inputs| inputs.deploy.mode = Mode::Rollback;
    let told = Case::new(&[]).with(|case| (case.asked, case.seen.group) = (rollback, Some(group(&json!(null))))).told();
    assert_eq!(told, format!("waits false goes back false {{{NAMES}}}\nawait"));
}

#[test]
fn what_cannot_be_had_with_codedeploy_is_told_all_at_once() {
    let given = [
        ("deployment-configuration", "{\"bakeTimeInMinutes\": 5}"),
        ("service-managed-ebs-volume-name", "data"),
        ("service-managed-ebs-volume", "{\"roleArn\": \"arn:aws:iam::123456789012:role/ebs\"}"),
    ];
    let case = Case::new(&given).with(|case| {
        case.seen.appspec.document = json!({"hello": "world"});
        case.asked = |inputs| inputs.wait.until = Until::Stage("BAKE_TIME".to_owned());
    });
    insta::assert_snapshot!(case.told());
}
