#!/usr/bin/env bash
# Prepares this checkout for one purpose; does nothing, quickly and without the network, when all is in place.
#
#   scripts/setup.sh run    what `make run` needs: packages, FFmpeg, the page's script
#   scripts/setup.sh lint   the packages of `run` and the developers' tools
#   scripts/setup.sh test   `lint`, FFmpeg, the page's script, and the system packages that tests use
#   scripts/setup.sh bench  `test`, and the peers and the plotting of the benchmarks
#   scripts/setup.sh lock   the installer alone
#
# Standard output stays empty (the page's address is the first one `make run` prints); progress goes to standard
# error, the tools' output to build/setup.log. Marks of completion are written last, so an interrupted set-up is
# mended by running it again.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

readonly LOG=build/setup.log VENV=.venv WEB=services/query/web
readonly SETS=$VENV/dolbom-sets KEY=$VENV/dolbom-key BROKEN=$VENV/dolbom-unfinished WEB_KEY=$WEB/node_modules/.dolbom-key
readonly CHECKER=tests/hls_checker CHECKER_KEY=tests/hls_checker/node_modules/.dolbom-key
readonly ONLINE="Check the network connection, then run make again."
readonly APT=(apt-get -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

# step NAME FIX COMMAND...: run the command into the log; if it fails, say what, how to mend it, and where to look.
step() {
  local name=$1 fix=$2
  shift 2
  printf '\n== %s: %s\n' "$name" "$*" >>"$LOG"
  "$@" >>"$LOG" 2>&1 </dev/null || die "Set-up failed at: $name. $fix Details: $LOG"
}

# --- what is there already ---

have() { command -v "$1" >/dev/null; }

have_ffmpeg() {
  [ -n "${FFMPEG_BIN:-}" ] || { have ffmpeg; return; }
  have "$FFMPEG_BIN" || die "FFMPEG_BIN names no program: $FFMPEG_BIN. Correct it, or unset it to let set-up find FFmpeg."
}

have_node() {
  have npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

# A virtual environment holds absolute paths: one of a moved or copied checkout is made anew.
have_venv() {
  [ -x $VENV/bin/python ] && [ -e $VENV/dolbom-venv ] && grep -qsF "$PWD/$VENV" $VENV/bin/activate &&
    $VENV/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

web_key() { sha256sum $WEB/package.json $WEB/package-lock.json; }
checker_key() { sha256sum $CHECKER/package.json $CHECKER/package-lock.json; }

# Only the part of pyproject.toml that an installation depends on: editing a tool's settings installs nothing.
python_key() {
  local set
  pwd
  readlink -f $VENV/bin/python
  sed '/^\[tool\.ruff/,$d' pyproject.toml | sha256sum
  for set in uv "$@"; do sha256sum "requirements/$set.txt"; done
}

# --- the steps ---

find_python() {
  local python
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
      die "Python's venv module is missing. Install it (Debian, Ubuntu: apt-get install python3-venv), then run make again."
    printf '%s' "$python"
    return
  done
  die "Python 3.11 or newer is missing. Install it (Debian, Ubuntu: apt-get install python3 python3-venv), then run make again."
}

make_venv() {
  local python
  python=$(find_python)
  say "  Python environment"
  rm -rf $VENV
  step "Python environment" "See what the log says of $python, then run make again." "$python" -m venv $VENV
  : >$VENV/dolbom-venv
}

# An installation that was broken off may have left half a package that looks whole: install all of them again.
install_uv() {
  # PIP_USER is set on some machines and makes pip refuse a virtual environment.
  step "the installer" "$ONLINE" env -u PIP_USER $VENV/bin/python -m pip install --disable-pip-version-check \
    ${1:+--force-reinstall} --require-hashes -r requirements/uv.txt
}

# Packages are only ever added: the sets that earlier runs asked for stay wanted, so `make run` after `make test`
# removes nothing. `make clean` starts over.
install_python() {
  local set wanted=() files again=
  for set in $({ cat $SETS 2>/dev/null || true; printf '%s\n' "$@"; } | sort -u); do
    [ ! -e "requirements/$set.txt" ] || wanted+=("$set")
  done
  [ ! -x $VENV/bin/dolbom ] || [ "$(python_key "${wanted[@]}")" != "$(cat $KEY 2>/dev/null)" ] || return 0
  say "Setting up; the first time takes a minute or two."
  have_venv || make_venv
  say "  Python packages"
  rm -f $KEY
  printf '%s\n' "${wanted[@]}" >$SETS
  [ ! -e $BROKEN ] || again=yes
  : >$BROKEN
  install_uv $again
  files=("${wanted[@]/#/requirements/}")
  step "Python packages" "$ONLINE" $VENV/bin/uv pip sync --python $VENV/bin/python ${again:+--reinstall} \
    --require-hashes "${files[@]/%/.txt}"
  step "the dolbom command" "See the log." $VENV/bin/uv pip install --python $VENV/bin/python --offline --no-deps -e .
  rm $BROKEN
  python_key "${wanted[@]}" >$KEY
}

install_web() {
  [ "$(web_key)" != "$(cat $WEB_KEY 2>/dev/null)" ] || return 0
  say "  the page's script"
  have_node || PATH="$PWD/$VENV/bin:$PATH"
  step "the page's script" "$ONLINE" npm ci --ignore-scripts --prefix $WEB
  web_key >$WEB_KEY
}

# Tests that miss one of these are skipped by name, so a failure here is told and is no reason to stop.
install_system() {
  local missing=() failed=() package line="System packages that tests need are missing, so some tests are skipped:"
  have ffmpeg || missing+=(ffmpeg)
  have chromium || missing+=(chromium)
  have strace || missing+=(strace)
  # The programs alone, no service that starts.
  have mariadbd || missing+=(mariadb-server-core)
  have my_print_defaults || missing+=(mariadb-client-core)
  dpkg-query -W -f='${Status}' fonts-nanum 2>/dev/null | grep -q 'ok installed' || missing+=(fonts-nanum)
  install_packages
}

# A peer that cannot be had is a row less in the report.
install_peers() {
  local missing=() failed=() package line="A program that is measured against is missing, so its row is left out:"
  have motion || missing+=(motion)
  have wrk || missing+=(wrk)
  install_packages
}

# The packages in `missing`; `line` says what their absence means.
install_packages() {
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! have apt-get || [ "$(id -u)" != 0 ]; then
    say "$line ${missing[*]}"
    return
  fi
  say "Installing system packages: ${missing[*]}"
  printf '\n== system packages: %s\n' "${missing[*]}" >>"$LOG"
  "${APT[@]}" update >>"$LOG" 2>&1 </dev/null || true
  for package in "${missing[@]}"; do
    "${APT[@]}" install -y --no-install-recommends "$package" >>"$LOG" 2>&1 </dev/null || failed+=("$package")
  done
  [ ${#failed[@]} -eq 0 ] || say "$line ${failed[*]}. Details: $LOG"
}

# --- the purposes ---

with_program_sets() {
  have_ffmpeg || sets+=(ffmpeg)
  [ "$(web_key)" = "$(cat $WEB_KEY 2>/dev/null)" ] || have_node || sets+=(node)
}

# hls-parser, a second opinion on our playlists.
install_checker() {
  [ "$(checker_key)" != "$(cat $CHECKER_KEY 2>/dev/null)" ] || return 0
  say "  a second playlist parser"
  have_node || PATH="$PWD/$VENV/bin:$PATH"
  step "a second playlist parser" "$ONLINE" npm ci --ignore-scripts --prefix $CHECKER
  checker_key >$CHECKER_KEY
}

for_tests() {
  sets=("$@")
  install_system
  with_program_sets
  [ "$(checker_key)" = "$(cat $CHECKER_KEY 2>/dev/null)" ] || have_node || sets+=(node)
  install_python "${sets[@]}"
  install_web
  install_checker
}

main() {
  local sets=()
  mkdir -p build
  export DEBIAN_FRONTEND=noninteractive
  # uv does not read pip's settings; a site's package mirror named for pip serves for both.
  [ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
  exec 9>build/setup.lock
  flock -n 9 || { say "Another set-up of this checkout is running; waiting for it."; flock 9; }
  [ ! -e "$LOG" ] || [ "$(stat -c %s "$LOG")" -lt 1000000 ] || : >"$LOG"
  case "${1:-}" in
    run) sets=(run); with_program_sets; install_python "${sets[@]}"; install_web ;;
    lint) install_python run dev ;;
    test) for_tests run dev ;;
    bench) for_tests run dev bench; install_peers ;;
    lock) have_venv || make_venv; install_uv ;;
    *) die "usage: scripts/setup.sh run|lint|test|bench|lock" ;;
  esac
}

main "$@"
