//! The one table of what each feature needs: action, when, and on what. A test replays every feature with just these.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html>

use super::resources::{self as on, Condition};
use super::scope::Scope;
use crate::inputs::Check;

/// Whether the inputs need an action.
pub(super) type Needed = fn(&Scope<'_>) -> bool;

/// Actions that have their resource and condition in common.
pub(super) struct Statement {
    /// Its name.
    pub sid: &'static str,
    /// Each action, and whether the inputs need it.
    pub actions: &'static [(&'static str, Needed)],
    /// On what; on nothing leaves it out.
    pub resources: fn(&Scope<'_>) -> Vec<String>,
    /// Under which condition.
    pub condition: fn(&Scope<'_>) -> Option<Condition>,
}

const fn none(_: &Scope<'_>) -> Option<Condition> {
    None
}

/// Everything that this program may ask of AWS with the role.
pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        sid: "TaskDefinitions",
        actions: &[("ecs:DescribeTaskDefinition", |_| true), ("ecs:RegisterTaskDefinition", |it| it.deploys())],
        resources: on::anything,
        condition: none,
    },
    Statement {
        sid: "TagsOfTheRevision",
        actions: &[("ecs:TagResource", |it| it.deploys() && it.has_tags())],
        resources: on::family,
        condition: |_| Some(("StringEquals", "ecs:CreateAction", "RegisterTaskDefinition".to_owned())),
    },
    Statement {
        sid: "RolesOfTheTask",
        actions: &[("iam:PassRole", |it| it.deploys())],
        resources: on::task_roles,
        condition: |_| Some(("StringEquals", "iam:PassedToService", "ecs-tasks.amazonaws.com".to_owned())),
    },
    Statement {
        sid: "RolesOfTheService",
        actions: &[("iam:PassRole", |it| it.moves())],
        resources: on::service_roles,
        condition: |_| Some(("StringEquals", "iam:PassedToService", "ecs.amazonaws.com".to_owned())),
    },
    Statement {
        sid: "Service",
        actions: &[
            ("ecs:DescribeServices", |_| true),
            ("ecs:UpdateService", |it| it.moves() && it.updates()),
            ("ecs:ListServiceDeployments", |it| {
                !it.by_code_deploy() && (it.follows() || (it.goes_back() && !it.names_the_way_back()))
            }),
        ],
        resources: on::service,
        condition: none,
    },
    Statement {
        sid: "Rollout",
        actions: &[
            ("ecs:DescribeServiceDeployments", |it| !it.by_code_deploy()),
            ("ecs:StopServiceDeployment", |it| {
                !it.by_code_deploy() && (it.may_undo() || (it.goes_back() && !it.names_the_way_back()))
            }),
        ],
        resources: on::service_deployments,
        condition: none,
    },
    Statement {
        sid: "WhatRunsNow",
        actions: &[("ecs:DescribeServiceRevisions", |it| !it.by_code_deploy())],
        resources: on::service_revisions,
        condition: none,
    },
    Statement {
        sid: "Deployments",
        actions: &[
            ("codedeploy:GetDeploymentGroup", |_| true),
            ("codedeploy:ListDeployments", |_| true),
            ("codedeploy:GetDeployment", |_| true),
            ("codedeploy:CreateDeployment", |it| it.moves()),
            ("codedeploy:BatchGetDeploymentTargets", |it| it.follows()),
            ("codedeploy:StopDeployment", |it| it.may_undo() || it.may_replace()),
        ],
        resources: on::deployment_group,
        condition: none,
    },
    Statement {
        sid: "WhatADeploymentIsMadeOf",
        actions: &[
            ("codedeploy:GetDeploymentConfig", |it| it.moves()),
            ("codedeploy:RegisterApplicationRevision", |it| it.moves()),
        ],
        resources: on::deployment_parts,
        condition: none,
    },
    Statement {
        sid: "WhyItFailed",
        actions: &[("ecs:ListTasks", |it| it.follows()), ("ecs:DescribeTasks", |it| it.follows())],
        resources: on::anything,
        condition: |it| Some(("ArnEquals", "ecs:cluster", it.arn("ecs", &format!("cluster/{}", it.cluster())))),
    },
    Statement {
        sid: "WhatItLogged",
        actions: &[("logs:GetLogEvents", |it| it.follows())],
        resources: on::log_streams,
        condition: none,
    },
    Statement {
        sid: "HowTheLoadBalancerFindsIt",
        actions: &[
            ("elasticloadbalancing:DescribeTargetHealth", |it| it.follows()),
            ("elasticloadbalancing:DescribeTargetGroups", |it| {
                it.follows() || (it.checks(Check::TargetGroups) && it.service().is_some() && !it.by_code_deploy())
            }),
        ],
        resources: on::anything,
        condition: none,
    },
    Statement {
        sid: "Images",
        actions: &[
            ("ecr:BatchGetImage", |_| true),
            ("ecr:DescribeImages", |it| it.plans() || it.checks(Check::ImageExists)),
            ("ecr:GetDownloadUrlForLayer", |it| it.checks(Check::ImagePlatform)),
            ("ecr:DescribeImageScanFindings", |it| it.checks(Check::ImageScan)),
        ],
        resources: on::repositories,
        condition: none,
    },
    Statement {
        sid: "CachesOfOtherRegistries",
        actions: &[("ecr:DescribePullThroughCacheRules", |it| it.checks(Check::ImageExists))],
        resources: on::anything,
        condition: none,
    },
    Statement {
        sid: "Secrets",
        actions: &[("secretsmanager:DescribeSecret", |it| it.checks(Check::SecretsExist))],
        resources: on::secrets,
        condition: none,
    },
    Statement {
        sid: "Parameters",
        actions: &[("ssm:DescribeParameters", |it| it.checks(Check::SecretsExist))],
        resources: on::parameters,
        condition: none,
    },
    Statement {
        sid: "LogGroups",
        actions: &[("logs:DescribeLogGroups", |it| it.checks(Check::LogGroups))],
        resources: on::log_groups,
        condition: none,
    },
    Statement {
        sid: "WhoMayHaveTheRoles",
        actions: &[("iam:GetRole", |it| it.checks(Check::Roles))],
        resources: on::task_roles,
        condition: none,
    },
    Statement {
        sid: "WhetherTheRolesMayBePassed",
        actions: &[("iam:SimulatePrincipalPolicy", |it| it.deploys() && it.checks(Check::Roles))],
        resources: on::caller,
        condition: none,
    },
    Statement {
        sid: "AlarmsAndSubnets",
        actions: &[
            ("cloudwatch:DescribeAlarms", |it| {
                it.checks(Check::Alarms) && it.service().is_some() && !it.by_code_deploy()
            }),
            ("ec2:DescribeSubnets", |it| it.checks(Check::Subnets) && it.service().is_some() && !it.by_code_deploy()),
        ],
        resources: on::anything,
        condition: none,
    },
    Statement {
        sid: "NamesWhenOneIsMisspelled",
        actions: &[
            ("ecs:ListServices", |it| it.service().is_some()),
            ("ecs:ListClusters", |it| it.service().is_some()),
        ],
        resources: on::anything,
        condition: none,
    },
];
