#!/usr/bin/env bats
# Real programs on the live side of a mount: editors, sed, cp, mv, rsync, tar, jq.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	pitr_mount
	cd "$MNT" || return
	mkdir orders
	echo '{"total":1,"note":"first"}' >orders/1001.json
	echo '{"total":2}' >orders/1002.json
}

teardown() {
	cd /
	pitr_teardown
}

changes() {
	pitr status --json | jq '.tables[] | select(.name == "orders") | .changes'
}

# Only items and .table.json are left, and nothing was refused.
is_clean() {
	[ -z "$(find orders -mindepth 1 ! -name '*.json')" ] && [ ! -s .pitr/errors.jsonl ]
}

needs() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

@test "vim edits in place, by backup and rename, and with a swap file" {
	needs vim
	local backupcopy total=10
	for backupcopy in auto yes no; do
		vim -u NONE -i NONE -N -e -s -c "set backupcopy=$backupcopy swapfile writebackup backupskip=" \
			-c '%s/"total": [0-9]*/"total": '$total'/' -c 'wq' orders/1001.json </dev/null 3>&-
		[ "$(jq .total orders/1001.json)" = $total ]
		total=$((total + 1))
	done
	vim -u NONE -i NONE -N -e -s -c 'set backup backupext=~ backupskip=' -c '%s/first/second/' -c 'wq' orders/1001.json </dev/null 3>&-
	[ "$(jq -r .note orders/1001.json)" = second ]
	[ "$(jq -r .note orders/1001.json~)" = first ]
	rm orders/1001.json~
	sleep 2.5
	[ "$(changes)" -eq 6 ]
	is_clean
	[ "$(pitr get orders/1001 | jq -r .note)" = second ]
}

@test "vim is told that a document is wrong" {
	needs vim
	run vim -u NONE -i NONE -N -e -s -c '%s/{/[/' -c 'wq' orders/1001.json </dev/null 3>&-
	[ "$(jq .total orders/1001.json)" = 1 ]
	eventually grep -q orders/1001.json .pitr/errors.jsonl
	[ "$(changes)" -eq 2 ]
}

@test "nano edits" {
	needs nano
	needs script
	# Goes to the end, types a blank, saves under the same name, leaves.
	{
		sleep 1
		printf '\033/ \n'
		sleep 0.5
		printf '\017'
		sleep 0.5
		printf '\r'
		sleep 0.5
		printf '\030'
		sleep 0.5
		printf 'n'
	} | TERM=xterm script -qec "nano -I orders/1001.json" /dev/null >"$WORK/nano" 3>&-
	[ "$(jq .total orders/1001.json)" = 1 ]
	[ "$(changes)" -eq 2 ]
	{
		sleep 1
		printf '\034total": 1\r'
		sleep 0.5
		printf 'total": 77\r'
		sleep 0.5
		printf 'a'
		sleep 0.5
		printf '\017'
		sleep 0.5
		printf '\r'
		sleep 0.5
		printf '\030'
	} | TERM=xterm script -qec "nano -I orders/1001.json" /dev/null >"$WORK/nano" 3>&-
	[ "$(jq .total orders/1001.json)" = 77 ]
	[ "$(changes)" -eq 3 ]
	is_clean
}

@test "sed -i, perl -i and jq with mv" {
	sed -i 's/"total": 1/"total": 5/' orders/1001.json
	[ "$(jq .total orders/1001.json)" = 5 ]
	sed -i.bak 's/"total": 2/"total": 6/' orders/1002.json
	[ "$(jq .total orders/1002.json)" = 6 ]
	[ "$(jq .total orders/1002.json.bak)" = 2 ]
	rm orders/1002.json.bak
	jq '.total = 7' orders/1001.json >orders/tmp && mv orders/tmp orders/1001.json
	[ "$(jq .total orders/1001.json)" = 7 ]
	jq '.total = 8' orders/1001.json >"$WORK/x" && mv "$WORK/x" orders/1001.json
	[ "$(jq .total orders/1001.json)" = 8 ]
	perl -pi -e 's/"total": 8/"total": 9/' orders/1001.json
	[ "$(jq .total orders/1001.json)" = 9 ]
	sleep 2.5
	# mv from another file system removes the old file first: two changes.
	[ "$(changes)" -eq 8 ]
	is_clean
}

@test "cp, cp -a, cp -u, install, dd and tee" {
	local i
	for i in {1..20}; do echo "{\"n\":$i}" >"$WORK/$i.json"; done
	cp "$WORK"/*.json orders/
	[ "$(ls orders | wc -l)" -eq 22 ]
	cp -a "$WORK"/*.json orders/
	cp "$WORK/2.json" "$WORK/x" && echo '{"n":200}' >"$WORK/2.json"
	cp -p "$WORK/2.json" orders/
	[ "$(jq .n orders/2.json)" = 200 ]
	cp --remove-destination "$WORK/x" orders/2.json
	[ "$(jq .n orders/2.json)" = 2 ]
	cp -b "$WORK/3.json" orders/3.json
	[ "$(jq .n orders/3.json)" = 3 ]
	rm orders/3.json~
	install -m 644 "$WORK/4.json" orders/4.json
	dd if="$WORK/5.json" of=orders/5.json bs=3 2>/dev/null
	tee orders/6.json <"$WORK/6.json" >/dev/null
	[ "$(jq -s 'map(.n) | add' orders/?.json orders/??.json)" = 210 ]
	is_clean
}

@test "mv in, and mv out" {
	echo '{"total":5}' >"$WORK/1003.json"
	mv "$WORK/1003.json" orders/
	[ "$(jq .total orders/1003.json)" = 5 ]
	mv orders/1003.json "$WORK/"
	[ "$(jq .total "$WORK/1003.json")" = 5 ]
	[ ! -e orders/1003.json ]
	[ "$(changes)" -eq 4 ]
	mkdir "$WORK/more"
	echo '{}' >"$WORK/more/1.json"
	mv "$WORK/more" .
	[ "$(jq -r .id more/1.json)" = 1 ]
	is_clean
}

@test "rsync -a in every way, twice" {
	needs rsync
	local i way
	mkdir "$WORK/in"
	for i in {1..30}; do echo "{\"n\":$i}" >"$WORK/in/$i.json"; done
	for way in '' --inplace --delay-updates --whole-file '--partial-dir=.rsync-partial' --checksum --fsync; do
		rm -f orders/*.json
		# shellcheck disable=SC2086
		rsync -a $way "$WORK/in/" orders/ 2>"$WORK/rsync" || { [ "$way" = --fsync ] && continue; }
		[ "$(find orders -type f ! -name .table.json | wc -l)" -eq 30 ]
		[ "$(jq -s 'map(.n) | add' orders/*.json)" = 465 ]
		before=$(changes)
		# shellcheck disable=SC2086
		rsync -a $way "$WORK/in/" orders/
		[ "$(changes)" -eq "$before" ]
		sed 's/}/,"more":1}/' "$WORK/in/7.json" >"$WORK/x" && mv "$WORK/x" "$WORK/in/7.json"
		# shellcheck disable=SC2086
		rsync -a $way "$WORK/in/" orders/
		[ "$(jq .more orders/7.json)" = 1 ]
		[ "$(changes)" -eq $((before + 1)) ]
		echo '{"n":7}' >"$WORK/in/7.json"
	done
	rm "$WORK/in/9.json"
	rsync -a --delete --exclude=.table.json "$WORK/in/" orders/
	[ ! -e orders/9.json ]
	is_clean
	rsync -a orders/ "$WORK/out/"
	diff -r orders "$WORK/out"
}

@test "tar x, over what is there too" {
	local i
	mkdir -p "$WORK/in/deliveries"
	for i in {1..30}; do echo "{\"n\":$i}" >"$WORK/in/deliveries/$i.json"; done
	tar cf "$WORK/in.tar" -C "$WORK/in" deliveries
	tar xf "$WORK/in.tar"
	[ "$(jq -s 'map(.n) | add' deliveries/*.json)" = 465 ]
	tar xf "$WORK/in.tar"
	tar xf "$WORK/in.tar" --overwrite
	[ "$(jq -s 'map(.n) | add' deliveries/*.json)" = 465 ]
	tar cf "$WORK/out.tar" deliveries
	rm -r deliveries
	tar xf "$WORK/out.tar" || { cat .pitr/errors.jsonl && false; }
	[ "$(jq -s 'map(.n) | add' deliveries/*.json)" = 465 ]
	tar cf - deliveries | tar xf - -C "$WORK"
	diff -r --exclude=.table.json deliveries "$WORK/deliveries"
	is_clean
}

@test "a tree with partitions goes through cp, rsync and tar" {
	needs rsync
	pitr create-table --table-name visits --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=customer,AttributeType=S AttributeName=number,AttributeType=N \
		--key-schema AttributeName=customer,KeyType=HASH AttributeName=number,KeyType=RANGE >/dev/null
	local name number
	for name in ann bob; do
		mkdir -p "$WORK/in/$name"
		for number in 1 2 3; do echo "{\"page\":\"$name$number\"}" >"$WORK/in/$name/$number.json"; done
	done
	eventually ls visits
	cp -r "$WORK"/in/* visits/
	[ "$(cat visits/*/*.json | jq -s length)" = 6 ]
	rm -r visits/*
	rsync -a "$WORK/in/" visits/
	[ "$(cat visits/*/*.json | jq -s length)" = 6 ]
	rm -r visits/ann visits/bob
	tar cf - -C "$WORK/in" . | tar xf - -C visits
	[ "$(cat visits/*/*.json | jq -s length)" = 6 ]
	[ "$(find visits -type f -name '[0-9]*' | sort | tr '\n' ' ')" = \
		'visits/ann/1.json visits/ann/2.json visits/ann/3.json visits/bob/1.json visits/bob/2.json visits/bob/3.json ' ]
	find visits -mindepth 1 -delete
	[ -z "$(ls visits)" ]
	is_clean
}

@test "patch and git work on items" {
	needs git
	needs patch
	cp orders/1001.json "$WORK/a"
	sed 's/first/patched/' "$WORK/a" >"$WORK/b"
	diff -u "$WORK/a" "$WORK/b" >"$WORK/p" || true
	patch -s orders/1001.json "$WORK/p"
	[ "$(jq -r .note orders/1001.json)" = patched ]
	git -C "$WORK" init -q
	git -C "$WORK" --work-tree="$MNT/orders" add .
	[ "$(git -C "$WORK" ls-files | wc -l)" -eq 3 ]
}
