#!/bin/bash
# Runs the benchmarks, programs and scripts of this directory, one after another on the release build: run.sh [NAME]...
#
# What they measure goes to build/bench/results.jsonl, and in the end to one table, results.json and results.svg beside it. A limit
# that was missed is told there and is no failure, since it may be the machine's; a benchmark that could not be run to its end is.
#
# Environment: BUILD (build), QUICK=1 (a tenth of the work), BENCH_SECONDS (limit for each, 900). Benchmarks are given PITR, PITRFS,
# TMPDIR on the disk of the build, BENCH_RESULTS, and BENCH_STORE: 1,000,000 items (quick: 50,000) in 10 versions, made when the first
# that mentions it is to run and kept in build/bench for the next time. They only read it.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
QUICK=${QUICK-} items=1000000 limit=${BENCH_SECONDS:-900}
[ "$QUICK" != 1 ] || items=50000
bench=$BUILD/bench
mkdir -p "$bench" && TMPDIR=$(mktemp -d "$bench/tmp.XXXXXX") && BENCH_LATER=$(mktemp -d "$bench/later.XXXXXX") || exit 2
export LC_ALL=C.UTF-8 TZ=UTC TMPDIR BENCH_LATER QUICK PITR=$BUILD/pitr PITRFS=$BUILD/pitrfs
export BENCH_RESULTS=$bench/results.jsonl BENCH_STORE=$bench/store-$items
unset PITR_STORE

# The order they are run in; what is not named here comes last. Copies are first, before files are removed by anyone (copies.bash).
order='copy_in copy_within files bench_read bench_listing bench_import bench_commits retention_writes bench_restore bench_forensics'
order="$order mount_time memory"
helpers='run report make_store'

running=
end() {
	[ -z "$running" ] || kill "$running" 2>/dev/null
	[ -z "$running" ] || wait "$running"
	sweep
	rm -rf --one-file-system "$TMPDIR" "$BENCH_LATER"
}
trap end EXIT
trap 'exit 130' INT TERM

# Takes away the mounts a benchmark left behind.
sweep() {
	local mountpoint
	awk -v under="$TMPDIR/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mountpoint; do
		echo "left a mount behind: $mountpoint" >&2
		fusermount3 -uz -- "$mountpoint" 2>/dev/null || umount -l -- "$mountpoint"
	done
}

source_of() {
	local source
	for source in "tests/bench/$1.c" "tests/bench/$1.sh"; do
		[ ! -f "$source" ] || echo "$source"
	done
}

# All benchmarks, in order.
names() {
	local source name
	for name in $order; do
		[ -z "$(source_of "$name")" ] || echo "$name"
	done
	for source in tests/bench/*.c tests/bench/*.sh; do
		name=$(basename "${source%.*}")
		case " $order $helpers " in *" $name "*) ;; *) echo "$name" ;; esac
	done
}

version_of() {
	"$@" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1
}

# Nothing here names the machine.
machine() {
	jq -cn --argjson cpus "$(nproc)" --arg kernel "$(uname -r | grep -oE "^[0-9]+(\.[0-9]+)*")" --arg architecture "$(uname -m)" \
		--argjson memory "$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)" --arg disk "$(stat -f -c %T "$bench")" \
		--arg date "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --arg quick "$QUICK" \
		--arg pitrfs "$("$PITR" --version 2>/dev/null | head -n 1)" --arg fuse "$(version_of fusermount3 --version)" \
		--arg lmdb "$(version_of pkg-config --modversion lmdb)" --arg restic "$(version_of restic version)" \
		--arg borg "$(version_of borg --version)" --arg gcc "$(version_of gcc -dumpfullversion)" '
		{machine: {cpus: $cpus, memory_mib: $memory, architecture: $architecture, kernel: $kernel, disk: $disk, date: $date,
			quick: ($quick == "1"),
			versions: ({pitrfs: $pitrfs, fuse: $fuse, lmdb: $lmdb, restic: $restic, borg: $borg, gcc: $gcc}
				| with_entries(select(.value != "")))}}'
}

seconds_since() {
	awk -v from="$1" -v to="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.1f", to - from }'
}

# run_one NAME COMMAND...: within its time; a line of results tells how it ended.
run_one() {
	local name=$1 start=${EPOCHREALTIME/,/.} status=0 seconds outcome=ended
	shift
	echo "== $name"
	timeout --kill-after=20 "$limit" "$@" </dev/null &
	running=$!
	wait "$running" || status=$?
	running=
	sweep
	find "$TMPDIR" -mindepth 1 -delete
	case $status in
	0) ;;
	124 | 137) outcome="ended after its limit of $limit s" ;;
	*) outcome="exit status $status" ;;
	esac
	[ $status -eq 0 ] || failed="$failed $name"
	seconds=$(seconds_since "$start")
	jq -cn --arg name "$name" --argjson seconds "$seconds" --arg outcome "$outcome" \
		'{benchmark: $name, seconds: $seconds, outcome: $outcome}' >>"$BENCH_RESULTS"
	printf '== %s: %s s%s\n' "$name" "$seconds" "$([ "$outcome" = ended ] || echo ", $outcome")"
	return $status
}

need_store() {
	[ -z "$has_store" ] || return 0
	has_store=1
	run_one make_store "$BUILD/release/tests/bench/make_store" "$BENCH_STORE" "$items" || unset BENCH_STORE
}

run_benchmark() {
	local name=$1 source
	source=$(source_of "$name")
	! grep -q BENCH_STORE "$source" || need_store
	case $source in
	*.c) run_one "$name" "$BUILD/release/tests/bench/$name" ;;
	*) run_one "$name" "$source" ;;
	esac
}

began=${EPOCHREALTIME/,/.} failed='' has_store=''
chosen=${*:-$(names)}
for name in $chosen; do
	[ -n "$(source_of "$name")" ] || { echo "run.sh: there is no benchmark $name; there are: $(names | paste -sd' ')" >&2 && exit 2; }
done
machine >"$BENCH_RESULTS"
for name in $chosen; do
	run_benchmark "$name"
done

echo
tests/bench/report.sh "$BENCH_RESULTS" "$bench/results.json" "$bench/results.svg" || failed="$failed report"
printf '%s s in all; %s\n' "$(seconds_since "$began")" "$bench/results.json and results.svg"
[ -z "$failed" ]
