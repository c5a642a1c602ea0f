//! The language of Asterisk's .conf files, with positions for errors.
