//! What was deployed where: service, revisions, deployment, account and region.

use super::rollout;
use crate::model::service::Service;
use crate::report::Report;
use crate::report::links::task_definition;
use crate::report::markdown::{code, link, table};
use crate::report::message::human;
use crate::report::view::revision;

pub fn section(report: &Report) -> Option<String> {
    let head = [
        ("Service", service(report)),
        ("Task definition", revisions(report)),
        ("Serving now", serving(report)),
        ("Taken over by", report.outcome.superseded_by.as_deref().map(linked)),
        ("Deployment", deployment(report)),
        ("CodeDeploy", code_deployment(report)),
        ("Tasks", tasks(report)),
    ];
    let tail = [
        ("Environment", environment(report)),
        ("AWS", account(report)),
        ("Duration", (!report.duration.is_zero()).then(|| human(report.duration))),
    ];
    let rows = head.into_iter().chain(rollout::rows(report)).chain(tail);
    let rows: Vec<[String; 2]> = rows.filter_map(|(name, value)| Some([name.to_owned(), value?])).collect();
    // How long it took alone tells nothing.
    let [[first, value], rest @ ..] = rows.as_slice() else { return None };
    (!rest.is_empty()).then(|| table([first, value], rest.iter().cloned()))
}

fn service(report: &Report) -> Option<String> {
    let (service, cluster) = (report.service_name()?, report.cluster_name()?);
    let page = report.place().map(|place| place.service(cluster, service, "health"));
    Some(format!("{} in cluster {}", link(service, page.as_deref()), code(cluster)))
}

fn revisions(report: &Report) -> Option<String> {
    let (old, new) = (report.previous_arn(), report.outcome.task_definition_arn.as_deref());
    match (old, new) {
        (Some(old), Some(new)) if old != new => Some(format!("{} → {}", linked(old), linked(new))),
        (_, Some(new)) => Some(linked(new)),
        (Some(old), None) => Some(format!("{} before", linked(old))),
        (None, None) => None,
    }
}

/// Only where it is not what was asked for: there it is the question of the hour.
fn serving(report: &Report) -> Option<String> {
    report.service_name()?;
    let is_idle = |service: &Service| service.running_count == 0 && service.desired_count > 0;
    let Some(live) = report.live_arn() else {
        return report.outcome.service.as_ref().filter(|it| is_idle(it)).map(|_| "**nothing**".to_owned());
    };
    let asked = report.outcome.task_definition_arn.as_deref();
    (report.ending().is_some_and(|verdict| !verdict.is_green()) || asked.is_some_and(|asked| asked != live))
        .then(|| linked(live))
}

fn deployment(report: &Report) -> Option<String> {
    let id = report.outcome.deployment_id.as_deref()?;
    let page = (report.place().zip(report.cluster_name()).zip(report.service_name()))
        .map(|((place, cluster), service)| place.service(cluster, service, "deployments"));
    let status = report.outcome.service_deployment.as_ref().map(|deployment| deployment.status.as_str());
    let status = status.filter(|status| !status.is_empty()).map(|status| format!(" · {}", code(status)));
    Some(format!("{}{}", link(id, page.as_deref()), status.unwrap_or_default()))
}

fn code_deployment(report: &Report) -> Option<String> {
    let id = report.outcome.codedeploy_deployment_id.as_deref()?;
    let page = report.place().map(|place| place.code_deployment(id));
    let status = report.outcome.code_deployment.as_ref().map(|deployment| deployment.status.as_str());
    let status = status.filter(|status| !status.is_empty()).map(|status| format!(" · {}", code(status)));
    Some(format!("{}{}", link(id, page.as_deref()), status.unwrap_or_default()))
}

fn tasks(report: &Report) -> Option<String> {
    let service = report.outcome.service.as_ref()?;
    let pending =
        if service.pending_count > 0 { format!(", {} pending", service.pending_count) } else { String::new() };
    let (running, asked) = (service.running_count, service.desired_count);
    // While a deployment goes on, old tasks run beside the new ones.
    Some(if running > asked {
        format!("{running} running, {asked} asked for{pending}")
    } else {
        format!("{running} of {asked} running{pending}")
    })
}

/// The environment as the user names it, with its address.
fn environment(report: &Report) -> Option<String> {
    let reporting = &report.inputs.as_ref()?.reporting;
    let url = reporting.environment_url.as_deref();
    reporting.environment.as_deref().or(url).map(|name| link(name, url))
}

fn account(report: &Report) -> Option<String> {
    let account = report.identity.as_ref().map(|identity| format!("account {}", code(&identity.account)));
    let region = report.region().map(|region| format!("region {}", code(region)));
    let parts: Vec<String> = account.into_iter().chain(region).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn linked(arn: &str) -> String {
    link(&revision(arn), task_definition(arn).as_deref())
}
