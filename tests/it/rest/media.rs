//! Files: uploads, downloads, links, limits, and what is left behind.

mod beside_messages;
mod bucket;
mod copied;
mod cuts;
mod download;
mod full_disk;
mod leftovers;
mod limits;
mod matrix;
mod takeover;
mod tus;
mod whole;

use bytes::Bytes;
use fluent_backend::testing::{Answer, Http, TestClient};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rand::RngExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// The type of a part of an upload.
const PART: &str = "application/offset+octet-stream";

/// Some bytes that nothing compresses.
pub(crate) fn random(size: usize) -> Bytes {
    let mut bytes = vec![0; size];
    rand::rng().fill(bytes.as_mut_slice());
    bytes.into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let header =
        |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    pairs.iter().map(header).collect()
}

/// Sends a request with these headers.
async fn ask(http: &Http, method: &str, path: &str, pairs: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    http.send(method.parse::<Method>().unwrap(), path, headers(pairs), body.into()).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

/// Declares an upload by tus, and returns its path.
pub(crate) async fn create(http: &Http, size: usize) -> String {
    let size = size.to_string();
    let answer = ask(http, "POST", "/media", &[("tus-resumable", "1.0.0"), ("upload-length", &size)], "").await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    header(&answer, "location").unwrap().to_owned()
}

/// Sends a part of an upload by tus.
pub(crate) async fn patch(http: &Http, path: &str, offset: usize, part: impl Into<Bytes>) -> Answer {
    let offset = offset.to_string();
    let pairs = [("tus-resumable", "1.0.0"), ("upload-offset", offset.as_str()), ("content-type", PART)];
    ask(http, "PATCH", path, &pairs, part).await
}

/// Returns the offset of an upload.
pub(crate) async fn offset(http: &Http, path: &str) -> usize {
    let answer = ask(http, "HEAD", path, &[("tus-resumable", "1.0.0")], "").await;
    assert_eq!(answer.status, 200);
    header(&answer, "upload-offset").unwrap().parse().unwrap()
}

/// Uploads a file in one request, and returns its path.
pub(crate) async fn upload(http: &Http, content: &Bytes) -> String {
    let answer = ask(http, "POST", "/media", &[("content-type", "application/octet-stream")], content.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    header(&answer, "location").unwrap().to_owned()
}

/// Begins a PATCH of `length` bytes at `offset`, sends some of them, and leaves the connection open.
async fn begin_patch(client: &TestClient, path: &str, offset: usize, length: usize, some: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(client.http.addr()).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Type: {PART}\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n\r\n",
        client.tokens.access_token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(some).await.unwrap();
    stream
}
