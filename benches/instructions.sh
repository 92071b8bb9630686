#!/usr/bin/env bash
# Instructions of our own process that a message costs in each part of its way, counted by valgrind: unlike time, they are the
# same on a busy machine, to within a percent or two. Setting up is counted out by running each part twice.
#
#   benches/instructions.sh [PART…]      by default the parts of the hot path
set -euo pipefail
cd "$(dirname "$0")/.."

parts=("$@")
if [ ${#parts[@]} -eq 0 ]; then
  parts=(decode_legacy decode_v1 encode_legacy encode_v1 encode_v1_stored verify_token append_legacy_200 append_v1_200 actors_legacy_200)
fi
command -v valgrind >/dev/null || { echo "valgrind is missing: apt-get install valgrind" >&2; exit 1; }

bench=$(cargo bench --bench micro --no-run --message-format=json 2>/dev/null |
  sed -n 's/.*"executable":"\([^"]*micro-[^"]*\)".*/\1/p' | tail -1)
[ -n "$bench" ] || { echo "the benchmarks do not build: cargo bench --bench micro --no-run" >&2; exit 1; }

# count PART TIMES: instructions of so many runs, all threads.
count() {
  local out
  out=$(mktemp)
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" --bench repeat "$1" "$2" 2>"$out" >/dev/null
  sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$out"
  rm -f "$out"
}

printf '%-24s %14s\n' part instructions
for part in "${parts[@]}"; do
  case $part in
    append_*_* | actors_*_*) few=5 many=15 messages=${part##*_} ;;
    *) few=1000 many=5000 messages=1 ;;
  esac
  printf '%-24s %14d\n' "$part" $((($(count "$part" "$many") - $(count "$part" "$few")) / ((many - few) * messages)))
done
