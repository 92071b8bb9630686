use std::collections::BTreeMap;

use super::ids::{IdSet, block_of};
use crate::domain::{Gram, UserId, name_grams, searched};
use crate::storage::Storage;
use crate::storage::engine::tx::Tx as _;

/// Fails the test unless the index is exactly the one that the names would make.
pub(in crate::storage) async fn check_index(storage: &Storage) {
    let mut expected: BTreeMap<(Gram, i32), IdSet> = BTreeMap::new();
    for row in storage.reads.query(storage.statement("SELECT id, name_key FROM users", [])).await.unwrap() {
        let (id, key) = (UserId(row.get(0).unwrap()), row.get::<String>(1).unwrap());
        for gram in name_grams(&searched(&key)) {
            expected.entry((gram, block_of(id))).or_insert_with(IdSet::new).insert(id);
        }
    }
    let mut stored = BTreeMap::new();
    let sql = "SELECT gram, block, users FROM user_grams";
    for row in storage.reads.query(storage.statement(sql, [])).await.unwrap() {
        let set: Vec<u8> = row.get(2).unwrap();
        let gram = Gram::from_stored(row.get(0).unwrap());
        stored.insert((gram, row.get(1).unwrap()), set);
    }
    let expected: BTreeMap<_, Vec<u8>> = expected.iter().map(|(key, set)| (*key, set.to_stored())).collect();
    assert_eq!(stored, expected);
}
