#!/usr/bin/env bash
# Copying small files into a mounted table, beside the same copy to a directory of the disk that holds the build:
# interleaved runs, medians, and their ratio, which is to be 4 at most. Fails when it is more.
#
#   PITR=build/pitr PITRFS=build/pitrfs copy_in.sh      FILES=10000 RUNS=5 COPY="cp -r"
set -eu -o pipefail
pitr=${PITR:-build/pitr} pitrfs=${PITRFS:-build/pitrfs}
[ -z "${QUICK-}" ] || : "${FILES:=2000}" "${RUNS:=3}"
files=${FILES:-10000} runs=${RUNS:-5} copy=${COPY:-cp -r}
work=$(mktemp -d "$(dirname "$pitrfs")/copy-in.XXXXXX")
daemon=

finish() {
	[ -z "$daemon" ] || fusermount3 -u "$work/mnt" || fusermount3 -uz "$work/mnt" || true
	[ -z "$daemon" ] || wait "$daemon" || true
	rm -rf "$work"
}
trap finish EXIT

# Items of 400 to 500 bytes, in 10 lines as an item is shown.
make_files() {
	mkdir "$work/from"
	awk -v files="$files" -v to="$work/from" 'BEGIN {
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

# timed COMMAND...: milliseconds it took, appended to the file named first.
timed() {
	local results=$1 start=${EPOCHREALTIME/[.,]/}
	shift
	"$@"
	echo $(((${EPOCHREALTIME/[.,]/} - start) / 1000)) >>"$results"
}

median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

line() {
	printf '%-28s median %6d ms   (%s)\n' "$1" "$(median "$2")" "$(paste -sd' ' "$2")"
}

make_files
mkdir "$work/mnt" "$work/disk"
"$pitr" init "$work/store" >/dev/null
"$pitrfs" "$work/store" "$work/mnt" -f &
daemon=$!
until mountpoint -q "$work/mnt"; do kill -0 "$daemon"; sleep 0.05; done

for ((run = 1; run <= runs; run++)); do
	mkdir "$work/disk/$run" "$work/mnt/orders-$run"
	sync -f "$work"
	# shellcheck disable=SC2086
	timed "$work/ext4" $copy "$work/from/." "$work/disk/$run/"
	sync -f "$work"
	# shellcheck disable=SC2086
	timed "$work/mounted" $copy "$work/from/." "$work/mnt/orders-$run/"
	timed "$work/committed" sync "$work/mnt/orders-$run"
	diff -rq -x .table.json "$work/from" "$work/mnt/orders-$run"
done

printf '%d files, %d bytes each, %s\n' "$files" \
	"$(($(cat "$work"/from/* | wc -c) / files))" "$(stat -f -c %T "$work")"
line 'to the disk' "$work/ext4"
line 'into the mounted table' "$work/mounted"
line 'until all is committed then' "$work/committed"
awk -v a="$(median "$work/mounted")" -v b="$(median "$work/ext4")" 'BEGIN {
	printf "ratio %.2f, to be 4 at most\n", a / b
	exit a > 4 * b
}'
