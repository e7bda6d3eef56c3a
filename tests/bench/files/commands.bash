# What people run over a directory of files, timed. $WORK/times/<label> has the microseconds of each run.
# shellcheck shell=bash

# Nothing here takes so many seconds; what does has hung.
PATIENCE=300

# What grep and tar do not write to /dev/null for anybody to read, they do not read either.
run_grep() {
	{ timeout $PATIENCE grep -r 'found nowhere' "$1" || [ $? -eq 1 ]; } | cat >/dev/null
}

run_tar() {
	timeout $PATIENCE tar c -C "$1" . | cat >/dev/null
}

run_cp() {
	timeout $PATIENCE cp -r "$1" "$OUT/copy"
}

run_rsync() {
	timeout $PATIENCE rsync -a "$1/" "$OUT/copy"
}

run_ls() {
	timeout $PATIENCE ls -lR "$1" >/dev/null
}

run_find() {
	timeout $PATIENCE find "$1" -size +100k | cat >/dev/null
}

# command_name KEY SHAPE
command_name() {
	case $1 in
	grep) echo 'grep -r' ;;
	tar) echo 'tar c' ;;
	cp) echo 'cp -r out' ;;
	rsync) echo 'rsync -a out' ;;
	ls) case $2 in flat*) echo 'ls -l' ;; *) echo 'ls -lR' ;; esac ;;
	find) echo 'find -size' ;;
	esac
}

forget_times() {
	rm -rf "$WORK/times"
	mkdir "$WORK/times"
}

# took LABEL KEY DIRECTORY
took() {
	bench_time "$WORK/times/$1" "run_$2" "$3"
	rm -rf "$OUT/copy"
}

# per_file LABEL ITEMS: microseconds, the median of all runs.
per_file() {
	awk -v took="$(bench_median "$WORK/times/$1")" -v items="$2" 'BEGIN { printf "%.2f", took / items }'
}

# warm KEY DIRECTORY: whatever the command will want of a directory on the disk is in memory.
warm() {
	case $1 in
	ls | find) run_find "$2" ;;
	*) run_grep "$2" ;;
	esac
}

# fresh [OPTION...]: $STORE mounted anew, and all of it in memory, as the files of the rival are.
fresh() {
	ended
	cat "$STORE"/*.mdb >/dev/null
	rm -f "$WORK/last"
	pitr_mount -o "count_file=$WORK/counts" "$@"
	count_messages
}

ended() {
	if [ -n "${PITR_MOUNTS[$MNT]-}" ]; then
		pitr_umount
	fi
}

# messages ITEMS: of the kernel for each item since it was asked last.
messages() {
	count_messages
	jq -r --argjson items "$1" '(.STORED // 0) as $stored | del(.FORGET, .STORE, .STORED, .AHEAD)
		| ((add // 0) / $items) as $all
		| [to_entries[] | select(.value >= $items / 20) | "\(.key) \(.value * 100 / $items | round / 100)"] as $most
		| "\($all * 1000 | round / 1000) messages/file" + (if $most == [] then "" else ": " + ($most | join(", ")) end)
			+ (if $stored == 0 then "" else ", \($stored * 100 / $items | round / 100) stored ahead" end)' "$WORK/since"
}
