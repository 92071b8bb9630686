#!/usr/bin/env bash
# Instructions of a whole server for each message, counted by valgrind, to compare programs: the same code takes the
# same number, but for a percent by what else happens meanwhile. Each message is a batch of its own here.
#
#   benches/server_instructions.sh LOAD DIALECT PROGRAM…      LOAD is the program fluent-load; DIALECT legacy or v1
set -euo pipefail
load=$(realpath "$1") dialect=$2
shift 2
command -v valgrind >/dev/null || { echo "valgrind is missing: apt-get install valgrind" >&2; exit 1; }

export FLUENT__SERVER__LISTEN=127.0.0.1:0 FLUENT__ADMIN__LISTEN=127.0.0.1:0 FLUENT__LOG__FORMAT=text FLUENT__LOG__FILTER=warn
export FLUENT__AUTH__ARGON2_MEMORY_KIB=64 FLUENT__AUTH__ARGON2_PASSES=1 FLUENT__LIMITS__ENABLED=false

# relay SECONDS: lets one pair write so long, one message at a time.
relay() {
  "$load" relay --url "$clients" --admin-url "$operators" --pairs 1 --window 1 --dialect "$dialect" --seconds "$1" --warmup 1 >load 2>&1
}

# stored: commands that were committed so far. Older programs call them rows.
stored() {
  curl -fsS "$operators/metrics" | sed -nE 's/^fluent_batch_(commands|rows)_sum //p'
}

for program in "$@"; do
  program=$(realpath "$program")
  dir=$(mktemp -d)
  cd "$dir"
  valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=counted "$program" >greeting 2>said &
  server=$!
  trap 'kill "$server" 2>/dev/null || true' EXIT
  for _ in $(seq 600); do
    grep -q 'Try:' greeting && break
    sleep 0.2
  done
  clients=$(sed -nE 's,.*clients +(http://[^/ ]+).*,\1,p' greeting)
  operators=$(sed -nE 's,.*operators +(http://[^/ ]+).*,\1,p' greeting)
  relay 2
  before=$(stored)
  callgrind_control -i on "$server" >/dev/null 2>&1
  relay 20
  callgrind_control -i off "$server" >/dev/null 2>&1
  after=$(stored)
  kill "$server"
  wait "$server" || true
  trap - EXIT
  instructions=$(sed -n 's/^totals: \([0-9]*\).*/\1/p' counted)
  printf '%s: %d instructions for each of %d commands\n' "$program" $((instructions / (after - before))) $((after - before))
  cd /
  rm -r "$dir"
done
