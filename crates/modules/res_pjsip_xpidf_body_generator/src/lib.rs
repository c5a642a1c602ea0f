//! PJSIP Extension State PIDF Provider.
