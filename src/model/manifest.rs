//! What a manifest says: the images in an index, and the platform that each is built for.
//!
//! <https://github.com/opencontainers/image-spec/blob/main/image-index.md>, and Docker's manifest lists, which are alike.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// What annotates an entry of an index that is no image, but a statement about one: how it was built, what is in it.
/// <https://docs.docker.com/build/metadata/attestations/attestation-storage/>
const ATTESTATION: &str = "vnd.docker.reference.type";

/// What a manifest says of platforms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// What is in the index, attestations too; empty when it is no index.
    #[serde(rename = "manifests")]
    pub children: Vec<Child>,
    /// What describes the image; none in an index.
    pub config: Option<Config>,
}

/// One entry of an index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Child {
    /// Its digest, `sha256:…`.
    pub digest: String,
    /// What it is built for, where the index says so.
    #[serde(default)]
    pub platform: Option<Platform>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

/// The document that describes an image, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Config {
    /// `sha256:…`.
    pub digest: String,
}

/// An operating system and a CPU architecture, in the words of Go: `linux` and `amd64`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct Platform {
    /// `linux`, `windows`; `unknown` in attestations.
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v8`, …
    pub variant: Option<String>,
}

impl Manifest {
    /// Reads a manifest. One that cannot be read says nothing.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The same, where the text is a manifest of whatever kind and not another document in its place.
    pub fn recognise(text: &str) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_str(text).ok()?;
        let is_one =
            ["schemaVersion", "mediaType", "config", "manifests"].iter().any(|field| fields.contains_key(*field));
        is_one.then(|| Self::parse(text))
    }

    /// Whether it is an index of images.
    pub fn is_index(&self) -> bool {
        !self.children.is_empty()
    }

    /// Whether this is the digest of something in the index.
    pub fn has(&self, digest: &str) -> bool {
        self.children.iter().any(|child| child.digest == digest)
    }

    /// The images in the index, without what is only said about them.
    pub fn images(&self) -> impl Iterator<Item = &Child> {
        self.children.iter().filter(|child| !child.is_attestation())
    }
}

impl Child {
    fn is_attestation(&self) -> bool {
        let annotated = self.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(ATTESTATION));
        annotated || self.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
    }
}

impl Platform {
    /// The platform that an image's configuration names; none when it names none.
    /// <https://github.com/opencontainers/image-spec/blob/main/config.md#properties>
    pub fn of_config(text: &str) -> Option<Self> {
        let platform: Self = serde_json::from_str(text).ok()?;
        (!platform.os.is_empty() && !platform.architecture.is_empty()).then_some(platform)
    }

    /// Whether programs built for this platform run where `os` and `architecture` are those of the machine. Its CPU may
    /// also run those of its 32-bit forerunner, and container runtimes take them.
    pub fn runs_on(&self, os: &str, architecture: &str) -> bool {
        let forerunner = match architecture {
            "amd64" => "386",
            "arm64" => "arm",
            _ => architecture,
        };
        let named = self.architecture.to_ascii_lowercase();
        let named = match named.as_str() {
            "x86_64" | "x86-64" => "amd64",
            "aarch64" => "arm64",
            named => named,
        };
        self.os.eq_ignore_ascii_case(os) && (named == architecture || named == forerunner)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_index_tells_its_images_and_what_is_only_said_about_them() {
        let index = json!({"schemaVersion": 2, "manifests": [
            {"digest": "sha256:a", "size": 1, "platform": {"architecture": "amd64", "os": "linux", "os.version": "1"}},
            {"digest": "sha256:b", "platform": {"architecture": "arm64", "os": "linux", "variant": "v8"}},
            {"digest": "sha256:c", "platform": {"architecture": "unknown", "os": "unknown"}},
            {"digest": "sha256:d", "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
            {"digest": "sha256:e", "annotations": {"org.opencontainers.image.ref.name": "x"}},
        ]});
        let read = Manifest::parse(&index.to_string());
        let told = |child: &Child| child.platform.as_ref().map_or_else(|| child.digest.clone(), ToString::to_string);
        assert_eq!(read.images().map(told).collect::<Vec<_>>(), ["linux/amd64", "linux/arm64/v8", "sha256:e"]);
        assert!(read.is_index() && read.has("sha256:c") && !read.has("sha256:f"));
    }

    #[test]
    fn a_single_manifest_has_a_configuration_and_nonsense_has_nothing() {
        let single = Manifest::parse(r#"{"config": {"digest": "sha256:f", "size": 2}, "layers": []}"#);
        assert_eq!(single.config.map(|config| config.digest).as_deref(), Some("sha256:f"));
        assert!(single.children.is_empty());
        for nonsense in ["", "?", "[]", r#"{"manifests": 1}"#, r#"{"manifests": [{}]}"#] {
            assert_eq!(Manifest::parse(nonsense), Manifest::default(), "{nonsense}");
        }
    }

    #[test]
    fn a_page_or_another_document_is_no_manifest() {
        for (text, is_one) in [
            (r#"{"schemaVersion": 1, "name": "library/web", "fsLayers": []}"#, true),
            (r#"{"schemaVersion": 2, "config": {"digest": "sha256:f"}}"#, true),
            (r#"{"manifests": []}"#, true),
            ("<!doctype html><title>Sign in</title>", false),
            (r#"{"error": "login_required"}"#, false),
            ("[]", false),
            ("", false),
        ] {
            assert_eq!(Manifest::recognise(text).is_some(), is_one, "{text}");
        }
    }

    #[test]
    fn a_configuration_names_its_platform_or_none() {
        let named = Platform::of_config(r#"{"os": "linux", "architecture": "arm64", "rootfs": {}}"#);
        assert_eq!(named.map(|platform| platform.to_string()).as_deref(), Some("linux/arm64"));
        for none in ["{}", r#"{"os": "linux", "architecture": ""}"#, "?"] {
            assert_eq!(Platform::of_config(none), None, "{none}");
        }
    }

    #[test]
    fn a_machine_runs_its_own_programs_and_those_of_its_forerunner() {
        let on = |os: &str, architecture: &str, machine| {
            let image = Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant: None };
            image.runs_on("linux", machine)
        };
        for (os, architecture, on_amd64, on_arm64) in [
            ("linux", "amd64", true, false),
            ("linux", "386", true, false),
            ("linux", "arm64", false, true),
            ("linux", "arm", false, true),
            ("Linux", "aarch64", false, true),
            ("linux", "x86_64", true, false),
            ("windows", "amd64", false, false),
            ("linux", "s390x", false, false),
        ] {
            assert_eq!((on(os, architecture, "amd64"), on(os, architecture, "arm64")), (on_amd64, on_arm64));
        }
    }
}
