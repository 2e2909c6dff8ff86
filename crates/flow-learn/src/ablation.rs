//! What happens to a class when a modality is taken away.
