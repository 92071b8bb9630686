//! The examples of `vectors/franking.json`, which clients in other languages check, too.

#![cfg(feature = "franking")]
use fluent_client::franking::FrankingKey;
use serde_json::Value;

#[test]
fn tags_are_those_of_the_examples() {
    let file: Value = serde_json::from_str(include_str!("../../../vectors/franking.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() > 3);
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap();
        let key = FrankingKey::parse(text("franking_key")).unwrap();
        assert_eq!(key.tag(text("plaintext")), text("franking_tag"), "{case}");
        assert!(key.verify(text("plaintext"), text("franking_tag")));
        assert_eq!(key.text(), text("franking_key"));
    }
}
