//! Endpoints known by a name: of From, of Authorization, or `anonymous`.
//!
//! A name is looked up as `user@domain`, then with the real domain of a `domain_alias`, then with
//! the transport's `domain`, then alone. `disable_multi_domain=yes` leaves the last. With
//! `ignore_uri_user_options=yes` the user ends at its first `;`.

use std::sync::Arc;

use sip::digest::Credentials;

use super::{EndpointIdentifier, IdentifyRequest};
use crate::config::{Endpoint, IdentifyMethod, PjsipConfig};

/// The identifier `username`: the endpoint named as the user of From.
#[derive(Clone, Copy, Debug)]
pub struct ByUsername;

impl EndpointIdentifier for ByUsername {
    fn name(&self) -> &str {
        "username"
    }

    fn identify(&self, config: &PjsipConfig, request: &IdentifyRequest<'_>) -> Option<Arc<Endpoint>> {
        if !request.from_scheme_is_sip {
            return None;
        }
        let user = user_of(config, request.from_user);
        let endpoint = find(config, user, request.from_domain, request.transport_domain)?;
        endpoint.identify_by.contains(IdentifyMethod::Username).then(|| endpoint.clone())
    }
}

/// The identifier `auth_username`: the endpoint named as the user of a digest Authorization, with
/// its realm for a domain.
#[derive(Clone, Copy, Debug)]
pub struct ByAuthUsername;

impl EndpointIdentifier for ByAuthUsername {
    fn name(&self) -> &str {
        "auth_username"
    }

    fn identify(&self, config: &PjsipConfig, request: &IdentifyRequest<'_>) -> Option<Arc<Endpoint>> {
        let mut found = None;
        (request.headers)("Authorization", &mut |value| {
            found = Credentials::parse(value.as_bytes()).ok().and_then(|credentials| {
                let user = user_of(config, &credentials.username);
                let endpoint = find(config, user, &credentials.realm, request.transport_domain)?;
                let listed = endpoint.identify_by.contains(IdentifyMethod::AuthUsername);
                listed.then(|| endpoint.clone())
            });
            found.is_some()
        });
        found
    }
}

/// The identifier `anonymous`: the endpoint `anonymous`, or `anonymous@` and the domain of From.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

impl EndpointIdentifier for Anonymous {
    fn name(&self) -> &str {
        "anonymous"
    }

    fn identify(&self, config: &PjsipConfig, request: &IdentifyRequest<'_>) -> Option<Arc<Endpoint>> {
        find(config, "anonymous", request.from_domain, request.transport_domain).cloned()
    }
}

/// The user to look up for `user` as it stands in the message.
pub(crate) fn user_of<'a>(config: &PjsipConfig, user: &'a str) -> &'a str {
    match user.split_once(';') {
        Some((user, _)) if config.global.ignore_uri_user_options => user,
        _ => user,
    }
}

fn find<'a>(
    config: &'a PjsipConfig,
    user: &str,
    domain: &str,
    transport_domain: &str,
) -> Option<&'a Arc<Endpoint>> {
    let names = &config.index.names;
    let multi_domain = !config.global.disable_multi_domain;
    let in_domain = || {
        names
            .in_domain(user, domain)
            .or_else(|| names.in_domain(user, names.real_domain(domain)?))
            .or_else(|| names.in_domain(user, transport_domain))
    };
    multi_domain.then(in_domain).flatten().or_else(|| names.alone(user))
}
