//! The binary `ecs-deploy`: hands arguments and environment to the library, returns its exit code.

use std::process::ExitCode;

use ecs_deploy::inputs::environment::Environment;

fn main() -> ExitCode {
    let environment: Environment = std::env::vars_os().collect();
    ecs_deploy::app::main(std::env::args_os().skip(1), &environment)
}
