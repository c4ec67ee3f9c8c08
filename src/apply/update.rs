//! Updates the service, once.
