//! Checksums of what is uploaded.

use aws_lc_rs::digest::{self, Context, Digest};
use futures_util::TryStreamExt as _;

use super::Pieces;

/// An algorithm for the checksum of a part of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumKind {
    /// SHA-256.
    Sha256,
    /// SHA-1, which finds accidents only: every tus server must offer it.
    Sha1,
}

impl ChecksumKind {
    /// All of them, the best first.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha1];

    /// Returns the name in `Upload-Checksum`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha1 => "sha1",
        }
    }

    /// Returns the algorithm of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    const fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        }
    }
}

/// The checksum that a part must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// How it is computed.
    pub kind: ChecksumKind,
    /// What it is.
    pub expected: Vec<u8>,
}

/// Computes the checksum of a part while it comes.
pub(crate) struct Checking {
    context: Context,
    expected: Vec<u8>,
}

impl Checksum {
    pub(crate) fn begin(self) -> Checking {
        Checking { context: Context::new(self.kind.algorithm()), expected: self.expected }
    }
}

impl Checking {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// Returns whether the part is what it must be.
    pub(crate) fn matches(self) -> bool {
        let found: Digest = self.context.finish();
        found.as_ref() == self.expected.as_slice()
    }
}

/// Returns the SHA-256 of a whole file.
pub async fn digest_of(mut pieces: Pieces) -> std::io::Result<[u8; 32]> {
    let mut context = Context::new(&digest::SHA256);
    while let Some(piece) = pieces.try_next().await? {
        context.update(&piece);
        // Pieces that are in memory come without a wait.
        tokio::task::yield_now().await;
    }
    Ok(digest_bytes(context))
}

/// Ends the computation of a SHA-256.
pub(super) fn digest_bytes(context: Context) -> [u8; 32] {
    let mut found = [0; 32];
    found.copy_from_slice(context.finish().as_ref());
    found
}
