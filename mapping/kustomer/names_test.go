package kustomer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/kustomer"
)

// latinNames are names, and what they are in the API's alphabet.
var latinNames = map[string]string{
	"Order Paid":                   "Order-Paid",
	"Commande confirmée à l’hôtel": "Commande-confirmee-a-l-hotel",
	"A\u0301gua pote\u0301n":       "Agua-poten", // the accents are characters of their own
	"Größe STRAẞE Øst Ærø Łódź ı":  "Grosse-STRASsE-Ost-Aero-Lodz-i",
	"Đơn hàng hoàn tất":            "Don-hang-hoan-tat",
	"Заказ оплачен":                "Zakaz-oplachen",
	"Пользователь вошёл":           "Polzovatel-voshel",
	"Η παραγγελία":                 "I-paraggelia",
	"订单 完成":                        "DingDan-WanCheng",
	"注文コーヒー2":                      "ZhuWenkohi2",
	"주문 완료":                        "JuMun-WanLyo",
	"تم الطلب":                     "tm-ltlb",
	"הזמנה":                        "hzmnh",
	"ऑर्डर":                        "ordr",
	"ＡＢＣ　١２३":                      "ABC-123",
	"Paid 5 € (VAT) №7 ©™ x":       "Paid-5-VAT-7-x",
	"Great 👍🏽 day ❤\ufe0f x":       "Great-day-x",
	"a\u200bb\u00adc":              "a-b-c",
	"½€\u0301 ab _c":               "ab-_c",
}

func TestMap_namesBecomeLatin(t *testing.T) {
	for name, want := range latinNames {
		step, warnings := oneStep[kustomer.Track](t, advanced, `{"userId":"u1","type":"track","event":"`+name+`"}`)
		if diff := cmp.Diff(want, step.Body.Get("event", "name").Str()); diff != "" {
			t.Errorf("name of %q (-want +got):\n%s", name, diff)
		}
		wantWarning(t, warnings, "")
		meta(t, advanced, `{"`+name+`":"v"}`, `{"`+want+`":"v"}`, "")
		meta(t, kustomer.Config{}, `{"`+name+`":"v"}`, `{"`+name+`":"v"}`, "")
	}
}

func TestMap_namesOfPagesBecomeLatin(t *testing.T) {
	for event, want := range map[string]string{
		`"type":"page","name":"Über uns"`:                    "Web-Page-Viewed-Uber-uns",
		`"type":"page","name":"订单"`:                          "Web-Page-Viewed-DingDan",
		`"type":"screen","properties":{"name":"Настройки "}`: "Screen-Viewed-Nastroyki",
	} {
		step, _ := oneStep[kustomer.Track](t, advanced, `{"userId":"u1",`+event+`}`)
		if diff := cmp.Diff(want, step.Body.Get("event", "name").Str()); diff != "" {
			t.Errorf("name of %s (-want +got):\n%s", event, diff)
		}
	}
}

func TestMap_propertyNamesInTheAlphabetOfMeta(t *testing.T) {
	for _, c := range []struct{ properties, want, warning string }{
		{`{"$browser":"x","utm.source":"y","_ga":"z","1st":"w","a:b":"c"}`, `{"browser":"x","utm-source":"y","ga":"z","st":"w","a-b":"c"}`, ""},
		{`{"cart/total":12.5,"paid (EUR) on":"2026-01-02","n":2}`, `{"cart-totalNum":12.5,"paid-EUR-onAt":"2026-01-02","nNum":2}`, ""},
		{`{"x":"1","id":"a","ip":"b"}`, `{"x":"1","id":"a","ip":"b"}`, ""},
		{`{"note!":"x","note?!":"y","price (EUR)":5,"done (on)":"2026-01-02"}`, `{"note":"x","price-EURNum":5,"done-onAt":"2026-01-02"}`, "meta.note: left out, an earlier"},
		{`{"ends--":"x","a - b":"y","income Num":1,"income Num ":"2"}`, `{"ends":"x","a---b":"y","income-Num":1}`, "meta.income-Num"},
		{`{"$$$":"x","ok":"y"}`, `{"ok":"y"}`, "meta.$$$: left out, its name has no letter"},
		{`{"123":1}`, `{}`, "meta.123: left out"},
		{`{"---":"2026-01-02"}`, `{}`, "meta.---: left out"},
		{`{"€":null}`, `{}`, ""},
		{`{"utm.source":"first","utm-source":"second","utm/source":"third"}`, `{"utm-source":"first"}`, "meta.utm-source"},
		{`{"free-Num":"none"}`, `{"free":"none"}`, "meta.free-Num: sent without"},
		{`{"Num":1,"At":"2026-01-02"}`, `{"NumNum":1,"AtAt":"2026-01-02"}`, ""},
	} {
		meta(t, advanced, c.properties, c.want, c.warning)
	}
}

func TestMap_propertyNamesAreCutBeforeTheirSuffix(t *testing.T) {
	a := func(count int) string { return strings.Repeat("a", count) }
	for _, c := range []struct{ name, value, want string }{
		{a(33), `"text"`, a(33)},
		{a(34), `"text"`, a(33)},
		{a(33), `7`, a(33) + "Num"},
		{a(40), `7`, a(33) + "Num"},
		{a(33) + "Num", `7`, a(33) + "Num"},
		{a(34) + "Num", `7`, a(33) + "Num"},
		{a(40) + "Num", `"7"`, a(33) + "Num"},
		{a(34), `"2026-01-02"`, a(33) + "At"},
		{a(33) + "At", `"2026-01-02"`, a(33) + "At"},
		{strings.Repeat("ß", 20), `"text"`, strings.Repeat("s", 33)},
		// An ending that only the cut has made.
		{a(30) + "Number", `"text"`, a(30)},
		{a(30) + "Number", `7`, a(30) + "Num"},
		{a(31) + "Attic", `"text"`, a(31)},
		{a(31) + "Attic", `"2026-01-02"`, a(31) + "At"},
		{a(28) + "AtNumber", `"text"`, a(28)},
		{a(29) + " Number", `"text"`, a(29)},
		{a(27) + "At-Number", `"text"`, a(27)},
		{a(32) + " -x", `"text"`, a(32)},
		{a(32) + "-x", `7`, a(32) + "Num"},
		{a(31) + "Attic", `true`, a(31)},
	} {
		value := c.value
		if strings.HasSuffix(c.want, "Num") {
			value = "7"
		}
		value = strings.Replace(value, "true", `"true"`, 1)
		meta(t, advanced, `{"`+c.name+`":`+c.value+`}`, `{"`+c.want+`":`+value+`}`, "")
	}
	meta(t, advanced, `{"`+strings.Repeat("Num", 13)+`":1}`, `{}`, "nothing of its name is left")
	meta(t, advanced, `{"`+strings.Repeat("Num", 11)+`xyz":"y"}`, `{}`, "nothing of its name is left")
}
