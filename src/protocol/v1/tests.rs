//! What holds for any frame, and what the documentation shows.

mod asyncapi;
mod client_frames;
mod encode;
mod mutations;
mod server_frames;
mod strict;
mod written;
