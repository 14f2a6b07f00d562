//! The server that plays the provider from its fixtures, faults included.
