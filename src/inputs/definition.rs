//! What to deploy: where the task definition comes from, and what to change in it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::model::document;
use crate::model::image::ImageRef;
use crate::model::names::{Arn, Revision};

use super::given::{Given, Remarks, given};
use super::lists::kind;
use super::raw::RawInputs;
use super::suggest::shortened;

/// What to deploy.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Where the task definition comes from.
    pub source: Source,
    /// What to change in it.
    pub edits: Edits,
    /// `pin-image-digest`.
    pub pin_image_digest: bool,
    /// `tags` of the revision.
    pub tags: Vec<(String, String)>,
}

/// Where the task definition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, as given; relative to the workspace.
    File(String),
    /// A family, `family:revision` or an ARN.
    Registered(String),
    /// The revision that the service runs now.
    Running,
}

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

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Definition {
    if given!(raw.keep_null_value_keys).text().is_some() {
        remarks
            .warnings
            .push("`keep-null-value-keys` has no effect: nothing is dropped from the task definition.".to_owned());
    }
    Definition {
        source: source(raw, remarks),
        edits: edits(raw, remarks),
        pin_image_digest: given!(raw.pin_image_digest).boolean(remarks).unwrap_or(false),
        tags: given!(raw.tags).pairs(remarks),
    }
}

/// The file wins over the ARN, and the ARN over the family, as in the official actions; here it is said.
fn source(raw: &RawInputs, remarks: &mut Remarks) -> Source {
    let file = given!(raw.task_definition);
    let arn = given!(raw.task_definition_arn);
    let family = given!(raw.task_definition_family);
    let revision = given!(raw.task_definition_revision);
    let from_family = registered(family, revision, remarks);
    if arn.text().is_some_and(|text| !is_task_definition(text)) {
        let allowed = "It takes the ARN of a revision, `arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION`";
        remarks.invalid(arn, allowed, "For a family or `family:revision` use `task-definition-family`.");
    }
    let given: Vec<Given<'_>> = [file, arn, family].into_iter().filter(|input| input.text().is_some()).collect();
    if let [used, ignored @ ..] = given.as_slice() {
        for other in ignored {
            remarks.warnings.push(format!("`{}` has no effect beside `{}`, which decides.", other.name(), used.name()));
        }
    }
    match (file.owned(), arn.owned(), from_family) {
        (Some(path), _, _) => Source::File(path),
        (None, Some(name), _) | (None, None, Some(name)) => Source::Registered(name),
        (None, None, None) => Source::Running,
    }
}

/// A family, with its revision when one is given.
fn registered(family: Given<'_>, revision: Given<'_>, remarks: &mut Remarks) -> Option<String> {
    let number = revision.number(1..=i32::MAX.unsigned_abs(), remarks);
    let Some(name) = family.text() else {
        if revision.text().is_some() {
            remarks.missing(family, "`task-definition-revision` does not say of which family");
        }
        return None;
    };
    let written = Revision::parse(name);
    let bare = written.as_ref().map_or(name, |revision| revision.family.as_str());
    if !is_family(bare) {
        let allowed =
            "A family has letters, digits, hyphens and underscores, at most 255; a revision may follow, as in `web:7`";
        remarks.invalid(family, allowed, "Correct the name; for an ARN use `task-definition-arn`.");
    }
    match (written, number) {
        (Some(written), Some(number)) if written.number != u64::from(number) => {
            let what = "`task-definition-family` and `task-definition-revision` name different revisions.".to_owned();
            remarks.conflict(
                what,
                &format!("One says {}, the other {number}.", written.number),
                "Keep one of the two numbers.",
            );
            None
        }
        (None, Some(number)) => Some(format!("{name}:{number}")),
        _ => Some(name.to_owned()),
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
fn is_family(name: &str) -> bool {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    letters && (1..=255).contains(&name.len())
}

fn is_task_definition(text: &str) -> bool {
    let Some(arn) = Arn::parse(text) else { return false };
    let name = arn.resource.strip_prefix("task-definition/").map(|name| name.split_once(':').unwrap_or((name, "1")));
    arn.service == "ecs" && name.is_some_and(|(family, revision)| is_family(family) && revision.parse::<u32>().is_ok())
}

fn edits(raw: &RawInputs, remarks: &mut Remarks) -> Edits {
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
        task_role: role(given!(raw.task_role_arn), remarks),
        execution_role: role(given!(raw.execution_role_arn), remarks),
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

/// ECS takes the ARN of a role, or its name.
fn role(input: Given<'_>, remarks: &mut Remarks) -> Option<String> {
    let text = input.text()?;
    if !is_role(text) {
        let allowed = "It takes a role's ARN, `arn:aws:iam::ACCOUNT:role/NAME`, or its name";
        remarks.invalid(input, allowed, "Copy the ARN of the role from IAM.");
    }
    Some(text.to_owned())
}

/// The ARN of an IAM role in any partition, or a name that a role can have.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(super) fn is_role(text: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c));
    match Arn::parse(text) {
        Some(arn) => {
            let account = arn.account.len() == 12 && arn.account.chars().all(|c| c.is_ascii_digit());
            let place = arn.partition.starts_with("aws") && arn.service == "iam" && arn.region.is_empty();
            place && account && arn.resource.strip_prefix("role/").is_some_and(is_name) && text.len() <= 2048
        }
        None => is_name(text) && text.len() <= 512,
    }
}

fn is_s3(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| arn.service == "s3" && arn.resource.contains('/'))
}
