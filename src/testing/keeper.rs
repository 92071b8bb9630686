//! A shell that keeps a server for a test or a measurement: it passes on signals, and when its input ends, because the
//! value is dropped or the process with it has ended in whatever way, it ends the server and removes its directory.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

const SCRIPT: &str = r#"
exec 3<&0 </dev/null
dir=$1 last=$2; shift 2
"$@" >>"$dir/log" 2>&1 3<&- &
server=$!
{
    while read -r signal <&3; do kill -s "$signal" "$server"; done
    : >"$dir/over"
    kill -s "$last" "$server"
} 2>/dev/null &
reader=$!
wait "$server"
kill "$reader" 2>/dev/null
[ ! -e "$dir/over" ] || rm -rf -- "$dir"
"#;
/// The shell that runs it.
pub(super) const SHELL: &str = "/bin/sh";

/// The shell, and its input.
pub(super) struct Keeper {
    shell: Child,
    /// `None` once it is over.
    input: Option<ChildStdin>,
}

impl Keeper {
    /// Starts a program in a `shell` of the user it is to run as. Its output goes to the file `log` in `dir`, which is
    /// removed after the program has been ended by the signal `last`.
    pub(super) fn start(
        mut shell: Command,
        dir: &Path,
        last: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> io::Result<Self> {
        shell.args(["-c", SCRIPT, "keeper"]).arg(dir).arg(last).arg(program).args(arguments);
        // A process group of its own: a terminal's signal to the tests must not end the keeper before it has cleaned
        // up.
        shell.process_group(0);
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let input = shell.stdin.take();
        Ok(Self { shell, input })
    }

    /// Returns whether the program has ended.
    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.shell.try_wait()?.is_some())
    }

    /// Sends a signal, such as `STOP`; it may take a moment to arrive.
    pub(super) fn signal(&mut self, signal: &str) -> io::Result<()> {
        match &mut self.input {
            Some(input) => writeln!(input, "{signal}"),
            None => Ok(()),
        }
    }

    /// Ends the program by a signal, and waits until it is gone. Its directory stays.
    pub(super) fn end(mut self, signal: &str) -> io::Result<()> {
        self.signal(signal)?;
        self.shell.wait().map(drop)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.shell.wait();
    }
}
