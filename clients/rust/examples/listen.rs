//! Prints what a user gets, and keeps nothing.
//!
//! `cargo run -p fluent-client --example listen -- http://127.0.0.1:8000 USER_ID < token`, where `token` is a file with
//! an access token of this user.

use fluent_client::transport::{Connector, Link, Opening, Server, Socket};
use fluent_client::{Action, Client, Cursor, Event, Outbox};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, user_id] = arguments.as_slice() else { return Err("give the server's URL and your user id".into()) };
    let (server, user_id): (Server, i64) = (server.parse()?, user_id.parse()?);
    let token = std::io::read_to_string(std::io::stdin())?.trim().to_owned();
    let connector = Connector::new([])?;
    let mut link = Link::new(move |since: Option<Cursor>| {
        let (server, connector, token) = (server.clone(), connector.clone(), token.clone());
        async move {
            let stream = connector.connect(&server).await?;
            let url = server.socket_url("/chat/ws");
            Socket::open(stream, Opening { url: &url, token: &token, device_id: "listen", since: since.as_ref() }).await
        }
    });

    let mut client = Client::new(user_id, vec![], None, Outbox::default());
    let mut events = vec![Event::Start];
    loop {
        for event in std::mem::take(&mut events) {
            for action in client.on(event) {
                match link.perform(action).await {
                    Some(Action::Keep(frame)) => say(&serde_json::to_string(&frame)?),
                    Some(Action::Tell(notice)) => say(&format!("{notice:?}")),
                    // A device that keeps something loads history here.
                    Some(Action::StartOver(number)) => events.push(Event::Reloaded(number)),
                    // One that can refresh its tokens does so.
                    Some(Action::Refresh) => return Err("the token is worth nothing any more".into()),
                    Some(Action::Stop(why)) => return Err(why.into()),
                    // One that keeps something saves its cursor and outbox, and encrypts.
                    Some(_) | None => {}
                }
            }
        }
        if events.is_empty() {
            events.push(link.next().await);
        }
    }
}

#[expect(clippy::print_stdout, reason = "the program's own output")]
fn say(line: &str) {
    println!("{line}");
}
