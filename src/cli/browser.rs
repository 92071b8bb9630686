//! The browser of the person at this machine.

use std::process::{Command, Stdio};

/// The program that opens an address in the person's browser.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens an address, where the person has a screen. Whether a browser comes up is for the person to see: the address is
/// printed in any case.
pub(crate) fn open(url: &str) {
    let has_screen = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if !has_screen {
        return;
    }
    let quiet = || Stdio::null();
    let started = Command::new(OPENER).arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    if let Ok(mut opener) = started {
        // So that it does not stay behind as a process that has ended.
        std::thread::spawn(move || opener.wait());
    }
}
