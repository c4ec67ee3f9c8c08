//! STS: from a GitHub OIDC token, keys or a role to credentials that refresh themselves.
