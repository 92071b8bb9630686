//! Files with keys, which are made once and readable to their owner alone.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Makes a file of mode 0600 with this content, whole or not at all, also when the process is killed meanwhile. Of two
/// processes that try, only one succeeds. Returns whether this one did.
pub(super) fn make(path: &Path, content: &[u8]) -> io::Result<bool> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(content).and_then(|()| file.sync_all())?;
    // Unlike a rename, a link does not replace what another process has made meanwhile.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a directory that only its owner can read, and those above it. One that exists is left as it is.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
