//! How well an attribution tells what the network used.
