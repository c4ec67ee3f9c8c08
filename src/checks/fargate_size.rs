//! `fargate-size`: sizes that Fargate sells, parameters that it has, and what ECS asks of every definition before it
//! stores it. What `plan` refuses as `invalid` is not said again.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>

mod containers;
mod logs;
mod network;
mod parameters;
mod sizes;
mod volumes;

use serde_json::{Map, Value};

use super::{Finding, Ruling, Subject};
use crate::error::{Code, Error};
use crate::model::service::Service;
use crate::model::task_definition::{Registered, TaskDefinition};

/// Judges the rendered definition.
pub(super) fn judge(subject: &Subject<'_>) -> Ruling {
    let definition = &subject.plan.definition;
    let on_fargate = subject.plan.service.as_ref().is_some_and(Service::is_on_fargate);
    if subject.plan.reuse.as_ref().is_some_and(|reuse| is_accepted(reuse, on_fargate)) {
        return Ruling::default();
    }
    let family = definition.0.get("runtimePlatform").and_then(|platform| platform.get("operatingSystemFamily"));
    let rules = [sizes::judge, parameters::judge, network::judge, containers::judge, logs::judge, volumes::judge];
    let found = |is_fargate| {
        let containers = definition.containers().enumerate().map(|(index, fields)| Container { index, fields });
        let is_windows = family.and_then(Value::as_str).is_some_and(|family| family.starts_with("WINDOWS"));
        let looked = Looked { definition, containers: containers.collect(), is_fargate, is_windows };
        rules.iter().flat_map(|rule| rule(&looked)).collect::<Vec<Finding>>()
    };
    let names_fargate = lists(definition.0.get("requiresCompatibilities"), "FARGATE");
    let mut findings = found(on_fargate || names_fargate);
    if on_fargate && !names_fargate {
        // ECS stores it, then: whether the service takes it is another question.
        let anywhere = found(false);
        for finding in findings.iter_mut().filter(|finding| !anywhere.contains(finding)) {
            finding.is_doubtful = true;
        }
    }
    findings.into_iter().map(Ruling::found).collect()
}

/// What ECS stored it has judged already, and says what it is fit for.
fn is_accepted(reuse: &Registered, on_fargate: bool) -> bool {
    !on_fargate || lists(reuse.document.get("compatibilities"), "FARGATE")
}

fn lists(list: Option<&Value>, word: &str) -> bool {
    list.and_then(Value::as_array).is_some_and(|list| list.iter().any(|one| one.as_str() == Some(word)))
}

/// What is judged, and how its tasks run.
struct Looked<'a> {
    definition: &'a TaskDefinition,
    containers: Vec<Container<'a>>,
    /// The tasks run on Fargate, or the definition says that they may.
    is_fargate: bool,
    /// The tasks run Windows.
    is_windows: bool,
}

impl Looked<'_> {
    fn text(&self, field: &str) -> Option<&str> {
        self.definition.text(field).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The entries of a list of the definition itself.
    fn list(&self, field: &str) -> impl Iterator<Item = (usize, &Value)> {
        self.definition.0.get(field).and_then(Value::as_array).into_iter().flatten().enumerate()
    }
}

/// One container definition and its place in the list.
struct Container<'a> {
    index: usize,
    fields: &'a Map<String, Value>,
}

impl<'a> Container<'a> {
    fn name(&self) -> &'a str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The JSON pointer of something in it.
    fn at(&self, within: &str) -> String {
        format!("/containerDefinitions/{}/{within}", self.index)
    }

    /// A number that is not 0, which stands for none.
    fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field).and_then(Value::as_u64).filter(|number| *number > 0)
    }

    fn object(&self, field: &str) -> Option<&'a Map<String, Value>> {
        self.fields.get(field).and_then(Value::as_object)
    }

    fn list(&self, field: &str) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
        self.fields.get(field).and_then(Value::as_array).into_iter().flatten().enumerate()
    }
}

/// A text in an entry of a list.
fn text<'a>(entry: &'a Value, field: &str) -> Option<&'a str> {
    entry.get(field).and_then(Value::as_str)
}

/// Whether a field says anything: what is empty, false or null does not.
fn has(fields: &Map<String, Value>, field: &str) -> bool {
    match fields.get(field) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
}

fn invalid(pointer: impl Into<String>, what: impl Into<String>, why: &str, fix: impl Into<String>) -> Finding {
    Finding::new(Error::new(Code::TaskDefinitionInvalid, what, why, fix)).at(pointer)
}

#[cfg(test)]
mod tests;
