# shellcheck shell=bash
# The user's service manager and bus, and a private bus where they are not there; meant to be sourced.

readonly UNIT=chatttsd.service BUS_NAME=org.chattts.Speech1
# shellcheck disable=SC2034 # install.sh puts its activation file in place
readonly SPIEL_NAME=org.chattts.Speech.Provider

bus_call() { # METHOD [ARGUMENT...]: a call to the session bus itself
    dbus-send --session --print-reply=literal --reply-timeout=5000 --dest=org.freedesktop.DBus \
        /org/freedesktop/DBus "org.freedesktop.DBus.$1" "${@:2}" 2>/dev/null
}

# Whether there are both a user manager and a session bus.
has_session() {
    [[ -n ${XDG_RUNTIME_DIR:-} ]] && have systemctl && have dbus-send &&
        timeout 10 systemctl --user show-environment >/dev/null 2>&1 && bus_call GetId >/dev/null
}

# Whether the manager reads our unit: not when it was started for another HOME, or another unit hides ours.
manager_sees_unit() {
    local path
    path=$(systemctl --user show --property=FragmentPath --value "$UNIT")
    [[ -n $path && $path -ef $UNIT_FILE ]]
}

# Say why the manager, where there is one, cannot start our unit, and what to do about it.
explain_no_service() {
    local condition='' path='' runtime=''
    if has_session; then
        condition=$(systemctl --user show --property=UnitFileState --value "$UNIT")
        path=$(systemctl --user show --property=FragmentPath --value "$UNIT")
    fi
    if [[ $condition == masked* ]]; then
        [[ $condition == masked ]] || runtime="--runtime "
        warn "$UNIT is masked, so that nothing can start it; to unmask it: systemctl --user unmask $runtime$UNIT"
    elif [[ -n $path ]]; then
        warn "the user manager reads $path and not $UNIT_FILE: the service is not started"
    else
        say "No user manager with a session bus reads this home now: where one does, the first call starts the service"
    fi
}

reload_session() {
    systemctl --user daemon-reload
    bus_call ReloadConfig >/dev/null || warn "the session bus did not read its files again: log in anew"
}

# Start the service at login too, so that its first words need not wait for it.
enable_service() {
    local link=$CONFIG/systemd/user/default.target.wants/$UNIT
    make_folder "$(dirname -- "$link")"
    record file "$link"
    systemctl --user --quiet enable "$UNIT"
}

start_service() {
    # After five crashes systemd refuses, and every caller on the bus waits, until this is said.
    systemctl --user reset-failed "$UNIT" 2>/dev/null || true
    systemctl --user restart "$UNIT" || {
        systemctl --user --no-pager --lines=10 status "$UNIT" >&2 || true
        die "$UNIT did not start; see: journalctl --user -u chatttsd -n 20"
    }
}

stop_service() {
    if has_session && manager_sees_unit; then
        systemctl --user --quiet disable --now "$UNIT" 2>/dev/null || true
    fi
}

# Run the daemon on a bus of its own until the end of this script.
start_private_bus() {
    have dbus-daemon || die "there is no session bus, and no dbus-daemon to start one: install dbus"
    local address=$TEMPORARY/address
    unset DBUS_STARTER_ADDRESS DBUS_STARTER_BUS_TYPE NOTIFY_SOCKET WATCHDOG_USEC
    dbus-daemon --session --nofork --nopidfile --print-address=1 >"$address" 2>"$TEMPORARY/bus.log" &
    CHILDREN+=($!)
    wait_until 10 test -s "$address" || die "dbus-daemon did not start: $(tail -n 1 "$TEMPORARY/bus.log")"
    DBUS_SESSION_BUS_ADDRESS=$(<"$address")
    export DBUS_SESSION_BUS_ADDRESS
    "$VENV/bin/chatttsd" >"$TEMPORARY/daemon.log" 2>&1 &
    local daemon=$!
    CHILDREN+=("$daemon")
    wait_until 30 eval "name_is_owned || has_ended $daemon" || true
    name_is_owned || {
        tail -n 10 "$TEMPORARY/daemon.log" >&2
        die "the daemon did not come up on a private bus; what it said stands above"
    }
}

name_is_owned() {
    [[ $(bus_call NameHasOwner "string:$BUS_NAME") == *true* ]]
}

wait_until() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

stop_children() {
    local pid
    for pid in "${CHILDREN[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${CHILDREN[@]}"; do
        wait_until 10 has_ended "$pid" || kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    CHILDREN=()
}

has_ended() { # PID
    ! kill -0 "$1" 2>/dev/null
}

speak_aloud() {
    "$VENV/bin/chatttsctl" --timeout 60 speak --wait --quiet - <<<"$GREETING" 2>"$TEMPORARY/speak.log"
}

# Write the greeting to a sound file and make sure that there is something to hear in it.
speak_to_file() {
    local wav=$STATE/chatttsd/hello.wav
    make_folder "$(dirname -- "$wav")"
    record file "$wav"
    "$VENV/bin/chatttsctl" --timeout 60 speak --quiet --output "$wav" - <<<"$GREETING" || {
        [[ ! -s $TEMPORARY/daemon.log ]] || tail -n 10 "$TEMPORARY/daemon.log" >&2
        die "chatttsd did not speak; try: $VENV/bin/chatttsctl doctor"
    }
    "$VENV/bin/python" "$CHECKOUT/packaging/check_wav.py" "$wav" || die "there is no speech in $wav"
    say "Wrote the greeting to $wav"
}
