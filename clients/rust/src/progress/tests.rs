use super::*;

fn cursor(text: &str) -> Cursor {
    text.parse().unwrap()
}

#[test]
fn a_new_device_has_a_cursor_only_after_history() {
    let mut progress = Progress::new(None);
    let number = progress.hello(cursor("e:5")).unwrap();
    progress.live(&cursor("e:5"));
    progress.keep(7);
    assert_eq!(progress.kept(), None);
    assert_eq!(progress.save(true), None);
    assert!(progress.is_reloading(number));
    progress.reloaded(number);
    assert_eq!(progress.save(true), Some(cursor("e:7")));
    assert_eq!(progress.save(true), None, "saved once");
}

#[test]
fn a_reload_for_an_earlier_socket_does_not_count() {
    let mut progress = Progress::new(Some(cursor("old:9")));
    assert_eq!(progress.hello(cursor("e:5")), None);
    let first = progress.reset(cursor("e:5"));
    assert_eq!(progress.kept(), None);
    progress.closed();
    let second = progress.hello(cursor("e:8")).unwrap();
    assert!(!progress.is_reloading(first));
    progress.reloaded(first);
    assert_eq!(progress.kept(), None);
    assert!(progress.is_reloading(second));
    progress.reloaded(second);
    assert_eq!(progress.kept(), Some(&cursor("e:8")));
}

#[test]
fn a_replay_saves_now_and_then() {
    let mut progress = Progress::new(Some(cursor("e:0")));
    progress.hello(cursor("e:0"));
    let saved: Vec<_> = (1..=250)
        .filter_map(|seq| {
            progress.keep(seq);
            progress.save(false)
        })
        .collect();
    assert_eq!(saved, [cursor("e:100"), cursor("e:200")]);
    progress.live(&cursor("e:260"));
    assert_eq!(progress.save(true), Some(cursor("e:260")));
}

#[test]
fn known_numbers_are_not_new() {
    let mut progress = Progress::new(Some(cursor("e:3")));
    progress.hello(cursor("e:3"));
    assert!(!progress.is_new(3));
    assert!(progress.is_new(4));
    progress.keep(4);
    assert!(!progress.is_new(4));
    progress.live(&cursor("e:6"));
    assert!(!progress.is_new(6));
}
