#!/bin/sh
# A store with a recorded incident in it, mounted, and a tour of it. Started by `make demo`; running it again is harmless.
set -eu
cd "$(dirname "$0")/.."

build=${BUILD:-build}
demo=demo
store=$demo/store
mnt=$demo/mnt
pitr=$build/pitr

fail() {
	echo "demo: $*" >&2
	exit 1
}

# The store appears under its name when the import is complete, so that an interrupted first run leaves no half of it.
make_store() {
	rm -rf "$store.new"
	"$pitr" --store "$store.new" init 2>/dev/null
	echo "Recording the incident: one morning of an orders table, and a script that removes 5,000 orders at 09:15 ..."
	"$pitr" incident | "$pitr" --store "$store.new" import --table orders -
	mv "$store.new" "$store"
}

is_mounted() {
	"$pitr" --store "$store" status | grep -q "^[a-z ]* $(pwd -P)/$mnt\$"
}

mount_store() {
	[ -c /dev/fuse ] || fail "there is no /dev/fuse here; the store is made: $pitr --store $store status"
	# What a mount that died has left stands in the way.
	[ ! -e "$mnt" ] || ls "$mnt" >/dev/null 2>&1 || fusermount3 -uz "$mnt"
	mkdir -p "$mnt"
	"$pitr" --store "$store" mount "$mnt"
}

[ -x "$pitr" ] || fail "$pitr is not there: run make first"
mkdir -p "$demo"
[ -d "$store" ] || make_store
is_mounted || mount_store

before=$mnt/orders/@2025-03-01T09:14:59
after=$mnt/orders/@2025-03-01T09:16:00
cat <<TOUR

The store $store is mounted at $mnt. Paste any of these:

  The table as it is now, and as it was a second before the script began:
    ls $mnt/orders | wc -l
    ls $before | wc -l

  One order that is gone, as it was:
    cat $before/1002.json

  What the script removed:
    diff -rq $before $after | grep -c '^Only in $before'

  What became of an order in half an hour:
    diff $mnt/orders/@2025-03-01T06:30:00/1003.json $mnt/orders/@2025-03-01T07:00:00/1003.json

  When it happened, who it was, what is gone (the last first), and what became of one order:
    $pitr --store $store timeline orders
    $pitr --store $store log orders --from 2025-03-01T09:15 --to 2025-03-01T09:16 --op remove --stat
    ls -lt $mnt/orders/@/deleted | head -4
    cat $mnt/orders/@/history/1002.json/*.deleted

  Whether everything is as it was written:
    $pitr --store $store verify

  The whole table as it was, as a table beside the present one: at once by a link, or partly by copying:
    ln -s ../orders/@2025-03-01T09:14:59 $mnt/restore/orders-before
    mkdir $mnt/restore/orders-some; cp $before/100?.json $mnt/restore/orders-some/

  What the script did, taken back: shown first, then in a table of its own:
    $pitr --store $store undo --table orders --from 2025-03-01T09:15 --to 2025-03-01T09:16 --op remove --dry-run
    $pitr --store $store undo --table orders --from 2025-03-01T09:15 --to 2025-03-01T09:16 --op remove --into orders-fixed

  One order back into the table; then all of them, without touching what is there:
    cp $before/1002.json $mnt/orders/
    cp -n $before/*.json $mnt/orders/

  The same without the mount:
    $pitr --store $store get orders/1002@2025-03-01T09:14:59
    $pitr --store $store status

  To end the mount, and to forget the demo:
    $pitr umount $mnt
    rm -rf $demo
TOUR
