# What the scripts here share. Sourced by them.

# absent WHAT: ends the script with success where something is missing on a person's machine, and fails in CI.
absent() {
  if [ -n "${CI:-}" ]; then
    echo "FAILED: $1" >&2
    exit 1
  fi
  printf '\n***** SKIPPED: %s *****\n\n' "$1" >&2
  exit 0
}

# need PROGRAM…: see `absent`.
need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || absent "$program is not installed"
  done
}
