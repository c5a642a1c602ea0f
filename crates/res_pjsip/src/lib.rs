//! pjsip.conf objects, transports, shards and endpoint identification.
