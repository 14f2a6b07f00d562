//! What a subject is told of the providers that play: where they are, and what they take.

use crate::plan::Plan;
use counterpart_exchange::{IdempotencyKey, ProviderProfile};
use counterpart_stand_in::{Provider, StandIn};
use counterpart_subject::Variables;
use indexmap::IndexMap;

/// Names with their values.
pub(crate) type Words = Vec<(String, String)>;

/// What is told.
pub(crate) struct Known {
    clock_start: String,
    ca_pem: Option<String>,
    /// What stands for the placeholders of the fixtures; of several under one name, that of the first provider.
    placeholders: IndexMap<String, String>,
    /// Of each provider, the one that the scenario is about first.
    pub(crate) of_providers: IndexMap<String, Words>,
}

impl Known {
    /// `reached_at` is how the subject spells a URL of ours.
    pub(crate) fn of(
        plan: &Plan,
        stand_in: &StandIn,
        ca_pem: Option<&str>,
        reached_at: impl Fn(&str) -> String,
    ) -> Self {
        let profiles = std::iter::once(&plan.profile).chain(plan.beside.iter().map(|beside| &beside.profile));
        let of_providers = profiles.zip(stand_in.providers()).map(|(profile, provider)| {
            (profile.provider.clone(), words(profile, provider, reached_at(provider.base_url())))
        });
        let mut placeholders = IndexMap::new();
        for (placeholder, value) in stand_in.stand_in_values() {
            placeholders.entry(placeholder).or_insert_with(|| value.to_owned());
        }
        Self {
            clock_start: stand_in.clock().now().to_string(),
            ca_pem: ca_pem.map(str::to_owned),
            placeholders,
            of_providers: of_providers.collect(),
        }
    }

    /// All of it, under the names of the first provider as they are and under those of each as `base_url:stripe`.
    pub(crate) fn variables(&self, mut variables: Variables) -> Variables {
        variables.set("clock_start", &self.clock_start);
        if let Some(ca_pem) = &self.ca_pem {
            variables.set("ca_pem", ca_pem);
        }
        self.placeholders.iter().for_each(|(name, value)| variables.set(name, value));
        for (provider, words) in &self.of_providers {
            words.iter().for_each(|(name, value)| variables.set(&format!("{name}:{provider}"), value));
        }
        let first = self.of_providers.values().next();
        first.into_iter().flatten().for_each(|(name, value)| variables.set(name, value));
        variables
    }
}

fn words(profile: &ProviderProfile, provider: &Provider, base_url: String) -> Words {
    let credentials = provider.credentials();
    let keys = provider.webhook_keys();
    let account = keys.as_ref().and_then(|keys| keys.account.clone());
    let words = [
        ("provider", Some(profile.provider.clone())),
        ("base_url", Some(base_url)),
        // A provider without tokens still has a subject that wants one.
        ("access_token", Some(credentials.access_token.clone().unwrap_or_else(|| "none".to_owned()))),
        ("refresh_token", credentials.refresh_token.clone()),
        ("username", credentials.name_and_password.as_ref().map(|(name, _)| name.clone())),
        ("password", credentials.name_and_password.as_ref().map(|(_, password)| password.clone())),
        ("webhook_scheme", keys.as_ref().map(|keys| keys.scheme.to_owned())),
        ("webhook_secret", keys.as_ref().map(|keys| keys.secret.clone())),
        ("webhook_account", account),
        ("idempotency_retention", Some(IdempotencyKey::retention(profile.idempotency.as_ref()))),
    ];
    words.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
