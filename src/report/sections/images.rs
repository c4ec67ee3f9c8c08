//! Each container's image, before and after, with the digests that tell whether it really is another.

use crate::model::verdict::Verdict;
use crate::plan::ImageChange;
use crate::report::Report;
use crate::report::markdown::{code, table};

pub fn section(report: &Report) -> Option<String> {
    let images = &report.service_plan()?.images;
    if images.is_empty() || report.ending() == Some(Verdict::Invalid) {
        return None;
    }
    if images.iter().all(is_same) {
        let rows = images.iter().map(|image| [code(&image.container), whole(&image.to, image.to_digest.as_deref())]);
        return Some(table(["Container", "Image"], rows));
    }
    let rows = images.iter().map(|image| row(image, report.began));
    Some(table(["Container", "Image before", report.newer()], rows))
}

fn is_same(image: &ImageChange) -> bool {
    image.from.as_ref() == Some(&image.to) && image.from_digest == image.to_digest
}

/// Where both come from one repository, it is named once, and the tags stand side by side.
fn row(image: &ImageChange, now: Option<i64>) -> [String; 3] {
    let container = code(&image.container);
    let Some(from) = image.from.as_deref() else {
        let new = whole(&image.to, image.to_digest.as_deref());
        return [container, "–".to_owned(), with(new, &measured(image.to_size, None, image.to_pushed, now))];
    };
    let old_measure = measured(image.from_size, None, image.from_pushed, now);
    let measure = measured(image.to_size, image.from_size, image.to_pushed, now);
    if is_same(image) {
        return [container, with(whole(from, image.from_digest.as_deref()), &old_measure), "_same_".to_owned()];
    }
    let ((repository, old), (other, new)) = (parts(from), parts(&image.to));
    let both = [(old, &image.from_digest, old_measure), (new, &image.to_digest, measure)];
    if repository != other {
        let [(_, old_digest, old_measure), (_, digest, measure)] = both;
        let old = with(whole(from, old_digest.as_deref()), &old_measure);
        return [container, old, with(whole(&image.to, digest.as_deref()), &measure)];
    }
    let [old, new] = both.map(|(tag, digest, measure)| {
        let told = tag.map(code).into_iter().chain(digest.as_deref().map(short)).collect::<Vec<_>>();
        with(told.join("<br>"), &measure)
    });
    [format!("{container}<br>{}", code(repository)), old, new]
}

/// The image and the beginning of its digest, unless it is written with it.
fn whole(image: &str, digest: Option<&str>) -> String {
    let (name, written) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    with(code(name), &written.or(digest).map(short).unwrap_or_default())
}

fn short(digest: &str) -> String {
    code(digest.get(..19).unwrap_or(digest))
}

fn with(told: String, more: &str) -> String {
    if more.is_empty() { told } else { format!("{told}<br>{more}") }
}

/// The repository, and the tag or else the digest that is written.
fn parts(image: &str) -> (&str, Option<&str>) {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let tag = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    match (tag, digest) {
        (Some((repository, tag)), _) => (repository, Some(tag)),
        (None, Some(_)) => (name, None),
        (None, None) => (name, Some("latest")),
    }
}

/// Size and age: `28.4 MB (+1.2 MB), pushed 3 minutes ago`.
fn measured(size: Option<u64>, before: Option<u64>, pushed: Option<i64>, now: Option<i64>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "megabytes are told with one digit")]
    let mega = |bytes: u64| bytes as f64 / 1_000_000.0;
    let size = size.map(|size| {
        let more = before.map(|before| mega(size) - mega(before)).filter(|more| more.abs() >= 0.05);
        let more = more.map(|more| format!(" ({more:+.1} MB)")).unwrap_or_default();
        format!("{:.1} MB{more}", mega(size))
    });
    let pushed = pushed.zip(now).map(|(pushed, now)| format!("pushed {}", ago(now.saturating_sub(pushed))));
    size.into_iter().chain(pushed).collect::<Vec<_>>().join(", ")
}

/// An age as people say it.
fn ago(seconds: i64) -> String {
    let (amount, unit) = match seconds {
        ..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{amount} {unit}{} ago", if amount == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_age_are_told_as_people_say_them() {
        let told = |size, before, pushed| measured(size, before, pushed, Some(1_000_000));
        assert_eq!(told(Some(28_400_000), Some(27_200_000), Some(999_800)), "28.4 MB (+1.2 MB), pushed 3 minutes ago");
        assert_eq!(told(Some(28_400_000), Some(28_410_000), Some(1_000_009)), "28.4 MB, pushed just now");
        assert_eq!(told(Some(28_400_000), Some(30_000_000), None), "28.4 MB (-1.6 MB)");
        assert_eq!(told(None, None, Some(1_000_000 - 3_600)), "pushed 1 hour ago");
        assert_eq!(told(None, None, Some(1_000_000 - 259_200)), "pushed 3 days ago");
        assert_eq!(told(None, None, None), "");
    }

    #[test]
    fn an_image_is_its_repository_and_its_tag() {
        assert_eq!(parts("localhost:5000/web:1.4"), ("localhost:5000/web", Some("1.4")));
        assert_eq!(parts("localhost:5000/web"), ("localhost:5000/web", Some("latest")));
        assert_eq!(parts("web:1@sha256:ab"), ("web", Some("1")));
        assert_eq!(parts("web@sha256:ab"), ("web", None));
    }
}
