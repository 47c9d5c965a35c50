# shellcheck shell=bash
# Messages, folders and temporary files for install.sh and tests/run.sh; meant to be sourced.

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
# A word as it can be pasted into a shell.
pasted() { printf '%q' "$1"; }
have() { command -v "$1" >/dev/null 2>&1; }

# Set HOME from the account database where the environment has none, and refuse one that is not ours.
find_home() {
    if [[ -z ${HOME:-} ]]; then
        HOME=$(getent passwd "$(id -u)" | cut -d: -f6) || HOME=
        [[ -n $HOME ]] || die "HOME is not set and user $(id -u) has no home directory"
        export HOME
    fi
    [[ -d $HOME && -w $HOME ]] || die "HOME is '$HOME', which is not a folder that you can write to"
    [[ -O $HOME ]] || die "HOME is '$HOME', which belongs to somebody else: run this as yourself, without sudo"
}

# The value of an XDG variable, or its default: a relative path is to be ignored (XDG Base Directory).
xdg() { # VARIABLE DEFAULT
    local value=${!1:-}
    if [[ $value == /* ]]; then printf '%s' "$value"; else printf '%s' "$2"; fi
}

# Units, manifests and the first lines of scripts cannot all name every path.
check_path() { # VARIABLE
    [[ ${!1} != *[[:cntrl:]\$\"\\\`]* ]] ||
        die "$1 is ${!1@Q}; allowed are letters, digits, blanks and signs other than \$, \", \\, \` and line breaks or tabs"
}

# Set and export the folders; the daemon and chatttsctl then use the same ones.
find_folders() {
    DATA=$(xdg XDG_DATA_HOME "$HOME/.local/share")
    CONFIG=$(xdg XDG_CONFIG_HOME "$HOME/.config")
    STATE=$(xdg XDG_STATE_HOME "$HOME/.local/state")
    CACHE=$(xdg XDG_CACHE_HOME "$HOME/.cache")
    export XDG_DATA_HOME=$DATA XDG_CONFIG_HOME=$CONFIG XDG_STATE_HOME=$STATE XDG_CACHE_HOME=$CACHE
    local name
    for name in HOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME; do check_path "$name"; done
}

# ssh, su and cron often leave these out although the session is there.
find_session() {
    local runtime
    runtime=/run/user/$(id -u)
    if [[ -z ${XDG_RUNTIME_DIR:-} && -d $runtime && -O $runtime ]]; then
        export XDG_RUNTIME_DIR=$runtime
    fi
    if [[ -z ${DBUS_SESSION_BUS_ADDRESS:-} && -S ${XDG_RUNTIME_DIR:-}/bus ]]; then
        export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
    fi
}

# Run a command as root: asks for a password only at a terminal, and never waits for one elsewhere.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif ! have sudo; then
        return 1
    elif [[ -t 0 ]]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}
