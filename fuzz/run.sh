#!/bin/sh
# Runs each fuzz target for some SECONDS (60): fuzz/run.sh [SECONDS]
#
# With `cargo fuzz` and a nightly toolchain memory is watched, too (AddressSanitizer). Without, the stable compiler
# instruments as well as it can, and only panics are found. New inputs go to fuzz/target/corpus, failing ones to
# fuzz/artifacts.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
# The crate's own versions, instead of the newest.
[ -e Cargo.lock ] || cp ../Cargo.lock Cargo.lock

if cargo +nightly fuzz --version >/dev/null 2>&1; then
    fuzz() { cargo +nightly fuzz run --fuzz-dir . "$@"; }
else
    host=$(rustc -vV | sed -n 's/^host: //p')
    # As cargo-fuzz does it, without a sanitizer. With --target, build scripts are left alone.
    flags="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
    flags="$flags -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
    flags="$flags -Cllvm-args=-sanitizer-coverage-trace-compares"
    fuzz() {
        RUSTFLAGS="$flags" cargo run --release --target "$host" --bin "$@"
    }
fi

for target in v1_decode legacy_decode forwarded; do
    dict=json.dict
    [ ! -e "$target.dict" ] || dict=$target.dict
    mkdir -p "target/corpus/$target" "artifacts/$target"
    fuzz "$target" -- "target/corpus/$target" "corpus/$target" \
        -artifact_prefix="artifacts/$target/" -dict="$dict" -max_len=8192 -max_total_time="$seconds"
done
