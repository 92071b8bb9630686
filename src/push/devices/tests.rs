use super::*;

const ALICE: UserId = UserId(1);

fn device(name: &str) -> Who {
    Who::Device(DeviceId::parse(name).unwrap())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(0).plus_secs(seconds)
}

fn devices() -> Devices {
    let devices = Devices::default();
    devices.enable(true);
    devices.set_has_targets(true);
    devices
}

#[test]
fn a_device_is_live_until_its_last_socket_is_closed() {
    let devices = devices();
    devices.opened(ALICE, SocketId(1), device("pixel"));
    devices.opened(ALICE, SocketId(2), device("pixel"));
    devices.opened(ALICE, SocketId(3), Who::Legacy(LoginId(7)));
    let lists = devices.live_lists(&[ALICE, UserId(2)]);
    assert_eq!((lists[0].devices.as_str(), lists[0].logins.as_str()), (",pixel,pixel,", ",7,"));
    assert_eq!(lists[1], LiveList::default());
    devices.closed(ALICE, SocketId(1), at(1));
    assert_eq!(devices.take(at(99)).closed.len(), 0, "its other socket is open");
    devices.closed(ALICE, SocketId(2), at(2));
    devices.closed(ALICE, SocketId(2), at(3));
    assert!(devices.take(at(1)).closed.is_empty(), "it may come back");
    assert_eq!(devices.take(at(2)).closed, HashMap::from([((ALICE, device("pixel")), at(2))]));
    devices.left(None, at(4));
    assert_eq!(devices.take(at(4)).closed, HashMap::from([((ALICE, Who::Legacy(LoginId(7))), at(4))]));
}

#[test]
fn notes_go_on_until_they_are_written_down() {
    let devices = devices();
    devices.acknowledge(ALICE, device("pixel"), Seq(5));
    devices.acknowledge(ALICE, device("pixel"), Seq(4));
    let notes = devices.take(at(0));
    assert_eq!(notes.acknowledged, HashMap::from([((ALICE, device("pixel")), Seq(5))]));
    devices.acknowledge(ALICE, device("pixel"), Seq(6));
    devices.put_back(notes);
    assert_eq!(devices.take(at(0)).acknowledged[&(ALICE, device("pixel"))], Seq(6));
    devices.opened(ALICE, SocketId(1), device("pixel"));
    devices.closed(ALICE, SocketId(1), at(1));
    devices.opened(ALICE, SocketId(2), device("pixel"));
    assert!(devices.take(at(9)).closed.is_empty(), "it has come back");
}

#[test]
fn nothing_is_noted_while_no_device_is_registered() {
    let devices = devices();
    devices.set_has_targets(false);
    devices.acknowledge(ALICE, device("pixel"), Seq(5));
    devices.note_unconfirmed(ALICE, device("pixel"), Seq(5));
    devices.opened(ALICE, SocketId(1), device("pixel"));
    devices.closed(ALICE, SocketId(1), at(1));
    assert_eq!(devices.take(at(9)), Notes::default());
}
