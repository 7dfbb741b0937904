//! What is found in folders of check configurations.
