use std::net::IpAddr;

use super::*;
use crate::domain::ClientAddress;

fn address(last: u8) -> AddressClass {
    ClientAddress::from(IpAddr::from([192, 0, 2, last])).class()
}

fn places(max: usize, max_per_address: usize) -> Arc<Places> {
    Places::new(ListenerKind::Public, max, max_per_address)
}

/// The place of a connection with a task, and whether another had to go for it.
fn enter(places: &Arc<Places>, last: u8) -> Option<(Place, bool)> {
    let found = places.enter(address(last), false).ok()?;
    Some((found.place, found.evicted.is_some()))
}

fn has_place(place: &Place) -> bool {
    place.places.table().seats.contains_key(&place.id)
}

#[test]
fn the_longest_idle_stranger_of_the_address_with_most_strangers_goes() {
    let places = places(5, 0);
    let (one, _) = enter(&places, 1).unwrap();
    let (two, _) = enter(&places, 2).unwrap();
    let crowd: Vec<Place> = (0..3).map(|_| enter(&places, 3).unwrap().0).collect();
    crowd[0].touch();
    let (newcomer, evicted) = enter(&places, 4).unwrap();
    assert!(evicted && !has_place(&crowd[1]), "the second was idle for longer than the first, which was active since");
    assert!([&one, &two, &newcomer, &crowd[0], &crowd[2]].into_iter().all(has_place));
    drop(crowd);
    let (_, evicted) = enter(&places, 5).unwrap();
    assert!(!evicted, "there is room again");
}

#[test]
fn who_is_signed_in_stays_and_a_full_house_says_so() {
    let places = places(3, 0);
    let known: Vec<Place> = (0..2).map(|_| enter(&places, 1).unwrap().0).collect();
    known.iter().for_each(Place::vouch);
    let (stranger, _) = enter(&places, 2).unwrap();
    assert!(!places.is_full());
    let (newcomer, evicted) = enter(&places, 1).unwrap();
    assert!(evicted && !has_place(&stranger) && known.iter().all(has_place));
    newcomer.vouch();
    assert!(places.is_full());
    assert_eq!(places.enter(address(9), false).err(), Some(NoPlace::Full));
    drop(known);
    assert!(!places.is_full() && enter(&places, 9).is_some());
}

#[test]
fn one_address_has_a_share_that_some_are_exempt_from() {
    let places = places(100, 2);
    let held: Vec<Place> = (0..2).map(|_| enter(&places, 1).unwrap().0).collect();
    held[0].vouch();
    assert_eq!(places.enter(address(1), false).err(), Some(NoPlace::TooMany));
    assert!(places.enter(address(1), true).is_ok() && enter(&places, 2).is_some());
    drop(held);
    assert!(enter(&places, 1).is_some());
}

#[test]
fn nothing_is_kept_of_who_has_left() {
    let places = places(4, 0);
    for round in 0..20 {
        let here: Vec<_> = (0..6).filter_map(|i| enter(&places, i % 3)).collect();
        here.iter().step_by(2).for_each(|(place, _)| if round % 2 == 0 { place.vouch() } else { place.touch() });
    }
    let table = places.table();
    assert!(table.seats.is_empty() && table.addresses.is_empty() && table.crowds.is_empty());
}

/// A flood of newcomers costs little each, also when all of the others were active since they were listed.
#[test]
fn an_arrival_among_many_is_cheap() {
    const PLACES: usize = 16_384;
    let places = places(PLACES, 0);
    let mut here: std::collections::VecDeque<Place> = (0..PLACES).map(|_| enter(&places, 1).unwrap().0).collect();
    here.iter().for_each(Place::touch);
    let started = std::time::Instant::now();
    for _ in 0..PLACES {
        here.push_back(enter(&places, 2).unwrap().0);
        here.pop_front();
    }
    // A scan of all places for each would take minutes.
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}
