//! logger.conf: writes what happens in Asterisk's log formats.
