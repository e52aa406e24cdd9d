# What stands in for a reader's machine while a page of the documentation is typed.
set -euo pipefail
exec 2>&1

# A curl that gets an error is one, unless the page shows the error.
curl() { command curl --noproxy '*' --max-time 30 ${CURL_FAIL:+"$CURL_FAIL"} "$@"; }

# The server of the page, in its folder.
systemctl() {
  case "$*" in
    "start relatch")
      # What the last one said is not said by this one.
      : >"$SERVER_LOG"
      relatch serve >>"$SERVER_LOG" 2>&1 &
      SERVER=$!
      until grep -q '^listening on' "$SERVER_LOG"; do
        kill -0 "$SERVER" || return 1
        sleep 0.05
      done ;;
    "stop relatch")
      kill "$SERVER"
      wait "$SERVER" ;;
    *) echo "systemctl $*: the guides know \`start relatch\` and \`stop relatch\`"; return 1 ;;
  esac
}
trap 'kill "${SERVER:-}" 2>/dev/null || true' EXIT

# A page begins in a checkout. Building for release is for the test of the README, and the tests are what runs this.
cargo() {
  case "$*" in
    "run --release -- serve") systemctl start relatch ;;
    "xtask test" | "install --path examples/cli") ;;
    *) echo "cargo $*: the guides know \`run --release -- serve\`, \`install --path examples/cli\` and \`xtask test\`"; return 1 ;;
  esac
}
