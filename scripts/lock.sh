#!/usr/bin/env bash
# Writes requirements/*.txt and the page's package-lock.json: exact versions and hashes, for every platform, without
# any package host's address. Versions stay as they are unless pyproject.toml forbids them or UPGRADE=1 is given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

compile() {
  local name=$1
  shift
  .venv/bin/uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes --no-emit-index-url \
    --no-annotate --custom-compile-command "make lock" --output-file "requirements/$name.txt" "$@"
}

# dev.txt holds everything and rules the rest: no two sets may ask for different versions of one package.
compile dev pyproject.toml --all-extras --group dev ${UPGRADE:+--upgrade}
compile run pyproject.toml --all-extras --constraints requirements/dev.txt
for extra in ingest encoder detector analyzer query cli; do
  compile "$extra" pyproject.toml --extra "$extra" --constraints requirements/dev.txt
done
compile uv --group setup ${UPGRADE:+--upgrade}
for group in ffmpeg node bench; do
  compile "$group" --group "$group" --constraints requirements/dev.txt ${UPGRADE:+--upgrade}
done

if command -v npm >/dev/null; then
  for folder in services/query/web tests/hls_checker; do
    npm install --prefix "$folder" --package-lock-only --ignore-scripts --silent
  done
else
  echo "npm is not installed: package-lock.json is left as it is." >&2
fi

if grep -lE '://' requirements/*.txt services/query/web/package-lock.json tests/hls_checker/package-lock.json; then
  echo "The files named above hold an address; they must not." >&2
  exit 1
fi
