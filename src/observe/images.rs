//! Which digest each image is now.
