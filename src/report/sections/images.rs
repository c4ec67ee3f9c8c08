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
    let same = |image: &ImageChange| image.from.as_ref() == Some(&image.to) && image.from_digest == image.to_digest;
    if images.iter().all(same) {
        let rows = images.iter().map(|image| [code(&image.container), shown(&image.to, image.to_digest.as_deref())]);
        return Some(table(["Container", "Image"], rows));
    }
    let rows = images.iter().map(|image| {
        let old =
            image.from.as_deref().map_or_else(|| "–".to_owned(), |from| shown(from, image.from_digest.as_deref()));
        let new = if same(image) { "_same_".to_owned() } else { shown(&image.to, image.to_digest.as_deref()) };
        [code(&image.container), old, new]
    });
    Some(table(["Container", "Image before", report.newer()], rows))
}

/// The image and the beginning of its digest, unless it is written with it.
fn shown(image: &str, digest: Option<&str>) -> String {
    let (name, written) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let short = written.or(digest).map(|digest| format!("<br>{}", code(digest.get(..19).unwrap_or(digest))));
    format!("{}{}", code(name), short.unwrap_or_default())
}
