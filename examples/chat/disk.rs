//! Files that survive a crash and that nobody else can read.

use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes a directory, and those above it.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Puts `content` in the place of the file: after a crash there is either the old or the new one, whole.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    // What a crash has left may be readable by others.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    sync_directory_of(path)
}

/// The file's content; nothing when there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file name for any text: all but the plainest characters are percent-encoded. User names differ in more than case.
pub(crate) fn file_name(text: &str) -> String {
    let mut name = String::new();
    for byte in text.to_lowercase().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'@' | b'-' | b'_' | b'+' => name.push(char::from(byte)),
            b'.' if !name.is_empty() => name.push('.'),
            // Writing to a string cannot fail.
            _ => drop(write!(name, "%{byte:02X}")),
        }
    }
    name
}

/// A rename is on disk when its directory is.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/state.json");
        create_directory(path.parent().unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, b"first, and long").unwrap();
        // What a crash has left.
        std::fs::write(path.with_extension("new"), "garbage, longer than what follows").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(b"second".as_slice()));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn no_name_leaves_the_directory() {
        assert_eq!(file_name("../b/c@d.e"), "%2E.%2Fb%2Fc@d.e");
        assert_eq!(file_name("%2E"), "%252e");
        assert_eq!(file_name("ü@x"), "%C3%BC@x");
        assert_eq!(file_name("127.0.0.1:8000"), "127.0.0.1%3A8000");
    }
}
