#!/usr/bin/env bats
# How many messages the kernel sends for what programs do over a snapshot of 10,000 items. Everything else about speed
# follows from it.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	seq 1 10000 | sed 's/.*/{"id":"&","customer":"c&","total":&,"note":"nothing to be said about this one"}/' |
		pitr import --table orders --key id - 2>/dev/null
}

teardown() {
	cd /
	pitr_teardown
}

# begin [OPTION...]: a fresh mount.
begin() {
	cd /
	if [ -n "${PITR_MOUNTS[$MNT]-}" ]; then
		pitr_umount
	fi
	pitr_mount -o "count_file=$WORK/counts" "$@"
	cd "$MNT" || return
	ls -d orders/@seq-10000 >/dev/null
	count
}

# count: writes the numbers of messages since the last time to $WORK/since.
count() {
	rm -f "$WORK/counts"
	kill -USR1 "$PITRFS_PID"
	eventually test -s "$WORK/counts"
	if [ -e "$WORK/last" ]; then
		jq -s '.[0] as $last | .[1] | with_entries(.value -= ($last[.key] // 0)) | with_entries(select(.value > 0))' \
			"$WORK/last" "$WORK/counts" >"$WORK/since"
	fi
	cp "$WORK/counts" "$WORK/last"
}

# at_most KIND N [KIND N...]: what came in since the last count; anything not named at most 20 times.
at_most() {
	count
	local limits=.
	while [ $# -gt 0 ]; do
		limits+=" | .$1 = (.$1 // 0) - $2"
		shift 2
	done
	jq -c . "$WORK/since"
	jq -e "$limits | all(.[]; . <= 20)" "$WORK/since" >/dev/null
}

@test "listing costs one message for many entries" {
	begin -o ro
	ls -l orders/@seq-10000 | wc -l | grep -qx 10001
	at_most READDIRPLUS 100
	ls -l orders/@seq-10000 >/dev/null
	at_most
	begin -o ro
	find orders/@seq-10000 -ls | wc -l | grep -qx 10002
	at_most READDIRPLUS 100
	find orders/@seq-10000 -ls >/dev/null
	at_most
}

@test "reading costs one message a file, and nothing the second time" {
	begin -o ro
	[ "$(grep -r customer orders/@seq-10000 | wc -l)" -eq 10000 ]
	at_most READDIRPLUS 100 READ 10000
	begin -o ro
	tar cf - orders/@seq-10000/ | wc -c >/dev/null
	at_most READDIRPLUS 100 READ 10000
	begin -o ro
	cp -r orders/@seq-10000 "$WORK/copy"
	at_most READDIRPLUS 100 READ 10000
	diff -r orders/@seq-10000 "$WORK/copy"
	# A machine that is short of memory takes pages back.
	at_most READDIRPLUS 200 READ 1000
}

@test "rsync costs no more, and sees that nothing is new without reading" {
	begin -o ro
	rsync -a orders/@seq-10000/ "$WORK/copy"
	at_most READDIRPLUS 100 READ 10000
	rsync -a orders/@seq-10000/ "$WORK/copy"
	at_most READDIRPLUS 200
}

@test "a relative instant is looked up now and then, not for every file" {
	begin -o ro
	sleep 1
	ls -l orders/@latest >/dev/null
	cp -r orders/@-1s "$WORK/copy"
	ls -l orders/@-1s >/dev/null
	at_most READDIRPLUS 300 READ 10000 LOOKUP 300
}

@test "a writable mount comes near" {
	begin
	ls -l orders/@seq-10000 | wc -l | grep -qx 10001
	at_most READDIRPLUS 100
	[ "$(grep -r customer orders/@seq-10000 | wc -l)" -eq 10000 ]
	at_most READDIRPLUS 100 OPEN 10000 READ 10000 RELEASE 10000
	[ "$(grep -r customer orders/@seq-10000 | wc -l)" -eq 10000 ]
	# After a file was read its atime is asked for, which only a read-only mount is spared.
	at_most READDIRPLUS 200 OPEN 10000 READ 1000 RELEASE 10000 GETATTR 10000
	ls -l orders | wc -l | grep -qx 10001
	at_most READDIRPLUS 200
	ls -l orders >/dev/null
	at_most READDIRPLUS 200
}

@test "copying in costs five messages a file" {
	begin
	mkdir "$WORK/in"
	for i in {1..1000}; do echo "{\"n\":$i}" >"$WORK/in/$i.json"; done
	count
	cp -r "$WORK/in" more
	at_most LOOKUP 1000 CREATE 1000 WRITE 1000 FLUSH 1000 RELEASE 1000 FORGET 1000
	[ "$(ls more | wc -l)" -eq 1000 ]
}
