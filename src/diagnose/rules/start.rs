//! Containers whose program cannot be started.

use super::{Cause, Scene, Sign, quoted};
use crate::error::Code;

/// 127 is what a shell says when it does not find a command.
pub fn not_found<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let absent = ["executable file not found", "no such file or directory"];
    let named =
        sign.says_any(&["cannotstartcontainer", "failed to create task", "oci runtime"]) && sign.says_any(&absent);
    let by_code = sign.ended_by_itself() && scene.culprit(sign).is_some_and(|(_, code)| code == 127);
    (named || by_code).then(|| {
        let (container, program) = (started(sign, scene), program(sign));
        let cause = Cause::certain(
            Code::CommandNotFound,
            format!("cannot start: {program} of {container} is not in {}.", image_of(sign, scene)),
            format!("Correct {} of {container}, or add the program to the image.", settings(sign, scene)),
        )
        .for_ever();
        if named { cause } else { cause.likely() }
    })
}

/// 126 is what a shell says when it may not execute a command.
pub fn not_executable<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let named = sign.says_any(&["cannotstartcontainer", "failed to create task", "oci runtime"])
        && sign.says("permission denied");
    let by_code = sign.ended_by_itself() && scene.culprit(sign).is_some_and(|(_, code)| code == 126);
    (named || by_code).then(|| {
        let (container, program) = (started(sign, scene), program(sign));
        let cause = Cause::certain(
            Code::CommandNotExecutable,
            format!("cannot start: {program} of {container} may not be executed."),
            format!(
                "Make it executable in {} (`RUN chmod +x …`), for the user that the container runs as.",
                image_of(sign, scene)
            ),
        )
        .for_ever();
        if named { cause } else { cause.likely() }
    })
}

fn started(sign: &Sign<'_>, scene: &Scene<'_>) -> String {
    let culprit = scene.culprit(sign).map(|(name, _)| name.to_owned());
    culprit
        .or_else(|| scene.starting(sign))
        .map_or_else(|| "the container".to_owned(), |name| format!("container {}", quoted(&name)))
}

fn image_of(sign: &Sign<'_>, scene: &Scene<'_>) -> String {
    scene.image_in_words(sign)
}

/// The program that the runtime's sentence names.
fn program(sign: &Sign<'_>) -> String {
    let named = sign.after("exec: \"", &['"', '\\']).or_else(|| sign.after("exec: \\\"", &['"', '\\']));
    let named = named.or_else(|| sign.after("stat ", &[':', ' ']));
    named.map_or_else(|| "the program".to_owned(), |program| format!("the program {}", quoted(program)))
}

/// Where the program is set: in the task definition, or only in the image.
fn settings(sign: &Sign<'_>, scene: &Scene<'_>) -> String {
    let name = scene.culprit(sign).map(|(name, _)| name.to_owned()).or_else(|| scene.starting(sign));
    let container = name.and_then(|name| scene.container(&name));
    let set = |field: &str| {
        let words = container?.get(field)?.as_array()?.iter().filter_map(|word| word.as_str());
        let words = words.collect::<Vec<_>>().join(" ");
        (!words.is_empty()).then(|| format!("`{field}` (now {})", quoted(&words)))
    };
    let set: Vec<String> = ["entryPoint", "command"].into_iter().filter_map(set).collect();
    if set.is_empty() { "`command` or `entryPoint`".to_owned() } else { set.join(" and ") }
}
