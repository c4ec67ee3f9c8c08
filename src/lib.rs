//! ecs-deploy-action: from a commit to a proven, healthy Amazon ECS service in one step.
//!
//! The rooms, in reading order; data only moves right:
//!
//! ```text
//!    inputs ──► observe ──► plan ──► checks ──► apply ──► diagnose ──► report
//!    asked      true now    decided  allowed?   done      why not      told
//!    (pure)     (reads)     (pure)   (reads)    (writes)  (reads)      (pure)
//!
//!    policy  (pure)                       what the role must be allowed, for what is asked
//!    doors:  aws   github   http          the only places that speak to the outside
//!    nouns:  model                        image, task definition, revision, service, deployment
//!    error:  error                        every failure a user can meet, on one page
//!    stage:  sim                          a pretend AWS and GitHub, for the demo and the tests
//! ```
//!
//! [`app`] tells the whole story on one page. Invariants, each checked by `tests/house.rs`: SDK types never leave
//! [`aws`]; the pure rooms contain no `async`, no environment, files, network or clock; only [`apply`] calls an
//! operation that changes something; the environment is read once, in `main.rs`.

pub mod app;
pub mod cli;
pub mod error;

pub mod model;

pub mod checks;
pub mod inputs;
pub mod observe;
pub mod plan;
pub mod policy;

pub mod apply;
pub mod diagnose;
pub mod report;

pub mod aws;
pub mod github;
pub mod http;

#[cfg(feature = "sim")]
pub mod sim;
