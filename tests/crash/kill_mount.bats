#!/usr/bin/env bats
# Kills the mount at random moments while several writers copy, overwrite, rename and remove. What a writer was told to be
# done must be there after mounting again, and the store must be sound. KILLS tells how often, SEED repeats a run.

bats_require_minimum_version 1.5.0
load ../support/mount

WRITERS=4
KEYS=12

setup() {
	pitr_setup
	CHECK_STORE=$(dirname "$PITRFS")/tests/crash/check_store
	[ -x "$CHECK_STORE" ] || skip "check_store is not built: $CHECK_STORE"
}

teardown() {
	[ -z "${PIDS-}" ] || kill "${PIDS[@]}" 2>/dev/null || true
	pitr_teardown
}

# new_content ID VERSION FILE: an item as the mount shows it, so that its hash is the same on both sides.
new_content() {
	printf '{\n  "id": "%s",\n  "text": "%0*d",\n  "version": %d\n}\n' "$1" $((RANDOM % 600 + 1)) "$2" "$2" >"$3"
}

# Changes one item of the writer's own. Prints "begin ID HASH", and "done ID HASH" when that was successful; HASH is - for
# an item that is removed.
change() {
	local id=$1 version=$2 fresh=$WORK/fresh-$1 file=$MNT/load/$1.json hash
	if [ $((RANDOM % 5)) -eq 0 ]; then
		[ -e "$file" ] || return 0
		echo "begin $id -"
		rm "$file" || return
		echo "done $id -"
		return
	fi
	new_content "$id" "$version" "$fresh"
	hash=$(md5sum <"$fresh")
	echo "begin $id ${hash%% *}"
	if [ $((RANDOM % 3)) -eq 0 ]; then
		cp "$fresh" "$MNT/load/.$id.new" && mv "$MNT/load/.$id.new" "$file" || return
	else
		cp "$fresh" "$file" || return
	fi
	echo "done $id ${hash%% *}"
}

# write_on WRITER ROUND SEED: until something fails.
write_on() {
	local version=$(($2 * 100000))
	RANDOM=$3
	while change "w$1-$((RANDOM % KEYS))" $version; do
		version=$((version + 1))
	done
}

start_writers() {
	local writer
	PIDS=()
	for ((writer = 0; writer < WRITERS; writer++)); do
		write_on $writer "$1" $((SEED + $1 * WRITERS + writer)) >>"$WORK/log-$writer" 2>>"$WORK/said-$writer" 3>&- &
		PIDS+=($!)
	done
}

# What an item may be: what was last done, or what had begun then and may have been done. "ID HASH..." for each.
allowed() {
	cat "$WORK"/log-* | awk '
		$1 == "done" { states[$2] = " " $3 }
		$1 == "begin" { before = ($2 in states) ? states[$2] : " -"; states[$2] = before " " $3 }
		END { for (id in states) print id states[id] }'
}

# Compares every item ever written with what may be, and says which is wrong.
compare() {
	(cd "$MNT/load" && find . -maxdepth 1 -name '*.json' ! -name '.*' -exec md5sum {} +) |
		sed -n 's|^\([0-9a-f]*\)  \./\(.*\)\.json$|\2 \1|p' >"$WORK/found"
	allowed | awk -v found="$WORK/found" '
		BEGIN { while ((getline line <found) > 0) { split(line, part, " "); hash[part[1]] = part[2] } }
		{
			have = ($1 in hash) ? hash[$1] : "-"
			known[$1] = 1
			for (i = 2; i <= NF; i++) if ($i == have) next
			print "wrong: " $1 " is " have ", and may be" substr($0, length($1) + 1)
			bad = 1
		}
		END { for (id in hash) if (!(id in known)) { print "nobody wrote " id; bad = 1 } exit bad }'
}

# One life of the mount: load, death, and what it leaves.
kill_once() {
	start_writers "$1"
	sleep "0.$(printf %03d $((RANDOM % 900 + 20)))"
	if ! kill -0 "${PIDS[@]}"; then
		printf 'a writer ended before the mount did:\n'
		tail -n 3 "$WORK"/said-*
		return 1
	fi
	pitr_kill KILL
	wait "${PIDS[@]}" || true
	PIDS=()
	"$CHECK_STORE" "$STORE" || return
	pitr_mount || return
	compare
}

@test "every closed file is there after the mount was killed" {
	SEED=${SEED:-$RANDOM}
	RANDOM=$SEED
	pitr_mount
	mkdir "$MNT/load"
	for ((round = 1; round <= ${KILLS:-8}; round++)); do
		kill_once "$round" || {
			printf 'SEED=%d, kill %d\n' "$SEED" "$round"
			return 1
		}
	done
	printf '# %d kills, %d changes done, %d connections had to be ended\n' "$((round - 1))" \
		"$(cat "$WORK"/log-* | grep -c ^done)" "$PITR_ABORTED" >&3
	pitr_umount
	"$CHECK_STORE" "$STORE"
	pitr verify
}
