//! The bundled scenarios are files beside this crate; its tests play them.
