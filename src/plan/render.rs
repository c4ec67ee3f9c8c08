//! The rendered task definition: the base, the edits, nothing lost.
