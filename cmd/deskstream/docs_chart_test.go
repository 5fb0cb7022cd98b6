package main

import (
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v4"
)

// The configurations that the chart is tried with, and that its manifests have, pass check.
func TestDocs_theChartsConfigurationsPassCheck(t *testing.T) {
	files, err := filepath.Glob(repository + "/deploy/helm/ci/*-values.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d files of values: %v", len(files), err)
	}
	secret := regexp.MustCompile(`\$\{file:/run/secrets/deskstream/[a-z-]+\}`)
	authority := regexp.MustCompile(`, ca_file: /etc/kafka-ca/ca.crt`) // a real one is checked
	for _, file := range files {
		var values struct {
			Config string `yaml:"config"`
		}
		if err := yaml.Unmarshal([]byte(readFile(t, file)), &values); err != nil {
			t.Fatal(err)
		}
		config := secret.ReplaceAllString(authority.ReplaceAllString(values.Config, ""), "a-secret-of-some-length")
		runCommand(t, "", "check", "-c", writeFile(t, "deskstream.yaml", config)).want(t, exitOK, "ok: ", "")
	}
}
