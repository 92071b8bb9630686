//! Whether the time of a refused login tells if somebody has the name: logins with a wrong password of an account, and
//! with a name that nobody has, in turn.

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::json;

use crate::clock;
use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::requests::Connection;

/// Refused logins, one after the other.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Timing {
    /// Logins of each kind
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    logins: u32,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    #[serde(flatten)]
    timing: Timing,
    /// Medians, in milliseconds.
    unknown_ms: f64,
    wrong_ms: f64,
    /// Their difference as a part of the latter, which is a hash and little else.
    difference: f64,
    /// Whether all answers were the same, byte by byte.
    are_equal: bool,
}

impl Timing {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let target = place.server(1, Dialect::V1).await?;
        let mut connection = Connection::open(target.addr).await?;
        let (mut times, mut bodies) = ([Vec::new(), Vec::new()], Vec::new());
        // The first ones of each find what others then find in memory.
        for number in 0..self.logins + 20 {
            for (kind, name) in ["load-9", "load-1"].iter().enumerate() {
                let request = login(name);
                let start = clock::now();
                let answer = connection.ask(&request).await?;
                ensure!(answer.status == 401, "a wrong login was answered with {}", answer.status);
                bodies.push(answer.body.to_vec());
                if number >= 20 {
                    times[kind].push(clock::now() - start);
                }
            }
        }
        let [unknown_ms, wrong_ms] = times.map(median_ms);
        bodies.dedup();
        let difference = (unknown_ms - wrong_ms) / wrong_ms;
        let are_equal = bodies.len() == 1;
        Ok(Outcome { workload: "timing", timing: self.clone(), unknown_ms, wrong_ms, difference, are_equal })
    }
}

fn login(name: &str) -> Vec<u8> {
    let body = json!({"username": name, "password": "not the password"}).to_string();
    let head = "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[expect(clippy::cast_precision_loss, reason = "times of logins are far below 2^52 ns")]
fn median_ms(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default() as f64 / 1e6
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { timing, unknown_ms, wrong_ms, difference, are_equal, .. } = self;
        write!(f, "timing: medians of {} logins: unknown name {unknown_ms:.3} ms, ", timing.logins)?;
        write!(f, "wrong password {wrong_ms:.3} ms, difference {:+.1} %; ", difference * 100.0)?;
        f.write_str(if *are_equal { "answers are equal" } else { "answers DIFFER" })
    }
}
