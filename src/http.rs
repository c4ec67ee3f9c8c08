//! Door: plain requests (GitHub's OIDC token), and the one HTTP client that the GitHub door shares.

/// The HTTP client, made on first use: reading the system's CA roots takes milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Http {}
