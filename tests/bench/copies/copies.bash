# For copy_in.sh and copy_within.sh: files like items, a mount, and runs of both sides by turns.
#
# BENCH_LATER: a directory for what is left, to be removed at the end of all: for minutes after many files were removed, making one
# near them takes ext4 up to 0.6 ms.
# FILES=10000 RUNS=5. Before each run everything is written to the disk, so that nobody waits for another's writing.
# shellcheck shell=bash

PITR=$(realpath "${PITR:-build/pitr}") PITRFS=$(realpath "${PITRFS:-build/pitrfs}")
. tests/support/mount.bash
. tests/support/bench.bash

bench_is_quick && : "${FILES:=2000}" "${RUNS:=3}"
: "${FILES:=10000}" "${RUNS:=5}"
WORK=$(mktemp -d "$(dirname "$PITRFS")/copies.XXXXXX")
MNT=$WORK/mnt STORE=$WORK/store
export HOME=$WORK
mkdir "$MNT"

finish() {
	local mountpoint
	for mountpoint in "${!PITR_MOUNTS[@]}"; do
		pitr_umount "$mountpoint" || true
	done
	pitr_unmount_strays
	if [ -n "${BENCH_LATER-}" ]; then
		mv "$WORK" "$BENCH_LATER/"
	else
		rm -rf --one-file-system "$WORK"
	fi
}
trap finish EXIT

# make_files DIRECTORY: items of 400 to 500 bytes, in 13 lines as an item is shown.
make_files() {
	mkdir "$1"
	awk -v files="$FILES" -v to="$1" 'BEGIN {
		srand(1)
		for (i = 1; i <= files; i++) {
			text = ""
			while (length(text) < 170 + i % 80) text = text sprintf("%x ", int(rand() * 1e9))
			file = sprintf("%s/order-%05d.json", to, i)
			printf "{\n  \"id\": \"order-%05d\",\n  \"customer\": \"customer-%d\",\n  \"lines\": [\n    %d,\n    %d\n  ],\n" \
				"  \"note\": \"%s\",\n  \"paid\": true,\n  \"shipping\": {\n    \"city\": \"Springfield\",\n" \
				"    \"method\": \"express\"\n  },\n  \"total\": %d\n}\n", i, i % 997, i, i * 3, text, i * 137 >file
			close(file)
		}
	}'
}

# run_once SIDE COMMAND...: its time goes to $WORK/SIDE.us.
run_once() {
	local side=$1
	shift
	sync -f "$WORK"
	bench_time "$WORK/$side.us" timeout 300 "$@"
}

per_file() {
	awk -v us="$(bench_median "$WORK/$1.us")" -v files="$FILES" 'BEGIN { printf "%.2f", us / files }'
}

# messages: that came in since the last count, for a file.
messages() {
	count_messages
	jq -r --argjson files "$FILES" 'del(.FORGET, .STORE, .STORED) | [to_entries[] | select(.value >= $files / 20)]
		| "\((map(.value) | add // 0) / $files * 100 | round / 100) messages/file: "
			+ (map("\(.key) \(.value / $files * 100 | round / 100)") | join(", "))' "$WORK/since"
}
