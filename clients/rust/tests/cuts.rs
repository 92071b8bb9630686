//! Whatever the order of cuts, crashes, refusals and resets: nothing is lost, and nothing is shown twice.

#![expect(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod world;

use proptest::prelude::*;

use world::{Op, World};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Write),
        4 => Just(Op::PeerWrites),
        4 => (1..6_usize).prop_map(Op::ServerReads),
        6 => (1..8_usize).prop_map(Op::ClientReads),
        3 => Just(Op::Timers),
        2 => Just(Op::Cut),
        1 => Just(Op::Crash),
        1 => Just(Op::Refuse),
        1 => Just(Op::GoAway),
        1 => Just(Op::Forget),
        2 => any::<bool>().prop_map(Op::History),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_shown_twice(has_cursor: bool, ops in prop::collection::vec(op(), 0..80)) {
        let mut world = World::new(has_cursor);
        for op in ops {
            world.perform(op);
        }
        world.settle();
        world.check();
    }
}

#[test]
fn messages_of_one_device_stay_in_order() {
    let mut world = World::new(true);
    for _ in 0..100 {
        for op in [Op::Write, Op::Write, Op::ServerReads(1), Op::Cut, Op::Write, Op::Timers, Op::ClientReads(3)] {
            world.perform(op);
        }
    }
    world.settle();
    world.check();
    world.check_order();
}
