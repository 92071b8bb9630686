use secrecy::SecretString;

use super::*;
use crate::config::Config;
use crate::domain::Timestamp;

fn keys(current: &str, former: &str) -> TokenKeys {
    let mut config = Config::defaults().unwrap();
    // No directory: nothing is kept there.
    config.server.data_dir = "/nonexistent/fluent".into();
    config.auth.secret_key = SecretString::from(current);
    config.auth.previous_secret_keys =
        Some(former).filter(|f| !f.is_empty()).map(SecretString::from).into_iter().collect();
    TokenKeys::load(&config, Timestamp::from_micros(0)).unwrap()
}

const OLD: &str = "old-old-old-old-old-old-old-old-old";
const NEW: &str = "new-new-new-new-new-new-new-new-new";

fn tokens(keys: TokenKeys, clock: &Clock) -> AccessTokens {
    AccessTokens::new(keys, 900, clock.clone())
}

#[test]
fn a_token_is_good_until_it_expires() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_700_000_000_000_000));
    let tokens = tokens(keys(NEW, ""), &clock);
    let token = tokens.issue(UserId(7), "Ünï", LoginId(3)).unwrap();
    let access = Access { user: UserId(7), login: LoginId(3) };
    assert_eq!(tokens.verify(&token).unwrap(), access);
    clock.advance_secs(899);
    assert!(tokens.verify(&token).is_ok());
    clock.advance_secs(1);
    assert!(tokens.verify(&token).is_err());
}

#[test]
fn a_rotated_key_still_verifies_and_no_longer_signs() {
    let clock = Clock::system();
    let token = tokens(keys(OLD, ""), &clock).issue(UserId(1), "a", LoginId(1)).unwrap();
    assert!(tokens(keys(NEW, OLD), &clock).verify(&token).is_ok());
    assert!(tokens(keys(NEW, ""), &clock).verify(&token).is_err());
    let new = tokens(keys(NEW, OLD), &clock).issue(UserId(1), "a", LoginId(1)).unwrap();
    assert!(tokens(keys(OLD, ""), &clock).verify(&new).is_err());
}

#[test]
fn an_ended_login_is_refused_at_once() {
    let clock = Clock::system();
    let tokens = tokens(keys(NEW, ""), &clock);
    let token = tokens.issue(UserId(1), "a", LoginId(1)).unwrap();
    let other = tokens.issue(UserId(1), "a", LoginId(2)).unwrap();
    tokens.refused().refuse_logins(&[LoginId(1)]);
    assert!(tokens.verify(&token).is_err());
    assert!(tokens.verify(&other).is_ok());
}

#[test]
fn a_shorter_life_holds_for_what_was_given_before() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_700_000_000_000_000));
    let token = AccessTokens::new(keys(NEW, ""), 3600, clock.clone());
    let token = token.issue(UserId(1), "a", LoginId(1)).unwrap();
    let tokens = tokens(keys(NEW, ""), &clock);
    clock.advance_secs(899);
    assert!(tokens.verify(&token).is_ok());
    clock.advance_secs(1);
    assert!(tokens.verify(&token).is_err());
}
