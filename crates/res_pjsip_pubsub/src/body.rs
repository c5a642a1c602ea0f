//! Making bodies: once for all watchers whose bodies are equal.
//!
//! A generator says which inputs its body depends on beside the data. Watchers of one resource stand
//! together in the queue, so remembering the last body is enough to make equal ones once.

use std::sync::Arc;

use module_api::{Body, BodyContext, BodyGenerator, Fail, Inputs, Payload};

use res_pjsip::config::Endpoint;

use crate::registry::Registry;
use crate::subscription::Subscription;

/// Largest body that is sent: what fits into a UDP datagram beside the headers.
const MAX_BODY: usize = 60_000;

/// Makes the bodies of a shard.
#[derive(Default)]
pub(crate) struct Bodies {
    scratch: Body,
    text: Vec<u8>,
    last: Option<Last>,
}

/// The inputs that `Bodies::text` was made from.
struct Last {
    payload: Arc<Payload>,
    media_type: Arc<str>,
    inputs: Inputs,
    local: Box<str>,
    remote: Box<str>,
    user_agent: Arc<str>,
    version: u32,
    endpoint: Arc<Endpoint>,
}

/// Why there is no body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoBody {
    /// No loaded module makes this media type.
    NoGenerator,
    /// The generator or a supplement failed.
    Failed(Fail),
    /// It made too many bytes.
    TooLong(usize),
}

impl Bodies {
    /// The body for a subscription in the state `payload`.
    pub(crate) fn make(
        &mut self,
        registry: &Registry,
        subscription: &Subscription,
        payload: &Arc<Payload>,
    ) -> Result<&[u8], NoBody> {
        if self.last.as_ref().is_some_and(|last| last.serves(subscription, payload)) {
            return Ok(&self.text);
        }
        self.last = None;
        let (media_type, kind) = (&*subscription.media_type, payload.kind.as_str());
        let generator = registry.generator(media_type, kind).ok_or(NoBody::NoGenerator)?;
        let inputs = self.generate(registry, generator, subscription, payload)?;
        if self.text.len() > MAX_BODY {
            return Err(NoBody::TooLong(self.text.len()));
        }
        if !inputs.contains(Inputs::UNIQUE) {
            self.last = Some(Last {
                payload: payload.clone(),
                media_type: subscription.media_type.clone(),
                inputs,
                local: subscription.texts.local().into(),
                remote: subscription.texts.remote().into(),
                user_agent: subscription.user_agent.clone(),
                version: subscription.version,
                endpoint: subscription.endpoint.clone(),
            });
        }
        Ok(&self.text)
    }

    /// Forgets the last body: the modules have changed.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    fn generate(
        &mut self,
        registry: &Registry,
        generator: &Arc<dyn BodyGenerator>,
        subscription: &Subscription,
        payload: &Payload,
    ) -> Result<Inputs, NoBody> {
        let texts = &subscription.texts;
        let context = BodyContext {
            data: payload,
            resource: texts.resource().into(),
            local: texts.local().into(),
            remote: texts.remote().into(),
            domain: texts.domain().into(),
            user_agent: (&*subscription.user_agent).into(),
            endpoint: (&*subscription.endpoint.id).into(),
            version: subscription.version,
            early_inuse_ringing: subscription.endpoint.notify_early_inuse_ringing,
        };
        self.scratch.clear();
        let mut inputs = generator.inputs();
        generator.generate(&context, &mut self.scratch).map_err(NoBody::Failed)?;
        for supplement in registry.supplements(generator.media_type(), generator.data_kind()) {
            inputs = inputs | supplement.inputs();
            // A generator that made bytes instead of a document has nothing to add to.
            let Some(document) = self.scratch.as_document() else { break };
            supplement.supplement(&context, document).map_err(NoBody::Failed)?;
        }
        self.text.clear();
        self.scratch.finish(&mut self.text);
        Ok(inputs)
    }
}

impl Last {
    fn serves(&self, subscription: &Subscription, payload: &Arc<Payload>) -> bool {
        let needs = |input| self.inputs.contains(input);
        Arc::ptr_eq(&self.payload, payload)
            && self.media_type == subscription.media_type
            && (!needs(Inputs::LOCAL) || *self.local == *subscription.texts.local())
            && (!needs(Inputs::REMOTE) || *self.remote == *subscription.texts.remote())
            && (!needs(Inputs::USER_AGENT) || self.user_agent == subscription.user_agent)
            && (!needs(Inputs::VERSION) || self.version == subscription.version)
            && (!needs(Inputs::SUBSCRIBER) || Arc::ptr_eq(&self.endpoint, &subscription.endpoint))
    }
}
