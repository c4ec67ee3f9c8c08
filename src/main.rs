//! The binary `ecs-deploy`.

use std::process::ExitCode;

#[cfg(not(feature = "sim"))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}

/// Only `ecs-deploy sim --listen ADDRESS [--record FILE]` until the verbs are there.
#[cfg(feature = "sim")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after =
        |flag: &str| arguments.iter().position(|known| known == flag).and_then(|at| arguments.get(at + 1)).cloned();
    let address = after("--listen").unwrap_or_else(|| "127.0.0.1:0".into());
    let record = after("--record").map(std::path::PathBuf::from);
    let world =
        ecs_deploy::sim::World::default().clock(ecs_deploy::sim::Clock::Wall(std::time::Duration::from_millis(400)));
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    match runtime.block_on(ecs_deploy::sim::serve(&address, world, record.as_deref())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
