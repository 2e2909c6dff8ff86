//! The table of relevance rules.
