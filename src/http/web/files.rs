//! The files of the client, and of the page for operators.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// The start of the client.
pub(super) const INDEX: &str = "index.html";
/// The end of the name of a file that holds another one, compressed (RFC 7932).
const BROTLI: &str = ".br";
/// The place in the start of the client for the server that it is to talk to.
const SERVER: &str = r#"<meta name="fluent-server" content="">"#;
/// Characters of the hash in the name of a file.
const HASH_CHARACTERS: usize = 8;

/// The types of files, by the ends of their names.
const TYPES: [(&str, &str); 10] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/vnd.microsoft.icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webmanifest", "application/manifest+json"),
    ("woff2", "font/woff2"),
];

/// What `web/app` was built into, as it was when this program was compiled.
#[cfg(feature = "web")]
#[derive(rust_embed::RustEmbed)]
#[folder = "web/dist/app/"]
struct Folder;

/// What `web/admin` was built into.
#[cfg(feature = "web")]
#[derive(rust_embed::RustEmbed)]
#[folder = "web/dist/admin/"]
struct OperatorsFolder;

#[cfg(feature = "web")]
static EMBEDDED: LazyLock<WebFiles> = LazyLock::new(WebFiles::in_folder::<Folder>);
#[cfg(feature = "web")]
static OPERATORS: LazyLock<WebFiles> = LazyLock::new(WebFiles::in_folder::<OperatorsFolder>);
#[cfg(not(feature = "web"))]
static EMBEDDED: LazyLock<WebFiles> = LazyLock::new(|| WebFiles::new([]));
#[cfg(not(feature = "web"))]
static OPERATORS: LazyLock<WebFiles> = LazyLock::new(|| WebFiles::new([]));

/// One file.
#[derive(Clone, Debug)]
pub struct WebFile {
    plain: Bytes,
    brotli: Option<Bytes>,
    sha256: [u8; 32],
    content_type: &'static str,
    is_hashed: bool,
}

impl WebFile {
    fn new(name: &str, plain: Bytes, brotli: Option<Bytes>) -> Self {
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        let known = TYPES.iter().find(|(known, _)| *known == end);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, &plain).as_ref());
        let content_type = known.map_or("application/octet-stream", |(_, content_type)| content_type);
        Self { plain, brotli, sha256, content_type, is_hashed: has_hash(name) }
    }

    /// Returns its bytes.
    #[must_use]
    pub fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// Returns its bytes as Brotli, where that is worth it.
    #[must_use]
    pub fn brotli(&self) -> Option<&Bytes> {
        self.brotli.as_ref()
    }

    /// Returns its hash as browsers and operators compare it (Subresource Integrity §3.1).
    #[must_use]
    pub fn integrity(&self) -> String {
        format!("sha256-{}", STANDARD.encode(self.sha256))
    }

    /// Returns its media type.
    pub(super) fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// Returns whether its name changes with its contents.
    pub(super) fn is_hashed(&self) -> bool {
        self.is_hashed
    }

    /// Returns the tag of its bytes; the compressed ones have their own (RFC 9110 §8.8.3.3).
    pub(super) fn etag(&self, is_brotli: bool) -> String {
        let hash = self.sha256.iter().take(16).fold(0_u128, |hash, byte| hash << 8 | u128::from(*byte));
        format!("\"{hash:032x}{}\"", if is_brotli { "-br" } else { "" })
    }
}

/// All files, by their path below that of the pages.
#[derive(Clone, Debug)]
pub struct WebFiles(BTreeMap<String, WebFile>);

impl WebFiles {
    /// Returns the files in this program; none where it was built without the client.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Returns the files of the page for operators; none where this program was built without it.
    pub(super) fn of_operators() -> &'static Self {
        &OPERATORS
    }

    #[cfg(feature = "web")]
    fn in_folder<F: rust_embed::RustEmbed>() -> Self {
        let files = F::iter().filter(|name| !name.starts_with('.')).filter_map(|name| {
            let bytes = match F::get(&name)?.data {
                std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                std::borrow::Cow::Owned(bytes) => bytes.into(),
            };
            Some((name.into_owned(), bytes))
        });
        Self::new(files)
    }

    /// Puts files and their compressed siblings together.
    pub(super) fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let mut all: BTreeMap<String, Bytes> = files.into_iter().collect();
        let plain: Vec<String> = all.keys().filter(|name| !name.ends_with(BROTLI)).cloned().collect();
        let files = plain.into_iter().filter_map(|name| {
            let (bytes, brotli) = (all.remove(&name)?, all.remove(&format!("{name}{BROTLI}")));
            let file = WebFile::new(&name, bytes, brotli);
            Some((name, file))
        });
        Self(files.collect())
    }

    /// Returns the file with this path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&WebFile> {
        self.0.get(path)
    }

    /// Returns all files with their paths, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &WebFile)> {
        self.0.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// Returns the same files, whose start names this server; `None` when it has not one place for it.
    pub(super) fn with_server(&self, origin: &str) -> Option<Self> {
        let html = std::str::from_utf8(&self.get(INDEX)?.plain).ok()?;
        let (before, after) = html.split_once(SERVER)?;
        let place = SERVER.strip_suffix("\">")?;
        let named = format!("{before}{place}{origin}\">{after}");
        let is_only_place = !after.contains(SERVER);
        let mut files = self.clone();
        files.0.insert(INDEX.to_owned(), WebFile::new(INDEX, named.into(), None));
        is_only_place.then_some(files)
    }
}

/// Returns whether a name has the hash that the build gives to files: `app-7QX3ZK2B.js`.
fn has_hash(name: &str) -> bool {
    let Some((stem, _)) = name.rsplit_once('.') else { return false };
    let Some((_, hash)) = stem.rsplit_once('-') else { return false };
    hash.len() == HASH_CHARACTERS && hash.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        for hashed in ["app-7QX3ZK2B.js", "chat-view-ABCDEFGH.css"] {
            assert!(has_hash(hashed), "{hashed}");
        }
        for other in ["index.html", "sw.js", "icon-192.png", "app-7qx3zk2b.js", "app-7QX3ZK2B", "7QX3ZK2B.js"] {
            assert!(!has_hash(other), "{other}");
        }
    }

    /// Of the files that this program holds: what would be served wrongly.
    #[test]
    fn every_file_has_a_type_and_is_smaller_compressed() {
        for (name, file) in WebFiles::embedded().iter().chain(WebFiles::of_operators().iter()) {
            assert_ne!(file.content_type(), "application/octet-stream", "{name}");
            assert!(!name.contains('/'), "{name} is in a folder");
            if let Some(brotli) = file.brotli() {
                assert!(brotli.len() < file.plain().len(), "{name} is larger when it is compressed");
            }
        }
    }

    #[cfg(feature = "web")]
    #[test]
    fn the_start_of_the_client_has_one_place_for_the_server() {
        let start = WebFiles::embedded().get(INDEX).expect("the client is in the program");
        assert_eq!(std::str::from_utf8(start.plain()).unwrap().matches(SERVER).count(), 1);
    }
}
