//! Names of files: what is said to the partner, and what a name of the partner becomes on this disk.

use std::path::Path;

/// Most bytes of a name that is written to disk; file systems take 255.
const MAX_NAME: usize = 200;
/// The name of a file that has none.
const NAMELESS: &str = "file";

/// Returns the media type by the end of the name.
pub(super) fn media_type(path: &Path) -> &'static str {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("mp3") => "audio/mpeg",
        Some("ogg") => "audio/ogg",
        Some("mp4") => "video/mp4",
        Some("webm") => "video/webm",
        Some("pdf") => "application/pdf",
        Some("txt" | "md") => "text/plain",
        _ => "application/octet-stream",
    }
}

/// Returns a name for this disk: no path, nothing hidden, nothing that steers a terminal. From 2 on the number stands
/// before its extension.
pub(super) fn numbered(name: &str, number: u32) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control() && !is_turning(*c)).collect();
    let plain = plain.trim_start_matches('.').trim();
    let plain = plain.get(..plain.floor_char_boundary(MAX_NAME)).unwrap_or_default();
    let plain = if plain.is_empty() { NAMELESS } else { plain };
    if number == 1 {
        return plain.to_owned();
    }
    match plain.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem} ({number}).{extension}"),
        None => format!("{plain} ({number})"),
    }
}

/// Whether a character turns the direction of what follows, by which `gpj.exe` may look like `exe.jpg`.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_lead_nowhere_else() {
        for (name, expected) in [
            ("cat.jpg", "cat.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\a\\b.txt", "b.txt"),
            (".bashrc", "bashrc"),
            ("..", "file"),
            ("a/", "file"),
            ("", "file"),
            ("x\u{1b}[2J\ny", "x[2Jy"),
            ("exe\u{202e}gpj.a", "exegpj.a"),
        ] {
            assert_eq!(numbered(name, 1), expected, "{name:?}");
        }
        assert_eq!(numbered("cat.jpg", 2), "cat (2).jpg");
        assert_eq!(numbered("cat", 3), "cat (3)");
        assert_eq!(numbered(&"ä".repeat(300), 1).len(), MAX_NAME);
    }

    #[test]
    fn types_follow_the_name() {
        assert_eq!(media_type(Path::new("a.JPG")), "image/jpeg");
        assert_eq!(media_type(Path::new("a")), "application/octet-stream");
    }
}
