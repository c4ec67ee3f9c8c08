//! The service and its deployments before the first write.
