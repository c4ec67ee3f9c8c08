//! The real program against the pretend AWS and GitHub, over HTTP. One file a room, one story a test.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test speaks by failing")]

mod harness;
mod runner;

mod cancel;
mod checks_around;
mod checks_images;
mod checks_refs;
mod checks_service;
mod codedeploy;
mod concurrent;
mod credentials;
mod definition;
mod deploy;
mod evidence;
mod github_deployment;
mod in_use;
mod inputs;
mod meanwhile;
mod official_credentials;
mod official_deploy;
mod official_render;
mod plan;
mod plan_speed;
mod policy;
mod post;
mod readme;
mod speed;
mod strategies;
mod telling;
mod undo;
