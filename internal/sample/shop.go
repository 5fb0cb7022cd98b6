package sample

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const shop = "https://shop.example.com"

var (
	paths = []string{"/", "/lamps", "/lamps/desk", "/oak/tables", "/cart", "/checkout", "/account/orders", "/help/returns"}
	pages = []string{"Home", "Product", "Category", "Cart", "Checkout", "Account", "Order History", "Help Center"}
	// companies are those of the group events.
	companies = []string{"Meridian Interiors", "Noordzee Offices", "Studio Kiezel", "Halle & Söhne"}
)

// Events are the names of the track events that signed-in customers cause and that a
// help desk would care about.
func Events() []string {
	return []string{
		"Order Completed", "Order Cancelled", "Order Refunded", "Payment Failed",
		"Return Requested", "Support Requested", "Subscription Paused",
	}
}

// browsing are the names of the track events that everybody causes.
var browsing = []string{
	"Product Viewed", "Product Added", "Product Removed", "Products Searched", "Cart Viewed", "Checkout Started", "Coupon Entered",
}

type product struct{ id, sku, name, category string }

var products = []product{
	{"p-1001", "LMP-DSK-01", "Desk lamp \"Nova\"", "Lamps"},
	{"p-1002", "LMP-FLR-07", "Floor lamp Ardèche", "Lamps"},
	{"p-2001", "OAK-TBL-02", "Oak dining table 180 cm", "Tables"},
	{"p-2002", "OAK-SHL-11", "Wall shelf, oak & steel", "Shelves"},
	{"p-3001", "TXT-RUG-05", "Wool rug <natural>", "Textiles"},
}

func (g *Generator) track(e *event, known bool) {
	e.Type = "track"
	if !known || g.rng.IntN(2) == 0 {
		e.Event = pick(g.rng, browsing)
		e.Properties = g.browse()
		return
	}
	e.Event = pick(g.rng, Events())
	e.Properties = g.order()
}

func (g *Generator) browse() map[string]any {
	p := pick(g.rng, products)
	return map[string]any{
		"eventNo": Mark(g.n), "product_id": p.id, "sku": p.sku, "product": p.name, "category": p.category,
		"price": amount(g.rng), "currency": "EUR", "quantity": 1 + g.rng.IntN(3), "position": g.rng.IntN(40),
	}
}

func (g *Generator) order() map[string]any {
	lines := make([]map[string]any, 1+g.rng.IntN(3))
	for i := range lines {
		lines[i] = orderLine(g.rng)
	}
	return map[string]any{
		"eventNo": Mark(g.n), "order_id": fmt.Sprintf("ORD-%07d", 1000000+g.n),
		"revenue": amount(g.rng), "shipping": amount(g.rng), "currency": "EUR", "coupon": "",
		"giftWrap": g.rng.IntN(5) == 0, "products": lines,
		"promised": g.now.Add(48 * time.Hour).Format(time.DateOnly), "reason": pick(g.rng, reasons),
	}
}

var reasons = []string{"arrived damaged", "changed my mind", "card declined", "too late & wrong colour", "-"}

func orderLine(rng *rand.Rand) map[string]any {
	p := pick(rng, products)
	return map[string]any{"product_id": p.id, "name": p.name, "price": amount(rng), "quantity": 1 + rng.IntN(4)}
}
