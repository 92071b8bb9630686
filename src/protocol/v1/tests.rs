//! Tests of all frames, and of the examples in the documentation.

mod asyncapi;
mod client_frames;
mod encode;
mod mutations;
mod server_frames;
mod strict;
mod written;
