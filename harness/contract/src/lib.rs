//! Contracts: inferred from fixtures as OpenAPI 3.1, and checked against them.
