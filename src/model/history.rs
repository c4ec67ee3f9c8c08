//! What a service ran before, as its service deployments tell it: where a way back may lead.

use super::names::{Revision, short_name};
use super::service::{Service, ServiceDeployment};

/// A service deployment of the past, with the task definition that it rolled out, where that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The service deployment, as a brief.
    pub deployment: ServiceDeployment,
    /// The ARN of the task definition of its target revision.
    pub task_definition: Option<String>,
}

/// A service's newest service deployments, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History(pub Vec<Past>);

/// Where a way back leads, when nobody named a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    /// To this task definition; the deployment that is in progress, which ECS itself can roll back, if there is one.
    To {
        /// The ARN of the task definition.
        task_definition: String,
        /// The ARN of the service deployment in progress.
        stop: Option<String>,
    },
    /// The service came back already, from this task definition where it is known: going on would undo the way back.
    Already {
        /// The ARN of the task definition that was left.
        from: Option<String>,
    },
    /// No other revision completed.
    Nowhere,
}

impl Past {
    /// The digits of its revision, which are those of the deployment's id.
    fn digits(&self) -> &str {
        self.deployment.target_arn().map_or("", short_name)
    }

    fn completed(&self) -> bool {
        self.deployment.status == "SUCCESSFUL"
    }
}

impl History {
    /// The task definition that completed last, but for the deployment `ecs-svc/<digits>`.
    pub fn completed_before(&self, deployment_id: &str) -> Option<&str> {
        let others = self.0.iter().filter(|past| past.completed() && past.digits() != short_name(deployment_id));
        others.into_iter().find_map(|past| past.task_definition.as_deref())
    }

    /// Where the way back leads from what the service runs.
    pub fn back_from(&self, service: &Service) -> Back {
        let Some(primary) = service.primary() else { return Back::Nowhere };
        let digits = short_name(&primary.id);
        let own = self.0.iter().position(|past| past.digits() == digits);
        let moving = self.0.iter().find(|past| !past.deployment.is_closed());
        // While the way back is only asked for, the service still runs what is left: it leads from there.
        let comes_back = |moving: &&Past| moving.deployment.status.starts_with("ROLLBACK") && moving.digits() != digits;
        if let Some(moving) = moving.filter(comes_back) {
            return Back::Already { from: moving.task_definition.clone() };
        }
        let stop = moving.filter(|moving| moving.digits() == digits);
        let done = primary.rollout_state.as_deref() == Some("COMPLETED");
        if stop.is_some() || !done {
            let stop = stop.map(|moving| moving.deployment.service_deployment_arn.clone());
            return self.completed_before(&primary.id).map_or(Back::Nowhere, |task_definition| Back::To {
                task_definition: task_definition.to_owned(),
                stop,
            });
        }
        // ECS, or somebody through ECS, rolled the newest deployment back to this one.
        if let Some(newest) = self.0.first().filter(|past| past.digits() != digits)
            && newest.deployment.status == "ROLLBACK_SUCCESSFUL"
        {
            return Back::Already { from: newest.task_definition.clone() };
        }
        let older = self.0.get(own.map_or(0, |own| own + 1)..).unwrap_or_default();
        let runs = primary.task_definition.as_str();
        let mut completed = older.iter().filter(|past| past.completed());
        let Some(before) = completed.find_map(|past| past.task_definition.as_deref().filter(|arn| *arn != runs)) else {
            return Back::Nowhere;
        };
        // It ran before the one that it replaced: an update brought the service back to it.
        let was_there = completed.any(|past| past.task_definition.as_deref() == Some(runs));
        if was_there && is_older(runs, before) {
            return Back::Already { from: Some(before.to_owned()) };
        }
        Back::To { task_definition: before.to_owned(), stop: None }
    }
}

/// Whether one task definition was registered before another, as far as their numbers tell.
fn is_older(one: &str, other: &str) -> bool {
    match (Revision::parse(one), Revision::parse(other)) {
        (Some(one), Some(other)) if one.family == other.family => one.number < other.number,
        _ => true,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;

    /// A history of `status revision digits`, newest first.
    fn history(lines: &[&str]) -> History {
        let past = |line: &&str| {
            let [status, revision, digits] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let deployment = json!({ "status": status, "serviceDeploymentArn": format!("sd/{digits}"),
                "targetServiceRevisionArn": format!("revision/{digits}") });
            Past {
                deployment: serde_json::from_value(deployment).unwrap(),
                task_definition: Some(format!("x:task-definition/{revision}")),
            }
        };
        History(lines.iter().map(past).collect())
    }

    fn back(primary: &str, lines: &[&str]) -> String {
        let [state, revision, digits] = primary.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let service = json!({ "deployments": [{ "id": format!("ecs-svc/{digits}"), "status": "PRIMARY",
            "rolloutState": state, "taskDefinition": format!("x:task-definition/{revision}") }] });
        match history(lines).back_from(&serde_json::from_value(service).unwrap()) {
            Back::To { task_definition, stop: None } => format!("to {}", short_name(&task_definition)),
            Back::To { task_definition, stop: Some(stop) } => {
                format!("to {} by stopping {stop}", short_name(&task_definition))
            }
            Back::Already { from } => format!("already, from {}", short_name(&from.unwrap_or_default())),
            Back::Nowhere => "nowhere".to_owned(),
        }
    }

    #[test]
    fn the_way_back_leads_to_what_completed_before_what_runs() {
        for (primary, lines, expected) in [
            ("COMPLETED web:7 7", &["SUCCESSFUL web:7 7", "SUCCESSFUL web:6 6"][..], "to web:6"),
            ("COMPLETED web:7 7", &["SUCCESSFUL web:7 7", "STOPPED web:6 6", "SUCCESSFUL web:5 5"], "to web:5"),
            // The same revision again is no earlier one.
            ("COMPLETED web:7 8", &["SUCCESSFUL web:7 8", "SUCCESSFUL web:7 7", "SUCCESSFUL web:6 6"], "to web:6"),
            ("COMPLETED web:7 7", &["SUCCESSFUL web:7 7"], "nowhere"),
            ("COMPLETED web:7 7", &[], "nowhere"),
            ("FAILED web:8 8", &["STOPPED web:8 8", "SUCCESSFUL web:7 7"], "to web:7"),
            ("IN_PROGRESS web:8 8", &["IN_PROGRESS web:8 8", "SUCCESSFUL web:7 7"], "to web:7 by stopping sd/8"),
            ("IN_PROGRESS web:8 8", &["ROLLBACK_REQUESTED web:8 8", "SUCCESSFUL web:7 7"], "to web:7 by stopping sd/8"),
            ("COMPLETED web:8 8", &["IN_PROGRESS web:8 8", "SUCCESSFUL web:7 7"], "to web:7 by stopping sd/8"),
            ("IN_PROGRESS web:8 8", &["IN_PROGRESS web:8 8", "STOPPED web:7 7"], "nowhere"),
        ] {
            assert_eq!(back(primary, lines), expected, "{primary} {lines:?}");
        }
    }

    #[test]
    fn a_service_that_came_back_stays_where_it_is() {
        for (primary, lines, expected) in [
            // By ECS.
            (
                "COMPLETED web:7 7",
                &["ROLLBACK_SUCCESSFUL web:8 8", "SUCCESSFUL web:7 7", "SUCCESSFUL web:6 6"][..],
                "8",
            ),
            ("IN_PROGRESS web:7 7", &["ROLLBACK_IN_PROGRESS web:8 8", "SUCCESSFUL web:7 7"], "8"),
            // By an update.
            ("COMPLETED web:6 9", &["SUCCESSFUL web:6 9", "SUCCESSFUL web:7 7", "SUCCESSFUL web:6 6"], "7"),
        ] {
            assert_eq!(back(primary, lines), format!("already, from web:{expected}"), "{primary} {lines:?}");
        }
        // Forward again after a way back.
        let again = ["SUCCESSFUL web:7 9", "SUCCESSFUL web:6 8", "SUCCESSFUL web:7 7", "SUCCESSFUL web:6 6"];
        assert_eq!(back("COMPLETED web:7 9", &again), "to web:6");
    }

    #[test]
    fn what_completed_last_is_never_the_failed_deployment_itself() {
        let history = history(&["SUCCESSFUL web:8 8", "STOPPED web:7 7", "SUCCESSFUL web:6 6"]);
        assert_eq!(history.completed_before("ecs-svc/8"), Some("x:task-definition/web:6"));
        assert_eq!(History::default().completed_before("ecs-svc/8"), None);
    }
}
