#!/bin/bash
# Runs the benchmarks, programs and scripts of this directory, one after another on the release build.
# Arguments choose some of them by name.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
export PITR=$BUILD/pitr PITRFS=$BUILD/pitrfs

status=0
shopt -s nullglob
for source in tests/bench/*.c tests/bench/*.sh; do
	name=$(basename "${source%.*}")
	case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
	case $source in
	*/run.sh) continue ;;
	*.c) command=("$BUILD/release/tests/bench/$name") ;;
	*.sh) command=("$source") ;;
	esac
	echo "== $name"
	timeout --kill-after=10 1800 "${command[@]}" || status=1
done
exit $status
