//! The command line: verbs, and every input as a flag.
