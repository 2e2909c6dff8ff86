//! The walk that carries relevance from a logit back to the input.
