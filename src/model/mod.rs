//! The nouns, in ECS's own words: no I/O, no SDK type, no clock.

pub mod alarm;
pub mod code_deploy;
pub mod command;
pub mod document;
pub mod exit_code;
pub mod history;
pub mod image;
pub mod log;
pub mod manifest;
pub mod names;
pub mod normal;
pub mod place;
pub mod reference;
pub mod secret;
pub mod service;
pub mod subnet;
pub mod target_group;
pub mod task;
pub mod task_definition;
pub mod verdict;
mod yaml;
