//! Which rule explains which layer.
