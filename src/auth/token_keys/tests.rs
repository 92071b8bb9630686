use super::*;
use crate::auth::AccessTokens;
use crate::clock::Clock;
use crate::domain::{LoginId, UserId};

fn start() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000)
}

/// Settings, and the directory in which everything is.
fn settings(algorithm: TokenAlgorithm) -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    config.server.data_dir = dir.path().to_owned();
    config.auth.token_algorithm = algorithm;
    (dir, config)
}

fn tokens(config: &Config, clock: &Clock) -> AccessTokens {
    AccessTokens::new(TokenKeys::load(config, clock.now()).unwrap(), config.auth.access_token_s, clock.clone())
}

fn issue(tokens: &AccessTokens) -> String {
    tokens.issue(UserId(1), "alice", LoginId(1)).unwrap()
}

fn states(config: &Config, now: Timestamp) -> Vec<(String, &'static str)> {
    let keys = TokenKeys::list(config, now).unwrap();
    keys.into_iter().filter(|key| key.alg == "EdDSA").map(|key| (key.kid, key.state.as_str())).collect()
}

#[test]
fn a_key_is_published_then_signs_then_verifies_and_is_gone() {
    let (dir, config) = settings(TokenAlgorithm::EdDsa);
    let clock = Clock::stopped_at(start());
    let tokens = tokens(&config, &clock);
    let [(first, _), (second, _)] = states(&config, clock.now()).try_into().unwrap();
    let old = issue(&tokens);
    assert_eq!(tokens.published().len(), 2);

    let (current, third) = KeyDirectory::of(&config).rotate(clock.now()).unwrap();
    assert_eq!(current, second, "what was published signs");
    assert!(tokens.reload().unwrap() && !tokens.reload().unwrap());
    let expected = [(first.clone(), "previous"), (second, "current"), (third, "next")];
    assert_eq!(states(&config, clock.now()), expected);
    assert!(tokens.verify(&old).is_ok() && tokens.verify(&issue(&tokens)).is_ok());
    assert_eq!(tokens.published().len(), 3);

    let file = dir.path().join(format!("keys/ed25519-{first}.pem"));
    clock.advance_secs(900 + 59);
    tokens.sweep().unwrap();
    assert!(file.exists() && tokens.published().len() == 3);
    clock.advance_secs(1);
    assert_eq!(tokens.published().len(), 2, "before the file is gone, too");
    tokens.sweep().unwrap();
    assert!(!file.exists() && tokens.reload().unwrap());
    assert_eq!(states(&config, clock.now()).len(), 2);
}

#[test]
fn a_revoked_key_is_refused_at_once_and_another_signs() {
    let (_dir, config) = settings(TokenAlgorithm::EdDsa);
    let clock = Clock::stopped_at(start());
    let tokens = tokens(&config, &clock);
    let old = issue(&tokens);
    let [(first, _), (second, _)] = states(&config, clock.now()).try_into().unwrap();
    TokenKeys::revoke(&config, &first, clock.now()).unwrap();
    assert!(tokens.reload().unwrap());
    assert!(tokens.verify(&old).is_err() && tokens.verify(&issue(&tokens)).is_ok());
    let [current, (next, _)] = states(&config, clock.now()).try_into().unwrap();
    assert_eq!(current, (second, "current"));
    // One that does not sign yet is replaced.
    TokenKeys::revoke(&config, &next, clock.now()).unwrap();
    let [unchanged, (other, state)] = states(&config, clock.now()).try_into().unwrap();
    assert_eq!((unchanged, state), (current, "next"));
    assert_ne!(other, next);
    let unknown = TokenKeys::revoke(&config, &next, clock.now());
    assert!(matches!(unknown, Err(KeyError::NoSuchKey(_))), "{unknown:?}");
}

#[test]
fn a_change_of_the_algorithm_refuses_old_tokens_when_they_have_expired() {
    let (_dir, mut config) = settings(TokenAlgorithm::Hs256);
    let clock = Clock::stopped_at(start());
    // As long as they can be: it is their key that is over.
    config.auth.access_token_s = 900;
    let by_secret = issue(&tokens(&config, &clock));
    assert!(tokens(&config, &clock).published().is_empty());
    let rotated = KeyDirectory::of(&config).rotate(clock.now());
    assert!(matches!(rotated, Err(KeyError::SignsBySecret)), "{rotated:?}");

    config.auth.token_algorithm = TokenAlgorithm::EdDsa;
    let by_keys = tokens(&config, &clock);
    assert!(by_keys.verify(&by_secret).is_ok());
    let kid = SecretKeys::existing(&config).unwrap().remove(0);
    assert!(matches!(TokenKeys::revoke(&config, &kid, clock.now()), Err(KeyError::IsSecret(_))));
    let is_listed = || TokenKeys::list(&config, clock.now()).unwrap().iter().any(|key| key.alg == "HS256");
    assert!(is_listed());
    clock.advance_secs(960);
    assert!(!is_listed());
    let late = issue(&AccessTokens::new(TokenKeys::load(&hs256(&config), clock.now()).unwrap(), 900, clock.clone()));
    assert!(by_keys.verify(&late).is_err(), "the secret has ceased to sign");

    // Back again: the load above has retired the keys.
    let by_key = issue(&by_keys);
    config.auth.token_algorithm = TokenAlgorithm::Hs256;
    let by_secret = tokens(&config, &clock);
    assert!(by_secret.verify(&by_key).is_ok());
    assert_eq!(by_secret.published().len(), 1, "the next key is gone, the former one is still published");
    clock.advance_secs(960);
    assert!(by_secret.published().is_empty());
}

fn hs256(config: &Config) -> Config {
    let mut config = config.clone();
    config.auth.token_algorithm = TokenAlgorithm::Hs256;
    config
}

#[test]
fn what_cannot_be_loaded_leaves_the_keys_as_they_were() {
    let (dir, config) = settings(TokenAlgorithm::EdDsa);
    let clock = Clock::stopped_at(start());
    let tokens = tokens(&config, &clock);
    let manifest = dir.path().join("keys/ed25519.json");
    let sound = std::fs::read_to_string(&manifest).unwrap();
    let [(first, _), (second, _)] = states(&config, clock.now()).try_into().unwrap();
    let swapped = sound.replace(&first, &format!("../keys/ed25519-{first}"));
    let elsewhere = sound.replace(&first, "../../../etc/passwd");
    for wrong in ["{", r#"{"signing_since":0,"keys":[]}"#, swapped.as_str(), elsewhere.as_str()] {
        std::fs::write(&manifest, wrong).unwrap();
        let error = tokens.reload().unwrap_err().to_string();
        assert!(error.lines().count() == 1 && error.contains("auth.token_keys_dir"), "{error}");
        assert!(tokens.verify(&issue(&tokens)).is_ok());
    }
    std::fs::write(&manifest, &sound).unwrap();
    let [first, second] = [first, second].map(|kid| dir.path().join(format!("keys/ed25519-{kid}.pem")));
    std::fs::copy(second, first).unwrap();
    assert!(TokenKeys::load(&config, clock.now()).is_err(), "a key under another's name");
}

#[test]
fn servers_that_start_at_once_make_one_pair_of_keys() {
    let (dir, config) = settings(TokenAlgorithm::EdDsa);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| TokenKeys::load(&config, start()).unwrap());
        }
    });
    let files = std::fs::read_dir(dir.path().join("keys")).unwrap();
    let is_key = |path: &std::path::Path| path.extension().is_some_and(|extension| extension == "pem");
    assert_eq!(files.filter(|file| is_key(&file.as_ref().unwrap().path())).count(), 2);
    assert_eq!(states(&config, start()).len(), 2);
}
