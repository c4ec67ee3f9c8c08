//! What the checks of images have in common: the images that the definition has, and what is known of them.

mod around;
pub(super) mod exists;
pub(super) mod platform;
pub(super) mod scan;

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::Ruling;
use crate::http::Http;
use crate::http::registry::Looked;
use crate::model::image::ImageRef;
use crate::model::task_definition::TaskDefinition;
use crate::observe::{Digest, Observed};

/// One image of the definition.
struct Used<'a> {
    /// As it is written.
    text: &'a str,
    /// The containers that have it.
    containers: Vec<&'a str>,
    /// Where it is written first.
    pointer: String,
    /// Whether a login is given for it.
    has_login: bool,
}

impl Used<'_> {
    /// ``the image `web:1` of container `web` ``, as a sentence can go on with it.
    fn named(&self) -> String {
        let names: Vec<String> = self.containers.iter().map(|name| format!("`{name}`")).collect();
        let containers = if names.len() == 1 { "container" } else { "containers" };
        format!("`{}` of {containers} {}", self.text, names.join(", "))
    }
}

/// The images of a definition, each once.
fn used(definition: &TaskDefinition) -> Vec<Used<'_>> {
    let mut images: Vec<Used<'_>> = Vec::new();
    for (index, container) in definition.containers().enumerate() {
        let text = |field: &str| container.get(field).and_then(Value::as_str);
        let Some(image) = text("image") else { continue };
        let name = text("name").unwrap_or_default();
        let has_login = container.get("repositoryCredentials").is_some_and(|given| !given.is_null());
        match images.iter_mut().find(|used| used.text == image) {
            Some(used) => {
                used.containers.push(name);
                used.has_login |= has_login;
            }
            None => images.push(Used {
                text: image,
                containers: vec![name],
                pointer: format!("/containerDefinitions/{index}/image"),
                has_login,
            }),
        }
    }
    images
}

/// What ECR said of an image. One that was pinned since is the one that its tag named.
fn said_by_ecr<'a>(text: &str, image: &ImageRef, observed: &'a Observed) -> Option<&'a Digest> {
    observed.digests.get(text).or_else(|| {
        let same = |text: &String, digest: &Digest| {
            let Digest::Known { digest, .. } = digest else { return false };
            Some(digest) == image.digest.as_ref()
                && ImageRef::parse(text).is_ok_and(|tagged| tagged.in_ecr() == image.in_ecr())
        };
        observed.digests.iter().find(|(text, digest)| same(text, digest)).map(|(_, digest)| digest)
    })
}

/// What other registries say of the images, by the images' texts: each is asked once, for whichever check needs it first.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(OnceCell<BTreeMap<String, Looked>>);

impl Elsewhere {
    async fn ask(&self, definition: &TaskDefinition, http: &Http) -> &BTreeMap<String, Looked> {
        self.0.get_or_init(|| look_up(definition, http)).await
    }
}

async fn look_up(definition: &TaskDefinition, http: &Http) -> BTreeMap<String, Looked> {
    let mut asked = JoinSet::new();
    for used in used(definition).into_iter().filter(|used| !used.has_login) {
        let Ok(image) = ImageRef::parse(used.text) else { continue };
        if image.in_ecr().is_none() {
            let (text, http) = (used.text.to_owned(), http.clone());
            asked.spawn(async move { (text, http.look_up(&image).await) });
        }
    }
    asked.join_all().await.into_iter().collect()
}

/// What is not known of images, and why: those with the same reason in one sentence.
#[derive(Default)]
struct NotKnown(BTreeMap<String, Vec<String>>);

impl NotKnown {
    fn add(&mut self, image: &str, why: impl Into<String>) {
        self.0.entry(why.into()).or_default().push(format!("`{image}`"));
    }

    /// `what` is what is not known, such as `Whether it exists`.
    fn ruling(self, what: &str) -> Ruling {
        let sentence = |(why, images): (String, Vec<String>)| {
            let why = why.trim_end_matches(['.', ' ']);
            // A refusal ends with the statement to add, which is to be copied.
            let end = if why.ends_with('}') { "" } else { "." };
            Ruling::skip(format!("{what} is not known of {}: {why}{end}", images.join(", ")))
        };
        self.0.into_iter().map(sentence).collect()
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;
