//! From the rendered definition to the list of steps.
