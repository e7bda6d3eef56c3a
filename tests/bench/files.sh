#!/usr/bin/env bash
# The commands of people over a snapshot, the first time after mounting and a second time, beside the same files on the disk
# that holds the build (in memory: they were read just before), the same on a writable mount, and other mounts of the same files.
#
# flat is one directory of items of 400 to 500 bytes, tree is partitions of 100. All runs are interleaved, and of each the median
# counts. What is copied out goes to memory.
#
#   PITR=build/pitr PITRFS=build/pitrfs files.sh      FILES=100000 FEWER=5000 RUNS=3
#   COMMANDS="grep tar cp rsync ls find" PARTS="disk writable rivals"
set -eu -o pipefail
cd "$(dirname "$0")/../.."
PITR=$(realpath "${PITR:-build/pitr}") PITRFS=$(realpath "${PITRFS:-build/pitrfs}")
PLAIN_FUSE=$(dirname "$PITRFS")/release/tests/bench/files/plain_fuse
. tests/support/mount.bash
. tests/support/bench.bash
. tests/bench/files/commands.bash
. tests/bench/files/rivals.bash

if bench_is_quick; then
	: "${FILES:=10000}" "${FEWER:=2000}" "${RUNS:=1}"
fi
files=${FILES:-100000} fewer=${FEWER:-5000} runs=${RUNS:-3} parts=${PARTS:-disk writable rivals}
read -ra commands <<<"${COMMANDS:-grep tar cp rsync ls find}"
tree_commands=(grep tar ls)
# What the writable mount and the rivals are measured by.
few_commands=("${commands[@]}") few_tree_commands=("${tree_commands[@]}")
if bench_is_quick; then
	few_commands=(grep ls) few_tree_commands=(grep)
fi

WORK=$(mktemp -d "$(dirname "$PITRFS")/files.XXXXXX")
MNT=$WORK/mnt RIVAL_MNT=$WORK/rival
DATA=$(dirname "$PITRFS")/bench/files-$files-$fewer STORE=$DATA/store
export HOME=$WORK/home
OUT=
finish() {
	local mountpoint
	end_rival
	for mountpoint in "${!PITR_MOUNTS[@]}"; do
		pitr_umount "$mountpoint" || true
	done
	pitr_unmount_strays
	rm -rf --one-file-system "$WORK" ${OUT:+"$OUT"}
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

progress() {
	printf '  files, %d s: %s\n' $SECONDS "$*" >&2
}

# make_items TABLE ITEMS: in the store and in $DATA/ext4.
make_items() {
	local table=$1 items=$2 tree=0 key=id to=$DATA/ext4/$1
	mkdir "$to"
	if [[ $table == tree* ]]; then
		tree=1 key=pk,id
		seq -f "$to/customer-%05g" 0 $((items / 100 - 1)) | xargs mkdir
	fi
	progress "making $items items, $table"
	awk -v items="$items" -v to="$to" -v tree=$tree -f tests/bench/files/items.awk |
		pitr import --table "$table" --key "$key" - >/dev/null 2>&1
}

# What is written is settled, on the disk and in the store, and the same in both.
make_all() {
	local table
	rm -rf "$DATA"
	mkdir -p "$DATA/ext4"
	pitr init >/dev/null
	make_items flat "$files"
	make_items tree "$files"
	make_items flat-fewer "$fewer"
	make_items tree-fewer "$fewer"
	sync -f "$DATA"
	sleep 3
	T=$(date -u +%FT%T)
	sleep 1
	pitr_mount -o ro
	for table in flat tree flat-fewer tree-fewer; do
		cp "$MNT/$table/@$T/.table.json" "$DATA/ext4/$table/"
		same_files $table
	done
	pitr_umount
	cksum <tests/bench/files/items.awk >"$DATA/made-by"
	echo "$T" >"$DATA/instant"
}

same_files() {
	progress "comparing $1"
	timeout $PATIENCE diff -r "$MNT/$1/@$T" "$DATA/ext4/$1"
}

# Files are made once: making many is slow where many were removed a short while ago. Of a table's past, the last 35 days are kept.
prepare() {
	mkdir "$MNT" "$RIVAL_MNT" "$HOME"
	if [ -n "$(find "$DATA/instant" -mtime -7 2>/dev/null)" ] && cksum <tests/bench/files/items.awk | cmp -s - "$DATA/made-by"; then
		T=$(<"$DATA/instant")
		pitr_mount -o ro
		same_files tree-fewer
		pitr_umount
	else
		make_all
	fi
}

# beside_disk TABLE KEY LIMIT: a limit for the first time; the second time is to be as fast as the disk.
beside_disk() {
	local table=$1 key=$2 limit=$3 name run first again ext4
	name=$(command_name "$key" "$table")
	forget_times
	for ((run = 1; run <= runs; run++)); do
		warm "$key" "$DATA/ext4/$table"
		took ext4 "$key" "$DATA/ext4/$table"
		fresh -o ro
		took first "$key" "$MNT/$table/@$T"
		first=$(messages "$files")
		took again "$key" "$MNT/$table/@$T"
		again=$(messages "$files")
	done
	ended
	ext4=$(per_file ext4 "$files")
	bench_tell files "$name, $table, first, -o ro" us/file "$(per_file first "$files")" 'at most' "$limit" 'warm ext4' "$ext4" "$first"
	bench_tell files "$name, $table, again, -o ro" us/file "$(per_file again "$files")" 'at most' 1.3 'warm ext4' "$ext4" "$again"
}

# beside_read_only TABLE KEY: the past and the present on a writable mount.
beside_read_only() {
	local table=$1 key=$2 name run what which
	local -A counts=()
	name=$(command_name "$key" "$table")
	forget_times
	for ((run = 1; run <= runs; run++)); do
		fresh -o ro
		took ro-first "$key" "$MNT/$table/@$T"
		took ro-again "$key" "$MNT/$table/@$T"
		for what in past live; do
			fresh
			for which in first again; do
				case $what in
				past) took $what-$which "$key" "$MNT/$table/@$T" ;;
				live) took $what-$which "$key" "$MNT/$table" ;;
				esac
				counts[$what-$which]=$(messages "$fewer")
			done
		done
	done
	ended
	for what in past live; do
		for which in first again; do
			bench_tell files "$name, ${table%-fewer}, $which, writable, $what" us/file "$(per_file $what-$which "$fewer")" 'at most' 2 \
				'-o ro' "$(per_file ro-$which "$fewer")" "${counts[$what-$which]}"
		done
	done
}

# beside_rivals TABLE KEY
beside_rivals() {
	local table=$1 key=$2 name limit=15 rival which
	local -A counts=()
	name=$(command_name "$key" "$table")
	case $key in cp | rsync) limit=5 ;; esac
	forget_times
	fresh -o ro
	for which in first again; do
		took ours-$which "$key" "$MNT/$table/@$T"
		counts[$which]=$(messages "$fewer")
	done
	ended
	for rival in "${rivals[@]}"; do
		"mount_$rival" "$table"
		took "$rival-first" "$key" "$RIVAL_FILES"
		took "$rival-again" "$key" "$RIVAL_FILES"
		end_rival
	done
	for rival in "${rivals[@]}"; do
		for which in first again; do
			tell_rival "$name, ${table%-fewer}, $which" "$rival" $which "$limit" "${counts[$which]}"
		done
	done
}

# tell_rival MEASURE RIVAL WHICH LIMIT COUNTS: as rates, since we are to be so many times faster.
tell_rival() {
	local name limit=$4
	name=$(rival_name "$2")
	[ "$2" != plain ] || limit=0
	bench_tell files "$1, beside $name" files/s "$(rate "ours-$3")" 'at least' "$limit" "$name" "$(rate "$2-$3")" "$5"
}

rate() {
	awk -v took="$(bench_median "$WORK/times/$1")" -v items="$fewer" 'BEGIN { printf "%.0f", items * 1e6 / took }'
}

# each PART TABLE FUNCTION COMMANDS...
each() {
	local part=$1 table=$2 function=$3 key
	shift 3
	case " $parts " in *" $part "*) ;; *) return 0 ;; esac
	for key in "$@"; do
		case " ${commands[*]} " in *" $key "*) ;; *) continue ;; esac
		"$function" "$table" "$key" "${limits[$table-$key]-0}"
	done
}

declare -A limits=(
	[flat-grep]=1.6 [flat-tar]=1.8 [flat-cp]=1.5 [flat-rsync]=1.3 [flat-ls]=1.5 [flat-find]=2.5
	[tree-grep]=3 [tree-tar]=2.5 [tree-ls]=1.5
)

if [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt $((files * 10)) ]; then
	OUT=$(mktemp -d /dev/shm/pitr-files.XXXXXX)
else
	OUT=$WORK/out
	mkdir "$OUT"
fi
prepare
each disk flat beside_disk "${commands[@]}"
each disk tree beside_disk "${tree_commands[@]}"
each writable flat-fewer beside_read_only "${few_commands[@]}"
each writable tree-fewer beside_read_only "${few_tree_commands[@]}"

case " $parts " in
*' rivals '*)
	progress 'filling the rivals'
	fill_rivals flat-fewer tree-fewer
	each rivals flat-fewer beside_rivals "${few_commands[@]}"
	each rivals tree-fewer beside_rivals "${few_tree_commands[@]}"
	;;
esac
