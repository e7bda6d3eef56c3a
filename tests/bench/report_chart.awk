# Rows of report.sh as a chart: how much of its limit each measure takes. Those without a limit are not drawn.
BEGIN {
	FS = "\t"
	WIDTH = 800; LEFT = 340; RIGHT = 685; ROW = 32; BAR = 14; TOP = 96; HEADING = 34; LABEL_MAX = 46
	split("0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 20 50 100 200 500 1000", steps, " ")
	titles["files"] = "Files of a snapshot"
	titles["copies"] = "Copies"
	titles["core"] = "The engine"
	titles["store"] = "The store"
	titles["mount"] = "The mount"
}

function escaped(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	return text
}

function number(value,    size) {
	size = value < 0 ? -value : value
	return sprintf(size >= 100 || size == int(size) ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.4f", value)
}

$9 != "" {
	count++
	group[count] = $1
	measure[count] = escaped($2)
	value[count] = ($5 == "" ? number($4) " " $3 : $7 == "" ? "-" : number($7) "×")
	detail[count] = ($5 == "" ? sprintf("%s %.3g %s", $8, $9, $3) : "against " $5 ": " number($4) " to " number($6) " " $3)
	detail[count] = escaped(detail[count])
	limit[count] = sprintf("%s%.3g%s", $8 == "at most" ? "≤ " : "≥ ", $9, $5 == "" ? "" : "×")
	share[count] = $10
	is_met[count] = $11 == "met"
	met += is_met[count]
	if ($10 != "" && $10 > most)
		most = $10
	if ($10 != "" && (least == "" || $10 < least))
		least = $10
}

# Linear up to twice the limit; beyond that, or when much lies far below, logarithmic.
function choose_scale(    i) {
	is_log = most > 2
	from = 0
	to = most > 1.25 ? 2 : 1.5
	if (!is_log)
		return
	for (i = 1; i in steps; i++) {
		if (steps[i] <= least && steps[i] <= 0.1)
			from = steps[i]
		if (to < most && steps[i] >= most)
			to = steps[i]
	}
	if (from == 0)
		from = steps[1]
}

function place(share) {
	if (share < from)
		share = from
	if (share > to)
		share = to
	if (is_log)
		return LEFT + (RIGHT - LEFT) * log(share / from) / log(to / from)
	return LEFT + (RIGHT - LEFT) * (share - from) / (to - from)
}

# One set of colours; plain rules rather than variables, which not everything that shows SVG knows.
function colours(paper, ink, pale, line, good, bad) {
	printf ".paper { fill: %s; } text { fill: %s; } .limit { stroke: %s; } .pale { fill: %s; } .grid { stroke: %s; }\n", paper, ink, ink,
		pale, line
	printf ".bar-met { fill: %s; } .bar-missed { stroke: %s; } .stripe { stroke: %s; }\n", good, bad, bad
}

function style() {
	print "<style>"
	print "text { font-family: system-ui, 'DejaVu Sans', sans-serif; font-size: 13px; }"
	print ".title { font-size: 18px; font-weight: bold; } .group { font-size: 15px; font-weight: bold; }"
	print ".pale { font-size: 11.5px; } .missed { font-weight: bold; }"
	print ".limit { stroke-width: 1.5; } .bar-missed { fill: url(#hatched); stroke-width: 1.5; } .stripe { stroke-width: 3; }"
	colours("#ffffff", "#1b1f24", "#57606a", "#d0d7de", "#2f6fb0", "#b3430f")
	print "@media (prefers-color-scheme: dark) {"
	colours("#0d1117", "#e6edf3", "#9aa4af", "#30363d", "#58a6e8", "#f0883e")
	print "}"
	print "</style>"
	print "<defs><pattern id=\"hatched\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">" \
		"<path class=\"stripe\" d=\"M0 0V6\"/></pattern></defs>"
}

# Labels at the left are made to fit.
function text(x, y, class, anchor, content,    attributes) {
	attributes = (class == "" ? "" : " class=\"" class "\"") (anchor == "" ? "" : " text-anchor=\"" anchor "\"")
	if (anchor == "end" && class == "" && length(content) > LABEL_MAX)
		attributes = attributes " style=\"font-size: 11px\"" (length(content) < 1.25 * LABEL_MAX ? "" : \
			sprintf(" textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\"", LEFT - 22))
	printf "<text x=\"%g\" y=\"%g\"%s>%s</text>\n", x, y, attributes, content
}

function grid_line(share, top, bottom, label) {
	printf "<path class=\"%s\" d=\"M%.1f %gV%g\"/>\n", share == 1 ? "limit" : "grid", place(share), top, bottom
	text(place(share), top - 6, "pale", "middle", label)
}

function grid(top, bottom,    i, last) {
	last = -100
	for (i = is_log ? 1 : 0; is_log ? i in steps : i * 0.5 <= to; i++) {
		share_at = is_log ? steps[i] : i * 0.5
		if (share_at < from || share_at > to || share_at == 1)
			continue
		# Labels need their room, also beside that of the limit.
		if (place(share_at) - last < 34 || (place(1) - place(share_at))^2 < 36^2)
			continue
		last = place(share_at)
		grid_line(share_at, top, bottom, share_at)
	}
	grid_line(1, top, bottom, "limit")
}

function row(i, y,    end) {
	text(LEFT - 12, y + 13, "", "end", measure[i])
	text(LEFT - 12, y + 26, "pale", "end", detail[i])
	if (share[i] != "") {
		end = place(share[i])
		printf "<rect class=\"%s\" x=\"%g\" y=\"%g\" width=\"%.1f\" height=\"%g\"><title>%s: %s of its limit</title></rect>\n",
			is_met[i] ? "bar-met" : "bar-missed", LEFT, y + 6, end - LEFT < 1 ? 1 : end - LEFT, BAR, measure[i], number(share[i])
	}
	text(RIGHT + 12, y + 13, is_met[i] ? "" : "missed", "", (is_met[i] ? "✓ " : "✗ ") value[i])
	text(RIGHT + 12, y + 26, "pale", "", (is_met[i] ? "met: " : "missed: ") limit[i])
}

END {
	choose_scale()
	y = TOP
	for (i = 1; i <= count; i++)
		y += ROW + (group[i] != group[i - 1] ? HEADING : 0)
	height = y + 24
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n", WIDTH, height,
		WIDTH, height
	printf "<title>%d of %d limits are met</title>\n", met, count
	style()
	printf "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", WIDTH, height
	text(20, 32, "title", "", sprintf("pitrfs: %d of %d limits are met", met, count))
	text(20, 52, "pale", "", "How much of its limit each measure takes" (is_log ? ", on a logarithmic scale" : "") \
		": a bar that ends left of the line is within it.")
	text(20, 68, "pale", "", escaped(facts))
	if (count > 0)
		grid(TOP, height - 20)
	y = TOP
	for (i = 1; i <= count; i++) {
		if (group[i] != group[i - 1]) {
			text(20, y + 25, "group", "", group[i] in titles ? titles[group[i]] : escaped(group[i]))
			y += HEADING
		}
		row(i, y)
		y += ROW
	}
	print "</svg>"
}
