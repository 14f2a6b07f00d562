//! What the vendors of the schemes do when a delivery is not accepted, where a profile says nothing else.
//!
//! After each vendor's own documentation, which the comments name. Where a vendor tells only how often and for how
//! long it tries, the waits between are ours: doubled from attempt to attempt.

use counterpart_exchange::{AcceptedAnswers, WebhookRetry};
use counterpart_signatures::Scheme;

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 3_600;

/// The retries of a scheme's vendor.
pub(crate) fn retry_of(scheme: Scheme) -> WebhookRetry {
    let with = |waits_s: Vec<u64>, timeout_s: u64| WebhookRetry {
        waits_s,
        timeout_s,
        accepted: AcceptedAnswers::Any2xx,
        final_statuses: Vec::new(),
    };
    match scheme {
        // Adyen docs, "Troubleshoot webhooks", retry attempts: three at once, then a queue with growing waits.
        Scheme::Adyen => with(
            [
                vec![0, 0, 2 * MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 15 * MINUTE_S, 30 * MINUTE_S],
                vec![HOUR_S, 2 * HOUR_S, 4 * HOUR_S],
                vec![8 * HOUR_S; 21],
            ]
            .concat(),
            10,
        ),
        // Amazon SNS developer guide, "Message delivery retries", default policy for HTTP/S: three with 20 s between.
        // A 4xx other than 429 is permanent.
        Scheme::AmazonSns => WebhookRetry {
            final_statuses: (400..429).chain(430..500).collect(),
            ..with(vec![20, 20, 20], 15)
        },
        // GitHub docs, "Handling failed webhook deliveries": no automatic redelivery; 10 s to answer.
        Scheme::Github | Scheme::GithubSha1 => with(Vec::new(), 10),
        // HubSpot docs, "Webhooks API", retries: up to ten times, spread over 24 hours; 5 s to answer.
        Scheme::Hubspot => with(doubled(MINUTE_S, 10, 10 * HOUR_S), 5),
        // Matrix application service API, "Pushing events": the same transaction again, with growing waits.
        Scheme::MatrixApplicationService => with(doubled(1, 20, HOUR_S), 60),
        // Paddle developer docs, "Handle webhook delivery": 60 attempts within three days; 5 s to answer.
        Scheme::Paddle => with(doubled(MINUTE_S, 60, 85 * MINUTE_S), 5),
        // Twilio SendGrid docs, "Event Webhook", retries: for 24 hours.
        Scheme::Sendgrid => with(doubled(MINUTE_S, 15, 3 * HOUR_S), 10),
        // Shopify docs, "HTTPS webhooks", retry mechanism: eight times within four hours; 5 s to answer.
        Scheme::Shopify => with(doubled(MINUTE_S, 8, 2 * HOUR_S), 5),
        // Slack docs, "Events API", error handling: nearly at once, after one minute, after five; 3 s to answer.
        Scheme::Slack => with(vec![0, MINUTE_S, 5 * MINUTE_S], 3),
        // Square docs, "Webhooks overview", retry schedule: eleven times within 24 hours; 10 s to answer.
        Scheme::Square => with(doubled(MINUTE_S, 11, 8 * HOUR_S), 10),
        // Standard Webhooks 1.0.0, "Deliverability and reliability", example schedule; 15 to 30 s to answer.
        Scheme::StandardWebhooks => with(
            vec![
                5,
                5 * MINUTE_S,
                30 * MINUTE_S,
                2 * HOUR_S,
                5 * HOUR_S,
                10 * HOUR_S,
                14 * HOUR_S,
                20 * HOUR_S,
                24 * HOUR_S,
            ],
            20,
        ),
        // Stripe docs, "Receive Stripe events in your webhook endpoint", retries: for up to three days.
        Scheme::Stripe => with(doubled(5 * MINUTE_S, 12, 12 * HOUR_S), 20),
        // Twilio docs, "Webhooks (HTTP callbacks): connection overrides": one more attempt after a failure to
        // connect; 15 s to answer. Whatever is answered counts as an answer.
        Scheme::Twilio => WebhookRetry { accepted: AcceptedAnswers::AnyAnswer, ..with(vec![0], 15) },
    }
}

fn doubled(first_s: u64, count: u32, most_s: u64) -> Vec<u64> {
    (0..count).map(|number| first_s.saturating_mul(2_u64.saturating_pow(number)).min(most_s)).collect()
}

/// Whether an answer counts as accepted.
pub(crate) fn accepts(retry: &WebhookRetry, status: u16) -> bool {
    match retry.accepted {
        AcceptedAnswers::Any2xx => (200..300).contains(&status),
        AcceptedAnswers::Only200 => status == 200,
        AcceptedAnswers::AnyAnswer => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::Webhooks;

    #[test]
    fn every_vendor_gives_up_some_day() {
        for scheme in Scheme::ALL {
            let retry = retry_of(scheme);
            let days = retry.waits_s.iter().sum::<u64>() / (24 * HOUR_S);
            assert!(days <= 7 && retry.waits_s.len() <= Webhooks::MAX_RETRIES, "{scheme}: {days} days");
            assert!(accepts(&retry, 200), "{scheme}");
        }
    }
}
