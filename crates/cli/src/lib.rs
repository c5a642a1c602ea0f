//! Command registry, completion, control socket and remote console.
