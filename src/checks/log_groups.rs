//! `log-groups`: each log group that containers write to exists, unless they create it themselves.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html>

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::task::JoinSet;

use super::unread::unread;
use super::{Finding, Ruling, Subject};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::error::{Code, Error};
use crate::model::task_definition::TaskDefinition;

/// A log group that a container writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    container: String,
    pointer: String,
    group: Group,
}

/// Its region and its name.
type Group = (String, String);

/// Looks up every log group, each once.
pub(super) async fn check(subject: &Subject<'_>, aws: &Aws) -> Ruling {
    let written = written(&subject.plan.definition, &aws.region);
    let mut reading = JoinSet::new();
    let mut groups: Vec<&Group> = written.iter().map(|written| &written.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for (region, name) in groups.into_iter().cloned() {
        let aws = aws.clone();
        reading.spawn(async move {
            let exists = aws.log_group_exists(&region, &name).await;
            ((region, name), exists)
        });
    }
    judge(&written, &reading.join_all().await.into_iter().collect())
}

/// The log groups of the driver `awslogs` that must be there before the containers start.
fn written(definition: &TaskDefinition, region: &str) -> Vec<Written> {
    let of = |(index, container): (usize, &serde_json::Map<String, Value>)| {
        let log = container.get("logConfiguration")?;
        let options = log.get("options")?;
        let option = |name: &str| options.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
        let creates = match options.get("awslogs-create-group") {
            Some(Value::Bool(creates)) => *creates,
            Some(Value::String(text)) => ["true", "t", "1"].contains(&text.to_ascii_lowercase().as_str()),
            _ => false,
        };
        let uses_it = log.get("logDriver").and_then(Value::as_str) == Some("awslogs") && !creates;
        let region = option("awslogs-region").unwrap_or(region).to_owned();
        let group = option("awslogs-group").filter(|_| uses_it)?.to_owned();
        Some(Written {
            container: container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            pointer: format!("/containerDefinitions/{index}/logConfiguration/options/awslogs-group"),
            group: (region, group),
        })
    };
    definition.containers().enumerate().filter_map(of).collect()
}

fn judge(written: &[Written], known: &BTreeMap<Group, Result<bool, CallError>>) -> Ruling {
    let absent = |written: &&Written| matches!(known.get(&written.group), Some(Ok(false)));
    let findings = written.iter().filter(absent).map(missing).collect();
    let failed = known.iter().filter_map(|((_, name), known)| Some((name.clone(), known.as_ref().err()?)));
    Ruling { findings, ..Ruling::default() }.and(unread("log group", failed))
}

fn missing(written: &Written) -> Finding {
    let Written { container, pointer, group: (region, group) } = written;
    Finding::new(Error::new(
        Code::LogGroupMissing,
        format!("Container `{container}` writes to the log group `{group}`, which does not exist."),
        format!(
            "CloudWatch Logs has no group of this name in {region}, and the log driver is not told to create it: the \
             container cannot start."
        ),
        format!("Create it: `aws logs create-log-group --region {region} --log-group-name {group}`."),
    ))
    .at(pointer)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;
    use crate::checks::tests::Story;

    fn logging(options: &Value) -> Vec<Written> {
        let story = Story::of(json!({"family": "web", "containerDefinitions": [
            {"name": "quiet", "image": "web"},
            {"name": "web", "image": "web", "logConfiguration": {"logDriver": "awslogs", "options": options}},
            {"name": "fire", "image": "web", "logConfiguration": {"logDriver": "awsfirelens", "options": options}}]}));
        written(&story.plan.definition, "eu-central-1")
    }

    #[test]
    fn only_a_group_that_the_driver_does_not_create_must_be_there() {
        let group = json!({"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1"});
        assert_eq!(logging(&group)[0].group, ("us-east-1".to_owned(), "/ecs/web".to_owned()));
        assert_eq!(logging(&group).len(), 1);
        assert_eq!(logging(&json!({"awslogs-group": "/ecs/web"}))[0].group.0, "eu-central-1");
        for (creates, must_be_there) in [("true", 0), ("True", 0), ("1", 0), ("false", 1), ("", 1)] {
            let options = json!({"awslogs-group": "/ecs/web", "awslogs-create-group": creates});
            assert_eq!(logging(&options).len(), must_be_there, "{creates}");
        }
        assert_eq!(logging(&json!({"awslogs-group": ""})), []);
        assert_eq!(logging(&json!({"awslogs-region": "eu-central-1"})), []);
    }

    #[test]
    fn a_group_that_is_not_there_is_shown_where_it_is_written() {
        let written = logging(&json!({"awslogs-group": "/ecs/web"}));
        let known = |exists| BTreeMap::from([(written[0].group.clone(), exists)]);
        assert_eq!(judge(&written, &known(Ok(true))), Ruling::default());
        let ruling = judge(&written, &known(Ok(false)));
        assert_eq!(
            ruling.findings[0].pointer.as_deref(),
            Some("/containerDefinitions/1/logConfiguration/options/awslogs-group")
        );
        insta::assert_snapshot!(ruling.findings[0].error);
    }
}
