//! What is told once, however often it is met.

/// Whether something was told already.
#[derive(Debug, Default)]
pub(super) struct Once(bool);

impl Once {
    /// Whether it was not told yet; from now on it was.
    pub(super) fn is_first(&mut self) -> bool {
        !std::mem::replace(&mut self.0, true)
    }
}
