//! Look-ups whose addresses are checked, and then used as they are.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::endpoint::may_connect;

/// A name leads to an address that is not on the public internet.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not on the public internet")]
pub(in crate::push) struct NotGlobal;

/// Finds the addresses of a name.
pub trait LookUp: Send + Sync {
    /// Returns the addresses. A port of 0 stands for that of the URL.
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// Look-ups by the system.
#[derive(Debug)]
pub(in crate::push) struct SystemLookUp;

impl LookUp for SystemLookUp {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// A resolver that fails unless all addresses of a name may be connected to: a service has no reason to have others.
pub(in crate::push) struct GuardedResolver {
    look_up: Arc<dyn LookUp>,
    blocks: Vec<IpNet>,
}

impl GuardedResolver {
    /// Makes a resolver that allows the public internet and these networks.
    pub(in crate::push) fn new(look_up: Arc<dyn LookUp>, blocks: &[IpNet]) -> Self {
        Self { look_up, blocks: blocks.to_vec() }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, blocks) = (self.look_up.look_up(name.as_str().to_owned()), self.blocks.clone());
        Box::pin(async move {
            let found = found.await?;
            if !found.iter().all(|address| may_connect(address.ip(), &blocks)) {
                return Err(NotGlobal.into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_system_finds_is_guarded() {
        let resolve = async |blocks: &[&str]| {
            let blocks: Vec<IpNet> = blocks.iter().map(|block| block.parse().unwrap()).collect();
            let resolver = GuardedResolver::new(Arc::new(SystemLookUp), &blocks);
            resolver.resolve("localhost".parse().unwrap()).await
        };
        let error = resolve(&["10.0.0.0/8"]).await.err().unwrap();
        assert!(error.is::<NotGlobal>(), "{error}");
        let found = resolve(&["127.0.0.0/8", "::1/128"]).await.ok().unwrap();
        assert!(found.count() > 0);
    }
}
