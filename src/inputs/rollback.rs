//! `mode: rollback`: which inputs go with it. It goes to a revision as it was registered, so nothing about it is edited.

use super::given::{Given, Remarks, given};
use super::raw::RawInputs;

pub(super) fn check(raw: &RawInputs, remarks: &mut Remarks) {
    if !given!(raw.mode).text().is_some_and(|mode| mode.eq_ignore_ascii_case("rollback")) {
        return;
    }
    if given!(raw.service).text().is_none() {
        remarks.missing(given!(raw.service), "`mode: rollback` goes back in a service");
    }
    let named = given!(raw.task_definition_family).text();
    let numbered =
        named.is_some_and(|family| family.contains(':')) || given!(raw.task_definition_revision).text().is_some();
    if named.is_some() && !numbered && given!(raw.task_definition_arn).text().is_none() {
        let because = "`mode: rollback` needs the number beside `task-definition-family`: the newest revision is seldom the one to go back to";
        remarks.missing(given!(raw.task_definition_revision), because);
    }
    let edits: &[Given<'_>] = &[
        given!(raw.task_definition),
        given!(raw.container_name),
        given!(raw.image),
        given!(raw.images),
        given!(raw.environment_variables),
        given!(raw.secrets),
        given!(raw.env_files),
        given!(raw.docker_labels),
        given!(raw.log_configuration_log_driver),
        given!(raw.log_configuration_options),
        given!(raw.command),
        given!(raw.task_role_arn),
        given!(raw.execution_role_arn),
        given!(raw.patch),
        given!(raw.tags),
    ];
    let edits = edits.iter().copied().filter(|input| input.text().is_some());
    let pin = given!(raw.pin_image_digest);
    let pin = Some(pin).filter(|pin| pin.text().is_some_and(|text| text.eq_ignore_ascii_case("true")));
    let edited: Vec<String> = edits.chain(pin).map(|input| format!("`{}`", input.name())).collect();
    if !edited.is_empty() {
        remarks.conflict(
            format!("{} cannot be given with `mode: rollback`.", edited.join(", ")),
            "A rollback deploys a revision as it was registered, and registers nothing.",
            "Remove them; name another revision than the last one by `task-definition-arn`.",
        );
    }
}
