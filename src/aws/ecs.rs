//! ECS: task definitions as raw JSON, services and deployments as our nouns.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Operations.html>

use serde_json::Value;

use super::Aws;
use super::call::CallError;
use crate::model::service::{Service, ServiceDeployment, ServiceRevision};
use crate::model::task::Task;
use crate::model::task_definition::Registered;

impl Aws {
    /// The services of `names` (at most 10) that exist in the cluster; the others are simply absent.
    ///
    /// # Errors
    /// `ClusterNotFoundException`, or the call failed.
    pub async fn describe_services(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, CallError> {
        let _ = (cluster, names);
        todo!()
    }

    /// The ARNs of the cluster's services, at most `limit`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_services(&self, cluster: &str, limit: usize) -> Result<Vec<String>, CallError> {
        let _ = (cluster, limit);
        todo!()
    }

    /// The ARNs of the region's clusters, at most 100.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_clusters(&self) -> Result<Vec<String>, CallError> {
        todo!()
    }

    /// A revision by ARN, `family:revision`, or the newest active one by family; whole, tags included.
    ///
    /// # Errors
    /// The call failed; an unknown one is a `ClientException`.
    pub async fn describe_task_definition(&self, which: &str) -> Result<Registered, CallError> {
        let _ = which;
        todo!()
    }

    /// Registers a revision; `body` goes over the wire as it is.
    ///
    /// # Errors
    /// The call failed.
    pub async fn register_task_definition(&self, body: &Value) -> Result<Registered, CallError> {
        let _ = body;
        todo!()
    }

    /// Updates a service; `body` goes over the wire as it is.
    ///
    /// # Errors
    /// The call failed.
    pub async fn update_service(&self, body: &Value) -> Result<Service, CallError> {
        let _ = body;
        todo!()
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
        let _ = (cluster, service);
        todo!()
    }

    /// A service deployment, or nothing when ECS does not know it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_service_deployment(&self, arn: &str) -> Result<Option<ServiceDeployment>, CallError> {
        let _ = arn;
        todo!()
    }

    /// The service revisions of `arns` (at most 20) that exist.
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_service_revisions(&self, arns: &[&str]) -> Result<Vec<ServiceRevision>, CallError> {
        let _ = arns;
        todo!()
    }

    /// The service's stopped tasks (at most 100), described.
    ///
    /// # Errors
    /// The call failed.
    pub async fn stopped_tasks(&self, cluster: &str, service: &str) -> Result<Vec<Task>, CallError> {
        let _ = (cluster, service);
        todo!()
    }
}
