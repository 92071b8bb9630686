use std::net::IpAddr;

use futures_util::FutureExt as _;

use super::*;
use crate::domain::ClientAddress;

const LONG: Duration = Duration::from_mins(1);

fn stranger(last: u8) -> Requester {
    let class = ClientAddress::from(IpAddr::from([192, 0, 2, last])).class();
    Requester { is_known: false, class: Some(class) }
}

fn known(last: u8) -> Requester {
    Requester { is_known: true, ..stranger(last) }
}

type Waiting = std::pin::Pin<Box<dyn Future<Output = Result<Place, AuthError>> + Send>>;

/// Somebody who stands in the line, or outside of it.
fn waiting(line: &Arc<Line>, requester: Requester) -> Waiting {
    let line = line.clone();
    let mut waiting: Waiting = Box::pin(async move { line.place(requester).await });
    assert!(waiting.as_mut().now_or_never().is_none());
    waiting
}

/// Who of them has a place now, in the order of the list.
fn served(waiting: &mut [Waiting]) -> Vec<Option<bool>> {
    waiting.iter_mut().map(|one| one.as_mut().now_or_never().map(|place| place.map(std::mem::forget).is_ok())).collect()
}

#[tokio::test]
async fn who_is_known_comes_first_and_each_line_is_in_order() {
    let line = Line::new(1, 1, 8, LONG);
    let first = line.place(stranger(1)).await.unwrap();
    let (mut b, mut c) = (waiting(&line, stranger(2)), waiting(&line, stranger(3)));
    let (mut d, mut e) = (waiting(&line, known(4)), waiting(&line, known(5)));
    let mut place = first;
    for next in [&mut d, &mut e, &mut b, &mut c] {
        drop(place);
        place = next.as_mut().now_or_never().expect("it is the next one").unwrap();
    }
    drop(place);
    assert_eq!(line.state().free, 1);
    assert!(line.state().classes.is_empty(), "nothing is kept of who has gone");
}

#[tokio::test]
async fn of_one_network_one_stands_in_the_line() {
    let line = Line::new(1, 1, 8, LONG);
    let first = line.place(stranger(1)).await.unwrap();
    let mut flood: Vec<Waiting> = (0..5).map(|_| waiting(&line, stranger(2))).collect();
    let mut other = waiting(&line, stranger(3));
    assert_eq!(line.state().len(), 2);
    drop(first);
    let place = flood[0].as_mut().now_or_never().unwrap().unwrap();
    drop(place);
    drop(other.as_mut().now_or_never().expect("before the rest of the flood").unwrap());
    assert_eq!(flood[1..].iter_mut().filter_map(|one| one.as_mut().now_or_never()).flatten().count(), 4);
}

#[tokio::test]
async fn when_the_line_is_full_the_strangers_who_have_waited_longest_go() {
    let line = Line::new(1, 1, 2, LONG);
    let _first = line.place(stranger(1)).await.unwrap();
    let mut all = vec![waiting(&line, stranger(2)), waiting(&line, stranger(3))];
    all.push(waiting(&line, known(4)));
    assert_eq!(served(&mut all[..1]), [Some(false)]);
    drop(all.remove(0));
    all.push(waiting(&line, stranger(5)));
    assert_eq!(served(&mut all[..1]), [Some(false)]);
    drop(all.remove(0));
    all.push(waiting(&line, known(6)));
    assert_eq!(served(&mut all), [None, Some(false), None]);
    assert!(line.place(stranger(7)).await.is_err(), "nobody who is known gives way to a stranger");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_leaves_nothing_behind() {
    let line = Line::new(1, 1, 2, Duration::from_secs(2));
    let first = line.place(stranger(1)).await.unwrap();
    let same = [known(2), known(2), stranger(3), stranger(3)].map(|requester| line.place(requester));
    let outcomes = futures_util::future::join_all(same).await;
    assert!(outcomes.iter().all(Result::is_err), "none in time");
    drop(first);
    let state = line.state();
    assert_eq!((state.free, state.len(), state.classes.len()), (1, 0, 0));
}

#[tokio::test]
async fn strangers_leave_a_place_to_who_is_known() {
    let line = Line::new(3, 2, 8, LONG);
    let strangers = [line.place(stranger(1)).await.unwrap(), line.place(stranger(2)).await.unwrap()];
    let mut third = waiting(&line, stranger(3));
    let known_one = line.place(known(4)).await.unwrap();
    drop(known_one);
    assert!(third.as_mut().now_or_never().is_none(), "the free place is not for strangers");
    let _both = (line.place(known(4)).await.unwrap(), waiting(&line, known(5)));
    drop(strangers);
    assert_eq!(line.state().free, 0, "one for who is known, one for the third stranger");
    drop(third.as_mut().now_or_never().unwrap().unwrap());
    let state = line.state();
    assert_eq!((state.free, state.free_for_strangers), (1, 2));
}
