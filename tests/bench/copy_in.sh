#!/usr/bin/env bash
# Copying small files into a mounted table, beside the same copy to a directory of the disk that holds the build: by turns,
# medians. What a file costs until all is committed is told too, and copying into a table that is there already, for which
# programs ask for each name once more.
#
#   PITR=build/pitr PITRFS=build/pitrfs copy_in.sh      FILES=10000 RUNS=5
set -eu -o pipefail
cd "$(dirname "$0")/../.."
. tests/bench/copies/copies.bash

make_files "$WORK/from"
mkdir "$WORK/disk"
pitr init >/dev/null
pitr_mount -o "count_file=$WORK/counts"
count_messages
for ((run = 1; run <= RUNS; run++)); do
	run_once disk cp -r "$WORK/from" "$WORK/disk/orders-$run"
	count_messages
	run_once mount cp -r "$WORK/from" "$MNT/orders-$run"
	counts=$(messages)
	run_once committed sync "$MNT/orders-$run"
	mkdir "$WORK/disk/there-$run" "$MNT/there-$run"
	run_once disk-there cp -r "$WORK/from/." "$WORK/disk/there-$run/"
	count_messages
	run_once mount-there cp -r "$WORK/from/." "$MNT/there-$run/"
	counts_there=$(messages)
	sync "$MNT/there-$run"
done
diff -rq -x .table.json "$WORK/from" "$MNT/orders-$RUNS"

what="cp -r of $FILES files in"
bench_tell copies "$what" us/file "$(per_file mount)" 'at most' 4 'ext4 to ext4' "$(per_file disk)" "$counts"
bench_tell copies "$what, to a table that is there" us/file "$(per_file mount-there)" 'at most' 0 'ext4 to ext4' \
	"$(per_file disk-there)" "$counts_there"
bench_tell copies "$what, until all is committed then" us/file "$(per_file committed)" 'at most' 0
