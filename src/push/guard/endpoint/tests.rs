use proptest::prelude::*;

use super::*;

fn guard(allow: &[&str]) -> Guard {
    let mut config = Config::defaults().unwrap();
    config.push.webpush.allow = allow.iter().map(|place| place.parse().unwrap()).collect();
    config.server.public_names = vec!["Chat.Example.org".to_owned()];
    Guard::of(&config)
}

fn way(allow: &[&str], url: &str) -> Option<Way> {
    guard(allow).check(url).ok().map(|endpoint| endpoint.way)
}

#[test]
fn services_of_the_public_internet_are_named_and_on_port_443() {
    for url in [
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://fcm.googleapis.com:443/fcm/send/abc:def",
        "https://web.push.apple.com./QBc",
        "https://push.b\u{fc}cher.example/?token=x",
    ] {
        assert_eq!(way(&[], url), Some(Way::Guarded), "{url}");
    }
    assert_eq!(guard(&[]).check("https://Push.Example.com:443/a?b").unwrap().origin(), "https://push.example.com");
}

#[test]
fn what_leads_elsewhere_is_refused() {
    let long = format!("https://push.example.com/{}", "x".repeat(1000));
    for url in [
        "",
        "push.example.com",
        "http://push.example.com/",
        "ftp://push.example.com/",
        "https://",
        "https://user@push.example.com/",
        "https://:secret@push.example.com/",
        "https://push.example.com/#fragment",
        "https://push.example.com:8443/",
        "https://push.example.com:80/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://push.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://push.lan/",
        "https://router.home.arpa/",
        "https://home.arpa/",
        "https://intranet/",
        "https://chat.example.org/",
        "https://CHAT.example.org./",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://\u{ff11}27.0.0.1/",
        "https://8.8.8.8/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:7f00:1::]/",
        "https://169.254.169.254/latest/meta-data/",
        &long,
    ] {
        assert_eq!(way(&["push.lan:8443", "192.168.7.9/32"], url), None, "{url}");
    }
}

#[test]
fn an_operator_opens_one_place_and_nothing_beside_it() {
    let allow = ["push.lan:8443", "push.example.com:8443", "192.168.7.9/32", "10.0.0.1:444", "[fd00::1]:8443"];
    for url in [
        "https://push.lan:8443/up",
        "https://PUSH.lan.:8443/up",
        "https://push.example.com:8443/up",
        "https://192.168.7.9/up",
        "https://[::ffff:192.168.7.9]/up",
        "https://10.0.0.1:444/up",
        "https://[fd00:0::1]:8443/up",
    ] {
        assert_eq!(way(&allow, url), Some(Way::Allowed), "{url}");
    }
    for url in [
        "https://push.lan/up",
        "https://push.lan:8444/up",
        "https://other.push.lan:8443/up",
        "https://192.168.7.8/up",
        "https://192.168.7.9:8443/up",
        "https://10.0.0.1/up",
        "https://[fd00::1]/up",
        "https://[::ffff:192.168.7.8]/up",
        "https://127.0.0.1/up",
    ] {
        assert_eq!(way(&allow, url), None, "{url}");
    }
    // On the usual port the same name is looked up, and judged as any other.
    assert_eq!(way(&allow, "https://push.example.com/up"), Some(Way::Guarded));
}

#[test]
fn a_name_may_lead_to_the_public_internet_or_into_an_allowed_network_only() {
    let blocks: Vec<IpNet> = vec!["192.168.7.0/24".parse().unwrap()];
    let may = |text: &str| may_connect(text.parse().unwrap(), &blocks);
    assert!(may("8.8.8.8") && may("192.168.7.9") && may("::ffff:192.168.7.9"));
    assert!(!may("192.168.8.9") && !may("127.0.0.1") && !may("::ffff:10.0.0.1") && !may("fd00::1"));
}

proptest! {
    /// No text that users could send is accepted as a place that is an address, unless an operator allows it.
    #[test]
    fn no_text_leads_to_an_address(host in "[0-9a-fxA-FX.:\\[\\]%]{1,24}", rest in "[/?a-z@:0-9.]{0,12}") {
        if let Ok(endpoint) = guard(&[]).check(&format!("https://{host}{rest}")) {
            prop_assert_eq!(endpoint.way, Way::Guarded);
            prop_assert!(matches!(endpoint.url.host(), Some(Host::Domain(_))));
            prop_assert_eq!(endpoint.url.port_or_known_default(), Some(443));
        }
    }

    #[test]
    fn no_text_makes_the_check_fail_badly(text in "\\PC{0,60}") {
        let _ = guard(&["push.lan:1"]).check(&format!("https://{text}"));
    }
}
