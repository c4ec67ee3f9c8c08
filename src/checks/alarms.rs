//! `alarms`: whether an alarm that is to watch the deployment is in ALARM already. ECS ignores such an alarm for the whole
//! deployment: nothing watches it then.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>

use jiff::Timestamp;
use serde_json::Value;

use super::{Finding, Ruling, Subject};
use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::model::alarm::Alarm;

/// Asks for the alarms that the deployment is to be watched by; nothing where ECS begins none.
pub(super) async fn check(subject: &Subject<'_>, aws: &Aws) -> Option<Ruling> {
    let names = watching(subject)?;
    if names.is_empty() {
        return Some(Ruling::default());
    }
    Some(match aws.describe_alarms(names.clone()).await {
        Ok(alarms) => judge(&names, &alarms, &aws.region),
        Err(error) => Ruling::unread("whether an alarm of the deployment is in ALARM already", &error),
    })
}

/// The names of the alarms that will watch the deployment, each once; none where there is no deployment by ECS to watch.
/// CodeDeploy has alarms of its own.
fn watching(subject: &Subject<'_>) -> Option<Vec<String>> {
    subject.moved_by_ecs().filter(|_| subject.plan.moves_tasks())?;
    let alarms = subject.plan.deployment_setting("alarms");
    let is_on = alarms.and_then(|alarms| alarms.get("enable")).and_then(Value::as_bool) == Some(true);
    if !is_on {
        return Some(Vec::new());
    }
    let names = alarms.and_then(|alarms| alarms.get("alarmNames")).and_then(Value::as_array);
    let mut names: Vec<String> = names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    Some(names)
}

/// Judges the alarms of these names. CloudWatch has kinds of alarms that were not asked for, so a missing one is a doubt.
fn judge(names: &[String], alarms: &[Alarm], region: &str) -> Ruling {
    let judged = names.iter().filter_map(|name| match alarms.iter().find(|alarm| alarm.name == *name) {
        Some(alarm) if alarm.state == "ALARM" => Some(Ruling::found(active(alarm))),
        Some(_) => None,
        None => Some(Ruling::found(missing(name, region).doubtful())),
    });
    judged.collect()
}

fn active(alarm: &Alarm) -> Finding {
    let since = alarm.since.and_then(day_and_time).map(|since| format!(" since {since}")).unwrap_or_default();
    let reason = alarm.reason.as_deref().map(|reason| format!(" CloudWatch says: {reason}")).unwrap_or_default();
    Finding::new(Error::new(
        Code::AlarmActive,
        format!("The alarm `{}` is in ALARM already, so it will not watch this deployment.", alarm.name),
        format!(
            "It has been in ALARM{since}. ECS ignores an alarm that is in ALARM when a deployment begins, until that \
             deployment ends: it neither stops it nor rolls it back.{reason}"
        ),
        format!(
            "Look at what `{}` tells of, and deploy once it is OK; unless this deployment is what mends it.",
            alarm.name
        ),
    ))
}

fn missing(name: &str, region: &str) -> Finding {
    Finding::new(Error::new(
        Code::AlarmNotFound,
        format!("There is no alarm `{name}` to watch this deployment."),
        format!(
            "`deploymentConfiguration.alarms` names it, and CloudWatch has no metric or composite alarm of that name in {region}."
        ),
        "Correct `alarmNames` in the service's deployment configuration (names are case-sensitive), or create the alarm.",
    ))
}

/// `2026-11-21 08:55 UTC`.
fn day_and_time(seconds: f64) -> Option<String> {
    let since = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    Some(Timestamp::from_duration(since).ok()?.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::tests::Story;
    use crate::plan::Step;

    fn alarm(name: &str, state: &str) -> Alarm {
        let reason = "Threshold Crossed: 1 datapoint [12.0] was greater than the threshold (5.0).".to_owned();
        Alarm { name: name.to_owned(), state: state.to_owned(), since: Some(1_795_200_900.0), reason: Some(reason) }
    }

    #[test]
    fn an_alarm_in_alarm_is_told_with_its_reason_and_a_missing_one_as_a_doubt() {
        let names = ["5xx", "latency", "new", "typo"].map(str::to_owned);
        let alarms = [alarm("latency", "OK"), alarm("5xx", "ALARM"), alarm("new", "INSUFFICIENT_DATA")];
        let ruling = judge(&names, &alarms, "eu-central-1");
        let told =
            ruling.findings.iter().map(|finding| format!("doubtful: {}\n{}", finding.is_doubtful, finding.error));
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n\n"));
    }

    #[test]
    fn an_alarm_that_says_nothing_of_itself_is_told_all_the_same() {
        let bare = Alarm { since: None, reason: None, ..alarm("5xx", "ALARM") };
        let ruling = judge(&["5xx".to_owned()], &[bare], "eu-central-1");
        let why = ruling.findings.first().map(|finding| finding.error.why.clone()).unwrap_or_default();
        assert!(why.starts_with("It has been in ALARM. ECS ignores"), "{why}");
    }

    #[test]
    fn only_alarms_that_are_switched_on_watch_and_only_a_deployment_that_begins() {
        let on = json!({"alarms": {"enable": true, "rollback": true, "alarmNames": ["b", "a", "b"]}});
        let off = json!({"alarms": {"enable": false, "rollback": false, "alarmNames": ["b"]}});
        for (now, asked, expected) in [
            (None, None, vec![]),
            (Some(&off), None, vec![]),
            (Some(&on), None, vec!["a", "b"]),
            (Some(&off), Some(&on), vec!["a", "b"]),
            (Some(&on), Some(&off), vec![]),
            // What is not sent stays as it is.
            (Some(&on), Some(&json!({"maximumPercent": 150})), vec!["a", "b"]),
        ] {
            let mut story = Story::default();
            story.service().deployment_configuration = now.cloned();
            story.asks_for(asked);
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(watching(&story.subject()), Some(expected), "{now:?} {asked:?}");
        }
        let mut story = Story::default();
        story.service().deployment_configuration = Some(on);
        story.plan.reuse = story.observed.running.clone();
        assert_eq!(watching(&story.subject()), None, "settings alone begin none");
        for step in &mut story.plan.steps {
            if let Step::UpdateService { body } = step {
                body["volumeConfigurations"] = json!([{"name": "data"}]);
            }
        }
        assert_eq!(watching(&story.subject()), Some(vec!["a".to_owned(), "b".to_owned()]), "volumes begin one");
        story.moved_by_code_deploy();
        assert_eq!(watching(&story.subject()), None, "CodeDeploy does not look at them");
    }
}
