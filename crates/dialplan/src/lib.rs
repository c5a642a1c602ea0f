//! extensions.conf: contexts, patterns, hints and the live hint index.
