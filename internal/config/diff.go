package config

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Change is a setting that differs between two configurations.
type Change struct {
	// Path is the setting, with names in place of the numbers of destinations and rules:
	// destinations[crm].delivery.rate_limit.requests.
	Path string `json:"path"`
	// Was and Is are its values on one line, "" for one that is not given. Secrets are Masked.
	Was string `json:"was"`
	Is  string `json:"is"`
	// Reload reports whether a running process takes the change when it reads its file again;
	// any other needs a restart.
	Reload bool `json:"reload"`
}

// Diff returns what differs between two configurations, in the order of the settings.
func Diff(was, is *Config) []Change {
	var d differ
	d.value("", reflect.ValueOf(was).Elem(), reflect.ValueOf(is).Elem(), false)
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(path string, was, is reflect.Value, reload bool) {
	d.changes = append(d.changes, Change{Path: path, Was: lineOf(was), Is: lineOf(is), Reload: reload})
}

// value compares what two configurations have at a path.
func (d *differ) value(path string, was, is reflect.Value, reload bool) {
	t := was.Type()
	switch {
	case t == secretType:
		if !was.Interface().(Secret).Equal(is.Interface().(Secret)) {
			d.add(path, was, is, reload)
		}
	case t.Kind() == reflect.Pointer:
		switch {
		case was.IsNil() && is.IsNil():
		case was.IsNil() || is.IsNil():
			d.add(path, was, is, false)
		default:
			d.value(path, was.Elem(), is.Elem(), reload)
		}
	case isBlock(t):
		d.block(path, was, is, reload)
	case t.Kind() == reflect.Slice && isNamed(t.Elem()):
		d.named(path, was, is, reload)
	case t.Kind() == reflect.Map:
		d.members(path, was, is, reload)
	default:
		if !same(was, is) {
			d.add(path, was, is, reload)
		}
	}
}

func (d *differ) block(path string, was, is reflect.Value, reload bool) {
	if word, ok := wordOf(was.Type()); ok && !same(word.in(was), word.in(is)) {
		d.add(path, was, is, reload)
		return
	}
	for _, f := range fieldsOf(was.Type()) {
		d.value(join(path, f.key), f.in(was), f.in(is), reload || f.reload)
	}
}

// isNamed reports whether blocks of a list have names by which they are compared.
func isNamed(t reflect.Type) bool {
	return isBlock(t) && slices.ContainsFunc(fieldsOf(t), func(f field) bool { return f.key == "name" })
}

// named compares lists of blocks with names.
func (d *differ) named(path string, was, is reflect.Value, reload bool) {
	before, now := namesOf(was), namesOf(is)
	for i, name := range before {
		j := slices.Index(now, name)
		if j < 0 {
			d.changes = append(d.changes, Change{Path: path + "[" + name + "]", Was: "given", Reload: reload})
			continue
		}
		d.value(path+"["+name+"]", was.Index(i), is.Index(j), reload)
	}
	added := slices.DeleteFunc(slices.Clone(now), func(name string) bool { return slices.Contains(before, name) })
	for _, name := range added {
		d.changes = append(d.changes, Change{Path: path + "[" + name + "]", Is: "given", Reload: reload})
	}
	kept := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return !slices.Contains(other, name) })
	}
	if a, b := kept(before, now), kept(now, before); !slices.Equal(a, b) {
		d.changes = append(d.changes, Change{Path: path + " (order)", Was: strings.Join(a, ", "), Is: strings.Join(b, ", "), Reload: reload})
	}
}

func namesOf(list reflect.Value) []string {
	names := make([]string, list.Len())
	for i := range names {
		names[i] = list.Index(i).FieldByName("Name").String()
	}
	return names
}

// members compares maps. A member that comes or goes is a change of the map, so a header that is
// added is not taken by a reload, though the value of one is.
func (d *differ) members(path string, was, is reflect.Value, reload bool) {
	if !slices.Equal(sortedKeys(was), sortedKeys(is)) {
		d.add(path, was, is, reload && was.Type().Elem() != secretType)
		return
	}
	for _, key := range sortedKeys(was) {
		k := reflect.ValueOf(key)
		d.value(join(path, key), was.MapIndex(k), is.MapIndex(k), reload)
	}
}

// same compares values that are no blocks.
func same(was, is reflect.Value) bool {
	if was.Kind() == reflect.Slice && was.Type().Elem() == secretType {
		return slices.EqualFunc(was.Interface().([]Secret), is.Interface().([]Secret), Secret.Equal)
	}
	if was.Kind() == reflect.Slice && was.Len() == 0 && is.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(was.Interface(), is.Interface())
}

// lineOf is a value as YAML on one line.
func lineOf(v reflect.Value) string {
	node := nodeOf(v)
	if node == nil {
		if v.Kind() == reflect.Bool || v.CanInt() || v.CanFloat() {
			return scalarNode(v).Value
		}
		return ""
	}
	if node.Kind == yaml.ScalarNode {
		return node.Value
	}
	node.Style = yaml.FlowStyle
	out, err := yaml.Dump(node, yaml.WithLineWidth(-1))
	if err != nil {
		panic("encoding a setting: " + err.Error()) // it is made of texts only
	}
	return strings.TrimSpace(string(out))
}
