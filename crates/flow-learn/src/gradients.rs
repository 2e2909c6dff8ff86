//! Attributions by gradients, beside the relevance rules.
