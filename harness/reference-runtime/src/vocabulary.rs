//! The fixed words in which the runtime speaks of what happened: in the database, over HTTP and in the log alike.

/// Declares an enum whose variants each have one fixed word.
macro_rules! words {
    ($(#[$attribute:meta])* $name:ident { $($(#[$told:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$told])* $variant),+ }

        impl $name {
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// What a call to the provider is for.
    Operation { ResolveAlias = "resolve_alias", Messages = "messages", Refresh = "refresh", Deliver = "deliver", Confirm = "confirm", Apply = "apply" }
}

words! {
    /// How a call to the provider ended, as the audit trail tells it.
    AuditOutcome {
        Ok = "ok",
        Refused = "refused",
        RateLimited = "rate_limited",
        ServerError = "server_error",
        TimedOut = "timed_out",
        ConnectionFailed = "connection_failed",
        InvalidBody = "invalid_body",
        CertificateRejected = "certificate_rejected",
        /// The worker was lost: it may have happened.
        Unknown = "unknown",
    }
}

words! {
    /// Why a record or a run is held: kept and listed for a person, never dropped.
    HoldReason {
        InvalidRecord = "invalid_record",
        RetriesExhausted = "retries_exhausted",
        CredentialRejected = "credential_rejected",
        CertificateRejected = "certificate_rejected",
        PermissionDenied = "permission_denied",
        NotFound = "not_found",
        Refused = "refused",
        /// Whether a write was done is not known, and it can no longer be repeated without doing it twice.
        OutcomeUnknown = "outcome_unknown",
        UnknownEvent = "unknown_event",
        Poisoned = "poisoned",
    }
}

words! {
    /// What a person is called for.
    AlertKind {
        RepeatedFailures = "repeated_failures",
        RunHeld = "run_held",
        RecordHeld = "record_held",
        CredentialRejected = "credential_rejected",
        CertificateRejected = "certificate_rejected",
        PermissionDenied = "permission_denied",
        NotFound = "not_found",
        OutcomeUnknown = "outcome_unknown",
        WrongTenant = "wrong_tenant",
        UnknownEvent = "unknown_event",
        EventConflict = "event_conflict",
        Poisoned = "poisoned",
        DeadlineMissed = "deadline_missed",
        ConnectionHalted = "connection_halted",
        InboundFlood = "inbound_flood",
    }
}

words! {
    /// What became of a webhook, as the audit trail tells it.
    HookOutcome {
        Ok = "ok",
        Unverified = "unverified",
        Stale = "stale",
        TooLarge = "too_large",
        InvalidBody = "invalid_body",
        OtherTenant = "other_tenant",
    }
}

impl HoldReason {
    /// The one alert that a hold for this reason raises: the most telling, and never two for one cause.
    pub(crate) fn alert(self) -> AlertKind {
        match self {
            Self::InvalidRecord => AlertKind::RecordHeld,
            Self::RetriesExhausted | Self::Refused => AlertKind::RunHeld,
            Self::CredentialRejected => AlertKind::CredentialRejected,
            Self::CertificateRejected => AlertKind::CertificateRejected,
            Self::PermissionDenied => AlertKind::PermissionDenied,
            Self::NotFound => AlertKind::NotFound,
            Self::OutcomeUnknown => AlertKind::OutcomeUnknown,
            Self::UnknownEvent => AlertKind::UnknownEvent,
            Self::Poisoned => AlertKind::Poisoned,
        }
    }
}
