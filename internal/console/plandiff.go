package console

import (
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/deskstream/deskstream/internal/output"
)

// diffView is what was sent of a letter beside what would be sent.
type diffView struct {
	// Left reports whether the calls were not kept, Known whether those of then are on record, and Same
	// whether they are those of now.
	Left, Known, Same bool
	Died              string
	Rows              []diffRow
	Cut               bool   // there are more rows
	Whole             string // the address of all
	Changed           int    // rows, of all
}

// diffRow is a line of the calls of then beside that of now. Where masking hides the difference, the
// row says that there is one.
type diffRow struct {
	Then, Now string
	Changed   bool
}

// callLine is a line of the text of calls: as it is, to compare, and as the reader may see it.
type callLine struct{ plain, shown string }

// maxDiffLine is how much of a line a page shows, in bytes, and diffMarkup about what a row takes around
// its texts.
const (
	maxDiffLine = 400
	diffMarkup  = 60
)

func (v *visit) diff(r *plannedRow, most int) *diffView {
	view := &diffView{Left: r.left, Known: r.died != "", Died: v.masker.text(r.died)}
	if r.left {
		return view
	}
	then, now := v.callLines(r.then), v.callLines(r.now)
	rows := besides(then, now)
	for _, row := range rows {
		if row.Changed {
			view.Changed++
		}
	}
	view.Same = view.Known && view.Changed == 0
	size := 0
	for _, row := range rows {
		row.Then, row.Now = cut(maxDiffLine, row.Then), cut(maxDiffLine, row.Now)
		if size += escapedLen(row.Then) + escapedLen(row.Now) + diffMarkup; size > most {
			view.Cut = true
			break
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}

// callLines are the lines of calls: method and URL, then the body with one member a line.
func (v *visit) callLines(calls []plannedCall) (lines []callLine) {
	for _, c := range calls {
		lines = append(lines, callLine{c.method + " " + c.url, c.method + " " + v.masker.url(c.url)})
		if c.body == "" {
			continue
		}
		plain, shown := strings.Split(output.IndentJSON([]byte(c.body)), "\n"), strings.Split(v.masker.body([]byte(c.body)), "\n")
		for i, line := range plain {
			l := callLine{line, hidden} // what is no JSON has no lines to show
			if len(shown) == len(plain) {
				l.shown = shown[i]
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// besides puts the lines of then and now beside each other. They are compared as they are, not as they
// are shown.
func besides(then, now []callLine) (rows []diffRow) {
	before, after := plainText(then), plainText(now)
	unified, err := udiff.ToUnifiedDiff("then", "now", before, udiff.Lines(before, after), len(then)+len(now))
	if err != nil || len(unified.Hunks) == 0 { // they are the same
		for _, line := range now {
			rows = append(rows, diffRow{line.shown, line.shown, false})
		}
		return rows
	}
	x, y, paired := 0, 0, 0 // paired are the rows with a line of then alone that one of now can join
	for _, hunk := range unified.Hunks {
		for _, line := range hunk.Lines {
			switch line.Kind {
			case udiff.Equal:
				rows = append(rows, diffRow{then[x].shown, now[y].shown, false})
				x, y, paired = x+1, y+1, 0
			case udiff.Delete:
				rows = append(rows, diffRow{then[x].shown, "", true})
				x, paired = x+1, paired+1
			case udiff.Insert:
				if paired > 0 {
					rows[len(rows)-paired].Now = now[y].shown
					paired--
				} else {
					rows = append(rows, diffRow{"", now[y].shown, true})
				}
				y++
			}
		}
	}
	return rows
}

// plainText joins lines. A carriage return within one is no end of it.
func plainText(lines []callLine) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(strings.ReplaceAll(line.plain, "\n", " ") + "\n")
	}
	return b.String()
}
