//! Many users and messages at once, put straight into a store on which no server runs.

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{EmailAddress, PublicKey, UserId, UserName};
use crate::server::make_data_dir;
use crate::storage::{SeedMessages, SeedUsers, Storage};

/// The public key of all these users: Ed25519, RFC 8410 §10.1.
const PUBLIC_KEY: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

/// Frequent parts of names: what is common is searched most and found most.
const FIRST: [&str; 24] = [
    "Anna", "Maria", "Ali", "Jonas", "Sofia", "Peter", "Zoë", "José", "Chen", "Fatima", "Ivan", "Julia", "Lukas",
    "Mia", "Noah", "Olga", "Paul", "Priya", "Søren", "Tom", "Umut", "Vera", "Wei", "Yuki",
];
const DOMAINS: [&str; 5] = ["example.org", "example.com", "mail.example", "example.net", "uni.example.edu"];
const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aeio";

/// Returns a hash of a number (the finaliser of `SplitMix64`).
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick<T: Copy>(from: &[T], number: u64) -> T {
    let len = u64::try_from(from.len()).expect("a short list");
    from[usize::try_from(number % len).expect("below the length")]
}

/// Returns four syllables, which differ for each of the first 2²⁴ numbers.
fn surname(number: u64) -> String {
    // An odd factor permutes the numbers below a power of two.
    let mixed = number.wrapping_mul(0x9e37_79b1) & 0x00ff_ffff;
    let syllable = |i: u64| {
        let part = mixed >> (6 * i);
        [pick(CONSONANTS, part), pick(VOWELS, part >> 4)].map(char::from)
    };
    (0..4).flat_map(syllable).collect()
}

/// Returns the name of the user with this number, always the same: for half of them an address, as the Android app
/// registers, for the others two words, or words and digits. Parts repeat as in people's names, but no two of 2²⁴
/// numbers have the same name.
#[must_use]
pub fn name(number: u64) -> String {
    let random = scatter(number);
    // The smaller of two: the first names are far more common than the last ones.
    let common = (random >> 8 & 0xff).min(random >> 16 & 0xff) * 24 / 256;
    let (first, last) = (pick(&FIRST, common), surname(number));
    match random % 10 {
        0..5 => format!("{}.{last}@{}", first.to_lowercase(), pick(&DOMAINS, random >> 24)),
        5..8 => format!("{first} {}{}", last[..1].to_uppercase(), &last[1..]),
        8 => format!("{first}_{last}{}", (random >> 24) % 100),
        _ => format!("{last}{}", 1950 + (random >> 24) % 60),
    }
}

/// Makes the users with the numbers `first` … `first + count - 1`, all with one password hash, and returns their ids in
/// that order. 100,000 take a few seconds.
pub async fn users(config: &Config, first: u64, count: u64, password: &str) -> Vec<UserId> {
    let names: Vec<(UserName, EmailAddress)> = (first..first + count)
        .map(|number| {
            let address = format!("{}.{number}@example.org", surname(number));
            let name = UserName::parse(name(number)).expect("a name");
            (name, EmailAddress::parse(address).expect("an address"))
        })
        .collect();
    let password_hash = hash(config, password);
    let public_key = PublicKey::parse(PUBLIC_KEY.to_owned(), true).expect("a key");
    let storage = open(config).await;
    let now = Clock::system().now();
    let users = SeedUsers { names: &names, password_hash: &password_hash, public_key: &public_key, now };
    let ids = storage.seed_users(&users).await.expect("new users");
    storage.close().await.expect("the store closes");
    ids
}

/// Makes accounts as a version before the present rules did: each has a name, an address and a password, which is
/// hashed as it is given.
pub async fn old_users(config: &Config, users: &[(&str, &str, &str)]) {
    let storage = open(config).await;
    for (name, email, password) in users {
        storage.seed_old_user(name, email, &hash(config, password)).await.expect("a new user");
    }
    storage.close().await.expect("the store closes");
}

fn hash(config: &Config, password: &str) -> String {
    let params =
        Params::new(config.auth.argon2_memory_kib, config.auth.argon2_passes, 1, None).expect("argon2 settings");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(password.as_bytes()).expect("a hash").to_string()
}

/// Stores `count` messages of `fluent.v1` with ciphertexts of `bytes` bytes: one for each pair, from its first user to
/// its second, then one for each the other way, and so on. A million take some ten seconds in a release build on
/// SQLite.
///
/// They are neither delivered nor read. A retry of one of them is refused as a conflict.
pub async fn messages(config: &Config, pairs: &[(UserId, UserId)], count: u64, bytes: usize) {
    let hex: Vec<String> = (0..).map(|i| format!("{:016x}", scatter(i))).take(bytes.div_ceil(16)).collect();
    let filler = hex.concat();
    let storage = open(config).await;
    let now = Clock::system().now();
    let messages = SeedMessages { pairs, count, filler: &filler, length: bytes, content_hash: [7; 32], now };
    storage.seed_messages(&messages).await.expect("messages are stored");
    storage.close().await.expect("the store closes");
}

/// Deletes for a user all messages that the others still have, as if long ago: the events of the deletion are gone.
pub async fn deletions(config: &Config, user: UserId) {
    let storage = open(config).await;
    storage.seed_deletions(user).await.expect("messages are deleted");
    storage.close().await.expect("the store closes");
}

async fn open(config: &Config) -> Storage {
    make_data_dir(config).expect("the data directory");
    Storage::open(config).await.expect("the store opens")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::{fold_name, skeletons};

    #[test]
    fn names_are_all_different() {
        let keys: HashSet<String> = (0..20_000).map(|number| fold_name(&name(number))).collect();
        assert_eq!(keys.len(), 20_000);
        let looks: HashSet<_> = (0..20_000)
            .flat_map(|number| skeletons(&name(number)).into_iter().map(move |look| (look, number)))
            .collect();
        let different: HashSet<_> = looks.iter().map(|(look, _)| look).collect();
        assert_eq!(different.len(), looks.len(), "nor do two look alike");
        assert!(keys.iter().filter(|key| key.contains("anna")).count() > 1_000);
    }
}
