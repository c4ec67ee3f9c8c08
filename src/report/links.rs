//! Links to the AWS console and to the commit. The partition decides the host; isolated partitions have no public console.

use std::fmt::Write;

use crate::inputs::runner::Runner;
use crate::model::names::{Arn, Revision, short_name};
use crate::model::place::Place as Line;

/// A region of a partition whose console can be linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    region: String,
    host: String,
}

impl Place {
    /// The place, or nothing where no link is known to work.
    pub fn new(partition: &str, region: &str) -> Option<Self> {
        let domain = match partition {
            "aws" => "console.aws.amazon.com",
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => return None,
        };
        // The region stands in the host: only what a region's name is made of may get there.
        let plain =
            !region.is_empty() && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        plain.then(|| Self { region: region.to_owned(), host: format!("https://{region}.{domain}") })
    }

    /// The service's page; `tab` is `health`, `deployments`, `tasks` or `events`.
    pub fn service(&self, cluster: &str, service: &str, tab: &str) -> String {
        let path = format!("clusters/{}/services/{}/{tab}", segment(cluster), segment(service));
        self.ecs(&path)
    }

    /// The page of a deployment by CodeDeploy.
    pub fn code_deployment(&self, id: &str) -> String {
        format!("{}/codesuite/codedeploy/deployments/{}?region={}", self.host, segment(id), self.region)
    }

    /// The task's page.
    pub fn task(&self, cluster: &str, id: &str) -> String {
        self.ecs(&format!("clusters/{}/tasks/{}/configuration", segment(cluster), segment(short_name(id))))
    }

    /// The page of a log stream. The console wants its names percent-encoded, with `$25` for each `%`.
    pub fn log_stream(&self, group: &str, stream: &str) -> String {
        let name = |name: &str| segment(name).replace('%', "$25");
        let path = format!("log-groups/log-group/{}/log-events/{}", name(group), name(stream));
        format!("{}/cloudwatch/home?region={}#logsV2:{path}", self.host, self.region)
    }

    fn ecs(&self, path: &str) -> String {
        format!("{}/ecs/v2/{path}?region={}", self.host, self.region)
    }
}

/// The page of a task definition's revision, by its ARN.
pub fn task_definition(arn: &str) -> Option<String> {
    let parts = Arn::parse(arn)?;
    let revision = Revision::parse(&parts.resource)?;
    let place = Place::new(&parts.partition, &parts.region)?;
    Some(place.ecs(&format!("task-definitions/{}/{}/containers", segment(&revision.family), revision.number)))
}

/// The page of a line of a file, as it is in the run's commit; nothing where the file lies outside of the repository.
pub fn file(runner: &Runner, line: &Line) -> Option<String> {
    let (repository, commit) = (runner.repository.as_deref()?, runner.sha.as_deref()?);
    let parts: Vec<&str> = line.file.split('/').filter(|part| *part != ".").collect();
    if parts.iter().any(|part| part.is_empty() || *part == "..") {
        return None;
    }
    let path = parts.into_iter().map(segment).collect::<Vec<_>>().join("/");
    Some(format!("{}/{repository}/blob/{}/{path}#L{}", runner.server_url, segment(commit), line.line))
}

/// One path segment, percent-encoded but for what names in ECS are made of.
pub fn segment(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_partition_decides_the_host() {
        for (partition, region, host) in [
            ("aws", "eu-central-1", "https://eu-central-1.console.aws.amazon.com"),
            ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn"),
            ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com"),
        ] {
            let link = Place::new(partition, region).unwrap().service("prod", "web", "health");
            assert_eq!(link, format!("{host}/ecs/v2/clusters/prod/services/web/health?region={region}"));
        }
    }

    #[test]
    fn a_deployment_by_codedeploy_has_its_own_page() {
        let link = Place::new("aws-cn", "cn-north-1").unwrap().code_deployment("d-ABC123DEF");
        let page = "https://cn-north-1.console.amazonaws.cn/codesuite/codedeploy/deployments/d-ABC123DEF";
        assert_eq!(link, format!("{page}?region=cn-north-1"));
    }

    #[test]
    fn an_isolated_or_unknown_partition_gets_no_link() {
        for partition in ["aws-iso", "aws-iso-b", "aws-eusc", "evil"] {
            assert_eq!(Place::new(partition, "us-iso-east-1"), None);
        }
    }

    #[test]
    fn nothing_but_a_region_gets_into_the_host() {
        for region in ["", "evil.example/", "eu-central-1@evil", "EU"] {
            assert_eq!(Place::new("aws", region), None);
        }
    }

    #[test]
    fn names_cannot_leave_their_place_in_the_path() {
        let place = Place::new("aws", "eu-central-1").unwrap();
        assert!(
            place.service("a/../b", "c?d#e)", "events").contains("/clusters/a%2F..%2Fb/services/c%3Fd%23e%29/events?")
        );
    }

    #[test]
    fn a_log_stream_is_linked_in_the_console_s_own_way() {
        let link = Place::new("aws", "eu-central-1").unwrap().log_stream("/ecs/web", "web/web/0a1b");
        assert_eq!(
            link,
            "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1\
             #logsV2:log-groups/log-group/$252Fecs$252Fweb/log-events/web$252Fweb$252F0a1b"
        );
    }

    #[test]
    fn a_line_is_linked_in_the_commit_and_only_within_the_repository() {
        let runner = crate::report::stories::in_actions().runner;
        let at = |path: &str| file(&runner, &Line { file: path.to_owned(), line: 12, column: 3 });
        let page = "https://github.com/octo-org/shop/blob/0123456789abcdef0123456789abcdef01234567";
        assert_eq!(at("./deploy/task (1).json"), Some(format!("{page}/deploy/task%20%281%29.json#L12")));
        assert_eq!([at("../other/task.json"), at("/tmp/task.json")], [None, None]);
    }

    #[test]
    fn a_revision_is_linked_by_its_arn() {
        let arn = "arn:aws-cn:ecs:cn-north-1:123456789012:task-definition/web:7";
        let link = "https://cn-north-1.console.amazonaws.cn/ecs/v2/task-definitions/web/7/containers?region=cn-north-1";
        assert_eq!(task_definition(arn).as_deref(), Some(link));
        assert_eq!(task_definition("web:7"), None);
    }
}
