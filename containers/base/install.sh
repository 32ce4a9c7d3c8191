#!/bin/sh
# Makes /image ready, a tree that is later copied onto / of the final image.
#   install.sh LOCK FOLDER   install the wheels of /wheelhouse that LOCK names, by hash and offline, into FOLDER
#   install.sh FOLDER        FOLDER is filled already
# pip runs from its own wheel, so no image keeps an installer. Byte code is written once and trusted, since the
# files never change; all times are SOURCE_DATE_EPOCH. So the same wheels and sources give the same layer.
set -eu
if [ $# -eq 2 ]; then
    python3 -c 'import sys; ok = sys.version_info[:2] == (3, 11)
sys.exit(None if ok else f"Python {sys.version.split()[0]} in the base image; the wheels are for 3.11")'
    pip=$(echo /wheelhouse/pip-*.whl)
    PYTHONDONTWRITEBYTECODE=1 python3 "$pip/pip" install --quiet --no-cache-dir --no-index --find-links /wheelhouse \
        --require-hashes --no-deps --no-compile --root-user-action ignore --target "/image$2" --requirement "$1"
    shift
fi
# A package's own test data may hold invalid Python, on purpose: that stays without byte code.
python3 -m compileall -q --invalidation-mode unchecked-hash -s /image -p / "/image$1" || true
find /image -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
