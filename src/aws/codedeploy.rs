//! CodeDeploy: its deployments of ECS services.
//! <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_Operations.html>

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::config::Builder;
use aws_sdk_codedeploy::types::DeploymentStatus;
use aws_smithy_types::retry::RetryConfig;
use serde::Deserialize;
use serde_json::Value;

use super::Aws;
use super::call::CallError;
use super::resend::{even_twice, when_not_applied};
use super::wire::Wire;
use crate::model::code_deploy::{CodeDeployment, DeploymentGroup, EcsTarget, TrafficRouting};

/// The states in which a deployment keeps its group busy.
const IN_PROGRESS: [DeploymentStatus; 5] = [
    DeploymentStatus::Created,
    DeploymentStatus::Queued,
    DeploymentStatus::InProgress,
    DeploymentStatus::Baking,
    DeploymentStatus::Ready,
];

impl Aws {
    /// A deployment group.
    ///
    /// # Errors
    /// `ApplicationDoesNotExistException`, `DeploymentGroupDoesNotExistException`, or the call failed.
    pub async fn deployment_group(&self, application: &str, group: &str) -> Result<DeploymentGroup, CallError> {
        let wire = Wire::default();
        let call = self.code_deploy().get_deployment_group().application_name(application).deployment_group_name(group);
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: Group = wire.answer("codedeploy:GetDeploymentGroup", sent)?;
        Ok(answer.deployment_group_info)
    }

    /// The ids of the group's deployments that have not ended.
    ///
    /// # Errors
    /// The call failed.
    pub async fn code_deployments_in_progress(&self, application: &str, group: &str) -> Result<Vec<String>, CallError> {
        let wire = Wire::default();
        let call = self.code_deploy().list_deployments().application_name(application).deployment_group_name(group);
        let call = call.set_include_only_statuses(Some(IN_PROGRESS.to_vec()));
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: Deployments = wire.answer("codedeploy:ListDeployments", sent)?;
        Ok(answer.deployments)
    }

    /// A deployment.
    ///
    /// # Errors
    /// `DeploymentDoesNotExistException`, or the call failed.
    pub async fn code_deployment(&self, id: &str) -> Result<CodeDeployment, CallError> {
        let wire = Wire::default();
        let call = self.code_deploy().get_deployment().deployment_id(id);
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: Deployment = wire.answer("codedeploy:GetDeployment", sent)?;
        Ok(answer.deployment_info)
    }

    /// How a deployment configuration moves traffic.
    ///
    /// # Errors
    /// `DeploymentConfigDoesNotExistException`, or the call failed.
    pub async fn traffic_routing(&self, configuration: &str) -> Result<TrafficRouting, CallError> {
        let wire = Wire::default();
        let call = self.code_deploy().get_deployment_config().deployment_config_name(configuration);
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: Configuration = wire.answer("codedeploy:GetDeploymentConfig", sent)?;
        Ok(answer.deployment_config_info.traffic_routing_config.unwrap_or_default())
    }

    /// What a deployment does to the service; nothing before it began.
    ///
    /// # Errors
    /// The call failed.
    pub async fn deployment_target(
        &self,
        id: &str,
        cluster: &str,
        service: &str,
    ) -> Result<Option<EcsTarget>, CallError> {
        let wire = Wire::default();
        let call = self.code_deploy().batch_get_deployment_targets().deployment_id(id);
        let call = call.target_ids(format!("{cluster}:{service}"));
        let sent = call.customize().interceptor(wire.clone()).send().await;
        match wire.answer::<Targets, _, _>("codedeploy:BatchGetDeploymentTargets", sent) {
            Ok(answer) => Ok(answer.deployment_targets.into_iter().find_map(|target| target.ecs_target)),
            Err(error) => match error.code.as_deref() {
                Some("DeploymentNotStartedException" | "DeploymentTargetDoesNotExistException") => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Begins a deployment; `body` goes over the wire as it is. There is no token that makes it happen once: it is sent
    /// again only when CodeDeploy did not carry it out. After an error with `maybe_applied`, look at the group first.
    ///
    /// # Errors
    /// `DeploymentLimitExceededException` while another deployment of the group is in progress, or the call failed.
    pub async fn create_deployment(&self, body: &Value) -> Result<String, CallError> {
        const ACTION: &str = "codedeploy:CreateDeployment";
        when_not_applied(self.max_attempts, || async {
            let wire = Wire::sending(body);
            // The builder wants a name; the body that is sent is ours.
            let call = self.code_deploy().create_deployment().application_name("_").customize();
            let sent = call.config_override(once()).interceptor(wire.clone()).send().await;
            let answer: Created = wire.answer(ACTION, sent)?;
            Ok(answer.deployment_id)
        })
        .await
    }

    /// Stops a deployment and lets CodeDeploy go back; whether there was, or may have been, anything to stop: it may have
    /// ended already.
    ///
    /// # Errors
    /// The call failed.
    pub async fn stop_deployment(&self, id: &str) -> Result<bool, CallError> {
        let stopped = even_twice(self.max_attempts, || async {
            let wire = Wire::default();
            let call = self.code_deploy().stop_deployment().deployment_id(id).auto_rollback_enabled(true);
            let sent = call.customize().config_override(once()).interceptor(wire.clone()).send().await;
            wire.document("codedeploy:StopDeployment", sent)
        });
        match stopped.await {
            Ok(_) => Ok(true),
            // Ended by an earlier attempt, whose answer was lost, or before.
            Err(error) if error.code.as_deref() == Some("DeploymentAlreadyCompletedException") => {
                Ok(error.maybe_applied)
            }
            Err(error) => Err(error),
        }
    }

    fn code_deploy(&self) -> Client {
        Client::new(&self.config)
    }
}

/// The SDK sends the call once: whether it may be sent again is decided by us.
fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::standard().with_max_attempts(1))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Group {
    deployment_group_info: DeploymentGroup,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Deployments {
    deployments: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Configuration {
    deployment_config_info: ConfigurationInfo,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ConfigurationInfo {
    traffic_routing_config: Option<TrafficRouting>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployment {
    deployment_info: CodeDeployment,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Targets {
    deployment_targets: Vec<Target>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    ecs_target: Option<EcsTarget>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    deployment_id: String,
}
