//! ECS: task definitions as raw JSON, services and deployments as our nouns.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Operations.html>

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::types::{ContainerDefinition, DesiredStatus, StopServiceDeploymentStopType, TaskDefinitionField};
use aws_smithy_types::retry::RetryConfig;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Aws;
use super::call::CallError;
use super::resend::{even_twice, when_not_applied};
use super::wire::{Wire, read};
use crate::model::service::{Service, ServiceDeployment, ServiceRevision};
use crate::model::task::Task;
use crate::model::task_definition::Registered;

/// Tasks of a service that are read, running or stopped: what one DescribeTasks takes.
pub const MOST_TASKS: u8 = 100;

impl Aws {
    /// The services of `names` (at most 10) that exist in the cluster; the others are simply absent.
    ///
    /// # Errors
    /// `ClusterNotFoundException`, or the call failed.
    pub async fn describe_services(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, CallError> {
        const ACTION: &str = "ecs:DescribeServices";
        let wire = Wire::default();
        let call = self.ecs.describe_services().cluster(cluster).set_services(Some(owned(names)));
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: Services = self.told(ACTION, wire.document(ACTION, sent)?)?;
        existing(ACTION, answer.failures, answer.services)
    }

    /// The ARNs of the cluster's services, at most `limit`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_services(&self, cluster: &str, limit: usize) -> Result<Vec<String>, CallError> {
        let mut arns = Vec::new();
        let mut token = None;
        loop {
            let wire = Wire::default();
            let call = self.ecs.list_services().cluster(cluster).max_results(100).set_next_token(token);
            let sent = call.customize().interceptor(wire.clone()).send().await;
            let page: Page = wire.answer("ecs:ListServices", sent)?;
            arns.extend(page.service_arns);
            token = page.next_token;
            if arns.len() >= limit || token.is_none() {
                arns.truncate(limit);
                return Ok(arns);
            }
        }
    }

    /// The ARNs of the region's clusters, at most 100.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_clusters(&self) -> Result<Vec<String>, CallError> {
        let wire = Wire::default();
        let sent = self.ecs.list_clusters().max_results(100).customize().interceptor(wire.clone()).send().await;
        let page: Page = wire.answer("ecs:ListClusters", sent)?;
        Ok(page.cluster_arns)
    }

    /// A revision by ARN, `family:revision`, or the newest active one by family; whole, tags included.
    ///
    /// # Errors
    /// The call failed; an unknown one is a `ClientException`.
    pub async fn describe_task_definition(&self, which: &str) -> Result<Registered, CallError> {
        const ACTION: &str = "ecs:DescribeTaskDefinition";
        let wire = Wire::default();
        let call = self.ecs.describe_task_definition().task_definition(which).include(TaskDefinitionField::Tags);
        let sent = call.customize().interceptor(wire.clone()).send().await;
        registered(ACTION, wire.document(ACTION, sent)?)
    }

    /// Registers a revision; `body` goes over the wire as it is. Sent again only when ECS did not carry it out: after
    /// an error with `maybe_applied`, look at the family's newest revision first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn register_task_definition(&self, body: &Value) -> Result<Registered, CallError> {
        const ACTION: &str = "ecs:RegisterTaskDefinition";
        when_not_applied(self.max_attempts, || async {
            let wire = Wire::sending(body);
            // The builder wants these two; the body that is sent is ours.
            let call = self.ecs.register_task_definition().family("_");
            let call = call.container_definitions(ContainerDefinition::builder().build());
            let sent = call.customize().config_override(once()).interceptor(wire.clone()).send().await;
            registered(ACTION, wire.document(ACTION, sent)?)
        })
        .await
        .map_err(|error| CallError { message: self.blot(&error.message), ..error })
    }

    /// Updates a service; `body` goes over the wire as it is. Sent again only when ECS did not carry it out: a second
    /// one begins a second deployment, when it is forced or somebody else deployed in between.
    ///
    /// # Errors
    /// The call failed.
    pub async fn update_service(&self, body: &Value) -> Result<Service, CallError> {
        const ACTION: &str = "ecs:UpdateService";
        when_not_applied(self.max_attempts, || async {
            let wire = Wire::sending(body);
            let call = self.ecs.update_service().service("_").customize();
            let sent = call.config_override(once()).interceptor(wire.clone()).send().await;
            let answer: Updated = self.told(ACTION, wire.document(ACTION, sent)?)?;
            Ok(answer.service)
        })
        .await
    }

    /// Asks ECS to roll a service deployment back, as it does by itself when the circuit breaker trips.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html>
    ///
    /// # Errors
    /// `ConflictException` when it is over already or is being rolled back, `ServiceDeploymentNotFoundException`, or the
    /// call failed.
    pub async fn stop_service_deployment(&self, arn: &str) -> Result<(), CallError> {
        even_twice(self.max_attempts, || async {
            let wire = Wire::default();
            let call = self.ecs.stop_service_deployment().service_deployment_arn(arn);
            let call = call.stop_type(StopServiceDeploymentStopType::Rollback).customize();
            let sent = call.config_override(once()).interceptor(wire.clone()).send().await;
            wire.document("ecs:StopServiceDeployment", sent).map(|_| ())
        })
        .await
    }

    /// The service's newest service deployments (at most 20), newest first, as briefs.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_service_deployments(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Vec<ServiceDeployment>, CallError> {
        let wire = Wire::default();
        let call = self.ecs.list_service_deployments().cluster(cluster).service(service).max_results(20);
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: ServiceDeployments = wire.answer("ecs:ListServiceDeployments", sent)?;
        Ok(answer.service_deployments)
    }

    /// A service deployment, or nothing when ECS does not know it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_service_deployment(&self, arn: &str) -> Result<Option<ServiceDeployment>, CallError> {
        const ACTION: &str = "ecs:DescribeServiceDeployments";
        let wire = Wire::default();
        let call = self.ecs.describe_service_deployments().service_deployment_arns(arn);
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: ServiceDeployments = self.told(ACTION, wire.document(ACTION, sent)?)?;
        Ok(existing(ACTION, answer.failures, answer.service_deployments)?.into_iter().next())
    }

    /// The service revisions of `arns` (at most 20) that exist.
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_service_revisions(&self, arns: &[&str]) -> Result<Vec<ServiceRevision>, CallError> {
        const ACTION: &str = "ecs:DescribeServiceRevisions";
        let wire = Wire::default();
        let call = self.ecs.describe_service_revisions().set_service_revision_arns(Some(owned(arns)));
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: ServiceRevisions = wire.answer(ACTION, sent)?;
        existing(ACTION, answer.failures, answer.service_revisions)
    }

    /// Every task that a deployment started and that is to run, described.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>
    ///
    /// # Errors
    /// A call failed.
    pub async fn tasks_started_by(&self, cluster: &str, deployment_id: &str) -> Result<Vec<Task>, CallError> {
        const ACTION: &str = "ecs:DescribeTasks";
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let wire = Wire::default();
            let call = self.ecs.list_tasks().cluster(cluster).started_by(deployment_id).set_next_token(token);
            let sent = call.max_results(i32::from(MOST_TASKS)).customize().interceptor(wire.clone()).send().await;
            let page: Page = wire.answer("ecs:ListTasks", sent)?;
            if !page.task_arns.is_empty() {
                let wire = Wire::default();
                let call = self.ecs.describe_tasks().cluster(cluster).set_tasks(Some(page.task_arns));
                let sent = call.customize().interceptor(wire.clone()).send().await;
                let answer: Tasks = self.told(ACTION, wire.document(ACTION, sent)?)?;
                found.extend(existing(ACTION, answer.failures, answer.tasks)?);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The service's stopped tasks (at most 100), described. They are known for about an hour.
    ///
    /// # Errors
    /// The call failed.
    pub async fn stopped_tasks(&self, cluster: &str, service: &str) -> Result<Vec<Task>, CallError> {
        self.tasks(cluster, service, DesiredStatus::Stopped).await
    }

    /// The service's tasks that run or are about to (at most 100), described.
    ///
    /// # Errors
    /// The call failed.
    pub async fn running_tasks(&self, cluster: &str, service: &str) -> Result<Vec<Task>, CallError> {
        self.tasks(cluster, service, DesiredStatus::Running).await
    }

    async fn tasks(&self, cluster: &str, service: &str, desired: DesiredStatus) -> Result<Vec<Task>, CallError> {
        const ACTION: &str = "ecs:DescribeTasks";
        let wire = Wire::default();
        let call = self.ecs.list_tasks().cluster(cluster).service_name(service).desired_status(desired);
        let sent = call.max_results(100).customize().interceptor(wire.clone()).send().await;
        let page: Page = wire.answer("ecs:ListTasks", sent)?;
        if page.task_arns.is_empty() {
            return Ok(Vec::new());
        }
        let wire = Wire::default();
        let call = self.ecs.describe_tasks().cluster(cluster).set_tasks(Some(page.task_arns));
        let sent = call.customize().interceptor(wire.clone()).send().await;
        let answer: Tasks = self.told(ACTION, wire.document(ACTION, sent)?)?;
        existing(ACTION, answer.failures, answer.tasks)
    }

    /// An answer as a noun, its sentences without the secrets that this run knows: ECS quotes what it could not fetch.
    fn told<T: DeserializeOwned>(&self, action: &'static str, mut answer: Value) -> Result<T, CallError> {
        self.mask.blot_sentences(&mut answer);
        read(action, answer)
    }
}

/// The SDK sends the call once: whether it may be sent again is decided by us.
fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::standard().with_max_attempts(1))
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// `found`, unless ECS failed to say something of a thing for another reason than that it does not exist.
fn existing<T>(action: &'static str, failures: Vec<Failure>, found: Vec<T>) -> Result<Vec<T>, CallError> {
    match failures.into_iter().find(|failure| failure.reason != "MISSING") {
        None => Ok(found),
        Some(failure) => Err(CallError::refused(
            action,
            &failure.reason,
            &[failure.arn, failure.detail].into_iter().flatten().collect::<Vec<_>>().join(": "),
        )),
    }
}

fn registered(action: &'static str, mut answer: Value) -> Result<Registered, CallError> {
    let document = answer.get_mut("taskDefinition").map(Value::take).unwrap_or_default();
    let text = |field: &str| document.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (arn, status) = (text("taskDefinitionArn"), text("status"));
    if arn.is_empty() {
        return Err(CallError::unreadable(action, "it holds no task definition"));
    }
    let tags = match answer.get_mut("tags").map(Value::take) {
        Some(tags @ Value::Array(_)) => read(action, tags)?,
        _ => Vec::new(),
    };
    Ok(Registered { arn, status, document, tags })
}

#[derive(Deserialize)]
struct Failure {
    arn: Option<String>,
    #[serde(default)]
    reason: String,
    detail: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    service_arns: Vec<String>,
    cluster_arns: Vec<String>,
    task_arns: Vec<String>,
    next_token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Services {
    services: Vec<Service>,
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
struct Updated {
    service: Service,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ServiceDeployments {
    service_deployments: Vec<ServiceDeployment>,
    failures: Vec<Failure>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ServiceRevisions {
    service_revisions: Vec<ServiceRevision>,
    failures: Vec<Failure>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tasks {
    tasks: Vec<Task>,
    failures: Vec<Failure>,
}
