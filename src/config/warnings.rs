//! Warnings of settings that are allowed but seldom intended.

use super::Config;

impl Config {
    /// Returns warnings of risky settings, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.server.listen.is_loopback() && !self.http.behind_tls {
            warnings.push(format!(
                "server.listen is {}, and http.behind_tls is off: passwords, tokens and who writes to whom cross \
                 the network in clear text. Put a TLS proxy in front and set http.behind_tls",
                self.server.listen
            ));
        }
        if !self.admin.listen.is_loopback() {
            warnings.push(format!(
                "admin.listen is {}: whoever reaches that address needs no password. Listen on loopback, or see that \
                 nobody but your monitoring gets there",
                self.admin.listen
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(server: &str, admin: &str, behind_tls: bool) -> Vec<String> {
        let mut config = Config::defaults().unwrap();
        config.server.listen = server.parse().unwrap();
        config.admin.listen = admin.parse().unwrap();
        config.http.behind_tls = behind_tls;
        config.warnings().iter().map(|text| text.split(' ').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_others_can_reach_is_warned_of() {
        assert!(keys("127.0.0.1:8000", "[::1]:9000", false).is_empty());
        assert!(keys("localhost:8000", "localhost:9000", false).is_empty());
        assert!(keys("0.0.0.0:8000", "127.0.0.1:9000", true).is_empty());
        assert_eq!(keys("0.0.0.0:8000", "127.0.0.1:9000", false), ["server.listen"]);
        assert_eq!(keys("127.0.0.1:8000", "0.0.0.0:9000", false), ["admin.listen"]);
        assert_eq!(keys("192.0.2.1:8000", "ops.example:9000", false), ["server.listen", "admin.listen"]);
    }
}
