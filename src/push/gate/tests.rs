use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn verdict(outcome: PushOutcome, effect: Effect) -> Verdict {
    Verdict::of(400, outcome, effect).because("Reason")
}

fn accepted() -> Verdict {
    Verdict::of(200, PushOutcome::Accepted, Effect::Works)
}

struct Line {
    gate: Gate,
    pace: Pace,
}

impl Line {
    fn new() -> Self {
        Self { gate: Gate::default(), pace: Pace::default() }
    }

    fn admit(&mut self, seconds: i64) -> Admission {
        self.gate.admit(&mut self.pace, at(seconds))
    }

    fn note(&mut self, verdict: &Verdict, target: u8, seconds: i64) -> Noted {
        self.gate.note(verdict, [target; 32], at(seconds))
    }
}

#[test]
fn a_provider_that_refuses_us_gets_one_request_every_ten_minutes() {
    let mut line = Line::new();
    assert_eq!(line.admit(0), Admission::Go);
    let noted = line.note(&verdict(PushOutcome::Config, Effect::Stop), 1, 0);
    assert_eq!(noted, Noted { for_all: true, news: Some(News::Stopped), is_fused: false });
    assert_eq!(line.admit(599), Admission::Wait { until: at(600), why: Hold::Stopped });
    assert_eq!(line.gate.trouble(at(1)).as_deref(), Some("Reason"));
    assert_eq!(line.admit(600), Admission::Go);
    assert_eq!(line.admit(600), Admission::Wait { until: at(1200), why: Hold::Stopped });
    assert_eq!(line.note(&accepted(), 1, 601).news, Some(News::Mended));
    assert_eq!(line.admit(601), Admission::Go);
    line.note(&verdict(PushOutcome::Config, Effect::Stop), 1, 602);
    line.gate.reset();
    assert_eq!(line.admit(602), Admission::Go, "an operator has mended the settings");
}

#[test]
fn refused_targets_stop_a_provider_only_when_none_was_ever_accepted() {
    let refused = verdict(PushOutcome::Config, Effect::Refuses);
    let mut line = Line::new();
    for target in 0..9 {
        assert!(!line.note(&refused, target, 0).for_all && !line.note(&refused, target, 0).for_all);
    }
    assert!(line.gate.trouble(at(0)).unwrap().contains("targets refused: 9"));
    assert!(line.note(&refused, 9, 0).for_all);
    let mut line = Line::new();
    line.note(&accepted(), 0, 0);
    assert!((0..100).all(|target| !line.note(&refused, target, 0).for_all), "whoever registers many stops nobody");
}

#[test]
fn a_provider_that_judges_a_token_has_taken_ours() {
    let mut line = Line::new();
    line.note(&verdict(PushOutcome::Config, Effect::Stop), 1, 0);
    line.note(&verdict(PushOutcome::Dead, Effect::Works), 1, 600);
    assert_eq!(line.admit(600), Admission::Go);
}

#[test]
fn a_pause_holds_for_an_hour_at_most() {
    let mut line = Line::new();
    line.note(&Verdict::pause(429, Duration::from_hours(24)), 1, 0);
    assert_eq!(line.admit(0), Admission::Wait { until: at(3600), why: Hold::Rate });
    assert_eq!(line.gate.state(at(0)), ProviderState::Open);
    assert_eq!(line.admit(3600), Admission::Go);
}

#[test]
fn a_blown_fuse_keeps_tokens_and_requests_go_on() {
    let mut line = Line::new();
    let dead = verdict(PushOutcome::Dead, Effect::Works);
    let fused: Vec<bool> = (0..12).map(|target| line.note(&dead, target, 0).is_fused).collect();
    assert_eq!(fused.iter().filter(|fused| **fused).count(), 3);
    assert_eq!((line.gate.state(at(0)), line.admit(0)), (ProviderState::Fused, Admission::Go));
}

/// The second at which somebody may be let through, as far as is known now.
fn next(line: &mut Line, seconds: i64) -> i64 {
    match line.admit(seconds) {
        Admission::Wait { until, .. } => until.as_secs() + 1,
        Admission::Go => seconds,
    }
}

proptest! {
    /// However the answers come, each wait ends within an hour, and a wait that is over lets somebody through.
    #[test]
    fn a_gate_never_closes_for_good(steps in prop::collection::vec((0_u8..7, 0_i64..2000, any::<u8>()), 1..300)) {
        let (mut line, mut now) = (Line::new(), 0);
        for (step, moved, target) in steps {
            now += moved;
            let dead = verdict(PushOutcome::Dead, Effect::Works);
            match step {
                0 => drop(line.note(&accepted(), target, now)),
                1 => drop(line.note(&Verdict::unanswered("timed out"), target, now)),
                2 => drop(line.note(&Verdict::pause(429, Duration::from_secs(moved.unsigned_abs() * 9)), target, now)),
                3 => drop(line.note(&verdict(PushOutcome::Config, Effect::Stop), target, now)),
                4 => drop(line.note(&verdict(PushOutcome::Config, Effect::Refuses), target, now)),
                5 => drop(line.note(&dead, target, now)),
                _ => {}
            }
            if let Admission::Wait { until, .. } = line.admit(now) {
                prop_assert!(until > at(now) && until <= at(now + 3600));
                let until = until.as_secs() + 1;
                // Another hold may follow the first one, and a third the second, never more.
                let second = next(&mut line, until);
                let third = next(&mut line, second);
                prop_assert!(third == second || line.admit(third) == Admission::Go);
                now = third;
            }
        }
    }
}
