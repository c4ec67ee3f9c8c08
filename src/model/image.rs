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

/// A repository of a private ECR registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository<'a> {
    /// The registry's account.
    pub account: &'a str,
    /// The registry's region.
    pub region: &'a str,
    /// The repository's name.
    pub name: &'a str,
}

/// An image as its registry keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredImage {
    /// `sha256:…`.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its compressed size in bytes; of an index, that of its largest image.
    pub size: Option<u64>,
    /// When it was pushed, in seconds since 1970.
    pub pushed: Option<i64>,
}

/// The longest image ECS takes, not counting a digest.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
const MAX_LENGTH: usize = 255;

/// The domains of ECR's private registries, by partition; `on.…` are the dual-stack ones.
const ECR_DOMAINS: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "on.aws",
    "on.amazonwebservices.com.cn",
];

impl ImageRef {
    /// Reads an image reference.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if let Some(scheme) = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme)) {
            return Err(format!("it begins with `{scheme}`; an image has no scheme"));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "./:@_-".contains(c);
        if let Some(odd) = text.chars().find(|c| !fits(*c)) {
            let placeholder = if "<>${}%".contains(odd) { " (a placeholder that was not replaced?)" } else { "" };
            return Err(format!("it contains {odd:?}{placeholder}"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(valid_digest(digest)?)),
            None => (text, None),
        };
        if rest.len() > MAX_LENGTH {
            return Err(format!("it has {} characters; ECS takes {MAX_LENGTH}, not counting a digest", rest.len()));
        }
        let (name, tag) = match rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
            Some((name, tag)) => (name, Some(valid_tag(tag)?)),
            None => (rest, None),
        };
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => ("docker.io", name),
        };
        check_repository(path)?;
        // A bare name at Docker Hub is one of its official images.
        let is_official = host == "docker.io" && !path.contains('/');
        let repository = if is_official { format!("library/{path}") } else { path.to_owned() };
        Ok(Self { registry: registry(host)?, repository, tag, digest, text: text.to_owned() })
    }

    /// The repository of an image in a private ECR registry.
    pub fn in_ecr(&self) -> Option<Repository<'_>> {
        match &self.registry {
            Registry::Ecr { account, region } => Some(Repository { account, region, name: &self.repository }),
            Registry::EcrPublic | Registry::Other(_) => None,
        }
    }

    /// The same image, by digest alone: `repository@sha256:…`.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        let mut name = self.text.split('@').next().unwrap_or_default();
        if let Some(tag) = &self.tag {
            name = name.strip_suffix(tag.as_str()).and_then(|name| name.strip_suffix(':')).unwrap_or(name);
        }
        Self { tag: None, digest: Some(digest.to_owned()), text: format!("{name}@{digest}"), ..self.clone() }
    }
}

/// <https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests>; ECS takes sha256 alone.
fn valid_digest(digest: &str) -> Result<String, String> {
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        Ok(digest.to_owned())
    } else {
        Err(format!("its digest `{digest}` is not `sha256:` and 64 lower-case hexadecimal digits"))
    }
}

fn valid_tag(tag: &str) -> Result<String, String> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let fits = tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-');
    if fits {
        return Ok(tag.to_owned());
    }
    Err(match tag {
        "" => "its tag is empty: nothing follows the `:`".to_owned(),
        _ => format!("its tag `{tag}` is not 1 to 128 letters, digits, `_`, `.` or `-`"),
    })
}

/// Parts of lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn check_repository(repository: &str) -> Result<(), String> {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    for part in repository.split('/') {
        let ends = part.starts_with(alphanumeric) && part.ends_with(alphanumeric);
        let joints = part.split(alphanumeric).filter(|joint| !joint.is_empty());
        if ends && joints.into_iter().all(|joint| matches!(joint, "." | "_" | "__") || joint.bytes().all(|b| b == b'-'))
        {
            continue;
        }
        return Err(if part.bytes().any(|b| b.is_ascii_uppercase()) {
            format!("its repository `{repository}` has capital letters; repository names are lower case")
        } else if repository.is_empty() {
            "it names no repository".to_owned()
        } else if part.is_empty() {
            format!("its repository `{repository}` has an empty part")
        } else {
            format!("`{part}` is not a repository's name")
        });
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html>
fn registry(host: &str) -> Result<Registry, String> {
    if host == "public.ecr.aws" {
        return Ok(Registry::EcrPublic);
    }
    if let Some(ecr) = ecr(host) {
        return Ok(ecr);
    }
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    if name.is_empty() || !name.bytes().all(fits) || port.parse::<u16>().is_err() {
        return Err(format!("`{host}` is not a registry's host name"));
    }
    Ok(Registry::Other(host.to_owned()))
}

fn ecr(host: &str) -> Option<Registry> {
    let (account, rest) = host.split_once('.')?;
    let rest = ["dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."]
        .into_iter()
        .find_map(|prefix| rest.strip_prefix(prefix))?;
    let (region, domain) = rest.split_once('.')?;
    let is_ecr = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && ECR_DOMAINS.contains(&domain);
    is_ecr.then(|| Registry::Ecr { account: account.to_owned(), region: region.to_owned() })
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn parts(text: &str) -> String {
        let image = ImageRef::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(image.to_string(), text, "what the user wrote stays");
        let registry = match &image.registry {
            Registry::Ecr { account, region } => format!("ecr {account} {region}"),
            Registry::EcrPublic => "ecr-public".to_owned(),
            Registry::Other(host) => host.clone(),
        };
        let tag = image.tag.unwrap_or_else(|| "-".to_owned());
        format!("{registry} | {} | {tag} | {}", image.repository, image.digest.map_or("-", |_| "digest"))
    }

    #[test]
    fn an_image_is_read_in_its_parts() {
        for (text, expected) in [
            ("nginx", "docker.io | library/nginx | - | -"),
            ("nginx:1.27", "docker.io | library/nginx | 1.27 | -"),
            ("acme/web:v1", "docker.io | acme/web | v1 | -"),
            ("localhost/web", "localhost | web | - | -"),
            ("localhost:5000/team/web:v1", "localhost:5000 | team/web | v1 | -"),
            ("registry.example.com:5000/web", "registry.example.com:5000 | web | - | -"),
            ("ghcr.io/acme/web:sha-0a1b", "ghcr.io | acme/web | sha-0a1b | -"),
            ("public.ecr.aws/docker/library/busybox:1.36", "ecr-public | docker/library/busybox | 1.36 | -"),
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v1", "ecr 123456789012 eu-central-1 | web | v1 | -"),
            (
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a/b_c",
                "ecr 123456789012 us-gov-west-1 | a/b_c | - | -",
            ),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web", "ecr 123456789012 cn-north-1 | web | - | -"),
            ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/web", "ecr 123456789012 eusc-de-east-1 | web | - | -"),
            ("123456789012.dkr-ecr.eu-west-1.on.aws/web:v1", "ecr 123456789012 eu-west-1 | web | v1 | -"),
            ("12345.dkr.ecr.eu-west-1.amazonaws.com/web", "12345.dkr.ecr.eu-west-1.amazonaws.com | web | - | -"),
            (
                "123456789012.dkr.ecr.eu-west-1.example.com/web",
                "123456789012.dkr.ecr.eu-west-1.example.com | web | - | -",
            ),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
        assert_eq!(parts(&format!("nginx:1.27@{DIGEST}")), "docker.io | library/nginx | 1.27 | digest");
    }

    #[test]
    fn what_is_no_image_says_why() {
        let long = format!("acme/{}", "a".repeat(251));
        let tag = format!("web:{}", "a".repeat(129));
        insta::assert_snapshot!(
            [
                "", "web:", "web: v1", "web:v1 ", "https://ghcr.io/acme/web", "Acme/web", "acme//web", "acme/web/", "web@sha256:12",
                "web@latest", "<IMAGE1_NAME>", "${IMAGE}", "-web", "web__x___y", "host:port/web", "web:tag:other", "a\u{200b}b",
                "ghcr.io/:v1", &long, &tag,
            ]
            .map(|text| ImageRef::parse(text).unwrap_err())
            .join("\n"),
            @r"
            it is empty
            its tag is empty: nothing follows the `:`
            it contains ' '
            it contains ' '
            it begins with `https://`; an image has no scheme
            its repository `Acme/web` has capital letters; repository names are lower case
            its repository `acme//web` has an empty part
            its repository `acme/web/` has an empty part
            its digest `sha256:12` is not `sha256:` and 64 lower-case hexadecimal digits
            its digest `latest` is not `sha256:` and 64 lower-case hexadecimal digits
            it contains '<' (a placeholder that was not replaced?)
            it contains '$' (a placeholder that was not replaced?)
            `-web` is not a repository's name
            `web__x___y` is not a repository's name
            `host:port` is not a registry's host name
            `web:tag` is not a repository's name
            it contains '\u{200b}'
            it names no repository
            it has 256 characters; ECS takes 255, not counting a digest
            its tag `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is not 1 to 128 letters, digits, `_`, `.` or `-`
            "
        );
    }

    #[test]
    fn a_pinned_image_carries_its_digest_alone() {
        for (text, pinned) in [
            ("nginx", "nginx"),
            ("nginx:1.27", "nginx"),
            ("localhost:5000/web", "localhost:5000/web"),
            ("localhost:5000/web:v1", "localhost:5000/web"),
            ("v1/v1:v1", "v1/v1"),
        ] {
            let image = ImageRef::parse(text).unwrap();
            let expected = format!("{pinned}@{DIGEST}");
            assert_eq!(image.pinned(DIGEST), ImageRef::parse(&expected).unwrap(), "{text}");
            assert_eq!(image.pinned(DIGEST).pinned(DIGEST).to_string(), expected);
        }
    }
}
