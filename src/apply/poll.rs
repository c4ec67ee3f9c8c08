//! The one poll loop.
