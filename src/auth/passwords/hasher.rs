//! argon2 in memory that its caller keeps. Parsing stored hashes and comparing in constant time are left to the
//! library, which calls this module through its traits.

use std::cell::RefCell;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{Error, Result};
use argon2::{Algorithm, Argon2, CustomizedPasswordHasher, Params, PasswordHasher, Version};

use super::memory::Memory;
use crate::config;

/// Hashes new passwords with `params`, and verifies a stored hash with the parameters that are in it.
pub(super) struct Hasher<'m> {
    params: Params,
    /// The library's traits hash by a shared reference.
    memory: RefCell<&'m mut Memory>,
}

impl<'m> Hasher<'m> {
    pub(super) fn new(params: Params, memory: &'m mut Memory) -> Self {
        Self { params, memory: RefCell::new(memory) }
    }
}

impl PasswordHasher<PasswordHash> for Hasher<'_> {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        self.hash_password_customized(password, salt, None, None, self.params.clone())
    }
}

impl CustomizedPasswordHasher<PasswordHash> for Hasher<'_> {
    type Params = Params;

    /// Returns [`Error::ParamsInvalid`] for a cost above what any settings allow: a manipulated hash in the database
    /// must not block a thread for hours.
    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash> {
        let algorithm = algorithm.map_or(Ok(Algorithm::Argon2id), Algorithm::try_from)?;
        let version = version.map_or(Ok(Version::V0x13), Version::try_from)?;
        if params.m_cost() > config::MAX_ARGON2_MEMORY_KIB || params.t_cost() > config::MAX_ARGON2_PASSES {
            return Err(Error::ParamsInvalid);
        }
        let salt = Salt::new(salt)?;
        let mut buffer = [0; Output::MAX_LENGTH];
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = buffer.get_mut(..length).ok_or(Error::OutputSize)?;
        let mut memory = self.memory.borrow_mut();
        let blocks = memory.lend(params.block_count())?;
        let written = ParamsString::try_from(&params)?;
        Argon2::new(algorithm, version, params).hash_password_into_with_memory(password, &salt, output, blocks)?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: written,
            salt: Some(salt),
            hash: Some(Output::new(output)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;

    use super::*;

    const PASSWORD: &[u8] = b"correct horse battery staple";

    fn params(memory_kib: u32, passes: u32, lanes: u32) -> Params {
        Params::new(memory_kib, passes, lanes, None).unwrap()
    }

    /// In memory that a bigger hash has filled, and with the library's own way as the reference.
    #[test]
    fn the_same_hashes_as_the_library() {
        let mut memory = Memory::new(64);
        memory.lend(128).unwrap().iter_mut().for_each(|block| block.as_mut().fill(u64::MAX));
        for algorithm in [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id] {
            for params in
                [params(64, 1, 1), params(64, 3, 1), params(128, 2, 4), Params::new(8, 1, 1, Some(16)).unwrap()]
            {
                let library = Argon2::new(algorithm, Version::V0x13, params.clone());
                let expected = library.hash_password(PASSWORD).unwrap();
                let hasher = Hasher::new(params, &mut memory);
                assert_eq!(hasher.verify_password(PASSWORD, &expected), Ok(()));
                assert_eq!(hasher.verify_password(b"wrong", &expected), Err(Error::PasswordInvalid));
            }
        }
        let made = Hasher::new(params(64, 2, 1), &mut memory).hash_password(PASSWORD).unwrap();
        assert_eq!(Argon2::default().verify_password(PASSWORD, &made), Ok(()));
        assert!(made.to_string().starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{made}");
    }

    #[test]
    fn the_cost_of_a_stored_hash_is_bounded() {
        let mut memory = Memory::new(64);
        for cost in ["m=4294967295,t=1", "m=64,t=4294967295", "m=1048577,t=1", "m=64,t=101"] {
            let text = format!("$argon2id$v=19${cost},p=1$c29tZSBzYWx0$c29tZSBoYXNoIG9mIDE2");
            let hash = PasswordHash::new(&text).unwrap();
            let verified = Hasher::new(params(64, 1, 1), &mut memory).verify_password(PASSWORD, &hash);
            assert_eq!(verified, Err(Error::ParamsInvalid), "{cost}");
        }
        assert!(memory.blocks().is_empty());
    }
}
