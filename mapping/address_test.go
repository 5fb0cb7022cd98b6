package mapping_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func TestEmailAddress(t *testing.T) {
	for text, want := range map[string]string{
		"ada@example.test":                         "ada@example.test",
		" \u00A0ada@example.test\u200B\x00":        "ada@example.test",
		"Ada L <ada@example.test>":                 "ada@example.test",
		`"Lovelace, Ada" <ada@example.test>`:       "ada@example.test",
		"Ada < ada@example.test >, b@example.test": "ada@example.test",
		"a@example.test;b@example.test":            "a@example.test",
		" a@example.test , b@example.test":         "a@example.test",
		"MailTo:ada@example.test":                  "ada@example.test",
		strings.Repeat("a", 241) + "@example.test": strings.Repeat("a", 241) + "@example.test",
		strings.Repeat("a", 242) + "@example.test": "",
		"j\u00FCrgen+x@ex\u00E4mple.test":          "j\u00FCrgen+x@ex\u00E4mple.test",
		"none":                                     "",
		"@":                                        "",
		"ada@":                                     "",
		"@example.test":                            "",
		"a@b@example.test":                         "",
		"ada lovelace@example.test":                "",
		"":                                         "",
		"Ada <>":                                   "",
	} {
		if got, ok := mapping.EmailAddress(text); got != want || ok != (want != "") {
			t.Errorf("EmailAddress(%q) = %q, %v, want %q", text, got, ok, want)
		}
	}
}

func TestPhoneNumber(t *testing.T) {
	for text, want := range map[string]string{
		"+31 (20) 123-45 67":              "+31 (20) 123-45 67",
		"020/1234567":                     "020/1234567",
		"\u00A0+31612345678\u200B":        "+31612345678",
		"\u202A+31612345678\u202C":        "+31612345678",
		"tel:+31612345678":                "+31612345678",
		"WhatsApp:+31612345678":           "+31612345678",
		"tel:+31-20-123;phone-context=+1": "+31-20-123",
		"Phone: 020 1234567":              "020 1234567",
		"Phone: 1200":                     "1200",
		"31612345678@c.us":                "31612345678",
		"31612345678:12@s.whatsapp.net":   "31612345678",
		"+31201234567 ext. 12":            "+31201234567",
		"+31201234567 extension 12":       "+31201234567",
		"+31201234567x12":                 "+31201234567",
		"+31201234567, ext 12":            "+31201234567",
		"tel:+31201234567;ext=12":         "+31201234567",
		"+31612345678, +31687654321":      "+31612345678",
		"-; +31687654321":                 "+31687654321",
		"31612345678.0":                   "31612345678",
		"+31612345678.00":                 "31612345678",
		"0612345678.0":                    "0612345678",
		"0031612345678.00":                "0031612345678",
		"3.1612345678E+10":                "31612345678",
		"3,1612345678e10":                 "31612345678",
		"tel:31612345678.0":               "31612345678",
		"31,612,345,678":                  "31612345678",
		"+31,612,345,678.00":              "31612345678",
		"112,911":                         "112",
		"+31612345678,112,911":            "+31612345678",
		"+31201234567\u00A0ext.\u00A012":  "+31201234567",
		"\uFF0B\uFF13\uFF11\uFF08\uFF10\uFF09\uFF16\uFF0D\uFF12": "+31(0)6-2",
		"+31612345678\uFF0C+31687654321":                         "+31612345678",
		"31612345678.0; 31687654321.0":                           "31612345678",
		"31612345678.0 ext. 12":                                  "31612345678",
		"+31\t6\n12345678":                                       "+31 6 12345678",
		"\u0660\u0661\u0662":                                     "012",
		"\uFF0B\uFF13\uFF11\uFF16":                               "+316",
		"\U0001D7D9\U0001D7EB\U0001D7FF":                         "199",
		"1234567.0":                                              "1234567",
		"123456.0":                                               "123456.0",
		"31.612345678e9":                                         "",
		"12.50":                                                  "12.50",
		"4x4":                                                    "",
		"3.5e0":                                                  "",
		"3,5e0":                                                  "",
		"0000000.0":                                              "",
		"0.0e0":                                                  "",
		"-":                                                      "",
		"n/a":                                                    "",
		"00000":                                                  "",
		"call me 5pm":                                            "",
		"31612345678@example.test":                               "",
		"":                                                       "",
		"7.1e999999999999999999999999999999":                     "",
	} {
		if got, ok := mapping.PhoneNumber(text); ok != (want != "") || ok && got != want {
			t.Errorf("PhoneNumber(%q) = %q, %v, want %q", text, got, ok, want)
		}
	}
}

func TestPhoneDigits_areEqualForSpellingsOfOneNumber(t *testing.T) {
	for _, spellings := range [][]string{
		{
			"+31612345678", "0031612345678", "+0031 612345678", "+31-(0)6-1234 5678", "00 31 6 12345678", "+31 (0)6 1234 5678", "31(0)612345678", "+31 ( 0 ) 612345678", "31612345678@c.us", "3.1612345678e10",
			"(0031) 612345678", "(00)31 612345678", "00(31)612345678", "00\u00A031\u00A0612345678", "00\u201131 612345678", "(+31)(0)6 1234 5678", "(+31) (0) 6 1234 5678", "+(31) (0)612345678",
			"(0031)(0)612345678", "+31\u00A0(0)6 1234 5678", "+31 (\u00A00\u00A0)612345678", "+31\u2013(0)612345678", "\uFF0B\uFF13\uFF11\uFF08\uFF10\uFF09612345678", "31,612,345,678",
		},
		{"0612345678", "(06) 12345678", "06-1234 5678"},
	} {
		want := mapping.PhoneDigits(spellings[0])
		if want == "" {
			t.Errorf("PhoneDigits(%q) is empty", spellings[0])
		}
		for _, spelling := range spellings {
			if got := mapping.PhoneDigits(spelling); got != want {
				t.Errorf("PhoneDigits(%q) = %q, want %q", spelling, got, want)
			}
		}
	}
	if mapping.PhoneDigits("0612345678") == mapping.PhoneDigits("+31612345678") {
		t.Error("a national number equals an international one: its country is not known")
	}
}

func TestInternational(t *testing.T) {
	for number, want := range map[string]string{
		"0031612345678":      "+31612345678",
		"00 31 6 1234":       "+31 6 1234",
		"+31(0)612345678":    "+31612345678",
		"+31 (0)6 1234":      "+31 6 1234",
		"+31 (0) 6 1234":     "+31 6 1234",
		"0031 (0)6 1234":     "+31 6 1234",
		"(06) 12345678":      "(06) 12345678",
		"+31 (20) 1234567":   "+31 (20) 1234567",
		"+31 6 12-34 56.78":  "+31 6 12-34 56.78",
		"+0031612345678":     "+31612345678",
		"+44-(0)20-7946":     "+44-20-7946",
		"+44.(0).20":         "+44.20",
		"+31 (0)":            "+31",
		"+ 31 (0)6 1234":     "+ 31 6 1234",
		"(0031) 6 1234":      "(+31) 6 1234",
		"(00)31 6 1234":      "+31 6 1234",
		"00 (31) 6 1234":     "+(31) 6 1234",
		"(+31) (0)6 1234":    "(+31) 6 1234",
		"+31\u00A0(0)6 1234": "+31\u00A06 1234",
		"(00) 12":            "+12",
		"(00)":               "(00)",
		"(000) 12":           "(000) 12",
		"+0912345678":        "+0912345678",
		"000123":             "000123",
		"020 (0) 1":          "020 (0) 1",
	} {
		if got := mapping.International(number); got != want {
			t.Errorf("International(%q) = %q, want %q", number, got, want)
		}
	}
}

func TestEmailKey_ignoresCaseAndOuterBlanks(t *testing.T) {
	if a, b := mapping.EmailKey(" ADA@Example.Test"), mapping.EmailKey("ada@example.test"); a != b {
		t.Errorf("keys %q and %q differ", a, b)
	}
	if mapping.EmailKey("\u0130@example.test") == mapping.EmailKey("i@example.test") {
		t.Error("a dotted capital I equals a plain one")
	}
}
