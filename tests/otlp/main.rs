//! Traces by OTLP (the feature `otlp`): the real program exports to a collector that keeps what it gets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod collector;
mod program;

use std::collections::HashSet;

use bytes::Bytes;
use fluent_backend::testing::{Http, TestClient, eventually, send_frame};
use http::{HeaderMap, Method};

use collector::{Collector, Span};
use program::Program;

/// Exports at once, so that a test need not wait.
const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "50");
const ALL: (&str, &str) = ("OTEL_TRACES_SAMPLER", "always_on");
/// No trace but what ends in an error.
const NONE: (&str, &str) = ("OTEL_TRACES_SAMPLER_ARG", "0");

/// Waits for a span that `wanted` accepts.
async fn span(collector: &Collector, what: &str, wanted: impl Fn(&Span) -> bool) -> Span {
    eventually(what, async || collector.spans().into_iter().find(|span| wanted(span))).await
}

/// Waits for the span of the request with this id.
async fn request(collector: &Collector, id: &str) -> Span {
    span(collector, "the span of the request", |span| span.text("request.id").as_deref() == Some(id)).await
}

async fn get(http: &Http, path: &str, headers: &[(&'static str, &str)]) -> (u16, String) {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let answer = http.send(Method::GET, path, headers, Bytes::new()).await;
    (answer.status.as_u16(), answer.headers["x-request-id"].to_str().unwrap().to_owned())
}

/// The request, and the batch that has stored its message, are linked.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_by_rest_is_one_story() {
    let collector = Collector::start().await;
    let service = ("OTEL_SERVICE_NAME", "chat-of-the-office");
    let program = Program::start(&collector.endpoint(), &[SOON, ALL, service]).await;
    let alice = TestClient::sign_up(program.http(), "alice").await;
    let bob = TestClient::sign_up(program.http(), "bob").await;
    let sent = alice.http.post("/chat/messages", &send_frame(bob.id, "the-only-ciphertext")).await;
    assert_eq!(sent.status, 201);
    let id = sent.headers["x-request-id"].to_str().unwrap();
    let request = request(&collector, id).await;
    assert_eq!(
        (request.name.as_str(), request.text("http.route").as_deref()),
        ("http.request", Some("/chat/messages"))
    );
    assert_eq!(
        (request.number("http.response.status_code"), request.text("method").as_deref()),
        (Some(201), Some("POST"))
    );
    // SPAN_KIND_SERVER.
    assert!(request.kind == 2 && request.parent.is_empty() && request.end > request.start);
    let batch = span(&collector, "the span of the batch", |span| {
        span.name == "writer.batch" && span.links.iter().any(|link| link.span == request.id)
    });
    let batch = batch.await;
    assert_eq!((batch.number("commands"), batch.links.len()), (Some(1), 1));
    assert!(batch.links[0].trace == request.trace && batch.trace != request.trace);
    assert!(batch.start >= request.start && batch.end <= request.end, "it is within the request");
    assert_eq!(collector.service_names(), HashSet::from(["chat-of-the-office".to_owned()]));
    program.stop().await;
    assert!(!collector.holds("the-only-ciphertext"), "no ciphertext is exported");
}

/// A socket is one span, however many frames come, and the batches with its commands are linked to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_one_span_with_its_frames_as_events() {
    let collector = Collector::start().await;
    let program = Program::start(&collector.endpoint(), &[SOON, ALL]).await;
    let alice = TestClient::sign_up(program.http(), "alice").await;
    let mut socket = alice.connect().await;
    for text in ["one", "two"] {
        socket.send_message(alice.id, text, text).await;
        assert_eq!(socket.next_message().await.content, text);
    }
    drop(socket);
    let session = span(&collector, "the span of the socket", |span| span.name == "socket.session").await;
    assert_eq!(session.events.iter().filter(|event| event.name == "a command came").count(), 2);
    let handshake = |span: &Span| span.name == "http.request" && span.text("connection.id").is_some();
    let handshake = span(&collector, "the handshake", handshake).await;
    assert_eq!(handshake.text("connection.id"), session.text("connection.id"));
    let linked = |span: &Span| span.links.iter().any(|link| link.span == session.id);
    let batch = span(&collector, "the span of a batch", linked).await;
    assert_eq!(batch.name, "writer.batch");
    program.stop().await;
    assert_eq!(collector.spans().iter().filter(|span| span.name == "socket.session").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_in_an_error_is_exported_whatever_the_sampler_says() {
    let collector = Collector::start().await;
    // No disk has so much room: the server is not ready.
    let never_ready = ("FLUENT__ADMIN__MIN_FREE_BYTES", "9000000000000000000");
    let program = Program::start(&collector.endpoint(), &[SOON, NONE, never_ready]).await;
    let (fine, _) = get(&program.http(), "/root", &[]).await;
    let (failed, id) = get(&program.http(), "/readyz", &[]).await;
    assert_eq!((fine, failed), (200, 503));
    let request = request(&collector, &id).await;
    // STATUS_CODE_ERROR.
    assert_eq!(request.status.as_ref().map(|status| status.code), Some(2));
    program.stop().await;
    let others: Vec<_> =
        collector.spans().into_iter().filter(|span| span.number("http.response.status_code") == Some(200)).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// A trace that a proxy has begun goes on here, and its decision counts; nobody else can begin one.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_can_begin_a_trace() {
    const TRACE: [u8; 16] =
        [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
    let begun = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let collector = Collector::start().await;
    let program = Program::start(&collector.endpoint(), &[SOON, ALL]).await;
    let (_, id) = get(&program.http(), "/root", &[begun]).await;
    let request_of_stranger = request(&collector, &id).await;
    assert!(request_of_stranger.trace != TRACE && request_of_stranger.parent.is_empty());
    program.stop().await;

    let proxies = ("FLUENT__SERVER__TRUSTED_PROXIES", "127.0.0.0/8");
    let program = Program::start(&collector.endpoint(), &[SOON, NONE, proxies]).await;
    let (_, id) = get(&program.http(), "/root", &[begun, ("x-request-id", "of-the-proxy")]).await;
    assert_eq!(id, "of-the-proxy");
    let request = request(&collector, &id).await;
    assert_eq!(
        (&request.trace[..], &request.parent[..]),
        (&TRACE[..], &[0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7][..])
    );
    program.stop().await;
}

/// Operators switch the filter of the log, and what is exported stays the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_filter_of_the_log_is_switched_for_the_log_alone() {
    let collector = Collector::start().await;
    let program = Program::start(&collector.endpoint(), &[SOON, ALL]).await;
    let registered = || program.log().matches("registered user.id").count();
    TestClient::sign_up(program.http(), "alice").await;
    eventually("a line of info", async || (registered() == 1).then_some(())).await;
    program.admin_cli(&["log", "set", "warn", "--for", "1h"]).await;
    let bob = TestClient::sign_up(program.http(), "bob").await;
    let (status, id) = get(&program.http(), "/root", &[]).await;
    assert_eq!(status, 200);
    assert_eq!(request(&collector, &id).await.name, "http.request");
    // Of level debug, which the log has never shown.
    assert_eq!(bob.http.post("/chat/messages", &send_frame(bob.id, "x")).await.status, 201);
    span(&collector, "the span of a batch", |span| span.name == "writer.batch").await;
    program.admin_cli(&["log", "set", "debug", "--for", "1h"]).await;
    TestClient::sign_up(program.http(), "carol").await;
    eventually("a line of info again", async || (registered() > 1).then_some(())).await;
    assert!(registered() == 2 && program.log().contains("DEBUG http.request"), "{}", program.log());
    program.stop().await;
}

/// Neither a collector that never answers nor one that is not there holds anything up; what is lost is counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_take_traces_changes_nothing_for_clients() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let small = ("OTEL_BSP_MAX_QUEUE_SIZE", "4");
    let program = Program::start(&endpoint, &[SOON, ALL, small]).await;
    let admin = program.admin();
    let dropped = async || {
        let (status, _) = get(&program.http(), "/root", &[]).await;
        assert_eq!(status, 200);
        let metrics = admin.get("/metrics").await.ok().text();
        let count = metrics.lines().find_map(|line| line.strip_prefix("fluent_trace_spans_dropped_total ")).unwrap();
        count.parse::<u64>().unwrap()
    };
    eventually("spans are dropped", async || (dropped().await > 0).then_some(())).await;
    program.stop().await;
}

/// Without an endpoint nothing is exported, and a setting that cannot be kept is said at the start.
#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_kept_are_refused_at_the_start() {
    let endpoint = "http://127.0.0.1:1";
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_TRACES_SAMPLER_ARG", "two"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
    ] {
        let said = Program::refused(endpoint, &[(name, value)]).await;
        assert!(said.contains(name) && said.contains(value), "{said}");
    }
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "")] {
        let collector = Collector::start().await;
        let program = Program::start(&collector.endpoint(), &[SOON, ALL, off]).await;
        get(&program.http(), "/root", &[]).await;
        program.stop().await;
        assert!(collector.spans().is_empty(), "{off:?}");
    }
}
