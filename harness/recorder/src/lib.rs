//! Live traffic becomes a fixture: a streaming reverse proxy that redacts before it writes.
