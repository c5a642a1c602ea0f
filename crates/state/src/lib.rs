//! Device states and presence states, their sources, leases and aggregation.
