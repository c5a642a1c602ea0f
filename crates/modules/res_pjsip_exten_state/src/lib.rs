//! PJSIP Extension State Notifications.
