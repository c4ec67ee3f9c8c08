//! ECR: which digest a tag points to now.

use super::Aws;
use super::call::CallError;
use crate::model::image::ImageRef;

/// What ECR says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageLookup {
    /// It is there, with this digest.
    Found {
        /// `sha256:…`, of the index where there is one.
        digest: String,
    },
    /// It is not there; ECR's words.
    Missing(String),
}

impl Aws {
    /// Looks up private ECR images of one repository in their own account and region; answers stand in `images`' order.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn batch_get_image(&self, images: &[&ImageRef]) -> Result<Vec<ImageLookup>, CallError> {
        let _ = images;
        todo!()
    }
}
