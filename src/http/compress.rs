//! Compression of long lists.
//!
//! A list holds what others have chosen, a stranger's text or name, beside what they must not know. A code that
//! replaces repetitions would show them by the length whether they have guessed right (CRIME, BREACH). So letters only
//! get shorter codes the more often they occur, and repetitions are not replaced. Nearly all of the gain is there
//! anyway, since base64 has few letters and its text does not repeat.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use zlib_rs::{DeflateConfig, InflateConfig, ReturnCode, Strategy, compress_bound, compress_slice, decompress_slice};

use super::respond::{Body, Response};

/// Bodies below this size are not worth compressing.
const MIN_BYTES: usize = 1024;
/// The largest window, in a frame of gzip (RFC 1952).
const GZIP_WINDOW_BITS: i32 = 16 + 15;
/// Room for the frame of gzip, which is a few bytes longer than that of zlib.
const GZIP_FRAME_BYTES: usize = 32;

/// Returns whether the client accepts gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    takes(headers, &["gzip", "x-gzip"])
}

/// Returns whether the client accepts the coding that has these names (RFC 9110 §12.5.3).
pub(super) fn takes(headers: &HeaderMap, names: &[&str]) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut others = false;
    for offered in values.flat_map(|value| value.split(',')) {
        let (coding, weight) = offered.split_once(';').unwrap_or((offered, "q=1"));
        let weight = weight.trim().strip_prefix(['q', 'Q']).and_then(|weight| weight.trim().strip_prefix('='));
        let wanted = weight.and_then(|weight| weight.trim().parse::<f32>().ok()).is_some_and(|weight| weight > 0.0);
        match coding.trim().to_ascii_lowercase().as_str() {
            name if names.contains(&name) => return wanted,
            "*" => others = wanted,
            _ => {}
        }
    }
    others
}

/// Compresses a long list. Everything else stays as it is: a body that holds a token, scripts and pages, which would
/// be compressed anew for each request, and streams, of which most are ciphertext.
pub(super) fn compress(mut response: Response) -> Response {
    let Body::Whole(plain) = response.body() else { return response };
    if plain.len() < MIN_BYTES || !is_list(&response) {
        return response;
    }
    if let Some(body) = gzip(plain) {
        *response.body_mut() = Body::Whole(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

fn is_list(response: &Response) -> bool {
    let headers = response.headers();
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let is_secret = headers.get(CACHE_CONTROL).is_some_and(|value| value == "no-store");
    response.status() == StatusCode::OK && is_json && !is_secret
}

/// Returns the text as gzip, or `None` when that is not shorter.
fn gzip(plain: &[u8]) -> Option<Bytes> {
    let config =
        DeflateConfig { window_bits: GZIP_WINDOW_BITS, strategy: Strategy::HuffmanOnly, ..DeflateConfig::default() };
    let mut room = vec![0; compress_bound(plain.len()) + GZIP_FRAME_BYTES];
    let (written, _) = compress_slice(&mut room, plain, config);
    let length = written.len();
    (length > 0 && length < plain.len()).then(|| {
        room.truncate(length);
        room.shrink_to_fit();
        room.into()
    })
}

/// Returns the contents of a file of gzip with one member, such as those that this program holds; `None` when it is
/// damaged.
pub(super) fn gunzip(packed: &[u8]) -> Option<Bytes> {
    // The last four bytes are the length (RFC 1952 §2.3.1).
    let length = u32::from_le_bytes(*packed.last_chunk()?);
    let mut plain = vec![0; usize::try_from(length).ok()?];
    let config = InflateConfig { window_bits: GZIP_WINDOW_BITS };
    let (written, code) = decompress_slice(&mut plain, packed, config);
    let is_whole = code == ReturnCode::Ok && written.len() == plain.len();
    is_whole.then(|| plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_takes_as_much_as_the_same_letters_in_another_order() {
        let list = |guess: &str| format!(r#"[{{"partner":"konstantinopolis"}},{{"content":"{}"}}]"#, guess.repeat(200));
        let (right, wrong) = (list("konstantinopolis"), list("siloponitnatsnok"));
        let lengths = [&right, &wrong].map(|text| gzip(text.as_bytes()).map(|bytes| bytes.len()));
        assert!(lengths[0].is_some());
        assert_eq!(lengths[0], lengths[1]);
    }

    #[test]
    fn what_was_packed_is_unpacked_and_damage_is_noticed() {
        let text = "eta ".repeat(1000);
        let mut packed = gzip(text.as_bytes()).unwrap().to_vec();
        assert_eq!(gunzip(&packed).unwrap(), text.as_bytes());
        packed[100] ^= 1;
        assert_eq!(gunzip(&packed), None);
        assert_eq!(gunzip(b"abc"), None);
    }

    #[test]
    fn noise_stays_as_it_is() {
        let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(gzip(&noise), None);
    }
}
