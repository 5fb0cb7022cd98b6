package template_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/deskstream/deskstream/mapping/template"
)

func TestLimit_ofTheTemplate(t *testing.T) {
	longest := strings.Repeat("x", template.MaxTemplate)
	if out, cut, err := parse(t, longest).Render(parseJSON(t, "{}"), len(longest)); out != longest || cut || err != nil {
		t.Errorf("the longest template gives %d bytes, %v, %v", len(out), cut, err)
	}
	checkBroken(t, []broken{{longest + "x", template.MaxTemplate, "longer than 8192 bytes"}})
}

// nested is a template with n levels of one kind of nesting.
type nested func(n int) string

func TestLimit_ofNesting(t *testing.T) {
	for name, source := range map[string]nested{
		"if":      func(n int) string { return strings.Repeat("{{#if a}}", n) + strings.Repeat("{{/if}}", n) },
		"with":    func(n int) string { return strings.Repeat("{{#with @root}}", n) + strings.Repeat("{{/with}}", n) },
		"section": func(n int) string { return strings.Repeat("{{#a}}", n) + strings.Repeat("{{/a}}", n) },
		"inverse": func(n int) string { return strings.Repeat("{{^b}}", n) + strings.Repeat("{{/b}}", n) },
		"else":    func(n int) string { return strings.Repeat("{{#if b}}{{else}}", n) + strings.Repeat("{{/if}}", n) },
		"else if": func(n int) string { return "{{#if b}}" + strings.Repeat("{{else if b}}", n-1) + "{{/if}}" },
		"lookup": func(n int) string {
			return "{{log " + strings.Repeat("(lookup a ", n) + "b" + strings.Repeat(")", n) + "}}"
		},
		"lookup 1": func(n int) string {
			return "{{log " + strings.Repeat("(lookup ", n) + "a" + strings.Repeat(" b)", n) + "}}"
		},
		"mixed": func(n int) string {
			half := n / 2
			inner := "{{#if " + strings.Repeat("(lookup a ", n-half) + "b" + strings.Repeat(")", n-half) + "}}x{{/if}}"
			return strings.Repeat("{{#if a}}", half) + inner + strings.Repeat("{{/if}}", half)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := render(t, source(50), `{"a":1}`); got != "" {
				t.Errorf("Render = %q, want nothing", got)
			}
			_, err := template.Parse(source(51))
			fault, ok := errors.AsType[*template.Error](err)
			if !ok || !strings.Contains(fault.Reason, "nested more than 50 deep") {
				t.Errorf("51 levels: %v, want an error", err)
			}
		})
	}
	beside := strings.Repeat("{{#if a}}{{log (lookup a b)}}{{/if}}", 100) // levels are left again
	if got := render(t, beside, `{"a":1}`); got != "" {
		t.Errorf("sections beside each other = %q, want nothing", got)
	}
}

func TestLimit_ofTheOutput(t *testing.T) {
	const context = `{"a":[1,2,3,4],"t":"é","o":{"k":"é"}}`
	for _, source := range []string{
		"{{#each a}}{{#each @root.a}}é{{/each}}{{/each}}",
		"{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}{{t}}",
		strings.Repeat("é", 16),
		"{{{{each a}}}}éééé{{{{/each}}}}",
		strings.Repeat("{{lookup o 'k'}}", 16),
	} {
		parsed, root := parse(t, source), parseJSON(t, context)
		for limit := range 40 {
			out, cut, err := parsed.Render(root, limit)
			want := strings.Repeat("é", min(limit/2, 16))
			if out != want || cut != (limit < 32) || err != nil {
				t.Errorf("Render(%.20q) with %d bytes = %q, cut %v, %v; want %q", source, limit, out, cut, err, want)
			}
		}
	}
}

func TestLimit_ofTheWork(t *testing.T) {
	list := "[" + strings.Repeat("1,", 999) + "1]"
	var object strings.Builder
	object.WriteString(`{"m0":0`)
	for i := 1; i < 2000; i++ {
		fmt.Fprintf(&object, `,"m%d":%d`, i, i)
	}
	root := parseJSON(t, `{"a":`+list+`,"o":`+object.String()+`},"s":"`+strings.Repeat("s", 1<<20)+`"}`)
	for source, tooMuch := range map[string]bool{
		"{{#each a}}{{this}}{{/each}}":                                                    false,
		"{{#each a}}{{#each @root.a}}{{/each}}{{/each}}":                                  true,
		"{{#each a}}{{#each @root.a}}{{#each @root.a}}{{/each}}{{/each}}{{/each}}":        true,
		"{{#each a}}{{#if @root.s.length}}{{/if}}{{/each}}":                               true, // each length reads a megabyte
		"{{#if s.length}}{{/if}}":                                                         false,
		"{{#each o}}{{#if @root.o.m1999}}{{/if}}{{/each}}":                                false,
		strings.Repeat("{{s.length}}", 80):                                                false,
		strings.Repeat("{{s.length}}", 100):                                               true,
		strings.Repeat("{{#each o}}{{#if @root.o.m1999}}{{/if}}{{/each}}", 20):            true, // each name reads 2,000 members
		"{{#each a as |v|}}" + strings.Repeat("{{#if v}}{{/if}}", 150) + "{{/each}}":      true,
		"{{{{each a}}}}{{{{/each}}}}" + strings.Repeat("{{{{each a}}}}{{{{/each}}}}", 99): true,
		"{{#each a}}" + strings.Repeat("x", 100) + "{{/each}}":                            false,
		"{{#each a}}{{#each @root.missing}}{{/each}}{{/each}}":                            false,
	} {
		_, _, err := parse(t, source).Render(root, 1<<20)
		if errors.Is(err, template.ErrTooMuchWork) != tooMuch {
			t.Errorf("Render(%.60q) = %v, want too much work: %v", source, err, tooMuch)
		}
	}
}

func TestTemplate_isSharedByGoroutines(t *testing.T) {
	parsed := parse(t, "{{#each a as |v|}}{{v}}{{@index}}{{/each}}")
	context := parseJSON(t, `{"a":["x","y"]}`)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if out, _, _ := parsed.Render(context, limit); out != "x0y1" {
					t.Errorf("Render = %q, want x0y1", out)
				}
			}
		})
	}
	group.Wait()
}
