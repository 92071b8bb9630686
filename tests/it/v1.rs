//! The `fluent.v1` dialect, by frames and by REST: opening, sending, receipts, presence, deletion, replay.

mod account;
mod attachments;
mod block;
mod delete;
mod drain;
mod frames;
mod franking;
mod idempotency;
mod invisible;
mod limits;
mod lists;
mod opening;
mod presence;
mod quota;
mod receipts;
mod recovery;
mod replay;
mod rest;
mod seam;
mod send;
