//! `image-platform`: whether each image is built for what the tasks run on.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html>

use std::fmt;

use serde_json::Value;
use tokio::task::JoinSet;

use super::{Elsewhere, NotKnown, Used, said_by_ecr, used};
use crate::aws::Aws;
use crate::checks::{Finding, Ruling, Subject};
use crate::error::{Code, Error};
use crate::http::Http;
use crate::http::registry::Looked;
use crate::model::image::ImageRef;
use crate::model::manifest::{Manifest, Platform};
use crate::model::task_definition::TaskDefinition;
use crate::observe::Digest;

/// What an image is built for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Built {
    /// Each platform.
    platforms: Vec<Platform>,
    /// Whether the registry chooses among several, so that none fits means no pull.
    is_index: bool,
}

/// What the tasks run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    /// `linux` or `windows`.
    os: &'static str,
    /// `amd64` or `arm64`.
    architecture: &'static str,
    /// `runtimePlatform` names the architecture.
    is_named: bool,
    /// Fargate runs them, which pulls only what fits.
    is_fargate: bool,
}

/// Asks what is not known yet, and judges it.
pub(in crate::checks) async fn ruling(subject: &Subject<'_>, aws: &Aws, elsewhere: &Elsewhere) -> Ruling {
    let definition = &subject.plan.definition;
    let Some(machine) = Machine::of(subject) else {
        return Ruling::skip("The CPU architecture in `runtimePlatform` is not one that this version knows.");
    };
    let images = used(definition);
    let mut not_known = NotKnown::default();
    let mut built: Vec<(usize, Built)> = Vec::new();
    let (mut asked, mut others) = (JoinSet::new(), Vec::new());
    for (index, image) in images.iter().enumerate() {
        // What is no image reference is told by `image-exists`.
        let Ok(parsed) = ImageRef::parse(image.text) else { continue };
        if parsed.in_ecr().is_none() {
            others.push((index, image.text));
            continue;
        }
        match said_by_ecr(image.text, &parsed, subject.observed) {
            Some(Digest::Known { manifest, .. }) => {
                let (aws, http, manifest) = (aws.clone(), subject.http.clone(), manifest.clone());
                let machine = machine.clone();
                asked.spawn(async move { (index, of_manifest(&parsed, &manifest, &machine, &aws, &http).await) });
            }
            Some(Digest::Missing(_)) => not_known.add(image.text, "ECR does not have it"),
            Some(Digest::Archived(_)) => not_known.add(image.text, "it is archived"),
            Some(Digest::Unknown(why)) => not_known.add(image.text, why),
            None => not_known.add(image.text, "it was not looked up"),
        }
    }
    // ECR is asked meanwhile.
    let looked = elsewhere.ask(definition, subject.http).await;
    for (index, text) in others {
        match looked.get(text).map_or(Err("a login is needed"), |looked| of_registry(looked, &machine)) {
            Ok(found) => built.push((index, found)),
            Err(why) => not_known.add(text, why),
        }
    }
    for (index, answer) in asked.join_all().await {
        match (answer, images.get(index)) {
            (Ok(found), _) => built.push((index, found)),
            (Err(why), Some(image)) => not_known.add(image.text, why),
            (Err(_), None) => {}
        }
    }
    built.sort_by_key(|(index, _)| *index);
    let judged = built.iter().filter_map(|(index, built)| judge(images.get(*index)?, built, &machine));
    judged.map(Ruling::found).collect::<Ruling>().and(not_known.ruling("What it is built for"))
}

/// What another registry said.
fn of_registry<'a>(looked: &'a Looked, machine: &Machine) -> Result<Built, &'a str> {
    match looked {
        Looked::Missing => Err("the registry does not show it"),
        Looked::Unknown(why) => Err(why),
        Looked::Found { platform: Some(platform), .. } => {
            Ok(Built { platforms: vec![platform.clone()], is_index: false })
        }
        Looked::Found { manifest: Some(manifest), .. } if manifest.is_index() => of_index(manifest, machine),
        Looked::Found { manifest: Some(_), .. } => Err("its registry did not say"),
        Looked::Found { manifest: None, .. } => Err("Docker Hub counts reading it as a pull"),
    }
}

/// What an index says: enough where one image in it fits, else only when it says it for each of them.
fn of_index(manifest: &Manifest, machine: &Machine) -> Result<Built, &'static str> {
    let says = |platform: &&Platform| !platform.os.is_empty() && !platform.architecture.is_empty();
    let said = manifest.images().filter_map(|child| child.platform.as_ref().filter(says).cloned());
    let platforms: Vec<Platform> = said.collect();
    let is_complete = !platforms.is_empty() && platforms.len() == manifest.images().count();
    if is_complete || platforms.iter().any(|platform| machine.runs(platform)) {
        Ok(Built { platforms, is_index: true })
    } else {
        Err("its index does not say for every image in it")
    }
}

/// What a manifest in ECR says, or else the document that describes its image.
async fn of_manifest(
    image: &ImageRef,
    manifest: &Manifest,
    machine: &Machine,
    aws: &Aws,
    http: &Http,
) -> Result<Built, String> {
    if manifest.is_index() {
        return of_index(manifest, machine).map_err(str::to_owned);
    }
    let (Some(config), Some(repository)) = (&manifest.config, image.in_ecr()) else {
        return Err("its manifest names no configuration".to_owned());
    };
    let url = aws.download_url_for_layer(&repository, &config.digest).await;
    let url = url.map_err(|error| error.to_string())?;
    let text = http.document(&url).await.map_err(|why| format!("its configuration cannot be read ({why})"))?;
    let platform = Platform::of_config(&text).ok_or("its configuration does not say")?;
    Ok(Built { platforms: vec![platform], is_index: false })
}

impl Machine {
    /// The machine that the definition asks for, and ECS's defaults; none when the word is not known.
    pub(super) fn of(subject: &Subject<'_>) -> Option<Self> {
        let definition = &subject.plan.definition;
        let platform = definition.0.get("runtimePlatform");
        let word = |field: &str| platform.and_then(|platform| platform.get(field)).and_then(Value::as_str);
        let is_windows = word("operatingSystemFamily").is_some_and(|family| family.starts_with("WINDOWS"));
        let architecture = match word("cpuArchitecture") {
            None | Some("X86_64") => "amd64",
            Some("ARM64") => "arm64",
            Some(_) => return None,
        };
        Some(Self {
            os: if is_windows { "windows" } else { "linux" },
            architecture,
            is_named: word("cpuArchitecture").is_some(),
            is_fargate: match &subject.plan.service {
                Some(service) => service.is_on_fargate(),
                None => is_for_fargate_alone(definition),
            },
        })
    }

    /// Whether it runs what is built for this platform.
    pub(super) fn runs(&self, platform: &Platform) -> bool {
        platform.runs_on(self.os, self.architecture)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let os = if self.os == "windows" { "Windows" } else { "Linux" };
        write!(f, "{} with {os}", if self.architecture == "arm64" { "ARM64" } else { "X86_64" })
    }
}

fn is_for_fargate_alone(definition: &TaskDefinition) -> bool {
    let kinds = definition.0.get("requiresCompatibilities").and_then(Value::as_array);
    kinds.is_some_and(|kinds| !kinds.is_empty() && kinds.iter().all(|kind| kind == "FARGATE"))
}

/// A finding when none of the image's platforms fits the machine.
fn judge(image: &Used<'_>, built: &Built, machine: &Machine) -> Option<Finding> {
    let Machine { os, architecture, .. } = machine;
    if built.platforms.iter().any(|platform| machine.runs(platform)) {
        return None;
    }
    let mut has: Vec<String> = built.platforms.iter().map(|platform| format!("`{platform}`")).collect();
    has.sort();
    has.dedup();
    let has = has.join(", ");
    let runs = match (machine.is_named, machine.is_fargate) {
        (true, _) => format!("`runtimePlatform` asks for {machine}"),
        (false, true) => format!("Fargate runs tasks on {machine} when `runtimePlatform` names no other"),
        (false, false) => {
            format!(
                "the tasks run on whatever the container instances are, as `runtimePlatform` does not name it; {machine} is usual"
            )
        }
    };
    let other = built.platforms.iter().find_map(|platform| {
        [("amd64", "X86_64"), ("arm64", "ARM64")]
            .into_iter()
            .find_map(|(other, word)| platform.runs_on(os, other).then_some(word))
    });
    let rebuild = format!("Build it with `docker buildx build --platform {os}/{architecture}`");
    let fix = match other {
        Some(word) => format!("{rebuild}, or set `runtimePlatform` to `{{\"cpuArchitecture\": \"{word}\"}}`."),
        None => format!("{rebuild}."),
    };
    let finding = Finding::new(Error::new(
        Code::ImagePlatformMismatch,
        format!("The image {} is not built for {os}/{architecture}.", image.named()),
        format!("It is built for {has}; {runs}."),
        fix,
    ))
    .at(&image.pointer);
    // Docker on an instance runs an image that is alone whatever it says of itself.
    let is_certain = machine.is_fargate || (machine.is_named && built.is_index);
    Some(if is_certain { finding } else { finding.doubtful() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;
    use crate::checks::tests::Story;

    fn built(is_index: bool, platforms: &[&str]) -> Built {
        let platform = |text: &&str| {
            let (os, architecture) = text.split_once('/').unwrap();
            Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant: None }
        };
        Built { platforms: platforms.iter().map(platform).collect(), is_index }
    }

    fn machine(architecture: &'static str, is_named: bool, is_fargate: bool) -> Machine {
        Machine { os: "linux", architecture, is_named, is_fargate }
    }

    fn judged(built: &Built, machine: &Machine) -> Option<Finding> {
        let pointer = "/containerDefinitions/1/image".to_owned();
        judge(&Used { text: "acme/web:1", containers: vec!["web"], pointer, has_login: false }, built, machine)
    }

    #[test]
    fn only_what_cannot_run_is_found_and_only_what_is_certain_blocks() {
        let both = built(true, &["linux/amd64", "linux/arm64"]);
        let (arm, windows) = (built(true, &["linux/arm64"]), built(false, &["windows/amd64"]));
        let single = built(false, &["linux/arm64"]);
        for (image, machine, expected) in [
            (&both, machine("amd64", false, true), None),
            (&both, machine("arm64", true, false), None),
            (&arm, machine("arm64", true, true), None),
            (&arm, machine("amd64", true, true), Some(false)),
            (&arm, machine("amd64", false, true), Some(false)),
            (&arm, machine("amd64", true, false), Some(false)),
            (&arm, machine("amd64", false, false), Some(true)),
            (&single, machine("amd64", true, true), Some(false)),
            (&single, machine("amd64", true, false), Some(true)),
            (&windows, machine("amd64", true, true), Some(false)),
        ] {
            let found = judged(image, &machine);
            assert_eq!(found.as_ref().map(|finding| finding.is_doubtful), expected, "{image:?} {machine:?}");
        }
    }

    #[test]
    fn both_sides_are_named_and_so_are_the_ways_out() {
        let texts = [
            (built(true, &["linux/arm64", "linux/s390x"]), machine("amd64", false, true)),
            (built(false, &["linux/amd64"]), machine("arm64", true, true)),
            (built(true, &["linux/arm64"]), machine("amd64", false, false)),
            (built(false, &["windows/amd64"]), machine("amd64", true, true)),
        ]
        .map(|(built, machine)| judged(&built, &machine).unwrap().error.to_string());
        insta::assert_snapshot!(texts.join("\n\n"));
    }

    #[test]
    fn the_machine_is_what_the_definition_asks_for_or_the_default() {
        let of = |platform: Value| {
            let containers = json!([{"name": "web", "image": "web"}]);
            let mut definition = json!({"family": "web", "containerDefinitions": containers});
            if !platform.is_null() {
                definition.as_object_mut().unwrap().insert("runtimePlatform".to_owned(), platform);
            }
            let mut story = Story::of(definition);
            story.service().launch_type = Some("FARGATE".to_owned());
            Machine::of(&story.subject())
        };
        assert_eq!(of(Value::Null), Some(machine("amd64", false, true)));
        assert_eq!(of(json!({"cpuArchitecture": "ARM64"})), Some(machine("arm64", true, true)));
        let windows = Machine { os: "windows", ..machine("amd64", false, true) };
        assert_eq!(of(json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})), Some(windows));
        assert_eq!(of(json!({"cpuArchitecture": "RISC_V"})), None);
    }

    #[test]
    fn an_index_that_does_not_say_is_not_guessed_at_unless_another_image_in_it_fits() {
        let index = |second: Value| {
            let first = json!({"digest": "sha256:a", "platform": {"os": "linux", "architecture": "amd64"}});
            Manifest::parse(&json!({"manifests": [first, second]}).to_string())
        };
        let (fits, does_not) = (machine("amd64", true, true), machine("arm64", true, true));
        for silent in [json!({"digest": "sha256:b"}), json!({"digest": "sha256:b", "platform": {"os": "linux"}})] {
            let silent = index(silent);
            assert_eq!(judged(&of_index(&silent, &fits).unwrap(), &fits), None);
            assert!(of_index(&silent, &does_not).is_err());
        }
        let windows = index(json!({"digest": "sha256:b", "platform": {"os": "windows", "architecture": "amd64"}}));
        assert!(judged(&of_index(&windows, &does_not).unwrap(), &does_not).is_some());
        assert!(of_index(&Manifest::default(), &fits).is_err());
    }
}
