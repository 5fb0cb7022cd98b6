package config_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

const consoleFile = `
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}
`

func parseConsole(text string) (*config.Config, error) {
	return config.Parse("test.yaml", []byte(text+consoleFile), func(string) (string, bool) { return "", false })
}

func TestConsole_isRefusedWhereAnyoneCouldUseIt(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"all addresses":        {`http: {console: ":9402"}`, "nobody would have to log in"},
		"another address":      {`http: {console: "10.1.2.3:9402"}`, "nobody would have to log in"},
		"a name":               {`http: {console: "console.example.com:9402"}`, "nobody would have to log in"},
		"the metrics' address": {`http: {console: "127.0.0.1:9400"}`, "must not be the address of"},
		"the address of hooks": {`http: {console: "127.0.0.1:9410"}`, "must not be the address of"},
		"no address":           {`http: {console: "9402"}`, "http.console"},
		"a proxy for everyone": {`console: {proxy: {trusted: ["0.0.0.0/0"]}}`, "takes every address"},
		"a proxy without an address": {
			`console: {proxy: {operators: [ann]}}`, "trusted is missing",
		},
		"a broken network":       {`console: {proxy: {trusted: [10.0.0.0/99]}}`, "write an address or a network"},
		"a broken header":        {`console: {proxy: {trusted: [10.0.0.1], header: "X User"}}`, "write the name of a header"},
		"a short token":          {`console: {token: abc}`, "at least 20 characters"},
		"a token with a blank":   {`console: {token: "0123456789 0123456789"}`, "must not have blanks"},
		"a role without a token": {`console: {token_role: operator}`, "there is no console.token"},
		"a host with a port":     {`console: {hosts: ["console.example.com:443"]}`, "write a host name"},
		"half a certificate":     {`console: {tls: {cert_file: a.pem}}`, "belong together"},
		"an unknown role":        {`console: {personal_data: [admin]}`, "viewer"},
	} {
		_, err := parseConsole(tt.file)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, tt.want)
		}
	}
}

func TestConsole_listensElsewhereWithALogin(t *testing.T) {
	for _, file := range []string{
		"http: {console: '127.0.0.1:9402'}", "http: {console: '[::1]:9402'}", "http: {console: 'localhost:0'}",
		"http: {console: ':9402'}\nconsole: {users_file: users}",
		"http: {console: ':9402'}\nconsole: {token: 0123456789abcdef0123}",
		"http: {console: ':9402'}\nconsole: {proxy: {trusted: [10.0.0.7, 'fd00::/8']}}",
	} {
		if _, err := parseConsole(file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestConsole_isOffAndCarefulByDefault(t *testing.T) {
	c, err := parseConsole("")
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Console != "" || !c.Console.Actions || c.Console.HasLogin() || c.Console.TokenRole != config.Viewer ||
		len(c.Console.PersonalData) != 1 || c.Console.PersonalData[0] != config.Operator {
		t.Errorf("the defaults are %+v at %q", c.Console, c.HTTP.Console)
	}
}
