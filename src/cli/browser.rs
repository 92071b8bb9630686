//! The browser of the person at this machine.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;
use url::Url;

/// The program that opens an address in the person's browser.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Where a browser is kept apart from the files of other programs when it is a snap.
const SNAPS: &str = "/snap/bin";

/// Opens an address, where the person has a screen. Whether a browser comes up is for the person to see: the address is
/// printed in any case.
pub(crate) fn open(url: &str) {
    if !has_screen() {
        return;
    }
    let quiet = || Stdio::null();
    let started = Command::new(OPENER).arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    if let Ok(mut opener) = started {
        // So that it does not stay behind as a process that has ended.
        std::thread::spawn(move || opener.wait());
    }
}

/// A page that leads to an address, which is deleted with this value.
pub(crate) struct RedirectPage {
    _file: NamedTempFile,
}

/// Opens an address that holds a secret, where the person has a screen. Everybody at the machine can list the arguments
/// of programs, so the browser is given the name of a page that leads there, and which only this user can read.
///
/// `url` must have no character with a meaning in HTML.
pub(crate) fn open_secret(url: &str) -> io::Result<Option<RedirectPage>> {
    if !has_screen() {
        return Ok(None);
    }
    // Temporary files are made with mode 0600.
    let mut file = tempfile::Builder::new().prefix("fluent-demo-").suffix(".html").tempfile_in(readable_directory())?;
    let head = format!("<meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0; url={url}\">");
    write!(file, "<!doctype html>{head}<title>Fluent</title><a href=\"{url}\">Fluent</a>")?;
    file.flush()?;
    let page = Url::from_file_path(std::path::absolute(file.path())?);
    open(page.map_err(|()| io::Error::from(io::ErrorKind::InvalidFilename))?.as_str());
    Ok(Some(RedirectPage { _file: file }))
}

/// Returns a directory whose files the browser can read. A snap sees another directory of temporary files, and of the
/// home only what is not hidden.
fn readable_directory() -> PathBuf {
    let home = Path::new(SNAPS).exists().then(|| std::env::var_os("HOME")).flatten();
    home.map(PathBuf::from).filter(|home| home.is_dir()).unwrap_or_else(std::env::temp_dir)
}

fn has_screen() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(is_set)
}
