use super::*;

fn refused(text: &str) -> bool {
    UserName::parse(text.to_owned()).is_err()
}

#[test]
fn names_keep_their_form() {
    let name = UserName::parse("Ünï+Code_%@Example.org".to_owned()).unwrap();
    assert_eq!(name.as_str(), "Ünï+Code_%@Example.org");
    assert!(!refused(&"x".repeat(254)));
    assert!(!refused("inner space"));
}

#[test]
fn bad_names_are_refused() {
    for bad in ["", " a", "a ", "a\0b", "a\nb", "\u{85}a", "\u{a0}a", "\u{200b}\u{200d}", "\u{200d} a"] {
        assert!(refused(bad), "{bad:?}");
    }
    assert!(refused(&"x".repeat(255)));
    assert!(refused(&"\u{fdfa}".repeat(20)), "360 characters when folded");
}

#[test]
fn what_deceives_or_does_not_show_is_refused() {
    for bad in [
        "\u{202e}ecila",
        "bob\u{2066}x",
        "bob\u{200f}",
        "a\u{61c}b",
        "a\u{2028}b",
        "a\u{2029}b",
        "a\u{fff9}b",
        "a\u{ad}b",
        "a\u{200b}b",
        "a\u{feff}b",
        "a\u{e0041}b",
        "bob\u{3164}",
        "bob\u{34f}",
        "bob\u{2800}",
        "\u{2800}\u{2800}\u{2800}",
        "a\u{1d159}",
        "\u{ffff}",
        "a\u{fdd0}",
        "a\u{e000}",
        "a\u{378}",
        "a\u{fffc}",
        "a\u{fffd}",
    ] {
        assert!(refused(bad), "{bad:?}");
    }
}

#[test]
fn marks_need_a_letter_and_do_not_pile_up() {
    for bad in ["\u{301}\u{301}", "\u{301}a", "a \u{301}b", "a\u{301}\u{301}", "a\u{300}\u{301}\u{302}\u{303}\u{304}"] {
        assert!(refused(bad), "{bad:?}");
    }
    assert!(refused(&format!("a{}", "\u{300}\u{301}".repeat(50))));
}

#[test]
fn a_name_has_a_letter_or_a_digit() {
    for bad in ["...", "@", "\u{1f600}", "% _"] {
        assert!(refused(bad), "{bad:?}");
    }
    assert!(!refused("7") && !refused("Anna \u{1f338}"));
}

#[test]
fn a_word_is_written_in_one_script() {
    for bad in ["p\u{430}yp\u{430}l", "p\u{430}ypal@example.org", "\u{3b1}lice", "a@xn--pypal-4ve.example", "ма\u{5d0}"]
    {
        assert!(refused(bad), "{bad:?}");
    }
    for good in [
        "Иван Петров",
        "иван@example.org",
        "иван+fluent@почта.рф",
        "Мария (Maria)",
        "日本語テスト",
        "漢字kanjiかな",
        "한국어",
        "韓國사람abc",
        "中文ㄅㄆname",
        "Ελένη",
        "יוסף",
        "محمد",
        "می\u{200c}خواهم",
        "हिन्दी",
        "ไทยที่",
        "Nguyễn",
        "O'Нил",
        "ヴェロニカ・ー",
        "Zoë_%+1@example.org",
        "க்ஷ",
        "ქართული",
        "Հայերեն",
        "葛\u{e0100}城",
        "Đặng Thị Huyền",
    ] {
        assert!(!refused(good), "{good}: {:?}", UserName::parse(good.to_owned()));
    }
}

#[test]
fn names_that_look_alike_share_a_skeleton() {
    let alike = |a: &str, b: &str| {
        let (a, b) = (skeletons(a), skeletons(b));
        a.iter().any(|one| b.contains(one))
    };
    for (a, b) in [
        ("paypal", "p\u{430}yp\u{430}l"),
        // Whole words of another script.
        ("coco", "\u{441}\u{43e}\u{441}\u{43e}"),
        ("coco", "\u{421}\u{41e}\u{421}\u{41e}"),
        ("hope", "\u{41d}\u{41e}\u{420}\u{415}"),
        ("Paypal", "PaypaI"),
        ("IVAN", "lvan"),
        ("Ivan", "\u{456}van"),
        ("alice", "a1ice"),
        ("bob", "b0b"),
        ("marnie", "rnarnie"),
        ("anna b", "anna  b"),
        ("a@xn--mnchen-3ya.example", "a@münchen.example"),
    ] {
        assert!(alike(a, b), "{a} {b}");
    }
    for (a, b) in [("Ilia", "Lila"), ("andre", "André"), ("anna10", "anna11"), ("alice", "alise"), ("Иван", "Ivan")]
    {
        assert!(!alike(a, b), "{a} {b}");
    }
}

#[test]
fn old_names_are_looked_up_by_their_old_key_too() {
    assert_eq!(login_keys(" Alice "), ["alice"]);
    assert_eq!(login_keys("a@xn--mnchen-3ya.de"), ["a@xn--mnchen-3ya.de", "a@münchen.de"]);
    assert_eq!(login_keys("\u{200d} x"), [" x", "x"]);
    for nobody in ["", "  ", "\u{200d}", "a\0b", &"a".repeat(255)] {
        assert!(login_keys(nobody).is_empty(), "{nobody:?}");
    }
}
