package config_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

// A key in the query of an address is refused, and the message of that goes to the log of CI.
func TestProblems_showNoQueryOfAnAddress(t *testing.T) {
	for _, line := range []string{
		"webhook: {url: https://hooks.example.com/in?sig=hush-1&b=hush-2;c=hush-3#hush-4}",
		"webhook: {url: 'https://hooks.example.com/in#hush-1'}",
		`webhook: {url: "https://hooks.example.com/in?hush-1", foo: 1}`,
		`webhook: {url: "ftp://hooks.example.com?sig=hush-1"}`,
		"webhook:\n    url: https://hooks.example.com/in?a=x,hush-1",
		"webhook:\n    url: https://hooks.example.com/in?a={b}hush-1",
		`webhook: {url: "https://hooks.example.com/in?a=b hush-1"}`,
		`webhook: {url: "https://me:hush-1/hush-2@hooks.example.com/in"}`,
	} {
		_, err := config.Parse("test.yaml", []byte("destinations:\n- name: w\n  type: webhook\n  "+line+"\n"), testEnvironment)
		if err == nil || !strings.Contains(err.Error(), "hooks.example.com") || !strings.Contains(err.Error(), "[redacted]") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error is %v", line, err)
		}
	}
}
