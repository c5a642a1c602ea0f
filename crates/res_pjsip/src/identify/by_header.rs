//! `match_header` and `match_request_uri`: an endpoint known by what its requests say.

use std::sync::Arc;

use super::{EndpointIdentifier, IdentifyRequest};
use crate::config::{Endpoint, PjsipConfig};

/// The identifier `header`: some `identify` whose `match_header` fits a header of that name.
#[derive(Clone, Copy, Debug)]
pub struct ByHeader;

impl EndpointIdentifier for ByHeader {
    fn name(&self) -> &str {
        "header"
    }

    fn identify(&self, config: &PjsipConfig, request: &IdentifyRequest<'_>) -> Option<Arc<Endpoint>> {
        config.index.by_header.iter().find_map(|(wanted, endpoint)| {
            let mut found = false;
            (request.headers)(&wanted.name, &mut |value| {
                found = wanted.value.matches(value);
                found
            });
            found.then(|| endpoint.clone())
        })
    }
}

/// The identifier `request_uri`: some `identify` whose `match_request_uri` fits.
#[derive(Clone, Copy, Debug)]
pub struct ByRequestUri;

impl EndpointIdentifier for ByRequestUri {
    fn name(&self) -> &str {
        "request_uri"
    }

    fn identify(&self, config: &PjsipConfig, request: &IdentifyRequest<'_>) -> Option<Arc<Endpoint>> {
        let mut all = config.index.by_request_uri.iter();
        let (_, endpoint) = all.find(|(pattern, _)| pattern.matches(request.request_uri))?;
        Some(endpoint.clone())
    }
}
