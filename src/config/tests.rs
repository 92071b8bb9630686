use secrecy::ExposeSecret as _;

use super::*;

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(None, variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

#[test]
fn defaults_are_valid_and_commented() {
    let config = Config::defaults().unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8000");
    assert!(config.store().unwrap() == Store::Sqlite("data/fluent.db".into()));
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" = ")) {
        let previous = lines.get(i.wrapping_sub(1)).copied().unwrap_or_default();
        assert!(previous.starts_with('#') || previous.contains(" = "), "no comment above {line}");
    }
}

#[test]
fn the_environment_wins_and_keeps_text_as_text() {
    let secret = "00000000000000000000000000000007";
    let config = load(&[
        ("FLUENT__SERVER__LISTEN", "127.0.0.1:0"),
        ("FLUENT__LIMITS__ENABLED", "false"),
        ("FLUENT__SOCKET__IN_FLIGHT", "3"),
        ("FLUENT__HTTP__CORS_ORIGINS", "https://a.example, https://b.example"),
        ("SECRET_KEY", secret),
        ("HOME", "/nowhere"),
    ])
    .unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:0");
    assert!(!config.limits.enabled);
    assert_eq!(config.socket.in_flight, 3);
    assert_eq!(config.http.cors_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.auth.secret_key.expose_secret(), secret);
}

#[test]
fn a_file_sets_values_and_the_full_name_beats_the_short_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fluent.toml");
    std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:9\"\n[http]\ncors_origins = [\"https://c.example\"]\n")
        .unwrap();
    let variables = [("DATABASE_URL", "sqlite://short.db"), ("FLUENT__DATABASE__URL", "sqlite://full.db")];
    let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let config = Config::load(Some(&path), variables).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:9");
    assert_eq!(config.http.cors_origins, ["https://c.example"]);
    assert!(config.store().unwrap() == Store::Sqlite("full.db".into()));
}

#[test]
fn mistakes_are_named() {
    let message = |variables: &[(&str, &str)]| load(variables).unwrap_err().to_string();
    assert!(message(&[("FLUENT__SERVER__LISTNE", "x")]).contains("listne"));
    assert!(message(&[("FLUENT__SERVERS__LISTEN", "x")]).contains("servers"));
    assert!(message(&[("FLUENT__SOCKET__IN_FLIGHT", "many")]).contains("in_flight"));
    assert!(message(&[("SECRET_KEY", "short")]).contains("auth.secret_key"));
    assert!(message(&[("FLUENT__LOG__FILTER", "a=b=c")]).contains("log.filter"));
    assert!(message(&[("DATABASE_URL", "mysql://x")]).contains("database.url"));
    assert!(message(&[("FLUENT__HTTP__MAX_HEAD_BYTES", "1")]).contains("http.max_head_bytes"));
    for host in ["http://fluent", "fluent:9000", "fluent/"] {
        assert!(message(&[("FLUENT__ADMIN__HOSTS", host)]).contains("admin.hosts"), "{host}");
    }
    let named = load(&[("FLUENT__ADMIN__HOSTS", "fluent, metrics.example.org")]).unwrap();
    assert_eq!(named.admin.hosts, ["fluent", "metrics.example.org"]);
    let origin = message(&[("FLUENT__HTTP__CORS_ORIGINS", "https://a.example,https://b.example/chat")]);
    assert!(origin.contains("http.cors_origins") && origin.contains("https://b.example/chat"), "{origin}");
    for (key, value) in [("ARGON2_MEMORY_KIB", "1048577"), ("ARGON2_PASSES", "101"), ("HASH_CONCURRENCY", "1025")] {
        let text = message(&[(&format!("FLUENT__AUTH__{key}"), value)]);
        assert!(text.contains(&format!("auth.{}", key.to_lowercase())), "{text}");
    }
    let missing = Config::load(Some(Path::new("/does/not/exist.toml")), HashMap::new()).unwrap_err();
    assert!(missing.to_string().contains("/does/not/exist.toml"));
    for text in [message(&[("SECRET_KEY", "short")]), missing.to_string()] {
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn a_former_setting_is_refused_with_the_name_of_its_successor() {
    let text = load(&[("FLUENT__LIMITS__CLIENT_IP_HEADER", "X-Forwarded-For")]).unwrap_err().to_string();
    assert!(text.contains("limits.client_ip_header") && text.contains("server.client_address"), "{text}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fluent.toml");
    std::fs::write(&path, "[limits]\nclient_ip_header = \"\"\n").unwrap();
    let text = Config::load(Some(&path), HashMap::new()).unwrap_err().to_string();
    assert!(text.contains("server.trusted_proxies"), "{text}");
}

#[test]
fn proxies_are_networks_and_must_be_named_where_they_count() {
    let named = [
        ("FLUENT__SERVER__CLIENT_ADDRESS", "x-forwarded-for"),
        ("FLUENT__SERVER__TRUSTED_PROXIES", "127.0.0.1, 10.1.2.3/8, fd00::/8"),
    ];
    let config = load(&named).unwrap();
    assert_eq!(config.server.client_address, ClientAddressSource::XForwardedFor);
    let shown: Vec<String> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]);
    assert!(config.redacted_toml().unwrap().contains("client_address = \"x-forwarded-for\""));
    let message = |variables: &[(&str, &str)]| load(variables).unwrap_err().to_string();
    assert!(message(&[("FLUENT__SERVER__CLIENT_ADDRESS", "proxy-protocol")]).contains("server.trusted_proxies"));
    assert!(message(&[("FLUENT__SERVER__CLIENT_ADDRESS", "X-Real-IP")]).contains("client_address"));
    let wrong = message(&[("FLUENT__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,haproxy")]);
    assert!(wrong.contains("`haproxy`") && wrong.contains("trusted_proxies"), "{wrong}");
    assert!(load(&[("FLUENT__SERVER__TRUSTED_PROXIES", "")]).unwrap().server.trusted_proxies.is_empty());
}

#[test]
fn a_syntax_error_does_not_show_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fluent.toml");
    std::fs::write(&path, "[auth]\nsecret_key = \"sup3rsecret\n").unwrap();
    let text = Config::load(Some(&path), HashMap::new()).unwrap_err().to_string();
    assert!(text.contains("line 2") && !text.contains("sup3rsecret"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn secrets_are_not_shown() {
    let secret = "a-very-secret-value-of-enough-characters";
    let url = "postgres://user:hunter22@db/fluent";
    let config =
        load(&[("SECRET_KEY", secret), ("DATABASE_URL", url), ("FLUENT__AUTH__PREVIOUS_SECRET_KEYS", secret)]).unwrap();
    for text in [config.redacted_toml().unwrap(), format!("{config:?}")] {
        assert!(!text.contains(secret) && !text.contains("hunter22"), "{text}");
    }
    assert!(config.redacted_toml().unwrap().contains("[redacted]"));
}

#[test]
fn every_limiter_can_be_set_in_the_environment() {
    use crate::domain::Limiter;
    let defaults = Config::defaults().unwrap().limits;
    for limiter in Limiter::ALL {
        let Some(rule) = defaults.rule(*limiter) else { continue };
        let key = format!("FLUENT__LIMITS__{}__BURST", limiter.setting().to_uppercase().replace('.', "__"));
        let burst = (rule.burst + 1).to_string();
        let set = load(&[(&key, &burst)]).unwrap_or_else(|error| panic!("{key}: {error}")).limits;
        assert_eq!(set.rule(*limiter).unwrap().burst, rule.burst + 1, "{key}");
        assert_eq!(set.rule(*limiter).unwrap().every, rule.every);
        assert_eq!(load(&[(&key, "0")]).unwrap().limits.rule(*limiter), None, "{key}: 0 switches it off");
    }
    assert_eq!(load(&[("FLUENT__LIMITS__ENABLED", "false")]).unwrap().limits.rule(Limiter::SendUser), None);
}

#[test]
fn limits_that_could_not_work_and_those_of_former_versions_are_refused() {
    let message = |key: &str, value: &str| load(&[(key, value)]).unwrap_err().to_string();
    for (key, value, named) in [
        ("FLUENT__LIMITS__SEND__PAIR__EVERY_MS", "0", "limits.send.pair every_ms"),
        ("FLUENT__LIMITS__INBOUND__PARTNERS__PER_S", "0", "limits.inbound.partners every_ms"),
        ("FLUENT__LIMITS__INBOUND__STRANGERS__BURST", "196607", "limits.inbound.strangers burst"),
        ("FLUENT__LIMITS__DIRECTORY__USER__BURST", "99", "limits.directory.user burst"),
        ("FLUENT__LIMITS__KEY__USER__EVERY_MS", "99999999999999", "limits.key.user must be full"),
        ("FLUENT__LIMITS__SEND__PIAR__BURST", "1", "piar"),
        ("FLUENT__LIMITS__AUTH_PER_MINUTE", "1", "limits.login.address"),
        ("FLUENT__LIMITS__LOGINS_PER_NAME_PER_MINUTE", "1", "limits.login.account"),
    ] {
        let message = message(key, value);
        assert!(message.contains(named), "{key}: {message}");
    }
}
