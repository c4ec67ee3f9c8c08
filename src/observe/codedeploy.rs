//! What CodeDeploy says before the first write: the deployment group, whose it is, and whether it is busy.

use super::{Base, file};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::{Code, Error};
use crate::inputs::Inputs;
use crate::inputs::runner::Runner;
use crate::model::code_deploy::{CodeDeployment, DeploymentGroup, default_name};
use crate::model::names::short_name;
use crate::model::service::Service;

/// CodeDeploy as it was before the first write.
#[derive(Debug, Clone)]
pub struct CodeDeploy {
    /// The application's name.
    pub application: String,
    /// The deployment group's name.
    pub group_name: String,
    /// The group, where it may be read.
    pub group: Option<DeploymentGroup>,
    /// The `AppSpec` file.
    pub appspec: Base,
    /// A deployment of the group that has not ended.
    pub other: Option<CodeDeployment>,
}

/// Reads the `AppSpec` file and the group. Beside them: remarks.
///
/// # Errors
/// The file cannot be read; the group does not exist, or deploys another service.
pub async fn observe(
    inputs: &Inputs,
    service: &Service,
    runner: &Runner,
    aws: &Aws,
) -> Result<(CodeDeploy, Vec<String>), Error> {
    let asked = &inputs.deploy.code_deploy;
    let given = asked.appspec.as_deref().unwrap_or("appspec.yaml");
    let appspec = file::read(&file::APPSPEC, &runner.workspace, runner.temp.as_deref(), given)?;
    let named = |prefix: &str| default_name(prefix, short_name(&service.cluster_arn), &service.service_name);
    let application = asked.application.clone().unwrap_or_else(|| named("AppECS"));
    let group_name = asked.deployment_group.clone().unwrap_or_else(|| named("DgpECS"));
    let (group, in_progress) = tokio::join!(
        aws.deployment_group(&application, &group_name),
        aws.code_deployments_in_progress(&application, &group_name),
    );
    let mut remarks = Vec::new();
    let group = match group {
        Ok(group) => {
            belongs(&group, &application, &group_name, service)?;
            Some(group)
        }
        Err(error) if error.kind == CallErrorKind::Denied => {
            remarks.push(format!(
                "Whether the deployment group `{group_name}` deploys this service is not known: {error}"
            ));
            None
        }
        Err(error) => return Err(unknown(error, &application, &group_name)),
    };
    let other = match in_progress {
        Ok(ids) => match ids.into_iter().next() {
            Some(id) => Some(aws.code_deployment(&id).await.unwrap_or_else(|error| {
                remarks.push(format!("How far CodeDeploy's deployment {id} is is not known: {error}"));
                let status = "InProgress".to_owned();
                CodeDeployment { deployment_id: id, status, ..CodeDeployment::default() }
            })),
            None => None,
        },
        Err(error) if error.kind == CallErrorKind::Credentials => return Err(error.into()),
        Err(error) => {
            remarks.push(format!("Whether CodeDeploy is busy with another deployment is not known: {error}"));
            None
        }
    };
    Ok((CodeDeploy { application, group_name, group, appspec, other }, remarks))
}

/// Whether the group deploys the service.
fn belongs(group: &DeploymentGroup, application: &str, name: &str, service: &Service) -> Result<(), Error> {
    let cluster = short_name(&service.cluster_arn);
    let is_ours = |other: &&crate::model::code_deploy::EcsService| {
        other.service_name == service.service_name && other.cluster_name == cluster
    };
    let platform = group.compute_platform.as_deref().unwrap_or("ECS");
    if platform == "ECS" && group.ecs_services.iter().any(|other| is_ours(&other)) {
        return Ok(());
    }
    let theirs: Vec<String> = group
        .ecs_services
        .iter()
        .map(|other| format!("`{}` in cluster `{}`", other.service_name, other.cluster_name))
        .collect();
    let why = match theirs.as_slice() {
        _ if platform != "ECS" => format!("Its compute platform is {platform}."),
        [] => "It deploys no ECS service.".to_owned(),
        _ => format!("It deploys {}.", theirs.join(", ")),
    };
    Err(Error::new(
        Code::DeploymentGroupMismatch,
        format!(
            "The deployment group `{name}` of `{application}` does not deploy `{}` in cluster `{cluster}`.",
            service.service_name
        ),
        why,
        "Correct `codedeploy-application` and `codedeploy-deployment-group`.",
    ))
}

fn unknown(error: CallError, application: &str, name: &str) -> Error {
    let (what, fix) = match error.code.as_deref() {
        Some("ApplicationDoesNotExistException") => {
            (format!("The CodeDeploy application `{application}` does not exist."), "Give `codedeploy-application`")
        }
        Some("DeploymentGroupDoesNotExistException") => (
            format!("The CodeDeploy application `{application}` has no deployment group `{name}`."),
            "Give `codedeploy-deployment-group`",
        ),
        _ => return error.into(),
    };
    let why = format!("CodeDeploy says: {}", error.message);
    Error::new(Code::DeploymentGroupNotFound, what, why, format!("{fix}, or correct it; names are case-sensitive."))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;

    fn service() -> Service {
        let service =
            json!({ "serviceName": "web", "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/prod" });
        serde_json::from_value(service).unwrap()
    }

    #[test]
    fn a_group_of_another_service_is_refused() {
        let group = |value| serde_json::from_value::<DeploymentGroup>(value).unwrap();
        let told = |value| belongs(&group(value), "AppECS-prod-web", "DgpECS-prod-web", &service());
        let ours =
            json!({ "computePlatform": "ECS", "ecsServices": [{ "serviceName": "web", "clusterName": "prod" }] });
        told(ours).unwrap();
        let refused: Vec<String> = [
            json!({ "computePlatform": "ECS", "ecsServices": [{ "serviceName": "web", "clusterName": "staging" }] }),
            json!({ "computePlatform": "ECS" }),
            json!({ "computePlatform": "Lambda" }),
        ]
        .into_iter()
        .map(|value| told(value).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
    }
}
