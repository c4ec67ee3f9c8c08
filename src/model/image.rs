//! Container images: what the user wrote, and the digest that it is.

use std::fmt;

use serde::Serialize;

/// An image reference as a task definition carries it, in its parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct ImageRef {
    /// Where it is stored.
    pub registry: Registry,
    /// The repository's name within its registry.
    pub repository: String,
    /// The tag, if one was written.
    pub tag: Option<String>,
    /// `sha256:…`, if one was written; it decides over the tag.
    pub digest: Option<String>,
    text: String,
}

/// Where an image is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Registry {
    /// A private ECR registry.
    Ecr {
        /// The registry's account.
        account: String,
        /// The registry's region, not necessarily that of the service.
        region: String,
    },
    /// `public.ecr.aws`.
    EcrPublic,
    /// Any other host, `docker.io` included.
    Other(String),
}

impl ImageRef {
    /// Reads an image reference.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let _ = text;
        todo!()
    }

    /// The same image, by digest alone: `repository@sha256:…`.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        let _ = digest;
        todo!()
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ImageRef> for String {
    fn from(image: ImageRef) -> Self {
        image.text
    }
}
