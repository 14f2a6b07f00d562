//! The bundled suite as tests.
