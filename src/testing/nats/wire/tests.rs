use proptest::prelude::*;

use super::*;

fn parsed(pieces: &[&[u8]]) -> Result<Vec<Frame>, Malformed> {
    let (mut frames, mut found) = (Frames::default(), Vec::new());
    for piece in pieces {
        frames.buffer().extend_from_slice(piece);
        while let Some(frame) = frames.next()? {
            found.push(frame);
        }
    }
    Ok(found)
}

fn message(subject: &str, headers: &str, payload: &[u8]) -> NatsMessage {
    let (headers, payload) = (headers.as_bytes().to_vec().into(), payload.to_vec().into());
    NatsMessage { subject: subject.to_owned(), headers, payload }
}

#[test]
fn both_directions() {
    const HEADERS: &str = "NATS/1.0\r\nA: 1\r\n\r\n";
    let cases = [
        ("INFO {\"server_id\":\"x\"}\r\n".to_owned(), None),
        ("CONNECT {\"verbose\":false}\r\n".to_owned(), None),
        ("PUB log 5\r\nhello\r\n".to_owned(), Some(message("log", "", b"hello"))),
        ("pub\tlog  reply 4\r\n\r\n\r\n\r\n".to_owned(), Some(message("log", "", b"\r\n\r\n"))),
        ("SUB log 1\r\n".to_owned(), None),
        ("MSG log 1 0\r\n\r\n".to_owned(), Some(message("log", "", b""))),
        ("MSG log 1 reply 2\r\nhi\r\n".to_owned(), Some(message("log", "", b"hi"))),
        (
            format!("HPUB log {} {}\r\n{HEADERS}hi\r\n", HEADERS.len(), HEADERS.len() + 2),
            Some(message("log", HEADERS, b"hi")),
        ),
        (
            format!("HMSG log 1 reply {} {}\r\n{HEADERS}\r\n", HEADERS.len(), HEADERS.len()),
            Some(message("log", HEADERS, b"")),
        ),
        ("PING\r\n".to_owned(), None),
        ("-ERR 'Unknown Protocol Operation'\r\n".to_owned(), None),
    ];
    let frames = cases.clone().map(|(bytes, message)| Frame { bytes: bytes.into(), message });
    let bytes: String = cases.into_iter().map(|(bytes, _)| bytes).collect();
    assert_eq!(parsed(&[bytes.as_bytes()]).unwrap(), frames);
}

#[test]
fn what_is_not_the_protocol() {
    for bytes in [
        "GET / HTTP/1.1\r\n",
        "\r\n",
        "PUB log\r\n",
        "PUB log x\r\n",
        "PUB log -1\r\n",
        "PUB a b c 1\r\nx\r\n",
        "PUB log 99999999999\r\n",
        "PUB log 2\r\nhello\r\n",
        "HPUB log 3 2\r\nxx\r\n",
        "MSG log 1\r\n",
    ] {
        assert_eq!(parsed(&[bytes.as_bytes()]), Err(Malformed), "{bytes:?}");
    }
    assert_eq!(parsed(&[&vec![b'x'; MAX_LINE + 1]]), Err(Malformed));
    assert_eq!(parsed(&[b"PUB log 2\r\nh"]), Ok(vec![]), "the rest may come");
}

fn any_frame() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let payload = prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..40);
    let lines = prop::sample::select(vec!["PING", "PONG", "+OK", "-ERR 'x'", "INFO {}", "CONNECT {}", "UNSUB 1 2"]);
    prop_oneof![
        lines.prop_map(|line| (format!("{line}\r\n").into_bytes(), false)),
        (prop::bool::ANY, prop::bool::ANY, 0..3_usize, payload).prop_map(
            |(is_to_server, replies, headers, payload)| {
                let (has_headers, headers) = (headers > 0, headers.min(payload.len()));
                let verb = [["MSG log 7", "HMSG log 7"], ["PUB log", "HPUB log"]][usize::from(is_to_server)];
                let reply = if replies { " reply" } else { "" };
                let sizes =
                    if has_headers { format!("{headers} {}", payload.len()) } else { payload.len().to_string() };
                let head = format!("{}{reply} {sizes}\r\n", verb[usize::from(has_headers)]);
                ([head.as_bytes(), &payload, LINE_END].concat(), true)
            }
        ),
    ]
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        frames in prop::collection::vec(any_frame(), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let found = parsed(&pieces).unwrap();
        prop_assert_eq!(&found, &parsed(&[&bytes]).unwrap());
        let found: Vec<_> = found.into_iter().map(|frame| (frame.bytes.to_vec(), frame.message.is_some())).collect();
        prop_assert_eq!(found, frames);
    }
}
