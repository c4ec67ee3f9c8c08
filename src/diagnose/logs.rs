//! Where the containers that failed wrote their logs, and what of it is kept. Pure but for the secrets that AWS's door
//! knows.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html>

use std::iter;

use serde_json::Value;

use super::{LogTail, StoppedGroup, Subject};
use crate::aws::Aws;
use crate::model::log::LogLine;
use crate::model::names::short_name;
use crate::model::task::{Container, Task};
use crate::model::task_definition::TaskDefinition;
use crate::plan::diff::may_be_secret;

/// Tasks whose logs are read: the newest of each of the most frequent groups.
const TASKS: usize = 3;

/// Logs read of one task.
const CONTAINERS: usize = 2;

/// Characters kept of one line.
const LINE: usize = 500;

/// Characters kept of one log: the newest lines tell most.
const WHOLE: usize = 10_000;

/// A task that ended within so many seconds of the newest thing AWS told may not have delivered its lines yet.
const FRESH: f64 = 60.0;

/// A value of the environment that is shorter is no secret worth blotting a log for.
const SHORTEST: usize = 8;

/// Letters alone are a plain word, such as `production`, if they are not more than these.
const LONGEST_WORD: usize = 12;

/// The log stream of one container of one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The task's id.
    pub task: String,
    /// The container's name.
    pub container: String,
    /// The log group.
    pub group: String,
    /// The log stream.
    pub stream: String,
    /// The region of both.
    pub region: String,
    /// Whether lines may still be on their way.
    pub is_fresh: bool,
    /// Whether the driver drops lines rather than hold the container up.
    pub may_drop: bool,
}

impl Source {
    /// That the log holds nothing.
    pub fn nothing(&self) -> String {
        let Self { container, group, stream, .. } = self;
        let dropped =
            if self.may_drop { " Its log driver is in `non-blocking` mode, which may drop lines." } else { "" };
        format!("The log of container `{container}`: nothing was written to `{group}`, stream `{stream}`.{dropped}")
    }
}

/// The logs worth reading, and why others cannot be.
pub fn sources<'a>(
    groups: impl Iterator<Item = &'a StoppedGroup>,
    tasks: &(impl Iterator<Item = &'a Task> + Clone),
    subject: &Subject<'_>,
    region: &str,
) -> (Vec<Source>, Vec<String>) {
    let newest = tasks.clone().filter_map(|task| task.stopped_at).max_by(f64::total_cmp);
    let (mut found, mut elsewhere) = (Vec::new(), Vec::new());
    for group in groups.take(TASKS) {
        let Some(task) = tasks.clone().find(|task| short_name(&task.task_arn) == group.newest_task) else { continue };
        let blamed = |container: &&Container| {
            group.containers.is_empty() || group.containers.iter().any(|(name, ..)| *name == container.name)
        };
        // One that never ran wrote nothing.
        let ran = |it: &&Container| it.exit_code.is_some() || it.runtime_id.is_some();
        let is_fresh = newest.zip(task.stopped_at).is_some_and(|(newest, stopped)| newest - stopped < FRESH);
        for container in task.containers.iter().filter(blamed).filter(ran).take(CONTAINERS) {
            match place(&subject.plan.definition, container, task, region) {
                Ok(source) => found.push(Source { is_fresh, ..source }),
                Err(why) => elsewhere.push(format!("The log of container `{}`: {why}.", container.name)),
            }
        }
    }
    (found, elsewhere)
}

/// Where a container writes, by the definition it runs with.
fn place(definition: &TaskDefinition, container: &Container, task: &Task, region: &str) -> Result<Source, String> {
    let named = |it: &&serde_json::Map<String, Value>| it.get("name").and_then(Value::as_str) == Some(&container.name);
    let defined = definition.containers().find(named).ok_or("the task definition does not have it")?;
    let log = defined.get("logConfiguration").filter(|log| log.is_object());
    let log = log.ok_or("it has no `logConfiguration`, so nobody keeps it")?;
    match log.get("logDriver").and_then(Value::as_str).unwrap_or_default() {
        "awslogs" => {}
        "awsfirelens" => return Err("it goes through FireLens, where it cannot be read".to_owned()),
        other => return Err(format!("the driver `{other}` keeps it where it cannot be read")),
    }
    let option = |name: &str| log.pointer(&format!("/options/{name}")).and_then(Value::as_str);
    let id = short_name(&task.task_arn);
    let stream = match (option("awslogs-stream-prefix"), &container.runtime_id) {
        (Some(prefix), _) => format!("{prefix}/{}/{id}", container.name),
        (None, Some(runtime_id)) => runtime_id.clone(),
        (None, None) => return Err("its stream has no `awslogs-stream-prefix` to find it by".to_owned()),
    };
    Ok(Source {
        task: id.to_owned(),
        container: container.name.clone(),
        group: option("awslogs-group").ok_or("its options name no `awslogs-group`")?.to_owned(),
        stream,
        region: option("awslogs-region").unwrap_or(region).to_owned(),
        is_fresh: false,
        may_drop: option("mode") == Some("non-blocking"),
    })
}

/// The lines as they may be shown: without the secrets known to us, none endless, not too many.
pub fn tail(source: Source, lines: Vec<LogLine>, subject: &Subject<'_>, aws: &Aws) -> LogTail {
    let values = environment(&subject.plan.definition, &aws.region);
    let mut left = WHOLE;
    let mut kept: Vec<LogLine> = lines
        .into_iter()
        .rev()
        .map(|line| LogLine { text: cut(&blot(&aws.blot(line.text.trim_end()), &values)), ..line })
        .take_while(|line| {
            let fits = line.text.len() <= left;
            left = left.saturating_sub(line.text.len());
            fits
        })
        .collect();
    kept.reverse();
    let Source { task, container, group, stream, region, .. } = source;
    LogTail { task, container, group, stream, region, lines: kept }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

fn blot(text: &str, values: &[&str]) -> String {
    values.iter().fold(text.to_owned(), |text, value| text.replace(value, "***"))
}

/// The values of the environment that may be secret, and their lines, for logs come line by line; longest first.
fn environment<'a>(definition: &'a TaskDefinition, region: &str) -> Vec<&'a str> {
    let variables = definition.containers().filter_map(|it| it.get("environment")?.as_array()).flatten();
    let named = variables.filter_map(|variable| {
        Some((variable.get("name").and_then(Value::as_str).unwrap_or_default(), variable.get("value")?.as_str()?))
    });
    let mut values: Vec<&str> = named
        .filter(|(name, value)| may_be_secret(name) || !is_plain_word(value))
        .flat_map(|(_, value)| iter::once(value).chain(lines_of(value)))
        .filter(|value| value.len() >= SHORTEST && *value != region)
        .collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values
}

fn is_plain_word(value: &str) -> bool {
    value.chars().count() <= LONGEST_WORD && value.chars().all(char::is_alphabetic)
}

/// The lines of a value, as of a key in PEM; their ends may be written as `\n`.
fn lines_of(value: &str) -> impl Iterator<Item = &str> {
    value.split("\\n").flat_map(str::lines).map(|line| line.trim_end_matches("\\r").trim())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(log: &Value, runtime_id: Option<&str>) -> String {
        let definition = json!({"containerDefinitions": [{"name": "web", "image": "i", "logConfiguration": log}]});
        let definition = TaskDefinition::from_document(definition).unwrap();
        let runtime_id = runtime_id.map(str::to_owned);
        let container = Container { name: "web".to_owned(), runtime_id, ..Container::default() };
        let task = Task { task_arn: "arn:aws:ecs:r:1:task/prod/0a1b".to_owned(), ..Task::default() };
        match place(&definition, &container, &task, "eu-central-1") {
            Ok(source) => format!("{} {} {} {}", source.region, source.group, source.stream, source.may_drop),
            Err(why) => why,
        }
    }

    #[test]
    fn a_log_is_found_by_what_the_definition_says() {
        let awslogs = |options: Value| json!({"logDriver": "awslogs", "options": options});
        let told = [
            read(&awslogs(json!({"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "w"})), None),
            read(
                &awslogs(json!({"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "w",
                    "mode": "non-blocking"})),
                None,
            ),
            read(&awslogs(json!({"awslogs-group": "g"})), Some("0a1b-42")),
            read(&awslogs(json!({"awslogs-group": "g"})), None),
            read(&awslogs(json!({"awslogs-stream-prefix": "w"})), None),
            read(&json!({"logDriver": "awsfirelens"}), None),
            read(&json!({"logDriver": "splunk", "options": {"splunk-url": "https://s"}}), None),
            read(&json!(null), None),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        eu-central-1 /ecs/web w/web/0a1b false
        us-east-1 g w/web/0a1b true
        eu-central-1 g 0a1b-42 false
        its stream has no `awslogs-stream-prefix` to find it by
        its options name no `awslogs-group`
        it goes through FireLens, where it cannot be read
        the driver `splunk` keeps it where it cannot be read
        it has no `logConfiguration`, so nobody keeps it
        ");
    }

    fn blotted(name: &str, value: &str, line: &str) -> String {
        let definition = json!({"containerDefinitions": [{"environment": [{"name": name, "value": value}]}]});
        let definition = TaskDefinition::from_document(definition).unwrap();
        blot(line, &environment(&definition, "eu-central-1"))
    }

    #[test]
    fn values_of_the_environment_are_blotted_out_unless_they_are_plain_words() {
        let environment_of = |value: &str| blotted("A", value, &format!("it is {value}!"));
        assert_eq!(environment_of("postgres://u:p@db"), "it is ***!");
        for plain in ["production", "info", "eu-central-1", "8080"] {
            assert_eq!(environment_of(plain), format!("it is {plain}!"));
        }
    }

    #[test]
    fn letters_alone_are_no_plain_word_when_they_are_many_or_their_name_tells() {
        assert_eq!(blotted("A", "correcthorsebatterystaple", "with correcthorsebatterystaple"), "with ***");
        for name in ["DB_PASSWORD", "apiKey", "SESSION_SECRET"] {
            assert_eq!(blotted(name, "trombone", "with trombone"), "with ***", "{name}");
        }
        assert_eq!(blotted("STAGE", "trombone", "with trombone"), "with trombone");
    }

    #[test]
    fn each_line_of_a_value_is_blotted_out_for_itself() {
        for end in ["\n", "\r\n", "\\n"] {
            let pem = ["-----BEGIN KEY-----", "MIIEvQIBADANBgkq", "ab==", "-----END KEY-----"].join(end);
            assert_eq!(blotted("PEM", &pem, "read MIIEvQIBADANBgkq"), "read ***", "{end:?}");
            assert_eq!(blotted("PEM", &pem, "read ab=="), "read ab==", "{end:?}");
        }
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        assert_eq!(cut(&"ä".repeat(501)).chars().count(), 501);
        assert_eq!(cut("short"), "short");
    }
}
