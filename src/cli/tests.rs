#![expect(clippy::unwrap_used, clippy::panic, reason = "a test speaks by failing")]

use crate::error::Code;
use crate::inputs;
use crate::inputs::raw::RawInputs;

use super::*;

fn parsed(line: &str, variables: &[(&str, &str)]) -> Command {
    let environment = variables.iter().copied().collect();
    let name = "/ecs-deploy".to_owned();
    parse([name].into_iter().chain(shell_words::split(line).unwrap()).map(OsString::from), &environment)
}

fn asked(line: &str, variables: &[(&str, &str)]) -> Box<Asked> {
    match parsed(line, variables) {
        Command::Run(asked) => asked,
        other => panic!("{line}: {other:?}"),
    }
}

fn said(line: &str) -> (String, u8) {
    match parsed(line, &[]) {
        Command::Say { text, exit_code } => (text, exit_code),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn without_arguments_the_variables_say_it_all() {
    let variables = [("INPUT_SERVICE", "web"), ("INPUT_CLUSTER", ""), ("GITHUB_SHA", "abc")];
    let asked = asked("", &variables);
    assert_eq!(asked.raw, RawInputs { service: Some("web".to_owned()), ..RawInputs::default() });
    assert_eq!(asked.runner.sha.as_deref(), Some("abc"));
}

#[test]
fn a_flag_wins_over_its_variable() {
    for line in ["--service api", "deploy --service api", "deploy --service=api"] {
        let asked = asked(line, &[("INPUT_SERVICE", "web"), ("INPUT_CLUSTER", "prod")]);
        let expected =
            RawInputs { service: Some("api".to_owned()), cluster: Some("prod".to_owned()), ..RawInputs::default() };
        assert_eq!(asked.raw, expected, "{line}");
    }
}

#[test]
fn every_input_is_a_flag() {
    for verb in ["deploy", "plan", "rollback", "policy"] {
        let command = command();
        let flags =
            command.find_subcommand(verb).unwrap().get_arguments().map(|flag| flag.get_long().unwrap().to_lowercase());
        let has_mode = ["deploy", "policy"].contains(&verb);
        let expected = RawInputs::names().filter(|name| has_mode || name != "mode");
        assert_eq!(flags.filter(|flag| flag != TRUST).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
    let given = asked("--run-task-assign-public-IP ENABLED --desired-count -1", &[]).raw;
    assert_eq!(
        (given.run_task_assign_public_ip.as_deref(), given.desired_count.as_deref()),
        (Some("ENABLED"), Some("-1"))
    );
}

#[test]
fn the_verbs_plan_and_rollback_are_modes() {
    assert_eq!(asked("plan --service web", &[("INPUT_MODE", "deploy")]).raw.mode.as_deref(), Some("plan"));
    assert_eq!(asked("deploy", &[("INPUT_MODE", "plan")]).raw.mode.as_deref(), Some("plan"));
    assert_eq!(asked("deploy --mode plan", &[]).raw.mode.as_deref(), Some("plan"));
    let rollback = asked("rollback --aws-region eu-central-1", &[]);
    let mistakes = inputs::parse(&rollback).unwrap_err();
    assert_eq!(mistakes.first().unwrap().code, Code::InputMissing, "the service");
}

#[test]
fn the_verb_policy_takes_the_same_inputs_and_says_which_policy() {
    for (line, expected) in
        [("policy --service web", Which::Permissions), ("policy --trust --service web", Which::Trust)]
    {
        let Command::Policy { asked, which } = parsed(line, &[("INPUT_MODE", "plan")]) else { panic!("{line}") };
        assert_eq!(which, expected);
        assert_eq!((asked.raw.service.as_deref(), asked.raw.mode.as_deref()), (Some("web"), Some("plan")));
    }
}

#[test]
fn help_shows_what_action_yml_says() {
    let (text, exit_code) = said("help deploy");
    assert_eq!(exit_code, 0);
    for part in ["--wait-for-minutes <VALUE>", "Longest wait, 1 to 360 minutes. Default 30.", "--container-name"] {
        assert!(text.contains(part), "{text}");
    }
    let (text, exit_code) = said("--help");
    assert_eq!(exit_code, 0);
    insta::assert_snapshot!(text, @"
    Takes a commit to a proven, healthy Amazon ECS service in one step.

    Usage: ecs-deploy <COMMAND>

    Commands:
      deploy    Deploy, and follow the deployment to its end (the verb when none is given)
      plan      Show what deploy would do, and change nothing
      rollback  Go back to the last revision that completed, or to a named one
      demo      Show four deploys against a pretend AWS and GitHub
      policy    Print the IAM policy that these inputs need, as JSON
      help      Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version
    ");
    assert_eq!(said("--version"), (format!("ecs-deploy {}\n", env!("CARGO_PKG_VERSION")), 0));
}

#[test]
fn a_wrong_command_line_exits_with_2_and_a_hint() {
    for (line, hint) in [
        ("deploy --servce web", "--service"),
        ("depoly", "deploy"),
        ("deploy --service", "--service"),
        ("plan --mode deploy", "--mode"),
        ("deploy --service a --service b", "--service"),
        ("policy --trsut", "--trust"),
    ] {
        let (text, exit_code) = said(line);
        assert_eq!(exit_code, 2, "{line}");
        assert!(text.contains(hint) && text.ends_with('\n'), "{line}: {text}");
    }
}

#[test]
fn the_stage_has_its_verbs() {
    assert!(matches!(parsed("demo", &[]), Command::Demo));
    let Command::Sim { listen, record } = parsed("sim --listen 127.0.0.1:0 --record calls.jsonl", &[]) else {
        panic!()
    };
    assert_eq!((listen.as_str(), record), ("127.0.0.1:0", Some(PathBuf::from("calls.jsonl"))));
}

#[test]
fn the_name_after_the_job_closes_what_is_open_whatever_the_arguments() {
    let environment = Environment::default();
    for name in ["/ecs-deploy-post", "ecs-deploy-post"] {
        let asked = parse([name, "--service", "web"].map(OsString::from), &environment);
        assert!(matches!(asked, Command::Post(_)), "{name}");
    }
    assert!(matches!(parsed("post", &[]), Command::Post(_)));
    assert!(!said("--help").0.contains("post"), "a verb of the runner's is no verb of a user's");
}
