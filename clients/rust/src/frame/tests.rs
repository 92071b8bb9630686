use super::*;

#[test]
fn a_draft_has_the_keys_of_the_contract() {
    let draft = Draft {
        client_id: "c".to_owned(),
        to: 2,
        receiver_encrypted: "r".to_owned(),
        sender_encrypted: "s".to_owned(),
        kind: "text".to_owned(),
        receiver_key_id: None,
        franking_tag: None,
        attachment_ids: Vec::new(),
    };
    let json = concat!(
        r#"{"type":"send","client_id":"c","to":2,"receiver_encrypted":"r","sender_encrypted":"s","#,
        r#""message_type":"text"}"#
    );
    assert_eq!(serde_json::to_string(&ClientFrame::Send(draft)).unwrap(), json);
    let read = ClientFrame::Read { partner_id: 2, up_to_id: 9, reference: "read-2".to_owned() };
    assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"type":"read","partner_id":2,"up_to_id":9,"ref":"read-2"}"#);
}

#[test]
fn only_events_move_the_cursor() {
    let seq = |json: &str| parse(json).unwrap().seq;
    assert_eq!(seq(r#"{"type":"poll","seq":5,"topic":"?"}"#), Some(5), "unknown events count");
    assert_eq!(seq(r#"{"type":"deleted","seq":5,"id":1,"partner_id":2,"for":"me","by":null}"#), Some(5));
    let stored = r#""client_id":"c","conversation_id":1,"id":1,"seq":5,"timestamp":"t""#;
    assert_eq!(seq(&format!(r#"{{"type":"stored","duplicate":false,{stored}}}"#)), Some(5));
    assert_eq!(seq(&format!(r#"{{"type":"stored","duplicate":true,{stored}}}"#)), None);
    assert_eq!(seq(r#"{"type":"error","code":"conflict","message":"","retryable":false,"seq":5}"#), None);
    assert_eq!(seq(r#"{"type":"live","cursor":"e:5"}"#), None);
}

#[test]
fn unknown_fields_are_ignored_and_half_frames_refused() {
    let hello = parse(r#"{"type":"hello","cursor":"e:1","limits":{"in_flight":8,"more":1},"later":[]}"#).unwrap();
    assert_eq!(
        hello.frame,
        ServerFrame::Hello { cursor: "e:1".parse().unwrap(), limits: Limits { in_flight: 8, media_bytes: None } }
    );
    assert!(parse(r#"{"type":"message","seq":1}"#).is_err());
    assert!(parse("[]").is_err());
}
