#!/bin/sh
# Proves parity and measures speed of the ChatTTS decoder on this machine's CUDA GPU; writes a JSON file.
#
#   ./tests/gpu/run.sh [--model DIR] [--output FILE]
#
# Without --model it makes a random model of the full size (1.2 GB, removed afterwards). Installs nothing:
# it takes the Python of .venv, or $PYTHON, in which chatttsd[chattts] and a CUDA build of torch are.
# Exit codes: 0 all is well, 1 a check failed, 3 there is no GPU.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || python=python3
PYTHONPATH="$root/daemon:$root/tests${PYTHONPATH:+:$PYTHONPATH}" exec "$python" "$root/tests/gpu/measure.py" "$@"
