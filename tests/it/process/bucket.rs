//! Files in a bucket, for operators: the comparison with the rows, and what `doctor` says of it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use fluent_backend::testing::TestClient;
use serde_json::{Value, json};

use crate::rest::media::{random, upload};
use crate::support::binary::{ServerProcess, run};
use crate::support::s3::{Fault, S3Double};

const RULE: &str = "<LifecycleConfiguration><Rule><ID>x</ID><Status>Enabled</Status><AbortIncompleteMultipartUpload>\
                    <DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>\
                    </LifecycleConfiguration>";

struct Place {
    dir: tempfile::TempDir,
    double: S3Double,
    variables: Vec<(&'static str, String)>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let double = S3Double::start(dir.path());
        let variables = double.variables();
        Self { dir, double, variables }
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    async fn run(&self, args: &[&str]) -> Output {
        run(self.dir.path(), args, &self.variables()).await
    }

    async fn reconcile(&self, args: &[&str]) -> (Option<i32>, Value) {
        let output = self.run(&[&["media", "reconcile", "--json"], args].concat()).await;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// Puts an object into the bucket behind everyone's back, as if it had been there for a while.
    fn stray(&self, name: &str, age: Duration) -> PathBuf {
        let path = self.double.place(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "12345").unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - age).unwrap();
        path
    }
}

/// Returns the place of a whole file.
fn object(place: &Place, path: &str) -> PathBuf {
    use base64::Engine as _;
    let id = path.rsplit('/').next().unwrap();
    let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap();
    let hex = id.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    place.double.place(&format!("{}/{}/{hex}", &hex[..2], &hex[2..4]))
}

fn hex_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_rows_are_compared() {
    let place = Place::new();
    let server = ServerProcess::start(place.dir.path(), &place.variables()).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut paths = Vec::new();
    for _ in 0..5 {
        paths.push(upload(&alice.http, &random(100)).await);
    }
    let hour = Duration::from_mins(61);
    let kept = object(&place, &paths[0]);
    let strays = [
        place.stray(&format!("aa/aa/{}", "a".repeat(32)), hour),
        place.stray(&format!("up/{}/0000000000000001", "b".repeat(32)), hour),
        // What a crash has left of a file that is whole.
        place.stray(&format!("up/{}/0000000000000002", hex_of(&kept)), hour),
    ];
    let others = [
        place.stray(&format!("up/{}/0000000000000003", "c".repeat(32)), Duration::ZERO),
        place.stray("notes", hour),
        place.stray(&format!("ab/cd/{}", "a".repeat(32)), hour),
        place.stray("x/aa/aa/more", hour),
    ];
    let lost = object(&place, &paths[1]);
    let aside = place.dir.path().join("aside");
    std::fs::rename(&lost, &aside).unwrap();
    std::fs::write(object(&place, &paths[2]), "another size").unwrap();
    let ids = |from: &[String]| {
        let mut ids: Vec<String> = from.iter().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let sorted = |found: &Value| {
        let mut lost: Vec<String> = serde_json::from_value(found["lost"].clone()).unwrap();
        lost.sort();
        lost
    };

    let (code, found) = place.reconcile(&["--dry-run"]).await;
    assert_eq!((code, &found["orphans"]), (Some(1), &json!({"found": 3, "removed": 0, "bytes": 15})));
    assert_eq!(sorted(&found), ids(&paths[1..3]));
    assert!(strays.iter().all(|path| path.exists()));
    let (code, found) = place.reconcile(&[]).await;
    assert_eq!((code, &found["orphans"]["removed"]), (Some(1), &json!(3)));
    assert!(strays.iter().all(|path| !path.exists()) && others.iter().all(|path| path.exists()));
    assert_eq!(place.double.asked("HEAD "), 4, "only files that are not listed are asked for");
    assert_eq!(alice.http.get(&paths[1]).await.status, 404);
    std::fs::rename(&aside, &lost).unwrap();
    let (code, found) = place.reconcile(&[]).await;
    assert_eq!((code, sorted(&found)), (Some(1), ids(&paths[2..3])));
    assert_eq!(alice.http.get(&paths[1]).await.status, 200, "it is back");

    // What is away is not lost.
    place.double.fail("", Fault::Refuse, usize::MAX);
    let output = place.run(&["media", "reconcile"]).await;
    assert!(!output.status.success());
    place.double.mend();
    assert_eq!(place.reconcile(&["--dry-run"]).await.1["lost"].as_array().unwrap().len(), 1);
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tries_the_bucket_and_looks_for_the_rule() {
    let place = Place::new();
    let diagnose = async || {
        let output = place.run(&["doctor", "--json"]).await;
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = all["findings"].as_array().unwrap().clone();
        let ours: Vec<(String, String)> = findings
            .iter()
            .filter(|finding| finding["check"] == "bucket")
            .map(|finding| {
                (finding["level"].as_str().unwrap().to_owned(), finding["found"].as_str().unwrap().to_owned())
            })
            .collect();
        ours
    };
    for (status, body, level, said) in [
        (200, RULE, "fine", "a rule ends uploads"),
        (404, "<Error><Code>NoSuchLifecycleConfiguration</Code></Error>", "warning", "no rule ends uploads"),
        (501, "", "warning", "its rules are not known"),
    ] {
        place.double.mend();
        place.double.fail("?lifecycle", Fault::Answer(status, body.to_owned()), usize::MAX);
        let found = diagnose().await;
        assert_eq!((found.len(), found[0].0.as_str()), (2, "fine"), "{found:?}");
        assert!(found[1].0 == level && found[1].1.contains(said), "{found:?}");
    }
    assert!(place.double.objects().is_empty(), "nothing is left");
    place.double.change_secret("another one");
    let found = diagnose().await;
    assert_eq!((found.len(), found[0].0.as_str()), (1, "error"), "{found:?}");
    assert!(found[0].1.contains("SignatureDoesNotMatch"), "{found:?}");
    assert!(!found[0].1.contains("another one"), "{found:?}");
}
