package template_test

import (
	"fmt"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/template"
)

func Example() {
	parsed, err := template.Parse("{{event}}: {{#each products}}{{name}}{{#unless @last}}, {{/unless}}{{/each}}")
	if err != nil {
		fmt.Println(err)
		return
	}
	root, err := mapping.ParseJSON([]byte(`{"event": "Order Paid", "products": [{"name": "Pen"}, {"name": "Ink"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, cut, err := parsed.Render(root, 255)
	fmt.Println(text, cut, err)
	// Output: Order Paid: Pen, Ink false <nil>
}

func ExampleParse() {
	_, err := template.Parse("Order {{Order Total}}")
	fmt.Println(err)
	// Output: at offset 6: Order is not a helper; write a name with blanks in brackets: {{[Order Total]}}
}
