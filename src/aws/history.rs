//! What a service ran before: its service deployments, each with its task definition.

use super::Aws;
use super::call::CallError;
use crate::model::history::{History, Past};

impl Aws {
    /// The service's newest service deployments (at most 20), each with the task definition that it rolled out.
    ///
    /// # Errors
    /// One of the two calls failed.
    pub async fn history(&self, cluster: &str, service: &str) -> Result<History, CallError> {
        let deployments = self.list_service_deployments(cluster, service).await?;
        let arns: Vec<&str> = deployments.iter().filter_map(|deployment| deployment.target_arn()).collect();
        let revisions = match arns.as_slice() {
            [] => Vec::new(),
            arns => self.describe_service_revisions(arns).await?,
        };
        let past = deployments.iter().map(|deployment| Past {
            task_definition: revisions
                .iter()
                .find(|revision| Some(revision.service_revision_arn.as_str()) == deployment.target_arn())
                .map(|revision| revision.task_definition.clone()),
            deployment: deployment.clone(),
        });
        Ok(History(past.collect()))
    }
}
