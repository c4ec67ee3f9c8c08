//! Plans, and deploys that a check refused.

use serde_json::json;

use super::{ACCOUNT, REPOSITORY, known, planned, registered_revision};
use crate::checks::{Checked, Finding, Ruling};
use crate::error::{Code, Error};
use crate::model::place::Place;
use crate::model::service::Service;
use crate::model::verdict::Verdict;
use crate::plan::cost::Cost;
use crate::plan::diff::Change;
use crate::plan::{ImageChange, ServicePlan, Step};
use crate::report::Report;

/// A plan that has everything: sizes and ages of images, a dozen changes, guards, a cost.
pub fn rich() -> Report {
    let mut report = planned();
    let configuration = json!({
        "strategy": "ROLLING", "minimumHealthyPercent": 50, "maximumPercent": 150, "bakeTimeInMinutes": 5,
        "deploymentCircuitBreaker": {"enable": true, "rollback": true},
        "alarms": {"enable": true, "rollback": true, "alarmNames": ["web-5xx", "web-slow"]},
    });
    let plan = plan(&mut report);
    plan.service = plan.service.take().map(|service| Service {
        launch_type: Some("FARGATE".to_owned()),
        deployment_configuration: Some(configuration),
        ..service
    });
    plan.steps[1] = Step::UpdateService { body: json!({ "cluster": "prod", "service": "web", "desiredCount": 4 }) };
    plan.cost = Some(Cost {
        region: "eu-central-1".to_owned(),
        as_of: Some("2026-07-07"),
        platform: "Linux on X86_64",
        task_before: Some(10.36),
        task_after: Some(20.72),
        tasks_before: 2,
        tasks_after: 4,
        is_at_most: false,
        unknown: None,
    });
    let image = &mut plan.images[0];
    (image.from_size, image.from_pushed) = (Some(27_200_000), Some(1_790_000_000 - 6 * 86_400));
    (image.to_size, image.to_pushed) = (Some(28_400_000), Some(1_790_000_000 - 190));
    plan.images.push(ImageChange {
        container: "router".to_owned(),
        to: "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.32".to_owned(),
        ..ImageChange::default()
    });
    let change = |path: &str, from: Option<&str>, to: Option<&str>| Change {
        path: path.to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    };
    let image = |tag: &str| format!("{REPOSITORY}:{tag}");
    let secret = |name: &str| format!("arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:shop/{name}");
    plan.changes = vec![
        change("cpu", Some("256"), Some("512")),
        change("memory", Some("512"), Some("1024")),
        change("container web › image", Some(&image("1.4.2")), Some(&image("1.5.0"))),
        change("container web › environment LOG_LEVEL", Some("***"), Some("*** (changed)")),
        change("container web › environment FEATURE_CHECKOUT", None, Some("***")),
        change("container web › environment LEGACY_URL", Some("***"), None),
        change("container web › secret DATABASE_URL", Some(&secret("db-AbCdEf")), Some(&secret("database-GhIjKl"))),
        change("container web › log driver", Some("awslogs"), Some("awsfirelens")),
        change("container web › log option awslogs-group", Some("/ecs/web"), None),
        change("container web › port 8080 › appProtocol", Some("http"), Some("http2")),
        change("container web › command", None, Some("[\"serve\",\"--filter\",\"a | b\"]")),
        change("container router", None, Some("public.ecr.aws/aws-observability/aws-for-fluent-bit:2.32")),
    ];
    report.checked = PASSING.iter().map(|check| passed(check)).collect();
    report
}

/// A plan of which some checks had something to say, and some could not be done.
pub fn with_warnings() -> Report {
    let mut report = planned();
    report.checked = vec![
        passed("image-exists"),
        passed("image-platform"),
        passed("fargate-size"),
        skipped(
            "secrets-exist",
            "It is not known whether the secret `shop/database` exists: the role of this job may not `secretsmanager:DescribeSecret`. Allow it, or switch the check off.",
        ),
        warned("log-groups", log_group()),
        warned(
            "circuit-breaker",
            Finding {
                error: Error::new(
                    Code::CircuitBreakerOff,
                    "Nothing in ECS ends a deployment of `web` that fails.",
                    "Its circuit breaker is off, and no alarms watch the deployment.",
                    "Set `deploymentCircuitBreaker` where the service is defined.",
                ),
                pointer: None,
                place: None,
                is_doubtful: false,
            },
        ),
        passed("in-flight"),
    ];
    report.warnings = vec!["Whether the same revision exists already is not known, so one is registered.".to_owned()];
    report
}

/// A plan that changes nothing.
pub fn unchanged() -> Report {
    let mut report = planned();
    let plan = plan(&mut report);
    plan.reuse = Some(registered_revision("web:7"));
    (plan.changes, plan.steps) = (Vec::new(), Vec::new());
    report
}

/// A deploy that two checks refused, with a warning beside.
pub fn blocked() -> Report {
    refused(vec![
        blocking("image-exists", image_missing()),
        passed("image-platform"),
        blocking(
            "secrets-exist",
            Finding {
                error: Error::new(
                    Code::SecretNotFound,
                    "The secret `shop/database` of `DATABASE_URL` in container `web` does not exist.",
                    "Secrets Manager in eu-central-1 knows no secret of this name. It has `shop/db`.",
                    "Write `shop/db`, or create the secret before the deploy.",
                ),
                pointer: Some("/containerDefinitions/0/secrets/0".to_owned()),
                place: Some(Place { file: "deploy/task-definition.json".to_owned(), line: 31, column: 11 }),
                is_doubtful: false,
            },
        ),
        warned("log-groups", log_group()),
        skipped(
            "subnets",
            "It is not known whether the subnets have free addresses: the role of this job may not `ec2:DescribeSubnets`. Allow it, or switch the check off.",
        ),
        passed("in-flight"),
    ])
}

/// A deploy that one check refused.
pub fn blocked_by_one() -> Report {
    refused(vec![passed("fargate-size"), blocking("image-exists", image_missing()), passed("in-flight")])
}

const PASSING: [&str; 11] = [
    "image-exists",
    "image-platform",
    "fargate-size",
    "secrets-exist",
    "log-groups",
    "roles",
    "target-groups",
    "circuit-breaker",
    "in-flight",
    "alarms",
    "subnets",
];

fn plan(report: &mut Report) -> &mut ServicePlan {
    &mut report.plan.as_mut().unwrap().services[0]
}

fn refused(checked: Vec<Checked>) -> Report {
    let mut report = known(Verdict::Blocked, 1);
    plan(&mut report).images[0].to_digest = None;
    report.outcome.verdict = None;
    report.errors = checked.iter().flat_map(Checked::blocking).map(|finding| finding.error.clone()).collect();
    report.checked = checked;
    report
}

fn image_missing() -> Finding {
    Finding {
        error: Error::new(
            Code::ImageNotFound,
            format!("The image `{REPOSITORY}:1.5.0` of container `web` is not in ECR."),
            "The repository `web` has no tag `1.5.0`. The tags nearest to it: `1.5.0-rc1`, `1.4.2`.",
            "Push the image before the deploy, or correct the tag.",
        ),
        pointer: Some("/containerDefinitions/0/image".to_owned()),
        place: Some(Place { file: "deploy/task-definition.json".to_owned(), line: 12, column: 7 }),
        is_doubtful: false,
    }
}

fn log_group() -> Finding {
    Finding {
        error: Error::new(
            Code::LogGroupMissing,
            "The log group `/ecs/web` of container `web` does not exist.",
            "The tasks would not start: awslogs writes only into a group that is there.",
            "Create it with `aws logs create-log-group --log-group-name /ecs/web`.",
        ),
        pointer: Some("/containerDefinitions/0/logConfiguration".to_owned()),
        place: Some(Place { file: "deploy/task-definition.json".to_owned(), line: 24, column: 7 }),
        is_doubtful: false,
    }
}

fn checked(check: &'static str, blocks: bool, ruling: Ruling) -> Checked {
    Checked { check, blocks, ruling }
}

fn passed(check: &'static str) -> Checked {
    checked(check, false, Ruling::default())
}

fn warned(check: &'static str, finding: Finding) -> Checked {
    checked(check, false, Ruling { findings: vec![finding], ..Ruling::default() })
}

fn blocking(check: &'static str, finding: Finding) -> Checked {
    checked(check, true, Ruling { findings: vec![finding], ..Ruling::default() })
}

fn skipped(check: &'static str, why: &str) -> Checked {
    checked(check, true, Ruling { skipped: vec![why.to_owned()], ..Ruling::default() })
}
