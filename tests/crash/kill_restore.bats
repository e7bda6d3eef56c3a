#!/usr/bin/env bats
# Kills the mount at random moments while a table is restored, by copying and by links. Afterwards the table is whole, visibly
# in progress, or absent; what is in progress can be finished. KILLS tells how often, SEED repeats a run.

bats_require_minimum_version 1.5.0
load ../support/mount

ITEMS=150

setup() {
	pitr_setup
	CHECK_STORE=$(dirname "$PITRFS")/tests/crash/check_store
	[ -x "$CHECK_STORE" ] || skip "check_store is not built: $CHECK_STORE"
	seq 1 $ITEMS | sed 's/.*/{"who":"c&","n":&,"text":"number &"}/' | pitr import --table orders --key who - 2>/dev/null
	STATE=orders/@seq-$ITEMS
}

teardown() {
	[ -z "${COPIER-}" ] || kill "$COPIER" 2>/dev/null || true
	pitr_teardown
}

# copy WAY TABLE: one of the ways to restore.
copy() {
	case $1 in
	cp) cp -r "$STATE" "restore/$2" ;;
	rsync) rsync -a "$STATE/" "restore/$2/" ;;
	tar) mkdir -p "restore/$2" && tar c -C "$STATE" . | tar x -C "restore/$2" ;;
	link) ln -s "../$STATE" "restore/$2" ;;
	esac
}

# Tables one after the other, until something fails.
copy_on() {
	local number=0
	cd "$MNT" || return
	while copy "$1" "table-$2-$number"; do
		number=$((number + 1))
	done
}

is_whole() {
	diff -r -x .table.json "$MNT/$STATE" "$MNT/$1" >/dev/null &&
		[ "$(jq -r '"\(.TableStatus) \(.ItemCount) \(.KeySchema[0].AttributeName)"' "$MNT/$1/.table.json")" = "ACTIVE $ITEMS who" ]
}

# Everything at the root is whole, and everything in restore/ is told to be in progress.
look_over() {
	local table
	for table in "$MNT"/table-*; do
		[ -e "$table" ] || continue
		WHOLE=$((WHOLE + 1))
		is_whole "${table##*/}" || {
			echo "looks whole and is not: $table"
			return 1
		}
	done
	for table in "$MNT"/restore/*; do
		[ -e "$table" ] || continue
		UNFINISHED=$((UNFINISHED + 1))
		[ "$(jq -r .TableStatus "$table/.table.json")" = CREATING ] || {
			echo "not told to be in progress: $table"
			return 1
		}
	done
}

# What is in progress is finished, or dropped when nothing came to be in it.
finish() {
	local table
	for table in "$MNT"/restore/*; do
		[ -e "$table" ] || continue
		table=${table##*/}
		(cd "$MNT" && rsync -a "$STATE/" "restore/$table/") && is_whole "$table" || return
	done
	rm -rf "$MNT"/table-*
}

kill_once() {
	local way=$1 round=$2
	pitr_mount
	copy_on "$way" "$round" >>"$WORK/said" 2>&1 3>&- &
	COPIER=$!
	sleep "0.$(printf %03d $((RANDOM % 700 + 20)))"
	pitr_kill KILL
	wait "$COPIER" || true
	COPIER=
	"$CHECK_STORE" "$STORE" || return
	pitr_mount || return
	look_over && finish || return
	pitr_umount
}

@test "a restore that was killed is finished, visibly unfinished, or absent" {
	local ways=(cp rsync tar link) round
	SEED=${SEED:-$RANDOM}
	RANDOM=$SEED
	WHOLE=0 UNFINISHED=0
	for ((round = 0; round < ${KILLS:-3}; round++)); do
		kill_once "${ways[round % 4]}" "$round" || {
			printf 'SEED=%d, kill %d\n' "$SEED" "$round"
			return 1
		}
	done
	printf '# %d kills: %d tables whole, %d unfinished, %d connections had to be ended\n' "$round" "$WHOLE" "$UNFINISHED" \
		"$PITR_ABORTED" >&3
	"$CHECK_STORE" "$STORE"
	pitr verify
}
