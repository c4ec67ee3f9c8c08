//! The command line: verbs, and every input as a flag.
//!
//! The runner starts the binary without arguments: then nothing here is parsed, and `INPUT_*` says it all.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command as Clap, value_parser};
use serde_json::Value;

use crate::app::policy::Which;
use crate::app::post::LeftOpen;
use crate::inputs::Asked;
use crate::inputs::environment::Environment;
use crate::inputs::runner::Runner;
use crate::model::document;

/// The one page that names and describes the inputs.
const ACTION: &str = include_str!("../action.yml");

/// The name under which the image starts the binary after the job.
const POST: &str = "ecs-deploy-post";

/// The switch of `policy` that is no input.
const TRUST: &str = "trust";

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Deploy or plan, as the inputs say.
    Run(Box<Asked>),
    /// Close what a killed run left open on GitHub.
    Post(Box<LeftOpen>),
    /// Print a policy for the role.
    Policy {
        /// The inputs and the run.
        asked: Box<Asked>,
        /// Which of the two.
        which: Which,
    },
    /// Show a few deploys against the pretend AWS and GitHub.
    Demo,
    /// Serve the pretend AWS and GitHub.
    Sim {
        /// The address to listen on, `HOST:PORT`.
        listen: String,
        /// Where to write every request and answer.
        record: Option<PathBuf>,
    },
    /// Say this and exit: help and version with 0, to stdout; a wrong command line with another code, to stderr.
    Say {
        /// The text, which ends with a line break.
        text: String,
        /// The exit code.
        exit_code: u8,
    },
}

/// Reads the arguments, the program's own name first. Flags win over the variables `INPUT_*`.
pub fn parse(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> Command {
    let mut arguments = arguments.into_iter();
    let name = arguments.next().unwrap_or_default();
    if Path::new(&name).file_name() == Some(OsStr::new(POST)) {
        return Command::Post(Box::new(LeftOpen::from_env(environment)));
    }
    let mut arguments: Vec<OsString> = arguments.collect();
    match arguments.first().and_then(|first| first.to_str()) {
        None if arguments.is_empty() => return Command::Run(asked(environment, BTreeMap::new())),
        // Flags without a verb deploy, but those of the program itself.
        Some(flag) if flag.starts_with('-') && !["-h", "--help", "-V", "--version"].contains(&flag) => {
            arguments.insert(0, OsString::from("deploy"));
        }
        _ => {}
    }
    let whole = [OsString::from("ecs-deploy")].into_iter().chain(arguments);
    match command().try_get_matches_from(whole) {
        Ok(matches) => chosen(&matches, environment),
        Err(error) => {
            let told = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            Command::Say { text: error.render().to_string(), exit_code: if told { 0 } else { 2 } }
        }
    }
}

fn chosen(matches: &ArgMatches, environment: &Environment) -> Command {
    let Some((verb, flags)) = matches.subcommand() else { return Command::Run(asked(environment, BTreeMap::new())) };
    match verb {
        "demo" => Command::Demo,
        "post" => Command::Post(Box::new(LeftOpen::from_env(environment))),
        "sim" => Command::Sim {
            listen: flags.get_one::<String>("listen").cloned().unwrap_or_default(),
            record: flags.get_one::<PathBuf>("record").cloned(),
        },
        "policy" => {
            let which = if flags.get_flag(TRUST) { Which::Trust } else { Which::Permissions };
            Command::Policy { asked: asked(environment, flags_of(flags)), which }
        }
        _ => {
            let mut given = flags_of(flags);
            // `deploy` leaves `mode` to the inputs; the other verbs are a mode.
            if verb != "deploy" {
                given.insert("mode".to_owned(), OsString::from(verb));
            }
            Command::Run(asked(environment, given))
        }
    }
}

/// The inputs among the flags, by their names in lower case.
fn flags_of(matches: &ArgMatches) -> BTreeMap<String, OsString> {
    // A switch of the verb's own is no input, and no text.
    let value = |id: &clap::Id| matches.try_get_one::<OsString>(id.as_str()).ok().flatten().cloned();
    matches.ids().filter_map(|id| Some((id.as_str().to_lowercase(), value(id)?))).collect()
}

fn asked(environment: &Environment, flags: BTreeMap<String, OsString>) -> Box<Asked> {
    let variables = environment.inputs().filter(|(name, _)| !flags.contains_key(name));
    let variables: Vec<(String, OsString)> = variables.map(|(name, value)| (name, OsStr::to_owned(value))).collect();
    Box::new(Asked::new(variables.into_iter().chain(flags), Runner::from_env(environment)))
}

fn command() -> Clap {
    let inputs = inputs();
    // `plan` and `rollback` are modes themselves: a flag that says another would be ignored.
    let fits = |verb: &str, input: &Arg| ["deploy", "policy"].contains(&verb) || input.get_id() != "mode";
    let with = |verb: &'static str, about: &'static str| {
        Clap::new(verb).about(about).args(inputs.iter().filter(|input| fits(verb, input)).cloned())
    };
    Clap::new("ecs-deploy")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Takes a commit to a proven, healthy Amazon ECS service in one step.")
        .subcommand_required(true)
        .subcommand(with("deploy", "Deploy, and follow the deployment to its end (the verb when none is given)"))
        .subcommand(with("plan", "Show what deploy would do, and change nothing"))
        .subcommand(with("rollback", "Go back to the last revision that completed, or to a named one"))
        .subcommand(Clap::new("post").about("Close what a killed run left open on GitHub").hide(true))
        .subcommand(Clap::new("demo").about("Show four deploys against a pretend AWS and GitHub"))
        .subcommand(sim())
        .subcommand(with("policy", "Print the IAM policy that these inputs need, as JSON").arg(trust()))
}

fn trust() -> Arg {
    let help = "Print the role's trust policy instead: which jobs of which repository may have it";
    Arg::new(TRUST).long(TRUST).help(help).action(clap::ArgAction::SetTrue)
}

fn sim() -> Clap {
    let listen = Arg::new("listen").long("listen").value_name("HOST:PORT").default_value("127.0.0.1:4566");
    let record = Arg::new("record").long("record").value_name("FILE").value_parser(value_parser!(PathBuf));
    Clap::new("sim").about("Serve a pretend AWS and GitHub").hide(true).arg(listen).arg(record)
}

/// Every input as a flag that takes a value, as `action.yml` describes it.
fn inputs() -> Vec<Arg> {
    // action.yml is part of the binary, and a test reads it: it always parses.
    let action = document::parse(ACTION).unwrap_or_default();
    let declared = action.get("inputs").and_then(Value::as_object).into_iter().flatten();
    let flag = |(name, input): (&String, &Value)| {
        let help = input.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        Arg::new(name.clone())
            .long(name.clone())
            .help(help)
            .value_name("VALUE")
            .value_parser(value_parser!(OsString))
            .allow_negative_numbers(true)
    };
    declared.map(flag).collect()
}

#[cfg(test)]
mod tests;
