//! What a container's exit code says. Codes above 128 are 128 and the signal that ended it, as a shell counts.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>

/// What the code says, in words that follow "exit code 137".
///
/// `out_of_memory`: whether ECS itself gave lack of memory as the reason; the code alone cannot tell.
pub fn meaning(code: i64, out_of_memory: bool) -> String {
    let known = match code {
        0 => "it finished without an error",
        1 => "the application failed",
        2 => "the application failed, often over its arguments",
        125 => "the container runtime could not run it",
        126 => "its program may not be executed",
        127 => "its program was not found",
        134 => "SIGABRT: it aborted itself",
        137 if out_of_memory => "SIGKILL: it used more memory than it may",
        137 => "SIGKILL: it was killed from outside, for lack of memory or because it did not stop in time",
        139 => "SIGSEGV: it touched memory that is not its own",
        143 => "SIGTERM: it was asked to stop",
        255 => "it failed, or its program is for another platform",
        129..=192 => return format!("it was ended by signal {}", code - 128),
        _ => "the application failed with a code of its own",
    };
    known.to_owned()
}

/// Whether a sentence of ECS's gives lack of memory as the reason.
pub fn is_out_of_memory(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["outofmemory", "out of memory", "memory usage"].iter().any(|part| reason.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_told_in_words() {
        let codes = [0, 1, 2, 3, 125, 126, 127, 134, 137, 139, 141, 143, 255];
        let told: Vec<String> = codes.iter().map(|code| format!("{code}: {}", meaning(*code, false))).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        0: it finished without an error
        1: the application failed
        2: the application failed, often over its arguments
        3: the application failed with a code of its own
        125: the container runtime could not run it
        126: its program may not be executed
        127: its program was not found
        134: SIGABRT: it aborted itself
        137: SIGKILL: it was killed from outside, for lack of memory or because it did not stop in time
        139: SIGSEGV: it touched memory that is not its own
        141: it was ended by signal 13
        143: SIGTERM: it was asked to stop
        255: it failed, or its program is for another platform
        ");
        assert_eq!(meaning(137, true), "SIGKILL: it used more memory than it may");
        assert!(is_out_of_memory("OutOfMemoryError: Container killed due to memory usage"));
        assert!(is_out_of_memory("container killed due to high memory usage"));
        assert!(!is_out_of_memory("Essential container in task exited"));
    }
}
