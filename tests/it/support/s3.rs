//! A service of S3 on a directory, in the process of the test. It checks signatures, and fails as it is told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fluent_backend::Config;
use fluent_backend::config::MediaStore;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

const BUCKET: &str = "files";
const KEYS: [&str; 2] = ["AKIAFLUENT", "a secret of the tests"];

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, Failure>;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is refused with this status and body, and nothing is done.
    Answer(u16, String),
    /// It is never answered, and nothing is done.
    Hang,
    /// The connection ends, and nothing is done.
    Refuse,
    /// It is done, and the connection ends.
    LoseAnswer,
}

struct Rule {
    /// What the request line has, such as `PUT ` or `partNumber=`.
    part: String,
    fault: Fault,
    times: usize,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    asked: Vec<String>,
}

/// The service. It lives as long as the runtime of the test, and its objects as long as the directory.
#[derive(Clone)]
pub(crate) struct S3Double {
    addr: SocketAddr,
    root: PathBuf,
    state: Arc<Mutex<State>>,
}

impl S3Double {
    /// Starts a service on a directory below that of a test's data, with a bucket, which may be there.
    pub(crate) fn start(dir: &Path) -> Self {
        let root = dir.join("s3");
        std::fs::create_dir_all(root.join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(&root).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEYS[0], KEYS[1]));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let double = Self { addr: listener.local_addr().unwrap(), root, state: Arc::default() };
        double.change_secret(KEYS[1]);
        tokio::spawn(serve(TcpListener::from_std(listener).unwrap(), builder.build(), double.state.clone()));
        double
    }

    /// Lets a server keep its files here.
    pub(crate) fn configure(&self, config: &mut Config) {
        config.media.store = MediaStore::S3;
        config.media.s3.bucket = BUCKET.into();
        config.media.s3.endpoint = format!("http://{}", self.addr);
        config.media.s3.prefix = "a/b".into();
        config.media.s3.allow_http = true;
        config.media.s3.credentials_file = self.credentials();
        config.media.s3.timeout_s = 5;
    }

    /// Returns the same for a process.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("FLUENT__MEDIA__STORE", "s3".to_owned()),
            ("FLUENT__MEDIA__S3__BUCKET", BUCKET.to_owned()),
            ("FLUENT__MEDIA__S3__ENDPOINT", format!("http://{}", self.addr)),
            ("FLUENT__MEDIA__S3__PREFIX", "a/b".to_owned()),
            ("FLUENT__MEDIA__S3__ALLOW_HTTP", "true".to_owned()),
            ("FLUENT__MEDIA__S3__CREDENTIALS_FILE", self.credentials().display().to_string()),
        ]
    }

    fn credentials(&self) -> PathBuf {
        self.root.with_extension("credentials")
    }

    /// Gives the server a secret, wrong if it is another than the service knows; empty: the right one.
    pub(crate) fn change_secret(&self, secret: &str) {
        let secret = if secret.is_empty() { KEYS[1] } else { secret };
        let text = format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n", KEYS[0]);
        std::fs::write(self.credentials(), text).unwrap();
    }

    /// Lets requests fail whose line has this part, so many times.
    pub(crate) fn fail(&self, part: &str, fault: Fault, times: usize) {
        self.state.lock().unwrap().rules.push(Rule { part: part.to_owned(), fault, times });
    }

    /// Lets all requests succeed.
    pub(crate) fn mend(&self) {
        self.state.lock().unwrap().rules.clear();
    }

    /// Returns how many requests there were whose line has this part.
    pub(crate) fn asked(&self, part: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|line| line.contains(part)).count()
    }

    /// Returns the objects that are there.
    pub(crate) fn objects(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.root.join(BUCKET)];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// Returns the name of the directory that an object of this name is in.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.root.join(BUCKET).join("a/b").join(name)
    }

    /// Returns how many uploads in parts are open, and their parts.
    pub(crate) fn unfinished(&self) -> usize {
        let names = std::fs::read_dir(&self.root).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with(".upload")).count()
    }
}

async fn serve(listener: TcpListener, service: S3Service, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (service, state) = (service.clone(), state.clone());
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(request, service.clone(), state.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    service: S3Service,
    state: Arc<Mutex<State>>,
) -> Result<Response<Body>, Failure> {
    let line = format!("{} {}", request.method(), request.uri());
    let fault = {
        let mut state = state.lock().unwrap();
        state.asked.push(line.clone());
        let rule = state.rules.iter_mut().find(|rule| rule.times > 0 && line.contains(&rule.part));
        rule.map(|rule| {
            rule.times -= 1;
            rule.fault.clone()
        })
    };
    let lost = || Failure::from("as the test wants it");
    match &fault {
        Some(Fault::Answer(status, body)) => {
            // A client sends all of its request before it reads.
            let _ = request.into_body().collect().await;
            let body = Full::new(Bytes::from(body.clone())).map_err(|never| match never {}).boxed_unsync();
            return Ok(Response::builder().status(*status).body(body).unwrap());
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Refuse) => return Err(lost()),
        Some(Fault::LoseAnswer) | None => {}
    }
    let answer = service.call(request.map(s3s::Body::from)).await;
    let (head, body) = answer.map_err(|error| Failure::from(format!("{error:?}")))?.into_parts();
    if fault.is_some() {
        // Some requests are done while their answer is read.
        let _ = body.collect().await;
        return Err(lost());
    }
    Ok(Response::from_parts(head, body.boxed_unsync()))
}
