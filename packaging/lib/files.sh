# shellcheck shell=bash
# Puts files in place and keeps the manifest of them, one "KIND<tab>PATH" a line; meant to be sourced.
# Kinds: dir (removed only when empty), file (also a link), tree (removed whole; only the venv).

record() { # KIND PATH
    grep -qxF "$1"$'\t'"$2" "$MANIFEST" 2>/dev/null || printf '%s\t%s\n' "$1" "$2" >>"$MANIFEST"
}

recorded() { # KIND PATH
    grep -qxF "$1"$'\t'"$2" "$MANIFEST" 2>/dev/null
}

# Make a folder and those above it, recording the ones that were not there, the topmost first.
make_folder() { # PATH
    local folder=$1
    local -a new=()
    while [[ ! -d $folder ]]; do
        new=("$folder" "${new[@]}")
        folder=$(dirname -- "$folder")
    done
    # All are made before the first is recorded: one of them may be the folder of the manifest.
    mkdir -p -- "$1"
    for folder in "${new[@]}"; do record dir "$folder"; done
}

# Write standard input to a file of ours, whole, and only when it differs.
put_file() { # PATH
    make_folder "$(dirname -- "$1")"
    record file "$1"
    cat >"$TEMPORARY/new"
    cmp -s "$TEMPORARY/new" "$1" || mv -- "$TEMPORARY/new" "$1"
}

# Link a name to a target of ours; a name that somebody else uses is left alone.
put_link() { # TARGET PATH
    if [[ (-e $2 || -L $2) && $(readlink -- "$2") != "$1" ]] && ! recorded file "$2"; then
        warn "$2 is there already and not ours: left as it is; the command is $1"
        return
    fi
    make_folder "$(dirname -- "$2")"
    record file "$2"
    ln -sfn -- "$1" "$2"
}

# Link the command to the user's folder of commands, and set COMMAND to what must be typed to run it.
# shellcheck disable=SC2034 # install.sh prints COMMAND
link_command() {
    local target=$VENV/bin/chatttsctl link=$HOME/.local/bin/chatttsctl found
    put_link "$target" "$link"
    found=$(command -v chatttsctl) || found=
    if [[ ! $link -ef $target ]]; then
        COMMAND=$target
    elif [[ $found -ef $target ]]; then
        COMMAND=chatttsctl
    else
        COMMAND=$link
        if [[ :$PATH: == *:$HOME/.local/bin:* ]]; then
            warn "chatttsctl is $found on your PATH; ours is $link"
        else
            warn "$HOME/.local/bin is not on your PATH: the command is $link"
        fi
    fi
}

# A path as systemd reads it between double quotes in ExecStart=.
systemd_quoted() { # PATH
    local path=${1//\\/\\\\}
    path=${path//\"/\\\"}
    printf '%s' "${path//%/%%}"
}

# Remove what the manifest names, the newest first; what is gone already does not matter.
remove_recorded() {
    local kind path
    while IFS=$'\t' read -r kind path; do
        case $kind in
            file) rm -f -- "$path" ;;
            tree) [[ $path == */chatttsd/venv ]] && rm -rf -- "$path" ;;
        esac
    done <"$MANIFEST"
    local -a folders
    mapfile -t folders < <(sed -n 's/^dir\t//p' "$MANIFEST" | tac)
    rm -- "$MANIFEST"
    for path in "${folders[@]}"; do
        [[ ! -d $path ]] || rmdir --ignore-fail-on-non-empty -- "$path"
    done
}
