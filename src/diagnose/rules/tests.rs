use super::*;

fn stop(code: &str, reason: &str, containers: &[(&str, Option<i64>, Option<&str>)]) -> StoppedGroup {
    StoppedGroup {
        count: 3,
        newest_task: "0a1b".to_owned(),
        stop_code: Some(code.to_owned()),
        reason: reason.to_owned(),
        containers: containers
            .iter()
            .map(|(name, code, reason)| ((*name).to_owned(), *code, reason.map(str::to_owned)))
            .collect(),
    }
}

fn exited(containers: &[(&str, Option<i64>, Option<&str>)]) -> StoppedGroup {
    stop("EssentialContainerExited", "Essential container in task exited", containers)
}

#[test]
fn an_early_exit_with_an_error_repeats_itself_and_a_killed_task_may_not() {
    let ended = |code| fails_for_ever(&exited(&[("web", Some(code), None)]));
    for code in [1, 2, 3, 125, 134, 139, 255] {
        assert_eq!(ended(code), Some(Code::ApplicationCrashed), "{code}");
    }
    assert_eq!(ended(126), Some(Code::CommandNotExecutable));
    assert_eq!(ended(127), Some(Code::CommandNotFound));
    for code in [0, 137, 143] {
        assert_eq!(ended(code), None, "{code}");
    }
    let scaled_in = stop(
        "ServiceSchedulerInitiated",
        "Scaling activity initiated by (deployment ecs-svc/2)",
        &[("web", Some(1), None)],
    );
    assert_eq!(fails_for_ever(&scaled_in), None);
}
