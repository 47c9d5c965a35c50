#!/usr/bin/env bash
# Installs chatttsd for the user who runs it, starts it and lets it say a sentence. See --help.
# Up to here any sh can read this, and where sh is bash, its POSIX mode must end: it lacks <(…) before 5.1.
[ -n "${BASH_VERSION:-}" ] || exec bash -- "$0" "$@"
set +o posix -euo pipefail

CHECKOUT=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd -P)
readonly CHECKOUT
readonly GREETING="你好，我是你的语音助手。Hello, chatttsd is ready."

# shellcheck source=packaging/lib/common.sh
source "$CHECKOUT/packaging/lib/common.sh"
# shellcheck source=packaging/lib/python.sh
source "$CHECKOUT/packaging/lib/python.sh"
# shellcheck source=packaging/lib/system-packages.sh
source "$CHECKOUT/packaging/lib/system-packages.sh"
# shellcheck source=packaging/lib/files.sh
source "$CHECKOUT/packaging/lib/files.sh"
# shellcheck source=packaging/lib/service.sh
source "$CHECKOUT/packaging/lib/service.sh"

usage() {
    cat <<'END'
Usage: install.sh [OPTION]...

Installs chatttsd into your home directory, sets its user service up, starts it and says a sentence aloud.
Run again, it upgrades. Where there is no user manager, bus or sound, it writes the sentence to a WAV file.

  --with-chattts        install the libraries of the ChatTTS voice too (PyTorch: some hundred MB); an upgrade keeps them
  --no-system-packages  install no system packages; only say what is missing
  --no-speak            install and start, but say nothing
  --python PATH         the Python to use (3.11 to 3.14)
  --uninstall           stop the service and remove what was installed; configuration, voices and models stay
  -h, --help            show this

Exit codes: 0 it spoke (or wrote the file, or was told not to), 1 failure, 2 usage, 130 interrupted.
END
}

parse_arguments() { # ARGUMENT...
    ACTION=install SYSTEM_PACKAGES=yes SPEAK=yes WANTED_PYTHON='' WITH_CHATTTS=no
    while (($#)); do
        case $1 in
            --no-system-packages) SYSTEM_PACKAGES=no ;;
            --no-speak) SPEAK=no ;;
            --with-chattts) WITH_CHATTTS=yes ;;
            --uninstall) ACTION=uninstall ;;
            --python)
                [[ -n ${2:-} ]] || usage_error "--python needs a path"
                WANTED_PYTHON=$2
                shift
                ;;
            --python=) usage_error "--python needs a path" ;;
            --python=*) WANTED_PYTHON=${1#*=} ;;
            -h | --help) usage && exit ;;
            *) usage_error "unknown option '$1'" ;;
        esac
        shift
    done
}

usage_error() { # MESSAGE
    printf 'error: %s (see --help)\n' "$1" >&2
    exit 2
}

# Whatever ends this script, nothing of it goes on running and nothing temporary stays.
prepare() {
    CHILDREN=()
    TEMPORARY=$(mktemp -d "${TMPDIR:-/tmp}/chatttsd-install.XXXXXX")
    trap 'clean_up' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    find_home
    find_folders
    find_session
    readonly OWN=$DATA/chatttsd
    readonly VENV=$OWN/venv MANIFEST=$OWN/install-manifest UNIT_FILE=$DATA/systemd/user/$UNIT
}

clean_up() {
    stop_children
    rm -rf -- "$TEMPORARY"
}

check_system() {
    local -a needs=(dbus-send portaudio alsa-plugin python python-venv) lacking
    has_session || needs+=(dbus-daemon)
    if [[ $SYSTEM_PACKAGES == yes ]]; then
        provide "${needs[@]}" || warn "going on without them"
        return
    fi
    mapfile -t lacking < <(missing "${needs[@]}")
    ((${#lacking[@]} == 0)) || warn "missing on this system: ${lacking[*]}"
}

install_python_side() {
    make_folder "$OWN"
    record tree "$VENV"
    make_venv
    ! has_chattts || WITH_CHATTTS=yes
    say "Installing chatttsd and its libraries"
    fill_venv
    link_command
}

install_units() {
    say "Installing $UNIT_FILE"
    local unit name
    unit=$(<"$CHECKOUT/systemd/$UNIT")
    put_file "$UNIT_FILE" <<<"${unit//@BINDIR@/"$(systemd_quoted "$VENV/bin")"}"
    for name in "$BUS_NAME" "$SPIEL_NAME"; do
        put_file "$DATA/dbus-1/services/$name.service" <"$CHECKOUT/systemd/$name.service"
    done
}

# Start it where it will live, and let it speak there.
start_in_session() {
    enable_service
    start_service
    say "Started $UNIT"
    [[ $SPEAK == yes ]] || return 0
    if speak_aloud; then
        say "Spoke: $GREETING"
    else
        say "No sound: $(tail -n 1 "$TEMPORARY/speak.log")"
        speak_to_file
    fi
}

# No manager or bus, or not for our unit: show that it works all the same.
speak_without_session() {
    explain_no_service
    [[ $SPEAK == yes ]] || return 0
    start_private_bus
    speak_to_file
}

install() {
    check_system
    install_python_side
    install_units
    if has_session && reload_session && manager_sees_unit; then
        start_in_session
    else
        speak_without_session
    fi
    [[ $WITH_CHATTTS == no ]] || say "For the ChatTTS voice, once: $(pasted "$COMMAND") models fetch"
    say "Done. Try: $(pasted "$COMMAND") speak 你好    To remove: $(pasted "$CHECKOUT/packaging/install.sh") --uninstall"
}

# What chatttsctl has put into the folders of other programs would lead nowhere.
leave_other_programs() {
    [[ -x $VENV/bin/chatttsctl ]] || return 0
    local module=$DATA/../libexec/speech-dispatcher-modules/sd_chattts
    if [[ $(readlink "$module") == "$VENV/bin/sd_chattts" ]]; then
        "$VENV/bin/chatttsctl" speechd remove || warn "the module of speech-dispatcher stays"
    fi
    if [[ -e $DATA/orca/extensions/chatttsd.py ]]; then
        "$VENV/bin/chatttsctl" orca remove || warn "the extension of Orca stays"
    fi
}

uninstall() {
    if [[ ! -e $MANIFEST ]]; then
        say "Nothing to remove: there is no $MANIFEST"
        return
    fi
    stop_service
    leave_other_programs >"$TEMPORARY/others.log"
    remove_recorded
    rm -rf -- "$CACHE/chatttsd" # kernels that the daemon compiled: they can be made again
    ! has_session || reload_session
    say "Removed chatttsd"
    local kept
    for kept in "$CONFIG/chatttsd" "$OWN/voices" "$OWN/models"; do
        [[ ! -e $kept ]] || say "Kept $kept"
    done
    [[ ! -e $CONFIG/pulse ]] || say "Kept $CONFIG/pulse, which libpulse makes for every program that plays sound"
}

main() {
    parse_arguments "$@"
    prepare
    "$ACTION"
}

main "$@"
