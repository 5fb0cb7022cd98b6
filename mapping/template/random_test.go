package template_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// writer makes up a template and, piece by piece, the text that it has over a value that
// the test knows. It shares no code with the package: what it expects is what doc.go says.
type writer struct {
	random       *rand.Rand
	source, want strings.Builder
}

// known is the value in which a piece is written: a list of lists of numbers, by its place.
// The whole value is {"l": [[0, 1], [10], [], ...], "t": "text", "yes": true, "no": 0}.
type known struct {
	lists [][]int
	list  []int // inside a loop over one of the lists
	index int
	ups   string // the way out to the whole value: "", "../" or "../../"
}

const randomContext = `{"l":[[0,1],[10],[],[30,31,32]],"t":"text","yes":true,"no":0}`

var randomLists = [][]int{{0, 1}, {10}, {}, {30, 31, 32}}

func (w *writer) put(source, want string) {
	w.source.WriteString(source)
	w.want.WriteString(want)
}

// tag writes a tag that prints nothing.
func (w *writer) tag(s string) { w.put(s, "") }

// pieces writes some pieces. Where shown is false nothing of them is printed.
func (w *writer) pieces(k known, depth int, shown bool) {
	before := w.want.String()
	for range w.random.IntN(4) {
		w.piece(k, depth)
	}
	if !shown {
		w.want.Reset()
		w.want.WriteString(before)
	}
}

func (w *writer) piece(k known, depth int) {
	kinds := 6
	if depth > 0 {
		kinds = 9
	}
	switch w.random.IntN(kinds) {
	case 0:
		text := []string{" ", "x", "é", " }", "a{b} "}[w.random.IntN(5)]
		w.put(text, text)
	case 1:
		w.put([]string{"{{" + k.ups + "t}}", "{{@root.t}}", "{{{" + k.ups + "t}}}", "{{lookup @root 't'}}"}[w.random.IntN(4)], "text")
	case 2:
		w.tag([]string{"{{! t }}", "{{!-- {{t}} --}}", "{{" + k.ups + "missing.t}}", "{{log t}}"}[w.random.IntN(4)])
	case 3:
		i := w.random.IntN(len(k.lists))
		w.put("{{@root.l."+strconv.Itoa(i)+".length}}", strconv.Itoa(len(k.lists[i])))
	case 4:
		w.put(`\{{t}}x`, "{{t}}x")
		w.tag("{{! ends the text }}")
	case 5:
		if k.list != nil {
			w.put("{{this}}{{@index}}", strconv.Itoa(k.list[k.index])+strconv.Itoa(k.index))
		}
	case 6:
		w.branch(k, depth-1)
	case 7:
		w.loop(k, depth-1)
	default:
		w.tag("{{#with @root}}")
		w.pieces(known{lists: k.lists}, depth-1, true)
		w.tag("{{/with}}")
	}
}

// branch writes a section of if, unless or none, over a value that is true or false.
func (w *writer) branch(k known, depth int) {
	yes := w.random.IntN(2) == 0
	value := k.ups + map[bool]string{true: "yes", false: "no"}[yes]
	shown := yes
	open, end := "{{#if "+value+"}}", "{{/if}}"
	if w.random.IntN(3) == 0 {
		open, end, shown = "{{#unless "+value+"}}", "{{/unless}}", !yes
	}
	w.tag(open)
	w.pieces(k, depth, shown)
	switch w.random.IntN(3) {
	case 0:
		w.tag("{{else}}")
		w.pieces(k, depth, !shown)
	case 1:
		w.tag("{{else if " + k.ups + "yes}}")
		w.pieces(k, depth, !shown)
		w.tag("{{else}}")
		w.pieces(k, depth, false)
	default:
	}
	w.tag(end)
}

// loop writes a loop over one of the lists. Its body is written once, so it is made up
// again for each element from the same seed.
func (w *writer) loop(k known, depth int) {
	i := w.random.IntN(len(k.lists))
	w.tag("{{#each (lookup @root.l " + strconv.Itoa(i) + ")}}")
	seed, list := w.random.Uint64(), k.lists[i]
	inner := known{lists: k.lists, list: list, ups: k.ups + "../"}
	body := func(k known) *writer {
		b := &writer{random: rand.New(rand.NewPCG(seed, 0))}
		b.pieces(k, min(depth, 1), true)
		return b
	}
	if len(list) == 0 {
		w.tag(body(known{lists: k.lists, ups: inner.ups, list: []int{0}}).source.String())
	}
	for j := range list {
		inner.index = j
		b := body(inner)
		if j == 0 {
			w.tag(b.source.String())
		}
		w.want.WriteString(b.want.String())
	}
	w.tag("{{else}}")
	w.pieces(k, depth, len(list) == 0)
	w.tag("{{/each}}")
}

func TestRandom_aTemplateGivesTheTextThatItWasWrittenFor(t *testing.T) {
	root := parseJSON(t, randomContext)
	for seed := range uint64(1500) {
		w := &writer{random: rand.New(rand.NewPCG(seed, 20))}
		w.put(".", ".") // so that no comment stands alone on the line
		for range 3 {
			w.piece(known{lists: randomLists}, 3)
		}
		source, want := w.source.String(), w.want.String()
		for source, want := range map[string]string{
			source:                             want,
			source + source:                    want + want,
			"{{#if yes}}" + source + "{{/if}}": want,
			"{{#if no}}x{{else}}" + source + "{{/if}}": want,
			"{{#unless yes}}" + source + "{{/unless}}": "",
		} {
			got, cut, err := parse(t, source).Render(root, 64<<10)
			if got != want || cut || err != nil {
				t.Fatalf("seed %d: %q = %q, %v, %v; want %q", seed, source, got, cut, err, want)
			}
		}
	}
}
