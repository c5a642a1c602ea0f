//! PJSIP Extension State Dialog Info+XML Provider.
