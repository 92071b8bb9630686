//! Users name the hosts of Web Push: none leads the server into a private network.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use fluent_backend::config::{AllowedPlace, Config};
use fluent_backend::domain::PushOutcome::{Accepted, Retry};
use fluent_backend::push::{LookUp, Patience, Providers, Sender as _};
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use super::Line;
use crate::support::push::{Authority, Plan, Subscription, WebPushDouble};

/// Look-ups with the addresses that a test says, in their order; the last ones again and again.
struct Script(Mutex<Vec<Vec<SocketAddr>>>);

impl LookUp for Script {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        assert_eq!(name, "push.example.com");
        let mut script = self.0.lock().unwrap();
        let found = if script.len() > 1 { script.remove(0) } else { script[0].clone() };
        Box::pin(async move { Ok(found) })
    }
}

/// Look-ups that find nothing.
pub(super) fn nobody() -> Arc<dyn LookUp> {
    Arc::new(Script(Mutex::new(vec![Vec::new()])))
}

/// A line whose look-ups follow the script, with this network allowed.
async fn line(script: &[&[&str]], allow: Option<&str>) -> (Line, Subscription) {
    line_with(&Authority::new(), script, allow).await
}

/// The same, that trusts this authority too.
async fn line_with(authority: &Authority, script: &[&[&str]], allow: Option<&str>) -> (Line, Subscription) {
    let address = |text: &&str| match text.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, 0),
        Err(_) => text.parse().unwrap(),
    };
    let script = Script(Mutex::new(script.iter().map(|found| found.iter().map(address).collect()).collect()));
    let mut line = Line::start().await;
    let mut config = Config::defaults().unwrap();
    config.server.data_dir = line.dir.path().into();
    line.doubles.configure(&mut config);
    let file = line.dir.path().join("authorities.pem");
    std::fs::write(&file, line.doubles.authority().pem().to_owned() + authority.pem()).unwrap();
    config.push.ca_file = file.display().to_string();
    config.push.webpush.allow = allow.iter().map(|place| place.parse::<AllowedPlace>().unwrap()).collect();
    line.providers = Providers::open_with(&config, &line.clock, Patience::default(), Arc::new(script)).unwrap();
    let mut subscription = line.doubles.webpush.subscribe();
    subscription.endpoint = "https://push.example.com/up".into();
    (line, subscription)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_into_a_private_network_is_not_connected_to() {
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["fd00::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        // One good address does not make up for a bad one.
        &["192.0.2.1", "8.8.8.8"],
        &["8.8.8.8", "192.168.7.9"],
    ] {
        let (line, subscription) = line(&[addresses], None).await;
        assert_eq!(line.providers.check(&subscription.address()), Ok(()), "nothing is looked up at registration");
        let sent = line.wake(&subscription.address()).await;
        let reason = "the host leads to an address that is not on the public internet";
        assert_eq!((sent.outcome, sent.reason.as_deref()), (Retry, Some(reason)), "{addresses:?}");
        assert_eq!(line.doubles.webpush.double().connections(), 0);
    }
}

/// A name leads to a good place when it is registered and woken first, and into a private network for the next
/// connection. Here 127.0.0.2 is the good place.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_changes_its_address_between_look_ups_leads_nowhere() {
    let clock = Line::start().await.clock;
    let authority = Authority::new();
    let good = WebPushDouble::start_at("127.0.0.2", &authority, &clock, Some("push.example.com")).await;
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (first, second) = (format!("127.0.0.2:{}", good.double().port()), trap.local_addr().unwrap().to_string());
    let (line, _) = line_with(&authority, &[&[first.as_str()], &[second.as_str()]], Some("127.0.0.2/32")).await;
    let subscription = good.subscribe();
    assert!(subscription.endpoint.starts_with("https://push.example.com/"), "{}", subscription.endpoint);
    assert_eq!(line.outcome(&subscription.address()).await, Accepted);
    // The connection that was checked is used again.
    assert_eq!(line.outcome(&subscription.address()).await, Accepted);
    assert_eq!(good.double().connections(), 1);
    good.double().plan([Plan::Reset]);
    assert_eq!(line.outcome(&subscription.address()).await, Retry);
    let sent = line.wake(&subscription.address()).await;
    assert!(sent.reason.unwrap().contains("not on the public internet"));
    let accepted = trap.into_std().unwrap().accept();
    assert_eq!(accepted.unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody has connected");
    assert_eq!(good.double().faults(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_place_of_a_name_is_refused_and_never_asked() {
    let line = Line::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "localhost"] {
        let mut subscription = line.doubles.webpush.subscribe();
        for endpoint in [format!("https://{host}:{port}/"), format!("https://{host}/")] {
            subscription.endpoint = endpoint;
            assert!(line.providers.check(&subscription.address()).is_err(), "{}", subscription.endpoint);
            let sent = line.wake(&subscription.address()).await;
            assert_eq!(sent.status, None, "{}", subscription.endpoint);
        }
    }
    let accepted = listener.into_std().unwrap().accept();
    assert_eq!(accepted.unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody has connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_service_is_reached_by_its_name_and_port_alone() {
    let line = Line::start().await;
    let mut subscription = line.doubles.webpush.subscribe();
    assert_eq!(line.outcome(&subscription.address()).await, Accepted);
    let port = line.doubles.webpush.double().port();
    subscription.endpoint = subscription.endpoint.replace("localhost", "127.0.0.1");
    assert!(line.providers.check(&subscription.address()).is_err(), "another spelling is another place");
    subscription.endpoint = format!("https://localhost:{}/", port ^ 1);
    assert!(line.providers.check(&subscription.address()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_network_does_not_open_the_others() {
    let (line, subscription) = line(&[&["192.168.7.9", "192.168.7.10"]], Some("192.168.7.9/32")).await;
    let sent = line.wake(&subscription.address()).await;
    assert!(sent.reason.unwrap().contains("not on the public internet"));
}
