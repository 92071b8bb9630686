//! `admin top`: the running server again and again.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

use fluent_backend::Config;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::glance::{ACTORS, OVERVIEW, actors_text, overview_text};
use super::remote::RemoteArgs;

/// To the upper left corner (ECMA-48, CUP).
const HOME: &str = "\x1b[H";
/// Clears to the end of the line (EL).
const CLEAR_LINE: &str = "\x1b[K";
/// Cuts lines that are too long, instead of going on below (DECAWM).
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";
/// Clears to the end of the screen (ED).
const CLEAR_BELOW: &str = "\x1b[J";
/// Bold and red, for what is wrong (SGR).
const ALARM: &str = "\x1b[1;31m";
/// Yellow, for what is worth a look.
const WARNING: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Seconds between two looks.
    #[arg(long, default_value_t = 1, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// End after so many looks.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// How a look is written.
#[derive(Clone, Copy)]
enum Form {
    /// One object a line.
    Json,
    /// Text, one look below the other: for files and pipes.
    Lines,
    /// One look in the place of the last, perhaps in colours.
    Screen {
        has_colours: bool,
        /// The rows of the window, where they are known.
        rows: Option<usize>,
    },
}

impl Form {
    fn of(is_json: bool) -> Self {
        if is_json {
            return Self::Json;
        }
        if !stdout().is_terminal() || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb") {
            return Self::Lines;
        }
        // https://no-color.org: when it is there and not empty.
        Self::Screen { has_colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()), rows: None }
    }

    /// Returns the form for the terminal as it is now: its window may have changed.
    fn fitted(self) -> Self {
        match self {
            #[cfg(unix)]
            Self::Screen { has_colours, .. } => {
                let rows = rustix::termios::tcgetwinsize(stdout()).ok().map(|size| usize::from(size.ws_row));
                Self::Screen { has_colours, rows: rows.filter(|rows| *rows > 0) }
            }
            as_it_is => as_it_is,
        }
    }

    fn write(self, overview: &Value, actors: &Value) -> String {
        match self {
            Self::Json => format!("{}\n", json!({"overview": overview, "actors": actors})),
            Self::Lines => format!("{}\n{}\n", overview_text(overview), actors_text(actors)),
            Self::Screen { has_colours, rows } => {
                let text = format!("{}\n{}\nCtrl-C ends", overview_text(overview), actors_text(actors));
                let shown = text.lines().take(rows.unwrap_or(usize::MAX)).map(|line| coloured(line, has_colours));
                let lines = shown.collect::<Vec<_>>().join(&format!("{CLEAR_LINE}\n"));
                format!("{NO_WRAP}{HOME}{lines}{CLEAR_LINE}{CLEAR_BELOW}{WRAP}")
            }
        }
    }
}

/// Follows the server until Ctrl-C, until nobody reads any more, or until it is gone.
pub(super) async fn run(
    config: &Config,
    remote: RemoteArgs,
    arguments: Arguments,
    is_json: bool,
) -> Result<Shown, Failure> {
    let mut api = Api::running(config, remote).await?;
    let form = Form::of(is_json);
    let following = async {
        let mut ticks = interval(Duration::from_secs(arguments.every));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut left = arguments.count;
        while left != Some(0) {
            ticks.tick().await;
            let (overview, actors) = (api.get(OVERVIEW).await?, api.get(ACTORS).await?);
            if !print(&form.fitted().write(&overview, &actors)) {
                break;
            }
            left = left.map(|left| left - 1);
        }
        Ok(())
    };
    tokio::select! {
        ended = following => ended?,
        _ = tokio::signal::ctrl_c() => {}
    }
    if matches!(form, Form::Screen { .. }) {
        print("\n");
    }
    api.close().await?;
    // Everything is printed.
    Ok(Shown { json: Value::Null, text: String::new() })
}

/// Prints; returns whether somebody still reads.
fn print(text: &str) -> bool {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Returns a line that stands out when something in it is wrong.
fn coloured(line: &str, has_colours: bool) -> String {
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    let colour = match words.as_slice() {
        _ if !has_colours => return line.to_owned(),
        ["problem", ..] | ["state", "not"] | [_, "stuck" | "restarting" | "failed"] => ALARM,
        ["warning", ..] => WARNING,
        _ => return line.to_owned(),
    };
    format!("{colour}{line}{PLAIN}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_out_where_there_are_colours() {
        for (line, begin) in [
            ("state       not ready", ALARM),
            ("  problem   disk: full", ALARM),
            ("registry  stuck  0", ALARM),
            ("  warning   push: late", WARNING),
            ("state       ready", "state"),
            ("registry  running  0", "registry"),
        ] {
            let shown = coloured(line, true);
            assert!(shown.starts_with(begin) && shown.ends_with(PLAIN) == begin.starts_with('\x1b'), "{shown:?}");
            assert_eq!(coloured(line, false), line);
        }
    }

    #[test]
    fn a_screen_is_written_over_the_last_one_and_a_pipe_gets_plain_lines() {
        let (overview, actors) = (json!({"ready": true}), json!({"root": {"kind": "root"}}));
        let screen = Form::Screen { has_colours: false, rows: None }.write(&overview, &actors);
        assert!(screen.contains(HOME) && screen.contains(CLEAR_BELOW) && !screen.contains("\x1b[1"), "{screen:?}");
        let low = Form::Screen { has_colours: false, rows: Some(4) }.write(&overview, &actors);
        assert_eq!(low.lines().count(), 4, "a low window does not scroll: {low:?}");
        assert!(screen.lines().all(|line| line.contains(CLEAR_LINE)), "nothing of the last one is left: {screen:?}");
        let lines = Form::Lines.write(&overview, &actors);
        assert!(lines.contains("state       ready\n") && !lines.contains('\x1b'), "{lines:?}");
        let line = Form::Json.write(&overview, &actors);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), json!({"overview": overview, "actors": actors}));
        assert_eq!(line.matches('\n').count(), 1);
    }
}
