//! Registers the rendered task definition.
