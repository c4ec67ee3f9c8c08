//! What to change in the task definition.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::model::document;
use crate::model::image::ImageRef;

use super::arns::is_s3;
use super::given::{Given, Remarks, given};
use super::lists::kind;
use super::raw::RawInputs;
use super::suggest::shortened;

/// What to change in the task definition.
#[derive(Clone, Default, PartialEq)]
pub struct Edits {
    /// `container-name`: the containers that the other edits apply to; empty: the only one there is.
    pub containers: Vec<String>,
    /// `image`.
    pub image: Option<ImageRef>,
    /// `images`.
    pub images: Vec<(String, ImageRef)>,
    /// `environment-variables`. The values may be secret: never shown.
    pub environment: Vec<(String, String)>,
    /// `secrets`: name and ARN or parameter name.
    pub secrets: Vec<(String, String)>,
    /// `env-files`: S3 ARNs; they replace the ones there are.
    pub env_files: Vec<String>,
    /// `docker-labels`.
    pub docker_labels: Vec<(String, String)>,
    /// `log-configuration-log-driver`.
    pub log_driver: Option<String>,
    /// `log-configuration-options`.
    pub log_options: Vec<(String, String)>,
    /// `command`, split into words.
    pub command: Option<Vec<String>>,
    /// `task-role-arn`.
    pub task_role: Option<String>,
    /// `execution-role-arn`.
    pub execution_role: Option<String>,
    /// `patch`: a merge patch in which named lists may be maps by name.
    pub patch: Option<Value>,
}

/// Values of variables, options, labels and the patch may be secret: none is shown.
impl fmt::Debug for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edits")
            .field("containers", &self.containers)
            .field("image", &self.image)
            .field("images", &self.images)
            .finish_non_exhaustive()
    }
}

/// The log drivers of the ECS agent and Fargate.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html>
const LOG_DRIVERS: &[(&str, &str)] = &[
    ("awslogs", "awslogs"),
    ("awsfirelens", "awsfirelens"),
    ("fluentd", "fluentd"),
    ("gelf", "gelf"),
    ("journald", "journald"),
    ("json-file", "json-file"),
    ("logentries", "logentries"),
    ("splunk", "splunk"),
    ("syslog", "syslog"),
];

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Edits {
    let edits = Edits {
        containers: containers(given!(raw.container_name), remarks),
        image: image(given!(raw.image), remarks),
        images: images(given!(raw.images), remarks),
        environment: given!(raw.environment_variables).pairs(remarks),
        secrets: given!(raw.secrets).pairs(remarks),
        env_files: given!(raw.env_files).items_that(
            is_s3,
            "It takes ARNs such as `arn:aws:s3:::bucket/web.env`",
            remarks,
        ),
        docker_labels: given!(raw.docker_labels).pairs(remarks),
        log_driver: given!(raw.log_configuration_log_driver).word(LOG_DRIVERS, remarks).map(str::to_owned),
        log_options: given!(raw.log_configuration_options).pairs(remarks),
        command: command(given!(raw.command), remarks),
        task_role: given!(raw.task_role_arn).role(remarks).map(str::to_owned),
        execution_role: given!(raw.execution_role_arn).role(remarks).map(str::to_owned),
        patch: given!(raw.patch).object(remarks),
    };
    contradictions(&edits, remarks);
    edits
}

fn contradictions(edits: &Edits, remarks: &mut Remarks) {
    for (name, _) in
        edits.secrets.iter().filter(|(secret, _)| edits.environment.iter().any(|(variable, _)| variable == secret))
    {
        let what = format!("`{}` is in both `environment-variables` and `secrets`.", shortened(name));
        remarks.conflict(what, "ECS takes a name in one of the two only.", "Take it out of one of them.");
    }
    for (name, _) in edits.images.iter().filter(|(name, _)| edits.image.is_some() && edits.containers.contains(name)) {
        let what = format!("The container `{}` gets an image from both `image` and `images`.", shortened(name));
        remarks.conflict(what, "It can have one image only.", "Take it out of `images` or out of `container-name`.");
    }
}

/// Names of containers. A comma with nothing beside it is a mistake: a name may have been lost there.
fn containers(input: Given<'_>, remarks: &mut Remarks) -> Vec<String> {
    if input
        .value
        .unwrap_or_default()
        .lines()
        .any(|line| line.contains(',') && line.split(',').any(|name| name.trim().is_empty()))
    {
        remarks.invalid(
            input,
            "There is a comma without a name beside it",
            "Separate the names by single commas, as in `web,worker`.",
        );
    }
    let mut seen = BTreeSet::new();
    input.items().into_iter().filter(|name| seen.insert(*name)).map(str::to_owned).collect()
}

fn image(input: Given<'_>, remarks: &mut Remarks) -> Option<ImageRef> {
    ImageRef::parse(input.text()?)
        .map_err(|problem| {
            remarks.invalid(input, problem.trim_end_matches('.'), "Correct the image, as in `registry/name:tag`.");
        })
        .ok()
}

fn images(input: Given<'_>, remarks: &mut Remarks) -> Vec<(String, ImageRef)> {
    let mut images = Vec::new();
    for (container, image) in input.pairs(remarks) {
        match ImageRef::parse(image.trim()) {
            Ok(image) => images.push((container, image)),
            Err(problem) => {
                let what = format!("cannot give `{}` the image `{}`", shortened(&container), shortened(&image));
                remarks.wrong(
                    input,
                    &what,
                    problem.trim_end_matches('.'),
                    "Correct the image, as in `web=registry/name:tag`.",
                );
            }
        }
    }
    images
}

/// `["sh", "-c", "…"]`, or words as a shell splits them.
fn command(input: Given<'_>, remarks: &mut Remarks) -> Option<Vec<String>> {
    let text = input.text()?;
    let list = text.starts_with('[');
    let words = if list { array(text) } else { shell_words::split(text).map_err(|error| error.to_string()) };
    words
        .map_err(|problem| {
            let fix = if list {
                "Write `[\"sh\", \"-c\", \"…\"]`."
            } else {
                "Close every quote; or write a JSON array, `[\"sh\", \"-c\", \"…\"]`."
            };
            let form = if list { "a JSON array of texts" } else { "words as in a shell" };
            remarks.wrong(input, &format!("cannot be read as {form}"), problem.trim_end_matches('.'), fix);
        })
        .ok()
}

fn array(text: &str) -> Result<Vec<String>, String> {
    let value = document::parse(text)
        .map_err(|fault| format!("Line {}, column {}: {}", fault.line, fault.column, fault.message))?;
    let entry =
        |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| format!("One entry is {}", kind(value)));
    value.as_array().ok_or_else(|| format!("It is {}", kind(&value)))?.iter().map(entry).collect()
}
