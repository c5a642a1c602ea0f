//! The stable ABI of Starling's modules and the SDK to write one.
