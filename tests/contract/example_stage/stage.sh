#!/bin/sh
# A whole stage in POSIX shell and jq: `stage.sh describe` or `stage.sh run REQUEST.json`.
stop() { echo "word_count: $2" >&2; exit "$1"; }
[ "$*" = describe ] && exec cat "$(dirname "$0")/describe.json"
[ "$1" = run ] && [ $# = 2 ] || stop 2 'usage: describe, or run REQUEST.json'

# Exit status 2 for any request that is not wholly understood: nothing is ignored, nothing is guessed.
jq -e '(keys - ["contract", "stage", "items", "parameters", "resources", "seed", "output"] == [])
  and (.contract // "1.0" | startswith("1.")) and .stage == "word_count" and (.parameters // {}) == {}
  and (.output | type) == "string" and (.items | length) > 0 and ([.items[].id] | length == (unique | length))
  and all(.items[]; (keys - ["id", "inputs", "facts"] == []) and (.inputs | keys) == ["text"] and (.facts // {}) == {}
    and (.id | test("^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")))' "$2" >/dev/null 2>&1 ||
  stop 2 "request: ${2##*/} is not a request that word_count understands; see describe"
request=$(realpath "$2"); cd "$(dirname "$request")" || exit 3  # relative paths start at the request's folder
output=$(jq -r .output "$request")
mkdir -p "$output" 2>/dev/null && echo '{"event": "start"}' 2>/dev/null >>"$output/job.log" ||
  stop 3 'environment: output folder: cannot be written; mount it writable for this user'

jq -c '.items[]' "$request" | while read -r item; do
  id=$(printf %s "$item" | jq -r .id); file=$(printf %s "$item" | jq -r .inputs.text)
  # An item's folder is filled under another name and renamed when its record is in it: whole or absent.
  part=$(mktemp -d "$output/.$id.XXXXXX") && chmod 755 "$part" || exit 3
  if iconv -f UTF-8 -t UTF-8 "$file" >/dev/null 2>&1; then
    words=$(wc -w <"$file"); echo "{\"words\": $words}" >"$part/count.json"
    jq -n --argjson words "$words" --arg input "$(sha256sum <"$file" | cut -c-64)" \
      --arg output "$(sha256sum <"$part/count.json" | cut -c-64)" --argjson size "$(wc -c <"$part/count.json")" \
      '{status: "ok", inputs: {text: $input}, metrics: {words: {value: $words, unit: "1"}},
        outputs: {count: {path: "count.json", sha256: $output, bytes: $size}}}'
  else
    jq -n --arg where "input text (${file##*/})" '{status: "error", error: {kind: "input",
      what: "is not text in UTF-8, or does not exist", where: $where, fix: "check the path and the encoding"}}'
  fi | jq --arg id "$id" --slurpfile request "$request" '{contract: "1.1", stage: {name: "word_count",
    version: "1.0.0"}, item: $id, seed: ($request[0].seed // 0)} + .' >"$part/record.json" || exit 3
  echo '{"seconds": {}, "peak_memory_bytes": 0}' >"$part/timing.json"
  rm -rf "${output:?}/$id" && mv "$part" "$output/$id" || exit 3
done || stop 3 'environment: output folder: cannot be written to the end; free space and run again'
