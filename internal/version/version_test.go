package version

import "testing"

func TestOfModule(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{
		"v1.2.3": "v1.2.3", "v1.3.0-rc.1": "v1.3.0-rc.1",
		"v0.0.0-20261201063012-09da92fc4d6c": "v0.0.0-20261201063012-09da92fc4d6c",
		"(devel)":                            "dev", "": "dev", "v1.2.3+dirty": "dev",
	} {
		if got := ofModule(module); got != want {
			t.Errorf("the module's version %q is %q, want %q", module, got, want)
		}
	}
}

func TestRelease_isWhatTheLinkerWasGiven(t *testing.T) {
	defer func(before string) { release = before }(release)
	release = "v9.9.9"
	if got := Release(); got != "v9.9.9" {
		t.Errorf("the version is %q", got)
	}
}
