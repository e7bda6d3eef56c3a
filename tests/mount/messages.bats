#!/usr/bin/env bats
# How many messages the kernel sends for what programs do over a snapshot of 4,000 items. Everything else about speed
# follows from it.

bats_require_minimum_version 1.5.0
load ../support/mount

setup_file() {
	pitr_prepare
	seq 1 4000 | sed 's/.*/{"id":"&","customer":"c&","total":&,"note":"nothing to be said about this one"}/' |
		pitr import --table orders --key id - 2>/dev/null
}

setup() {
	pitr_setup
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
	ls -d orders/@seq-4000 >/dev/null
	count_messages
}

# at_most [KIND N]...: what came in since the last count; anything not named at most 20 times.
at_most() {
	messages_at_most 20 "$@"
}

@test "listing costs one message for many entries" {
	begin -o ro
	ls -l orders/@seq-4000 | wc -l | grep -qx 4001
	at_most READDIRPLUS 40
	ls -l orders/@seq-4000 >/dev/null
	at_most
	begin -o ro
	find orders/@seq-4000 -ls | wc -l | grep -qx 4002
	at_most READDIRPLUS 40
	find orders/@seq-4000 -ls >/dev/null
	at_most
}

@test "reading costs one message a file, and nothing the second time" {
	begin -o ro
	[ "$(grep -r customer orders/@seq-4000 | wc -l)" -eq 4000 ]
	at_most READDIRPLUS 40 READ 4000
	begin -o ro
	tar cf - orders/@seq-4000/ | wc -c >/dev/null
	at_most READDIRPLUS 40 READ 4000
	begin -o ro
	cp -r orders/@seq-4000 "$WORK/copy"
	at_most READDIRPLUS 40 READ 4000
	diff -r orders/@seq-4000 "$WORK/copy"
	# A machine that is short of memory takes pages back.
	at_most READDIRPLUS 80 READ 400
}

@test "rsync costs no more, and sees that nothing is new without reading" {
	begin -o ro
	rsync -a orders/@seq-4000/ "$WORK/copy"
	at_most READDIRPLUS 40 READ 4000
	rsync -a orders/@seq-4000/ "$WORK/copy"
	at_most READDIRPLUS 80
}

@test "a relative instant is looked up now and then, not for every file" {
	begin -o ro
	sleep 1
	ls -l orders/@latest >/dev/null
	cp -r orders/@-1s "$WORK/copy"
	ls -l orders/@-1s >/dev/null
	at_most READDIRPLUS 120 READ 4000 LOOKUP 300
}

@test "a writable mount comes near" {
	begin
	ls -l orders/@seq-4000 | wc -l | grep -qx 4001
	at_most READDIRPLUS 40
	[ "$(grep -r customer orders/@seq-4000 | wc -l)" -eq 4000 ]
	at_most READDIRPLUS 40 OPEN 4000 READ 4000 RELEASE 4000
	[ "$(grep -r customer orders/@seq-4000 | wc -l)" -eq 4000 ]
	# After a file was read its atime is asked for, which only a read-only mount is spared.
	at_most READDIRPLUS 80 OPEN 4000 READ 400 RELEASE 4000 GETATTR 4000
	ls -l orders | wc -l | grep -qx 4001
	at_most READDIRPLUS 80
	ls -l orders >/dev/null
	at_most READDIRPLUS 80
}

@test "copying in costs five messages a file" {
	begin
	mkdir "$WORK/in"
	for i in {1..1000}; do echo "{\"n\":$i}" >"$WORK/in/$i.json"; done
	count_messages
	cp -r "$WORK/in" more
	at_most LOOKUP 1000 CREATE 1000 WRITE 1000 FLUSH 1000 RELEASE 1000 FORGET 1000
	[ "$(ls more | wc -l)" -eq 1000 ]
}
