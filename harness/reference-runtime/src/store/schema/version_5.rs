//! Version 5: what became of a write is remembered as unknown, how long a provider knows it again, and which documents
//! were handed over.

/// What is added to version 4.
pub(super) const CHANGES: &str = "
-- How long the provider knows a write again by its idempotency key, in seconds; NULL for ever.
ALTER TABLE connections ADD COLUMN idempotency_s {int} DEFAULT 86400;
-- When it was first sent without anybody knowing what became of it; NULL where that is known.
ALTER TABLE documents ADD COLUMN doubt_us {int};
-- By which a document that is handed over again is known; NULL where it may be written as often as it comes.
ALTER TABLE documents ADD COLUMN once_key TEXT;
CREATE UNIQUE INDEX documents_once ON documents (once_key) WHERE once_key IS NOT NULL;
";
