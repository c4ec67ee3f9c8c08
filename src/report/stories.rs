//! Reports of made-up runs, for the tests of every way to tell one.

mod failures;
mod plans;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

pub use self::failures::{bad_image, crash_loop, health_check, nasty};
use super::Report;
use crate::apply::{Event, Outcome, What};
use crate::aws::Identity;
use crate::error::{Code, Error};
use crate::inputs::runner::Runner;
use crate::inputs::{
    Checks, CodeDeploy, Credentials, Definition, Deploy, Edits, Inputs, Mode, OnCancel, OnConcurrent, OnFailure,
    PrComment, Reporting, Role, Source, Wait,
};
use crate::model::service::{Deployment, Service, ServiceDeployment, ServiceEvent};
use crate::model::task_definition::{Registered, TaskDefinition};
use crate::model::verdict::Verdict;
use crate::observe::{Base, Observed};
use crate::plan::diff::Change;
use crate::plan::{ImageChange, Plan, ServicePlan, Step};

/// The account of every story.
pub const ACCOUNT: &str = "123456789012";
/// A value in the environment of every rendered task definition.
const ENVIRONMENT_VALUE: &str = "a-value-that-nobody-may-see";
/// A secret that stands there where its name belongs.
const MISPLACED_SECRET: &str = "hunter2!hunter2!";
/// What no report may show.
pub const NEVER_SHOWN: [&str; 2] = [ENVIRONMENT_VALUE, MISPLACED_SECRET];

const REPOSITORY: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";
const OLD_DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const NEW_DIGEST: &str = "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";

/// Every story and its name.
pub fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("succeeded", succeeded()),
        ("unchanged", unchanged()),
        ("planned", plans::rich()),
        ("planned_with_warnings", plans::with_warnings()),
        ("planned_unchanged", plans::unchanged()),
        ("blocked", plans::blocked()),
        ("blocked_by_one", plans::blocked_by_one()),
        ("started", started()),
        ("registered", registered()),
        ("invalid", invalid()),
        ("denied", denied()),
        ("cancelled", cancelled()),
        ("paused", failures::paused()),
        ("bad_image", failures::bad_image()),
        ("crash_loop", failures::crash_loop()),
        ("health_check", failures::health_check()),
        ("out_of_memory", failures::out_of_memory()),
        ("secret_denied", failures::secret_denied()),
        ("rollback_failed", failures::rollback_failed()),
        ("rolled_back_by_us", failures::rolled_back_by_us()),
        ("superseded", failures::superseded()),
        ("timed_out", failures::timed_out()),
    ]
}

/// A run in a workflow of which nothing else is known yet.
pub fn in_actions() -> Report {
    let runner = Runner {
        workspace: PathBuf::from("/github/workspace"),
        server_url: "https://github.com".to_owned(),
        api_url: "https://api.github.com".to_owned(),
        repository: Some("octo-org/shop".to_owned()),
        run_id: Some("4711".to_owned()),
        run_attempt: Some("1".to_owned()),
        sha: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        is_actions: true,
        ..Runner::default()
    };
    Report { runner, began: Some(1_790_000_000), ..Report::default() }
}

pub fn succeeded() -> Report {
    let mut report = deployed(Verdict::Succeeded, 112);
    report.outcome.live_task_definition_arn = Some(arn("web:8"));
    report.outcome.service_deployment = Some(service_deployment("SUCCESSFUL"));
    report.timeline.extend([
        at(14, What::Progress("running 1/2 · pending 1 · failed 0 · IN_PROGRESS SCALE_UP".to_owned())),
        at(36, said("(service web) has started 1 tasks: (task 0f1e2d3c4b5a69788796a5b4c3d2e1f0).")),
        at(74, What::Progress("running 2/2 · pending 0 · failed 0 · IN_PROGRESS BAKE_TIME".to_owned())),
        at(110, said("(service web) (deployment ecs-svc/1234567890123456789) deployment completed.")),
        at(112, What::Finished("web:8 serves: 2 of 2 tasks run".to_owned())),
    ]);
    report
}

pub fn unchanged() -> Report {
    let mut report = known(Verdict::Unchanged, 1);
    let plan = &mut report.plan.as_mut().unwrap().services[0];
    plan.reuse = Some(registered_revision("web:7"));
    plan.changes = Vec::new();
    plan.steps = Vec::new();
    plan.images = vec![image(&format!("{REPOSITORY}:1.4.2"), OLD_DIGEST)];
    report.outcome.task_definition_arn = Some(arn("web:7"));
    report.outcome.live_task_definition_arn = Some(arn("web:7"));
    report
}

pub fn planned() -> Report {
    let mut report = known(Verdict::Planned, 1);
    report.inputs.as_mut().unwrap().deploy.mode = Mode::Plan;
    report
}

pub fn started() -> Report {
    let mut report = deployed(Verdict::Started, 2);
    report.warnings =
        vec!["`wait-for-service-stability` is `false`: this run does not know how the deployment ends.".to_owned()];
    report.timeline.truncate(4);
    report
}

pub fn registered() -> Report {
    let mut report = known(Verdict::Succeeded, 1);
    report.inputs.as_mut().unwrap().deploy.service = None;
    report.observed.as_mut().unwrap().service = None;
    report.observed.as_mut().unwrap().running = None;
    let plan = &mut report.plan.as_mut().unwrap().services[0];
    plan.service = None;
    plan.previous_task_definition_arn = None;
    plan.steps.truncate(1);
    report.outcome = Outcome { changed: true, task_definition_arn: Some(arn("web:8")), ..Outcome::default() };
    report
}

pub fn invalid() -> Report {
    let errors = vec![
        Error::new(
            Code::InputInvalid,
            "The input `wait-for-minutes` is not a number of minutes.",
            "It is `1e3`; whole numbers from 1 to 360 are allowed.",
            "Write for example `wait-for-minutes: 30`.",
        ),
        Error::new(
            Code::InputUnknown,
            "There is no input `task-defintion`.",
            "Its name is close to one that there is.",
            "Did you mean `task-definition`?",
        ),
        Error::new(
            Code::FileUnreadable,
            "The file `deploy/task.json` of the input `env-files` cannot be read.",
            "It does not exist in the workspace | <b>really</b>.",
            "Check the path; it is relative to the root of the repository, and the job needs `actions/checkout` before.",
        ),
    ];
    Report { verdict: Some(Verdict::Invalid), errors, duration: Duration::from_millis(40), ..in_actions() }
}

pub fn denied() -> Report {
    let mut report = known(Verdict::Denied, 1);
    report.errors = vec![Error::new(
        Code::AccessDenied,
        "AWS refused `ecs:RegisterTaskDefinition`.",
        "User: arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions is not authorized to perform: \
         ecs:RegisterTaskDefinition on resource: * because no identity-based policy allows it (AccessDeniedException, \
         request 7a1c2b3d-0000-4444-8888-123456789abc).",
        "Allow `ecs:RegisterTaskDefinition` on `*` in a policy of the role `deploy`.",
    )];
    report
}

pub fn cancelled() -> Report {
    let mut report = deployed(Verdict::Cancelled, 30);
    report.errors = vec![Error::new(
        Code::Cancelled,
        "The run was cancelled while `web:8` was rolling out",
        "The runner sent SIGINT.",
        "Run it again, or go back as told below.",
    )];
    report
}

/// The Markdown without what stands in fences or between backticks.
pub fn outside_code(markdown: &str) -> String {
    let (mut outside, mut fence) = (Vec::new(), 0);
    for line in markdown.lines() {
        let run = line.chars().take_while(|&c| c == '`').count();
        match fence {
            0 if run >= 3 => fence = run,
            0 => {
                let mut rest = line;
                while let Some(at) = rest.find('`') {
                    if rest[..at].ends_with('\\') {
                        outside.push(rest[..=at].to_owned());
                        rest = &rest[at + 1..];
                        continue;
                    }
                    outside.push(rest[..at].to_owned());
                    let run = rest[at..].chars().take_while(|&c| c == '`').count();
                    let inner = &rest[at + run..];
                    let ends = |end: &usize| {
                        let end = *end;
                        inner[end..].chars().take_while(|&c| c == '`').count() == run && !inner[..end].ends_with('`')
                    };
                    let end = (0..inner.len()).filter(|end| inner.is_char_boundary(*end)).find(ends);
                    let end = end.unwrap_or_else(|| panic!("code that does not end: {line}"));
                    rest = &inner[end + run..];
                }
                outside.push(format!("{rest}\n"));
            }
            open if run >= open && line.trim_end().len() == run => fence = 0,
            _ => {}
        }
    }
    assert_eq!(fence, 0, "a fence that does not end");
    outside.concat()
}

/// A run that knows what it is to do, and has done nothing yet.
fn known(verdict: Verdict, seconds: u64) -> Report {
    let completed = Deployment {
        status: "PRIMARY".to_owned(),
        task_definition: arn("web:7"),
        rollout_state: Some("COMPLETED".to_owned()),
        desired_count: 2,
        running_count: 2,
        ..Deployment::default()
    };
    let before = Service { deployments: vec![completed], ..service("web:7") };
    let observed = Observed {
        service: Some(before.clone()),
        base: Base { document: json!({}), origin: "task-definition.json".to_owned(), text: None },
        running: Some(registered_revision("web:7")),
        running_revision: None,
        code_deploy: None,
        newest: Some(registered_revision("web:7")),
        digests: BTreeMap::new(),
        way_back: None,
        warnings: Vec::new(),
    };
    let change = |path: &str, from: Option<&str>, to: Option<&str>| Change {
        path: path.to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    };
    let definition = json!({
        "family": "web", "cpu": "512", "memory": "1024",
        "executionRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/web-execution"),
        "containerDefinitions": [{
            "name": "web", "image": format!("{REPOSITORY}:1.5.0"), "memory": 512,
            "environment": [{ "name": "KEY", "value": ENVIRONMENT_VALUE }],
            "secrets": [{ "name": "DB_PASSWORD", "valueFrom": MISPLACED_SECRET }],
            "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/web" } },
        }],
    });
    let plan = ServicePlan {
        service: Some(before),
        cluster: "prod".to_owned(),
        definition: TaskDefinition(definition.as_object().cloned().unwrap()),
        reuse: None,
        previous_task_definition_arn: Some(arn("web:7")),
        changes: vec![
            change("cpu", Some("256"), Some("512")),
            change("container web › environment LOG_LEVEL", Some("***"), Some("*** (changed)")),
            change("container web › command", None, Some("sh -c \"a | b\"")),
        ],
        images: vec![
            ImageChange {
                container: "web".to_owned(),
                from: Some(format!("{REPOSITORY}:1.4.2")),
                from_digest: Some(OLD_DIGEST.to_owned()),
                to: format!("{REPOSITORY}:1.5.0"),
                to_digest: Some(NEW_DIGEST.to_owned()),
                ..ImageChange::default()
            },
            ImageChange { container: "envoy".to_owned(), ..image("envoyproxy/envoy:v1.31", OLD_DIGEST) },
        ],
        cost: None,
        steps: vec![
            Step::RegisterTaskDefinition { body: definition },
            Step::UpdateService { body: json!({ "cluster": "prod", "service": "web", "desiredCount": 2 }) },
            Step::AwaitRollout,
        ],
        on_failure: OnFailure::default(),
        on_cancel: OnCancel::default(),
        warnings: Vec::new(),
    };
    Report {
        verdict: Some(verdict),
        inputs: Some(inputs()),
        identity: Some(Identity {
            account: ACCOUNT.to_owned(),
            arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/GitHubActions"),
            partition: "aws".to_owned(),
        }),
        observed: Some(observed),
        plan: Some(Plan { services: vec![plan] }),
        outcome: Outcome { verdict: Some(verdict), ..Outcome::default() },
        duration: Duration::from_secs(seconds),
        task_definition_path: Some(".ecs-deploy/task-definition-web.json".to_owned()),
        report_path: Some(".ecs-deploy/report-web.json".to_owned()),
        ..in_actions()
    }
}

/// The same run, once the service is updated.
fn deployed(verdict: Verdict, seconds: u64) -> Report {
    let mut report = known(verdict, seconds);
    report.outcome = Outcome {
        verdict: Some(verdict),
        task_definition_arn: Some(arn("web:8")),
        deployment_id: Some("ecs-svc/1234567890123456789".to_owned()),
        service_deployment_arn: Some(format!(
            "arn:aws:ecs:eu-central-1:{ACCOUNT}:service-deployment/prod/web/AbCdEfGhIjKlMnOpQrStU"
        )),
        changed: true,
        service: Some(service("web:8")),
        ..Outcome::default()
    };
    report.timeline = vec![
        at(0, What::Started("registering web".to_owned())),
        at(1, What::Finished("registered web:8".to_owned())),
        at(1, What::Started("updating `web` with web:8".to_owned())),
        at(2, What::Finished("ECS began ecs-svc/1234567890123456789 with web:8".to_owned())),
        at(2, What::Started("waiting for the rollout of web:8".to_owned())),
    ];
    report
}

fn image(image: &str, digest: &str) -> ImageChange {
    ImageChange {
        container: "web".to_owned(),
        from: Some(image.to_owned()),
        from_digest: Some(digest.to_owned()),
        to: image.to_owned(),
        to_digest: Some(digest.to_owned()),
        ..ImageChange::default()
    }
}

fn arn(revision: &str) -> String {
    format!("arn:aws:ecs:eu-central-1:{ACCOUNT}:task-definition/{revision}")
}

fn registered_revision(revision: &str) -> Registered {
    Registered { arn: arn(revision), status: "ACTIVE".to_owned(), document: json!({}), tags: Vec::new() }
}

fn service(revision: &str) -> Service {
    Service {
        service_arn: format!("arn:aws:ecs:eu-central-1:{ACCOUNT}:service/prod/web"),
        service_name: "web".to_owned(),
        cluster_arn: format!("arn:aws:ecs:eu-central-1:{ACCOUNT}:cluster/prod"),
        status: "ACTIVE".to_owned(),
        desired_count: 2,
        running_count: 2,
        task_definition: arn(revision),
        ..Service::default()
    }
}

fn service_deployment(status: &str) -> ServiceDeployment {
    ServiceDeployment { status: status.to_owned(), ..ServiceDeployment::default() }
}

fn said(message: &str) -> What {
    What::ServiceSaid(ServiceEvent { id: "e".to_owned(), created_at: 0.0, message: message.to_owned() })
}

fn at(seconds: u64, what: What) -> Event {
    Event { at: Duration::from_secs(seconds), what }
}

fn inputs() -> Inputs {
    Inputs {
        region: "eu-central-1".to_owned(),
        credentials: Credentials {
            role: Some(Role::Arn(format!("arn:aws:iam::{ACCOUNT}:role/deploy"))),
            audience: "sts.amazonaws.com".to_owned(),
            session_name: "GitHubActions".to_owned(),
            duration: Duration::from_hours(1),
            external_id: None,
            chaining: false,
            skip_session_tagging: false,
            transitive_tag_keys: Vec::new(),
            custom_tags: Vec::new(),
            inline_session_policy: None,
            managed_session_policies: Vec::new(),
            web_identity_token_file: None,
            sts_endpoint: None,
            force_skip_oidc: false,
            access_keys: None,
            allowed_account_ids: Vec::new(),
            mask_account_id: false,
            max_attempts: 5,
        },
        definition: Definition {
            source: Source::File("task-definition.json".to_owned()),
            edits: Edits::default(),
            pin_image_digest: false,
            tags: Vec::new(),
        },
        deploy: Deploy {
            mode: Mode::Deploy,
            service: Some("web".to_owned()),
            cluster: "prod".to_owned(),
            desired_count: None,
            force_new_deployment: None,
            enable_ecs_managed_tags: None,
            propagate_tags: None,
            volume_configuration: None,
            deployment_configuration: None,
            code_deploy: CodeDeploy::default(),
            on_failure: OnFailure::Rollback,
            on_cancel: OnCancel::Leave,
            on_concurrent: OnConcurrent::Replace,
        },
        wait: Wait::default(),
        checks: Checks::default(),
        reporting: Reporting {
            token: None,
            job_summary: true,
            pr_comment: PrComment::Auto,
            github_deployment: false,
            environment: None,
            environment_url: None,
        },
    }
}
