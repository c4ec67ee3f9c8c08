//! On what a statement allows its actions: as narrow as the inputs and the task definition tell.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::scope::Scope;
use crate::inputs::{Role, Source};
use crate::model::code_deploy::default_name;
use crate::model::image::{ImageRef, Registry};
use crate::model::names::{Arn, Revision, short_name};
use crate::model::reference::odd_in_secret;
use crate::model::task_definition::TaskDefinition;

/// Operator, key and value.
pub(super) type Condition = (&'static str, &'static str, String);

/// What has no resource of its own in IAM, or none that is known before.
pub(super) fn anything(_: &Scope<'_>) -> Vec<String> {
    vec!["*".to_owned()]
}

/// Every revision of the family.
pub(super) fn family(it: &Scope<'_>) -> Vec<String> {
    let patched = it.inputs.definition.edits.patch.as_ref().and_then(|patch| patch.get("family")?.as_str());
    let named = match &it.inputs.definition.source {
        Source::Registered(which) => {
            Some(Revision::parse(which).map_or_else(|| short_name(which).to_owned(), |revision| revision.family))
        }
        Source::File(_) | Source::Running => None,
    };
    let rendered = it.definition.map(|definition| definition.family().to_owned());
    let family = rendered.or(patched.map(str::to_owned)).or(named).unwrap_or_else(|| "*".to_owned());
    vec![it.arn("ecs", &format!("task-definition/{family}:*"))]
}

/// The roles that tasks are given.
pub(super) fn task_roles(it: &Scope<'_>) -> Vec<String> {
    let edits = &it.inputs.definition.edits;
    let roles = match it.definition {
        Some(definition) => ["taskRoleArn", "executionRoleArn"].map(|field| definition.text(field)).to_vec(),
        None => [&edits.task_role, &edits.execution_role].map(|role| Some(role.as_deref().unwrap_or("*"))).to_vec(),
    };
    unique(roles.into_iter().flatten().filter(|role| !role.is_empty()).map(|role| role_arn(it, role)))
}

/// The roles that the update gives to the service itself: those of lifecycle hooks and of volumes.
pub(super) fn service_roles(it: &Scope<'_>) -> Vec<String> {
    let deploy = &it.inputs.deploy;
    let hooks =
        deploy.deployment_configuration.as_ref().and_then(|settings| settings.get("lifecycleHooks")?.as_array());
    let volume = deploy.volume_configuration.as_ref().and_then(|volume| volume.get("managedEBSVolume"));
    let roles = hooks.into_iter().flatten().chain(volume).filter_map(|one| one.get("roleArn")?.as_str());
    unique(roles.map(|role| role_arn(it, role)))
}

fn role_arn(it: &Scope<'_>, role: &str) -> String {
    if role.starts_with("arn:") { role.to_owned() } else { it.arn_in("", "iam", &format!("role/{role}")) }
}

/// The service.
pub(super) fn service(it: &Scope<'_>) -> Vec<String> {
    of_service(it, "service", "")
}

/// The service's deployments.
pub(super) fn service_deployments(it: &Scope<'_>) -> Vec<String> {
    of_service(it, "service-deployment", "/*")
}

/// What the service ran and runs.
pub(super) fn service_revisions(it: &Scope<'_>) -> Vec<String> {
    of_service(it, "service-revision", "/*")
}

fn of_service(it: &Scope<'_>, kind: &str, tail: &str) -> Vec<String> {
    let arn = |service| it.arn("ecs", &format!("{kind}/{}/{service}{tail}", it.cluster()));
    it.service().map(arn).into_iter().collect()
}

/// The deployment group, by the names that are given or those that the console gives.
pub(super) fn deployment_group(it: &Scope<'_>) -> Vec<String> {
    let arn = |(application, group)| it.arn("codedeploy", &format!("deploymentgroup:{application}/{group}"));
    code_deploy(it).map(arn).into_iter().collect()
}

/// The configuration and the application's revision that a deployment is made of.
pub(super) fn deployment_parts(it: &Scope<'_>) -> Vec<String> {
    let Some((application, _)) = code_deploy(it) else { return Vec::new() };
    let config = it.inputs.deploy.code_deploy.config.as_deref().unwrap_or("*");
    let parts = [format!("deploymentconfig:{config}"), format!("application:{application}")];
    parts.map(|part| it.arn("codedeploy", &part)).to_vec()
}

fn code_deploy(it: &Scope<'_>) -> Option<(String, String)> {
    let service = it.service().filter(|_| it.by_code_deploy())?;
    let given = &it.inputs.deploy.code_deploy;
    let named = |given: &Option<String>, prefix: &str| {
        given.clone().unwrap_or_else(|| default_name(prefix, it.cluster(), service))
    };
    Some((named(&given.application, "AppECS"), named(&given.deployment_group, "DgpECS")))
}

/// The log streams of the groups that containers write to.
pub(super) fn log_streams(it: &Scope<'_>) -> Vec<String> {
    logged(it, |group| format!("log-group:{group}:log-stream:*"))
}

/// All log groups of the regions that containers write to: IAM is asked for the list of them.
pub(super) fn log_groups(it: &Scope<'_>) -> Vec<String> {
    logged(it, |_| "log-group:*".to_owned())
}

fn logged(it: &Scope<'_>, resource: fn(&str) -> String) -> Vec<String> {
    let groups = |container: &Map<String, Value>| {
        let log = container.get("logConfiguration")?;
        let option = |name: &str| log.pointer(&format!("/options/{name}")).and_then(Value::as_str);
        let is_readable = log.get("logDriver").and_then(Value::as_str) == Some("awslogs");
        let region = option("awslogs-region").unwrap_or(&it.inputs.region);
        let group = option("awslogs-group").filter(|_| is_readable)?;
        Some(it.arn_in(region, "logs", &resource(group)))
    };
    match it.definition {
        Some(definition) => unique(definition.containers().filter_map(groups)),
        None => vec![it.arn("logs", &resource("*"))],
    }
}

/// The secrets of Secrets Manager that containers get.
pub(super) fn secrets(it: &Scope<'_>) -> Vec<String> {
    let Some(definition) = it.definition else { return vec![it.arn("secretsmanager", "secret:*")] };
    let logins = logins(definition);
    let by_arn = |text: &&str| {
        let arn = Arn::parse(text).filter(|arn| arn.service == "secretsmanager")?;
        // The key, stage and version of a value may follow the name.
        let name: Vec<&str> = arn.resource.splitn(3, ':').take(2).collect();
        Some(whole(&name.join(":")).into_iter().map(move |resource| Arn { resource, ..arn.clone() }.to_string()))
    };
    // A registry's login is named alone, too. What is no such name may be the login itself.
    let is_name = |text: &&&str| !text.is_empty() && !text.starts_with("arn:") && odd_in_secret(text).is_none();
    let by_name = logins.iter().filter(is_name).map(|name| it.arn("secretsmanager", &format!("secret:{name}{ENDING}")));
    unique(references(definition).iter().chain(&logins).filter_map(by_arn).flatten().chain(by_name))
}

/// AWS ends the ARN of every secret with six characters of its own.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>
const ENDING: &str = "-??????";

/// What a text may name that may leave AWS's ending out: `my-secret` ends like one, too.
fn whole(resource: &str) -> Vec<String> {
    let ending = resource.rsplit_once('-').map(|(_, ending)| ending).unwrap_or_default();
    let may_be_whole = ending.len() == 6 && ending.chars().all(|letter| letter.is_ascii_alphanumeric());
    let as_it_is = may_be_whole.then(|| resource.to_owned());
    as_it_is.into_iter().chain([format!("{resource}{ENDING}")]).collect()
}

/// IAM asks for all parameters where they are listed; nothing where there are none.
pub(super) fn parameters(it: &Scope<'_>) -> Vec<String> {
    let is_parameter = |text: &&str| Arn::parse(text).is_none_or(|arn| arn.service == "ssm");
    let has_any = it.definition.is_none_or(|definition| references(definition).iter().any(is_parameter));
    if has_any { anything(it) } else { Vec::new() }
}

/// What containers and log drivers get.
fn references(definition: &TaskDefinition) -> Vec<&str> {
    let mut found = Vec::new();
    for container in definition.containers() {
        let options = container.get("logConfiguration").and_then(|log| log.get("secretOptions"));
        for list in [container.get("secrets"), options] {
            let entries = list.and_then(Value::as_array).into_iter().flatten();
            found.extend(entries.filter_map(|entry| entry.get("valueFrom")?.as_str()));
        }
    }
    found
}

/// What images are pulled with.
fn logins(definition: &TaskDefinition) -> Vec<&str> {
    let credentials = definition.containers().filter_map(|container| container.get("repositoryCredentials"));
    credentials.filter_map(|login| login.get("credentialsParameter")?.as_str()).collect()
}

/// The role of the job itself; every user and role where it is not known.
pub(super) fn caller(it: &Scope<'_>) -> Vec<String> {
    if task_roles(it).is_empty() {
        return Vec::new();
    }
    match &it.inputs.credentials.role {
        Some(Role::Arn(role) | Role::Name(role)) => vec![role_arn(it, role)],
        None => ["user/*", "role/*"].map(|any| it.arn_in("", "iam", any)).to_vec(),
    }
}

/// The private repositories that the images come from.
pub(super) fn repositories(it: &Scope<'_>) -> Vec<String> {
    let any = || it.arn("ecr", "repository/*");
    let edits = &it.inputs.definition.edits;
    let given = edits.image.iter().chain(edits.images.iter().map(|(_, image)| image));
    let given = given.filter_map(|image| repository(it, image));
    match it.definition {
        // A text that is no image yet stands for one that is put in later.
        Some(definition) => unique(definition.images().filter_map(|(_, text)| match ImageRef::parse(text) {
            Ok(image) => repository(it, &image),
            Err(_) => Some(any()),
        })),
        None => unique(given.chain([any()])),
    }
}

fn repository(it: &Scope<'_>, image: &ImageRef) -> Option<String> {
    let Registry::Ecr { account, region } = &image.registry else { return None };
    Some(format!("arn:{}:ecr:{region}:{account}:repository/{}", it.partition(), image.repository))
}

fn unique(arns: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    arns.filter(|arn| seen.insert(arn.clone())).collect()
}
