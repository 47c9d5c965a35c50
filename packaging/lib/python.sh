# shellcheck shell=bash
# Finds a Python and gives chatttsd a virtual environment of its own; meant to be sourced after common.sh.

readonly PYTHON_VERSIONS=">=3.11,<3.15"

# What pyproject.toml depends on, by the names to import.
readonly LIBRARIES=(dbus_next espeakng_loader inotify_simple numpy platformdirs pybase16384 regex sounddevice soundfile soxr)

# What the extra `chattts` adds to them.
readonly CHATTTS_LIBRARIES=(huggingface_hub numba safetensors tokenizers torch wetext)

# Print what tells one Python from another, such as "chatttsd-python 3.11 '/usr'". Fails for one that has the wrong
# version or cannot make virtual environments, and for what is no Python at all.
python_identity() { # COMMAND
    local said
    said=$("$1" -I - 2>/dev/null <<'END'
import os, sys, venv, ensurepip
(3, 11) <= sys.version_info[:2] < (3, 15) or sys.exit(1)
print("chatttsd-python %d.%d" % sys.version_info[:2], ascii(os.path.realpath(sys.base_prefix)))
END
    ) || return 1
    said=${said##*$'\n'}
    [[ $said == "chatttsd-python 3."* ]] && printf '%s\n' "$said"
}

usable_python() { # COMMAND
    python_identity "$1" >/dev/null
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

# Whether there is a venv that works, and with this Python where one was asked for.
venv_serves() { # PYTHON
    local own
    own=$(python_identity "$VENV/bin/python") || return
    [[ -z ${WANTED_PYTHON:-} || $own == "$(python_identity "$1")" ]] && venv_pip --version >/dev/null 2>&1
}

# Make the venv; one that serves is kept without --clear.
make_venv() { # [--clear]
    local python
    python=$(find_python) || explain_python
    if [[ ${1:-} != --clear ]] && venv_serves "$python"; then return; fi
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
    cp -R "$CHECKOUT/pyproject.toml" "$CHECKOUT/README.md" "$CHECKOUT/LICENSE" \
        "$CHECKOUT/daemon" "$CHECKOUT/models" "$copy"
    find "$copy" \( -name '*.egg-info' -o -name __pycache__ \) -prune -exec rm -rf {} +
    pip_step wheel --no-deps --wheel-dir "$TEMPORARY/wheel" "$copy"
}

# Whether the libraries of the ChatTTS voice were installed before.
has_chattts() {
    compgen -G "$VENV/lib/python3.*/site-packages/torch/__init__.py" >/dev/null
}

# The wheel twice: first for new dependencies, then for itself, since an equal version would be left as it is.
install_wheel() {
    local -a wheels=("$TEMPORARY"/wheel/*.whl)
    local extra=''
    [[ ${WITH_CHATTTS:-no} == no ]] || extra='[chattts]'
    pip_step install --upgrade-strategy only-if-needed "${wheels[0]}$extra"
    pip_step install --no-deps --force-reinstall "${wheels[0]}"
}

# Print the first library that the venv cannot import, with the reason; nothing where all is well.
broken_library() {
    local said
    local -a libraries=("${LIBRARIES[@]}")
    [[ ${WITH_CHATTTS:-no} == no ]] || libraries+=("${CHATTTS_LIBRARIES[@]}")
    said=$("$VENV/bin/python" -I - "${libraries[@]}" 2>/dev/null <<'END'
import importlib, sys
out, sys.stdout = sys.stdout, sys.stderr
for name in sys.argv[1:]:
    try:
        if getattr(importlib.import_module(name), "__file__", None) is None:
            raise ImportError("no __init__.py")
    except Exception as error:
        # PortAudio is for the system to bring, and the daemon says itself that it is missing.
        if name != "sounddevice" or not isinstance(error, OSError):
            print(f"{name}: {type(error).__name__}: {ascii(str(error).partition(chr(10))[0])[1:-1]}", file=out)
            sys.exit(1)
END
    ) || printf '%s\n' "${said:-the libraries: Python crashed}"
}

# Build and install. pip takes a library in pieces (it was interrupted once) for a whole one: then once more from nothing.
fill_venv() {
    local broken
    build_wheel
    install_wheel
    broken=$(broken_library)
    [[ -n $broken ]] || return 0
    warn "the virtual environment is broken ($broken): making it again"
    make_venv --clear
    install_wheel
    broken=$(broken_library)
    [[ -z $broken ]] || die "a library does not work, even newly installed: $broken"
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
