//! The binary `ecs-deploy`: hands arguments and environment to the library, returns its exit code.

use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::process::{self, ExitCode};

use ecs_deploy::inputs::environment::Environment;

fn main() -> ExitCode {
    panic::set_hook(Box::new(end_with_a_bug));
    let environment: Environment = std::env::vars_os().collect();
    ecs_deploy::app::main(std::env::args_os(), &environment)
}

/// A bug ends the process with 1, the exit code that is kept for bugs; the abort of a panic would end it with 134. What
/// the panic says may hold text from outside, even a secret: only its place is told.
fn end_with_a_bug(bug: &PanicHookInfo<'_>) {
    let place = bug.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    // Nobody may be reading any more; the exit code says it too.
    let _ = writeln!(
        io::stderr(),
        "This is a bug in ecs-deploy-action{place}: please report it. A deployment that was begun goes on in ECS."
    );
    process::exit(1);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const BUGGY: &str = "ECS_DEPLOY_TEST_BUGGY";

    #[test]
    fn a_bug_exits_with_one_and_tells_its_place_and_no_more() {
        if std::env::var_os(BUGGY).is_some() {
            panic::set_hook(Box::new(end_with_a_bug));
            panic!("hunter2");
        }
        let this = std::env::current_exe().unwrap();
        let name = "tests::a_bug_exits_with_one_and_tells_its_place_and_no_more";
        let ended =
            process::Command::new(this).args(["--exact", name, "--nocapture"]).env(BUGGY, "1").output().unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{told}");
        assert!(told.contains("a bug in ecs-deploy-action at src/main.rs:") && !told.contains("hunter2"), "{told}");
    }
}
