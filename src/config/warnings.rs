//! Warnings of settings that are allowed but seldom intended.

use super::{Config, Store};

impl Config {
    /// Returns warnings of risky settings, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.server.listen.is_loopback() && !self.is_reached_by_tls() {
            warnings.push(format!(
                "server.listen is {}, and http.behind_tls is off: passwords, tokens and who writes to whom cross the \
                 network in clear text. Set tls.certificate and tls.key, or put a TLS proxy in front and set \
                 http.behind_tls",
                self.server.listen
            ));
        }
        if self.http.behind_tls && !self.tls.is_on() && self.server.trusted_proxies.is_empty() {
            warnings.push(
                "http.behind_tls is on, and server.trusted_proxies is empty: all clients count as one, whose address \
                 is that of your proxy. Name its network, and set server.client_address"
                    .to_owned(),
            );
        }
        if let Some(all) = self.server.trusted_proxies.iter().find(|network| network.is_everything()) {
            warnings.push(format!(
                "server.trusted_proxies holds {all}: any client can claim any address. Name only the networks of your \
                 proxies"
            ));
        }
        if !self.admin.listen.is_loopback() {
            warnings.push(format!(
                "admin.listen is {}: whoever reaches that address sees metrics without a token, and tokens cross the \
                 network in clear text. Listen on loopback, or see that nobody but your monitoring gets there",
                self.admin.listen
            ));
        }
        let shares_database = matches!(self.store(), Ok(Store::Postgres(_)));
        if self.push.makes_webpush() && shares_database && self.push.webpush.vapid_key_file.is_empty() {
            warnings.push(
                "push.webpush.vapid_key_file is empty: this server makes a key of its own. Several servers on one \
                 database need one shared file, or each refuses to wake the browsers that have subscribed at another"
                    .to_owned(),
            );
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
        if behind_tls {
            config.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        }
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

    #[test]
    fn servers_that_share_a_database_need_one_key_for_web_push() {
        let mut config = Config::defaults().unwrap();
        config.push.webpush.contact = "mailto:ops@example.org".to_owned();
        let is_warned = |config: &Config| config.warnings().iter().any(|text| text.starts_with("push.webpush.vapid"));
        assert!(!is_warned(&config));
        let mut config = config.on("postgres://db/fluent".to_owned());
        assert!(is_warned(&config));
        config.push.webpush.vapid_key_file = "/etc/fluent/vapid.pem".to_owned();
        assert!(!is_warned(&config));
    }

    #[test]
    fn proxies_that_are_not_known_or_everybody_are_warned_of() {
        let mut config = Config::defaults().unwrap();
        config.http.behind_tls = true;
        let warned = |config: &Config| config.warnings().join("\n");
        assert!(warned(&config).contains("server.trusted_proxies is empty"), "{}", warned(&config));
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        assert_eq!(warned(&config), "");
        config.server.trusted_proxies.push("::/0".parse().unwrap());
        assert!(warned(&config).contains("holds ::/0"), "{}", warned(&config));
    }
}
