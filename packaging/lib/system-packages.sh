# shellcheck shell=bash
# Finds and installs what pip cannot bring; meant to be sourced after common.sh.

# need -> its package in apt, dnf and pacman
declare -A PACKAGES=(
    [dbus-daemon]="dbus dbus-daemon dbus"
    [dbus-send]="dbus dbus-tools dbus"
    [portaudio]="libportaudio2 portaudio portaudio"
    [alsa-plugin]="libasound2-plugins alsa-plugins-pulseaudio alsa-plugins"
    [python]="python3 python3 python"
    [python-venv]="python3-venv python3-libs python"
    [user-bus]="dbus-user-session dbus-daemon dbus"
    [systemd]="systemd systemd systemd"
    [pulseaudio]="pulseaudio pulseaudio pulseaudio"
    [pulseaudio-utils]="pulseaudio-utils pulseaudio-utils libpulse"
    [setpriv]="util-linux util-linux util-linux"
    [sox]="sox sox sox"
    [spd-say]="speech-dispatcher speech-dispatcher-utils speech-dispatcher"
    [speechd-espeak]="speech-dispatcher-espeak-ng speech-dispatcher-espeak-ng speech-dispatcher"
    [orca]="orca orca orca"
    [Xvfb]="xvfb xorg-x11-server-Xvfb xorg-server-xvfb"
    [at-spi]="at-spi2-core at-spi2-core at-spi2-core"
    [gobject]="python3-gi python3-gobject-base python-gobject"
    [playerctl]="playerctl playerctl playerctl"
)

declare -A INSTALL_COMMANDS=([apt-get]="apt-get install" [dnf]="dnf install" [pacman]="pacman -S")

# Shared libraries are asked of the loader's cache; /sbin is often not on a user's PATH.
has_library() { # NAME
    [[ $(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null) == *"$1"* ]]
}

# ALSA programs (PortAudio is one) reach PulseAudio or PipeWire only through one of these.
has_alsa_plugin() {
    compgen -G "/usr/lib*/*/alsa-lib/libasound_module_pcm_p[iu]*" >/dev/null ||
        compgen -G "/usr/lib*/alsa-lib/libasound_module_pcm_p[iu]*" >/dev/null
}

has_speechd_espeak() {
    compgen -G "/usr/lib*/speech-dispatcher-modules/sd_espeak-ng" >/dev/null ||
        compgen -G "/usr/lib*/*/speech-dispatcher-modules/sd_espeak-ng" >/dev/null
}

# Whether one need of PACKAGES is met.
met() { # NEED
    case $1 in
        portaudio) has_library libportaudio.so.2 ;;
        alsa-plugin) has_alsa_plugin ;;
        python | python-venv) [[ -n $(find_python) ]] ;;
        user-bus) [[ -e /usr/lib/systemd/user/dbus.socket || -e /lib/systemd/user/dbus.socket ]] ;;
        systemd) [[ -x /usr/lib/systemd/systemd || -x /lib/systemd/systemd ]] && have systemd-analyze ;;
        at-spi) [[ -e /usr/share/dbus-1/services/org.a11y.Bus.service ]] ;;
        speechd-espeak) has_speechd_espeak ;;
        pulseaudio-utils) have pactl && have parec ;;
        gobject) /usr/bin/python3 -c 'from gi.repository import Gio' 2>/dev/null ;;
        *) have "$1" ;;
    esac
}

package_manager() {
    local found
    for found in apt-get dnf pacman; do
        if have "$found"; then
            printf '%s' "$found"
            return
        fi
    done
}

# The package of a need under one package manager.
package() { # MANAGER NEED
    local -a names
    read -ra names <<<"${PACKAGES[$2]}"
    case $1 in
        apt-get) printf '%s' "${names[0]}" ;;
        dnf) printf '%s' "${names[1]}" ;;
        pacman) printf '%s' "${names[2]}" ;;
    esac
}

# Print the needs that are not met, one a line.
missing() { # NEED...
    local need
    for need in "$@"; do
        met "$need" || printf '%s\n' "$need"
    done
}

install_packages() { # MANAGER PACKAGE...
    local manager=$1
    shift
    case $manager in
        apt-get)
            local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y)
            as_root "${apt[@]}" install --no-install-recommends "$@" ||
                { as_root "${apt[@]}" update && as_root "${apt[@]}" install --no-install-recommends "$@"; }
            ;;
        dnf) as_root dnf -q -y install "$@" ;;
        pacman) as_root pacman -S --needed --noconfirm --quiet "$@" ;;
    esac
}

# Install the packages of the needs that are not met. Returns 1, with what to type, when it cannot.
provide() { # NEED...
    local -a needs packages
    local manager need
    mapfile -t needs < <(missing "$@")
    ((${#needs[@]})) || return 0
    manager=$(package_manager)
    if [[ -z $manager ]]; then
        warn "missing: ${needs[*]}; this system has neither apt, dnf nor pacman: install them by hand"
        return 1
    fi
    for need in "${needs[@]}"; do packages+=("$(package "$manager" "$need")"); done
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
    say "Installing system packages: ${packages[*]}"
    if ! install_packages "$manager" "${packages[@]}" >"$TEMPORARY/packages.log" 2>&1; then
        tail -n 5 "$TEMPORARY/packages.log" >&2
        warn "not installed; as root: ${INSTALL_COMMANDS[$manager]} ${packages[*]}"
        return 1
    fi
}
