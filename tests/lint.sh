#!/bin/bash
# House rules that a machine can check: tests/lint.sh [RULE]...   All rules when none is named.
#
# Every breach is one line, "file:line: what is wrong; what to do". The last line is "N passed, N failed, N skipped",
# counting rules. Long functions and files are listed, and left to review.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C.UTF-8

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

# New files count before they are added.
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	mapfile -t all < <(git ls-files --cached --others --exclude-standard | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done | sort -u)
else
	mapfile -t all < <(find . -path ./build -prune -o -path ./.git -prune -o -type f -printf '%P\n' | sort)
fi

# files PATTERN: those whose path matches, one a line.
files() {
	printf '%s\n' "${all[@]}" | grep -E "$1"
}

# Every C source, line by line, without comments and without what is inside string and character literals (the names
# of included headers stay). Comments alone go into a second tree.
mapfile -t sources < <(files '^(core|fs|tools|tests)/.*\.[ch]$')
code=$scratch/code comments=$scratch/comments
split_sources() {
	awk -v code="$code/" -v comments="$comments/" '
	FNR == 1 {
		if (to_code) { close(to_code); close(to_comments) }
		to_code = code FILENAME; to_comments = comments FILENAME; in_comment = 0
	}
	{
		c = ""; t = ""; n = length($0)
		is_include = !in_comment && $0 ~ /^[ \t]*#[ \t]*include/
		for (i = 1; i <= n; i++) {
			two = substr($0, i, 2); one = substr(two, 1, 1)
			if (in_comment) {
				if (two == "*/") { in_comment = 0; i++ } else t = t one
			} else if (two == "/*") { in_comment = 1; i++; c = c " "
			} else if (two == "//") { t = t substr($0, i + 2); break
			} else if ((one == "\"" || one == "\047") && !is_include) {
				c = c one
				for (i++; i <= n && substr($0, i, 1) != one; i++)
					if (substr($0, i, 1) == "\\") i++
				c = c one
			} else c = c one
		}
		print c > to_code
		print t > to_comments
	}' "$@"
}
if [ ${#sources[@]} -gt 0 ]; then
	mapfile -t folders < <(printf '%s\n' "${sources[@]%/*}" | sort -u)
	mkdir -p "${folders[@]/#/$code/}" "${folders[@]/#/$comments/}"
	touch "${sources[@]/#/$code/}" "${sources[@]/#/$comments/}"
	split_sources "${sources[@]}"
fi

# grep_code REGEX ADVICE FILES...: a breach for each line of code that matches.
grep_code() {
	local regex=$1 advice=$2
	shift 2
	[ $# -gt 0 ] || return 0
	(cd "$code" && grep -HnE -- "$regex" "$@") | ADVICE="    <- $advice" awk '{ print $0 ENVIRON["ADVICE"] }'
}

not_after_member='(^|[^A-Za-z0-9_.>])'
of() {
	files "^$1/.*\\.[ch]\$"
}

# --- Rules: each prints its breaches, and nothing when there are none ------------------------------------------------

# Which way includes may point: tools -> core <- fs, and nothing out of core.
rule_direction() {
	local file line included directory allowed
	while IFS=: read -r file line included; do
		[ -n "$file" ] || continue
		included=${included#*\"}
		included=${included%%\"*}
		directory=${file%%/*}
		case $directory in
		core) allowed='core' ;;
		tools | fs) allowed="core $directory" ;;
		esac
		case $included in
		*..*)
			echo "$file:$line: includes \"$included\"; name the header from the top of the project, or by itself"
			continue
			;;
		esac
		for directory in $allowed; do
			if [ -f "$directory/$included" ] || { [ -f "$included" ] && [ "${included%%/*}" = "$directory" ]; }; then
				continue 2
			fi
		done
		echo "$file:$line: includes \"$included\", which is not in $allowed; move what is needed there"
	done < <(cd "$code" && grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' -r core tools fs 2>/dev/null)
	mapfile -t list < <(of '(core|tools)')
	grep_code '#[[:space:]]*include.*[<"/]fuse' 'only fs/ knows FUSE' ${list[@]+"${list[@]}"}
}

# Each foreign library is known to one module.
rule_libraries() {
	local rule header files
	for rule in 'lmdb:store(_parts|_records|_txn)?' cJSON:json lz4:compress openssl:hash xxhash:hash zlib:line_reader; do
		header=${rule%:*} files="core/${rule#*:}\\.[ch]"
		mapfile -t list < <(of '(core|fs|tools)' | grep -Evx "$files")
		grep_code "#[[:space:]]*include.*[<\"/]$header" "only $files includes $header; call that module" \
			${list[@]+"${list[@]}"}
	done
}

# The engine does not talk, end the program, read the environment or start processes.
rule_quiet() {
	mapfile -t list < <(of core)
	local calls='printf|fprintf|vprintf|vfprintf|dprintf|vdprintf|puts|fputs|putchar|putc|fputc|perror|psignal'
	grep_code "$not_after_member($calls)[[:space:]]*\\(" \
		'core/ prints nothing: return the text in a buffer or a struct error' "${list[@]}"
	grep_code '(^|[^A-Za-z0-9_])(stdout|stderr|stdin)([^A-Za-z0-9_]|$)' \
		'core/ does not know the standard streams: let the caller pass them' "${list[@]}"
	calls='exit|_exit|_Exit|quick_exit|abort|err|errx|verr|error'
	grep_code "$not_after_member($calls)[[:space:]]*\\(" \
		'core/ ends no program: return a negative errno, or assert what only a programming fault can break' "${list[@]}"
	calls='getenv|secure_getenv|setenv|putenv|unsetenv|fork|vfork|system|popen|daemon|posix_spawnp?|execv[pe]*|execl[pe]*'
	grep_code "$not_after_member($calls)[[:space:]]*\\(" \
		'core/ reads no environment and starts no process: let the caller do it' "${list[@]}"
}

# There is one source of "now".
rule_clock() {
	mapfile -t list < <(of '(core|fs|tools)' | grep -Fvx core/clock.c)
	grep_code "$not_after_member(time|gettimeofday|clock_gettime|timespec_get|ftime)[[:space:]]*\\(" \
		'only core/clock.c asks the time: call clock_now_us()' "${list[@]}" |
		grep -Ev '^(fs|tools)/[^:]*:[0-9]+:.*CLOCK_MONOTONIC'
}

# Unfinished marks, and paths of one machine.
rule_finished() {
	mapfile -t list < <(files '^(core|fs|tools|tests|\.ci)/|^Makefile$|\.md$' | grep -v '^tests/fuzz/corpus/')
	grep -HnIwE 'FIXM[E]|TOD[O]|XX[X]' "${list[@]}" | sed 's|$|    <- finish it, or open an issue|'
	grep -HnIE '/wor[k]/|/hom[e]/[a-z]' "${list[@]}" | sed 's|$|    <- a path of one machine: derive it, or let it be passed|'
}

# Code in comments. Text that only mentions a call goes on after it.
rule_dead_code() {
	[ ${#sources[@]} -gt 0 ] || return 0
	(cd "$comments" && grep -HnE \
		'^[[:space:]*]*((if|for|while|switch)[[:space:]]*\(.*\)[[:space:]]*\{?|return[[:space:]][^.]*;|[A-Za-z_][A-Za-z0-9_>.*-]*[[:space:]]*(=[^=].*|\(.*\));|#[[:space:]]*(include|define|if|endif).*|[}{])[[:space:]]*$' \
		"${sources[@]}") | sed 's|$|    <- code in a comment: delete it, git remembers|'
	grep_code '^[[:space:]]*#[[:space:]]*if[[:space:]]+0([^0-9]|$)' 'code that is switched off: delete it' "${sources[@]}"
}

# Header guards carry the name of the file, so that no two are the same.
rule_guards() {
	mapfile -t list < <(files '\.h$')
	[ ${#list[@]} -gt 0 ] || return 0
	(cd "$code" && awk '
	function check() {
		if (guard != wanted && !(guard ~ /^PITR_/ && substr(guard, length(guard) - length(stem) - 2) == "_" stem "_H"))
			print file ":1: the header guard is \047" (guard ? guard : "missing") "\047; name it PITR_" stem "_H, or PITR_<FOLDER>_" stem "_H"
		else if (!is_defined)
			print file ":1: the guard " guard " is never defined; add #define " guard
		if (guard in of)
			print file ":1: has the guard of " of[guard] "; name it after its file"
		of[guard] = file
	}
	FNR == 1 {
		if (file) check()
		file = stem = FILENAME; guard = ""; is_defined = 0
		sub(/.*\//, "", stem); sub(/\.h$/, "", stem); gsub(/[.-]/, "_", stem); stem = toupper(stem)
		wanted = "PITR_" stem "_H"
	}
	guard == "" && /^[ \t]*#[ \t]*ifndef/ { guard = $0; sub(/^[ \t]*#[ \t]*ifndef[ \t]*/, "", guard); sub(/[ \t].*/, "", guard) }
	guard != "" && $0 == "#define " guard { is_defined = 1 }
	END { check() }' "${list[@]}")
}

# A source of the engine implements the header of its name, or is a part of a module: its name begins with the
# module's (table_settings.c of table.h), or its first own header declares one of its functions (base64.c).
rule_modules() {
	local source stem header functions
	while read -r source; do
		stem=${source##*/}
		stem=${stem%.c}
		while [ ! -f "core/$stem.h" ] && [[ $stem == *_* ]]; do
			stem=${stem%_*}
		done
		if [ -f "core/$stem.h" ]; then
			continue
		fi
		header=$(sed -n 's/^#include "\(core\/\)\{0,1\}\(.*\)"$/\2/p' "$source" | head -n 1)
		functions=$(grep -oE '^[a-z][^;=]*[ *][a-z_0-9]+\(' "$code/$source" | grep -v '^static' | sed 's/.*[ *]\([a-z_0-9]*\)(/\1/')
		if [ -z "$functions" ] || ! grep -qwF "$functions" "$code/core/${header:-none}" 2>/dev/null; then
			echo "$source:1: implements neither core/$(basename "$source" .c).h nor the first header it includes; name it after its module"
		fi
	done < <(files '^core/[^/]*\.c$')
}

# Every header can be included by itself.
rule_headers() {
	local header fuse_version alone=$scratch/headers flags=(-std=c17 -D_GNU_SOURCE -iquote . -iquote core -Wall -Wextra -Wpedantic)
	fuse_version=$(cat fs/*.[ch] 2>/dev/null | sed -n 's/^#define FUSE_USE_VERSION[[:space:]]*//p' | head -n 1)
	mkdir -p "$alone"
	while read -r header; do
		{
			# Those with FUSE in them may rely on the version their includer has chosen.
			[[ $header != fs/* ]] || printf '#ifndef FUSE_USE_VERSION\n#define FUSE_USE_VERSION %s\n#endif\n' "${fuse_version:-314}"
			printf '#include "%s"\n' "$header"
		} >"$alone/${header//\//,}.c"
	done < <(files '^(core|fs|tools)/.*\.h$')
	# One compiler for all of them.
	# shellcheck disable=SC2046
	gcc "${flags[@]}" -Werror -fsyntax-only $(pkg-config --cflags fuse3 | sed 's/-I/-isystem /g') "$alone"/*.c 2>&1 |
		grep -E 'error:' | sort -u | sed 's|$|    <- does not compile by itself: include what it uses|'
}

rule_format() {
	[ ${#sources[@]} -gt 0 ] || return 0
	printf '%s\0' "${sources[@]}" | xargs -0 clang-format --dry-run -Werror --ferror-limit=1 2>&1 |
		grep -E '(error|warning):' | sed 's|$|    <- make fmt|'
}

rule_shell() {
	local scripts
	mapfile -t scripts < <(
		files '\.(sh|bash|bats)$'
		files '^(\.ci|tests|tools)/' | grep -vE '\.[a-z]+$' | while read -r file; do
			head -n 1 "$file" | grep -aqE '^#!.*[/ ](ba)?sh' && echo "$file"
		done
	)
	[ ${#scripts[@]} -gt 0 ] || return 0
	shellcheck -x -f gcc -S warning "${scripts[@]}"
}

rule_cppcheck() {
	local list suppressed=()
	mapfile -t list < <(files '^(core|fs|tools)/.*\.c$')
	[ ${#list[@]} -gt 0 ] || return 0
	# What it cannot parse, and members it takes for unset when a function fills them that may fail.
	for id in missingIncludeSystem unknownMacro internalAstError uninitStructMember; do
		suppressed+=("--suppress=$id")
	done
	cppcheck --quiet -j "$(nproc)" --std=c11 -D_GNU_SOURCE --enable=warning,portability --inline-suppr \
		"${suppressed[@]}" \
		--template='{file}:{line}: {message} [{id}]; mend it, or say why not with a cppcheck-suppress comment' \
		-I. -Icore "${list[@]}" 2>&1
}

# --- Running them ------------------------------------------------------------------------------------------------

# Not breaches: where to look for a second idea.
list_long() {
	[ ${#sources[@]} -gt 0 ] || return 0
	(cd "$code" && awk '
	function tell_of_file() { if (lines > 500) printf "%s:1: note: the file has %d lines\n", file, lines }
	FNR == 1 { tell_of_file(); file = FILENAME; start = 0 }
	{ lines = FNR }
	/^[^ \t#{}\/].*\(/ && !/;[ \t]*$/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
	/^\{/ { start = FNR }
	/^\}/ { if (start && FNR - start > 71) printf "%s:%d: note: %s has %d lines\n", file, start, name, FNR - start - 1; start = 0 }
	END { tell_of_file() }' "${sources[@]}")
}

rules=("$@")
if [ ${#rules[@]} -eq 0 ]; then
	mapfile -t rules < <(declare -F | sed -n 's/^declare -f rule_//p')
fi
for rule in "${rules[@]}"; do
	declare -F "rule_$rule" >/dev/null || { echo "tests/lint.sh: no rule $rule" >&2 && exit 2; }
	"rule_$rule" >"$scratch/result-$rule" 2>&1 &
done
wait

passed=0 failed=0
[ $# -gt 0 ] || list_long
for rule in "${rules[@]}"; do
	if [ -s "$scratch/result-$rule" ]; then
		failed=$((failed + 1))
		printf '%s:\n' "$rule"
		sed 's/^/  /' "$scratch/result-$rule"
	else
		passed=$((passed + 1))
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
