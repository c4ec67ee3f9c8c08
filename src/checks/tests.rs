//! A service that runs `web:7`, a file that asks for another image, and nothing wrong: each test changes what it is about.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::{Value, json};

use super::{Checked, Finding, InFlight, Mark, Ruling, Subject, written};
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::{Code, Error};
use crate::http::Http;
use crate::inputs::runner::Runner;
use crate::inputs::{Asked, Inputs};
use crate::model::service::{DeploymentController, Service};
use crate::model::task_definition::Registered;
use crate::observe::{Base, Observed};
use crate::plan::{ServicePlan, Step, plan};

pub(super) struct Story {
    pub inputs: Inputs,
    pub observed: Observed,
    pub plan: ServicePlan,
    http: Http,
}

impl Story {
    /// A story of this definition, which the service does not run yet.
    pub fn of(definition: Value) -> Self {
        Self::with(definition, &[])
    }

    /// The same, with these inputs beside.
    pub fn with(definition: Value, given: &[(&str, &str)]) -> Self {
        let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7";
        let service = json!({
            "serviceArn": "arn:aws:ecs:eu-central-1:123456789012:service/prod/web", "serviceName": "web",
            "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/prod", "status": "ACTIVE",
            "taskDefinition": arn, "desiredCount": 2, "runningCount": 2,
            "deploymentConfiguration": {
                "strategy": "ROLLING", "minimumHealthyPercent": 100, "maximumPercent": 200,
                "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            },
            "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn, "rolloutState": "COMPLETED"}],
        });
        let running = json!({"taskDefinitionArn": arn, "family": "web", "revision": 7, "status": "ACTIVE",
            "containerDefinitions": [{"name": "web", "image": "web:before"}]});
        let running =
            Registered { arn: arn.to_owned(), status: "ACTIVE".to_owned(), document: running, tags: Vec::new() };
        let text = serde_json::to_string_pretty(&definition).unwrap();
        let observed = Observed {
            service: serde_json::from_value(service).unwrap(),
            code_deploy: None,
            base: Base { document: definition, origin: "task.json".to_owned(), text: Some(text) },
            newest: Some(running.clone()),
            running: Some(running),
            running_revision: None,
            digests: BTreeMap::new(),
            way_back: None,
            warnings: Vec::new(),
        };
        let always =
            [("aws-region", "eu-central-1"), ("service", "web"), ("cluster", "prod"), ("task-definition", "task.json")];
        let raw = always.iter().chain(given).map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
        let (inputs, _) = crate::inputs::parse(&Asked::new(raw, Runner::default())).unwrap();
        let plan = plan(&inputs, &observed).unwrap().services.remove(0);
        Self { inputs, observed, plan, http: Http::default() }
    }

    pub fn subject(&self) -> Subject<'_> {
        Subject {
            inputs: &self.inputs,
            observed: &self.observed,
            plan: &self.plan,
            in_flight: &InFlight::NotAsked,
            http: &self.http,
        }
    }

    pub fn service(&mut self) -> &mut Service {
        self.plan.service.as_mut().unwrap()
    }

    /// The service is one that CodeDeploy moves.
    pub fn moved_by_code_deploy(&mut self) {
        self.service().deployment_controller = Some(DeploymentController { kind: "CODE_DEPLOY".to_owned() });
    }

    /// The update sends this configuration.
    pub fn asks_for(&mut self, configuration: Option<&Value>) {
        for step in &mut self.plan.steps {
            if let (Step::UpdateService { body }, Some(configuration)) = (step, configuration) {
                body.as_object_mut().unwrap().insert("deploymentConfiguration".to_owned(), configuration.clone());
            }
        }
    }
}

impl Default for Story {
    fn default() -> Self {
        Self::of(json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "web:after"}]}))
    }
}

fn finding() -> Finding {
    Finding::new(Error::new(Code::ImageNotFound, "what", "why", "fix"))
}

#[test]
fn the_worst_of_a_check_is_its_mark_and_a_doubt_never_blocks() {
    let mark = |blocks, ruling| Checked { check: "x", blocks, ruling }.mark();
    let both = || Ruling::found(finding()).and(Ruling::skip("why"));
    assert_eq!(mark(true, Ruling::default()), Mark::Pass);
    assert_eq!(mark(true, Ruling::skip("why")), Mark::Skip);
    assert_eq!(mark(false, both()), Mark::Warn);
    assert_eq!(mark(true, both()), Mark::Block);
    assert_eq!(mark(true, Ruling::found(finding().doubtful())), Mark::Warn);
}

#[test]
fn a_missing_permission_is_named_and_skips() {
    let error = |kind| CallError {
        action: "iam:GetRole",
        kind,
        code: None,
        message: match kind {
            CallErrorKind::Denied => {
                "User: arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions is not authorized to perform: \
                 iam:GetRole on resource: role web because no identity-based policy allows the iam:GetRole action"
            }
            _ => "Rate exceeded",
        }
        .to_owned(),
        request_id: None,
        maybe_applied: false,
        explained: None,
    };
    let told = |kind| Ruling::unread("whether the role `web` exists", &error(kind)).skipped.join("\n");
    insta::assert_snapshot!([CallErrorKind::Denied, CallErrorKind::Throttled].map(told).join("\n"));
}

#[test]
fn what_a_patch_moved_is_shown_on_its_own_line() {
    let definition = json!({"family": "web", "containerDefinitions": [
        {"name": "log", "image": "log:1"},
        {"name": "web", "image": "web:1", "secrets": [{"name": "A", "valueFrom": "a"}, {"name": "B", "valueFrom": "b"}]},
    ]});
    let patch = "containerDefinitions: {log: null, web: {secrets: {A: null, C: c}}}";
    let mut story = Story::with(definition.clone(), &[("patch", patch)]);
    let line = |story: &mut Story, text: &str, pointer: &str| {
        story.observed.base.text = Some(text.to_owned());
        let place = written(pointer, &story.subject()).unwrap();
        text.lines().nth(place.line - 1).unwrap().trim().to_owned()
    };
    let yaml = "family: web\ncontainerDefinitions:\n- name: log\n  image: log:1\n- name: web\n  image: web:1\n  secrets:\n  - \
                {name: A, valueFrom: a}\n  - {name: B, valueFrom: b}\n";
    let secret = "/containerDefinitions/0/secrets/0/valueFrom";
    for (pointer, expected) in [
        ("/containerDefinitions/0/image", "image: web:1"),
        (secret, "- {name: B, valueFrom: b}"),
        ("/containerDefinitions/0/secrets/1/valueFrom", "secrets:"),
    ] {
        assert_eq!(line(&mut story, yaml, pointer), expected, "{pointer}");
    }
    let json = serde_json::to_string_pretty(&definition).unwrap();
    assert_eq!(line(&mut story, &json, "/containerDefinitions/0/image"), r#""image": "web:1","#);
    assert_eq!(line(&mut story, &json, secret), r#""valueFrom": "b""#);
    // An answer of DescribeTaskDefinition.
    story.observed.base.document = json!({"taskDefinition": definition});
    let answer = serde_json::to_string_pretty(&story.observed.base.document).unwrap();
    assert_eq!(line(&mut story, &answer, secret), r#""valueFrom": "b""#);
}
