#!/bin/sh
# Prints a Python that can run the project: 3.10 to 3.14, with venv and ensurepip.
# With an argument only that one is tried; without one, the usual names in turn.
# A second argument is the newest minor version that will do.
# If none fits, one line says why and what to do.
set -eu

asked=${1-}
newest=${2-14}

fits() {
    "$1" -c '
import sys
if not (3, 10) <= sys.version_info[:2] <= (3, '"$newest"'):
    sys.exit("it is Python %d.%d" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError as error:
    sys.exit("it lacks %s (on Debian and Ubuntu: apt install python3-venv)" % error.name)
' 2>&1
}

misfits=
for name in ${asked:-python3 python python3.14 python3.13 python3.12 python3.11 python3.10}; do
    command -v "$name" >/dev/null 2>&1 || continue
    if reason=$(fits "$name"); then
        command -v "$name"
        exit 0
    fi
    misfits="$misfits; $name does not fit: $(printf '%s\n' "$reason" | tail -n 1)"
done

echo "Python 3.10 to 3.$newest with venv is needed${misfits:-, and was not found${asked:+ at $asked}}." \
    "Install one and name it: make PYTHON=/path/to/python3.12" >&2
exit 1
