//! A test that is skipped is seen in the output of `cargo test`, and fails in CI.

use std::process::Stdio;

use fluent_backend::testing::soon;
use tokio::process::Command;

use crate::support::skip::skip;

#[test]
#[ignore = "run by the next test, as a process of its own"]
fn a_test_that_is_skipped() {
    skip("nothing is installed here");
}

#[tokio::test]
async fn what_is_skipped_is_seen_and_fails_in_ci() {
    for is_ci in [false, true] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        // Without `--nocapture`, as a person runs it.
        command.args(["--exact", "harness::skips::a_test_that_is_skipped", "--ignored"]);
        command.stdin(Stdio::null()).env_remove("CI").kill_on_drop(true);
        if is_ci {
            command.env("CI", "true");
        }
        let output = soon("the process ends", command.output()).await.unwrap();
        let (shown, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.success(), !is_ci, "{shown}{error}");
        let line = "SKIPPED (1) harness::skips::a_test_that_is_skipped: nothing is installed here";
        if is_ci {
            assert!(shown.contains("nothing is installed here, and CI requires it"), "{shown}{error}");
        } else {
            assert!(error.lines().any(|shown| shown == line), "{shown}{error}");
        }
    }
}
