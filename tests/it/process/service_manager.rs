//! What a service manager hands to the server and hears from it.

use std::net::TcpListener;
use std::process::Output;

use fluent_backend::testing::{Http, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::binary::{ServerProcess, run_with_sockets};
use crate::support::manager::Manager;

/// Whether one of the lines begins like this, with a number behind it that is not 0.
fn has_number(lines: &[String], start: &str) -> bool {
    let numbers = lines.iter().filter_map(|line| line.strip_prefix(start)?.parse::<u64>().ok());
    numbers.into_iter().any(|number| number > 0)
}

fn listening() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[tokio::test]
async fn a_service_manager_hears_of_the_start_of_life_of_reloads_and_of_the_stop() {
    let dir = tempfile::tempdir().unwrap();
    let manager = Manager::new(dir.path());
    let variables = [
        ("NOTIFY_SOCKET", manager.path.as_str()),
        ("WATCHDOG_USEC", "500000"),
        ("FLUENT__SERVER__DRAIN_WINDOW_S", "7"),
    ];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let ready = manager.hears("READY=1").await;
    assert!(ready.contains(&"STATUS=serving; 0 sockets are open".to_owned()), "{ready:?}");
    manager.hears("WATCHDOG=1").await;
    server.hang_up();
    assert!(has_number(&manager.hears("RELOADING=1").await, "MONOTONIC_USEC="));
    manager.hears("READY=1").await;
    let (status, stopping) = tokio::join!(server.stop(), manager.hears("STOPPING=1"));
    assert_eq!(status.code(), Some(0));
    assert!(stopping.contains(&"EXTEND_TIMEOUT_USEC=27000000".to_owned()), "{stopping:?}");
}

/// A migration may take longer than the manager waits.
#[tokio::test]
async fn a_start_asks_for_patience_before_it_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let manager = Manager::new(dir.path());
    let server = ServerProcess::start(dir.path(), &[("NOTIFY_SOCKET", &manager.path)]).await;
    manager.hears("EXTEND_TIMEOUT_USEC=60000000").await;
    manager.hears("READY=1").await;
    server.stop().await;
}

/// Who connects between two servers waits in the queue of the socket, and is served by the second.
#[tokio::test]
async fn nobody_is_refused_while_one_server_follows_another_on_a_socket() {
    let dir = tempfile::tempdir().unwrap();
    let (public, admin) = (listening(), listening());
    let (addr, admin_addr) = (public.local_addr().unwrap(), admin.local_addr().unwrap());
    let sockets = [("public", &public), ("admin", &admin)];
    let first = ServerProcess::start_on_sockets(dir.path(), &sockets).await;
    assert_eq!((first.addr, first.admin()), (addr, admin_addr));
    Http::new(addr).get("/root").await.ok();
    Http::new(admin_addr).get("/healthz").await.ok();
    assert_eq!(first.stop().await.code(), Some(0));

    // Connected and written, with no server there.
    let mut early = TcpStream::connect(addr).await.unwrap();
    early.write_all(b"GET /root HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").await.unwrap();
    let second = ServerProcess::start_on_sockets(dir.path(), &sockets).await;
    let mut response = String::new();
    soon("who came early is served", early.read_to_string(&mut response)).await.unwrap();
    assert!(response.contains("Backend is online"), "{response}");
    assert_eq!(second.stop().await.code(), Some(0));
}

/// As a unit of systemd without `FileDescriptorName=` hands it over.
#[tokio::test]
async fn a_socket_that_is_alone_needs_no_name() {
    let dir = tempfile::tempdir().unwrap();
    let public = listening();
    let server = ServerProcess::start_on_sockets(dir.path(), &[("fluent-backend.socket", &public)]).await;
    assert_eq!(server.addr, public.local_addr().unwrap());
    server.stop().await;
}

#[tokio::test]
async fn sockets_that_fit_nothing_are_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let socket = listening();
    for (names, said) in [
        (["public", "other"], "a socket named \"other\": set FileDescriptorName="),
        (["public", "public"], "two sockets named `public`: one is expected"),
    ] {
        let Output { status, stderr, .. } = run_with_sockets(dir.path(), &names.map(|name| (name, &socket))).await;
        let stderr = String::from_utf8_lossy(&stderr);
        assert_eq!((status.code(), stderr.contains(said)), (Some(1), true), "{stderr}");
    }
}
