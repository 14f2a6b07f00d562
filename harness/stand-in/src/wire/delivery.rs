//! Webhooks on their way out: which provider sends what, where to, and the fault that strikes it.

use super::{Provider, Shared};
use crate::webhooks::{DeliveryError, DeliveryReport, GivenWebhook, Message, Order, Sender, check_url};
use counterpart_exchange::suggest;
use std::sync::Arc;

impl Shared {
    /// Delivers a recorded webhook, and waits until what goes out at once has had its first answers.
    pub(crate) async fn deliver(
        self: &Arc<Self>,
        provider: &str,
        exchange: &str,
        to: &str,
    ) -> Result<DeliveryReport, DeliveryError> {
        let (index, sender) = self.sending(provider)?;
        let message = sender.message(exchange).map_err(DeliveryError::Unknown)?;
        self.send((index, sender), message, to).await
    }

    /// Delivers a webhook that no fixture holds.
    pub(crate) async fn deliver_given(
        self: &Arc<Self>,
        provider: &str,
        webhook: GivenWebhook,
        to: &str,
    ) -> Result<DeliveryReport, DeliveryError> {
        let (index, sender) = self.sending(provider)?;
        let message = sender.given(webhook);
        self.send((index, sender), message, to).await
    }

    fn sending(&self, name: &str) -> Result<(usize, &Arc<Sender>), DeliveryError> {
        let names = || self.providers.iter().map(Provider::name);
        let Some(index) = names().position(|known| known == name) else {
            let hint = suggest(name, names()).map_or_else(
                || names().collect::<Vec<_>>().join(", "),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(DeliveryError::Unknown(format!("no provider `{name}` is played; {hint}")));
        };
        let sender = self.providers[index].sender.as_ref().ok_or_else(|| {
            DeliveryError::Unknown(format!(
                "the profile of {name} says nothing of `webhooks`; write there how they are signed"
            ))
        })?;
        Ok((index, sender))
    }

    async fn send(
        self: &Arc<Self>,
        (index, sender): (usize, &Arc<Sender>),
        message: Message,
        to: &str,
    ) -> Result<DeliveryReport, DeliveryError> {
        check_url(to).map_err(DeliveryError::Url)?;
        let (shipment, struck) = sender.shipment(message, &mut self.providers[index].play());
        let fault = struck.as_ref().map(|struck| struck.name);
        let shared = Arc::downgrade(self);
        let hide = move |text: &str| {
            shared.upgrade().map_or_else(String::new, |shared| shared.providers[index].play().hide(text))
        };
        let order =
            Order { sender: Arc::clone(sender), to: to.to_owned(), shipment, struck, hide: Arc::new(hide) };
        let telling = self.engine.deliver(order)?;
        // It is silent only when the stand-in ends.
        Ok(DeliveryReport { first_attempts: telling.await.unwrap_or_default(), fault })
    }
}
