//! modules.conf, load order, and opening, checking and closing module files.
