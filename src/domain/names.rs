//! Names that clients make up: for their messages and for themselves.

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $also:pat) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks the form.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let valid = (1..=64).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, $also));
                valid.then(|| Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The sender's name for a message, unique among that sender's: `[A-Za-z0-9._:-]{1,64}`, best a `UUIDv7` (RFC 9562
    /// §5.7).
    ClientId, b'.' | b'_' | b':' | b'-'
}
name! {
    /// A device's name for itself, unique among its user's devices: `[A-Za-z0-9_-]{1,64}`.
    DeviceId, b'_' | b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert!(ClientId::parse("018f-a.b:C_9").is_some() && ClientId::parse(&"x".repeat(64)).is_some());
        assert!(DeviceId::parse("pixel-8_a").is_some());
        for bad in ["", "a b", "ä", "a/b", &"x".repeat(65)] {
            assert!(ClientId::parse(bad).is_none() && DeviceId::parse(bad).is_none(), "{bad}");
        }
        assert!(DeviceId::parse("a.b").is_none() && DeviceId::parse("a:b").is_none());
    }
}
