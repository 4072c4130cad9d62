//! Tests of the adversaries.
