# shellcheck shell=bash
# Finds a Python and gives chatttsd a virtual environment of its own; meant to be sourced after common.sh.

readonly PYTHON_VERSIONS=">=3.11,<3.15"

# Whether a Python has a version that works and can make virtual environments.
usable_python() { # COMMAND
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' \
        >/dev/null 2>&1
}

# Print the Python to use: the one of --python, else the newest usable; fails where there is none.
find_python() {
    local candidate
    local -a candidates=(python3.14 python3.13 python3.12 python3.11 python3)
    [[ -z ${WANTED_PYTHON:-} ]] || candidates=("$WANTED_PYTHON")
    for candidate in "${candidates[@]}"; do
        if usable_python "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

explain_python() {
    if [[ -n ${WANTED_PYTHON:-} ]]; then
        die "--python $WANTED_PYTHON: not a Python $PYTHON_VERSIONS with the venv module"
    fi
    local found
    found=$(python3 --version 2>/dev/null) || found="no python3"
    die "chatttsd needs Python $PYTHON_VERSIONS with the venv module; found: $found. Install one, or name it with --python"
}

# pip in the venv, deaf to settings of the user's that would put the packages elsewhere.
venv_pip() {
    env -u PYTHONPATH -u PYTHONHOME -u PIP_TARGET -u PIP_PREFIX -u PIP_REQUIRE_VIRTUALENV PIP_USER=0 \
        "$VENV/bin/python" -m pip --quiet --disable-pip-version-check --no-input "$@"
}

# Make the venv, or keep the one that is there when it still works with a usable Python.
make_venv() {
    local python
    python=$(find_python) || explain_python
    if [[ -x $VENV/bin/python ]] && usable_python "$VENV/bin/python" && venv_pip --version >/dev/null 2>&1; then
        return
    fi
    say "Making a virtual environment with $("$python" --version) in $VENV"
    "$python" -m venv --clear "$VENV" >"$TEMPORARY/venv.log" 2>&1 || {
        tail -n 5 "$TEMPORARY/venv.log" >&2
        die "the virtual environment could not be made"
    }
}

# Build from a copy: setuptools leaves build/ and *.egg-info beside what it builds.
build_wheel() {
    local copy=$TEMPORARY/source
    mkdir "$copy" "$TEMPORARY/wheel"
    cp -R "$CHECKOUT/pyproject.toml" "$CHECKOUT/README.md" "$CHECKOUT/LICENSE" "$CHECKOUT/daemon" "$copy"
    find "$copy" \( -name '*.egg-info' -o -name __pycache__ \) -prune -exec rm -rf {} +
    pip_step wheel --no-deps --wheel-dir "$TEMPORARY/wheel" "$copy"
}

# The wheel twice: first for new dependencies, then for itself, since an equal version would be left as it is.
install_wheel() {
    local -a wheels=("$TEMPORARY"/wheel/*.whl)
    pip_step install --upgrade-strategy only-if-needed "${wheels[0]}"
    pip_step install --no-deps --force-reinstall "${wheels[0]}"
}

pip_step() { # PIP-ARGUMENT...
    venv_pip "$@" >"$TEMPORARY/pip.log" 2>&1 && return
    grep -vE '^ *(File|Traceback)|^$' "$TEMPORARY/pip.log" | tail -n 8 >&2
    if grep -qE 'NewConnectionError|NameResolutionError|Connection(Timeout|Reset|Refused)?Error|Network is unreachable|name resolution|Could not find a version' \
        "$TEMPORARY/pip.log"; then
        die "pip could not get a package: is there a network? (a proxy is set with HTTPS_PROXY, a mirror with PIP_INDEX_URL)"
    fi
    die "pip failed; what it said stands above"
}
