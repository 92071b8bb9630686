//! Files with keys, which are made once and readable to their owner alone.

use std::io::{self, Write as _};
use std::path::Path;

/// Makes a file of mode 0600 with this content, whole or not at all, also when the process is killed meanwhile. Of
/// several that try, only one succeeds. Returns whether this one did.
pub(crate) fn make(path: &Path, content: &[u8]) -> io::Result<bool> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A random name: in containers, several processes that share a directory may have one id. Its mode is 0600.
    let mut draft = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    // Does not replace what another process has made meanwhile.
    match draft.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(failed) => Err(failed.error),
    }
}

/// Makes a directory that only its owner can read, and those above it. One that exists is left as it is.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
