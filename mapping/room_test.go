package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

// What is read in a room is what is read without one, whatever was there before.
func TestRoom_readsAsParseNested(t *testing.T) {
	var room mapping.Room
	large := `{"list":[` + strings.Repeat(`{"a":1},`, 2000) + `2]}`
	for range 3 {
		for _, text := range []string{
			`{}`, `[]`, `7`, `{"a":{"b":[1,"x\n",null,true]},"a":2}`, large, `{"a":[1,2,3]}`, `{"a":`, `nonsense`, `{"é":"\ud800"}`,
		} {
			want, wantErr := mapping.ParseNested([]byte(text), 3)
			got, err := room.ParseNested([]byte(text), 3)
			if (err == nil) != (wantErr == nil) || got.JSON() != want.JSON() {
				t.Errorf("%.60s is %.60s, %v, want %.60s, %v", text, got.JSON(), err, want.JSON(), wantErr)
			}
			room.Clear()
		}
	}
}

// Values of several texts stand beside each other until Clear.
func TestRoom_isForSeveralTexts(t *testing.T) {
	var room mapping.Room
	for range 3 {
		var values []mapping.Value
		for i := range 20 {
			v, err := room.ParseNested(fmt.Appendf(nil, `{"i":%d,"list":[%d,{"x":"y"}]}`, i, i), 1)
			if err != nil {
				t.Fatal(err)
			}
			members := room.Members(2)
			members[0], members[1] = mapping.Member{Name: "i", Value: mapping.Int(int64(i))}, mapping.Member{Name: "v", Value: v}
			values = append(values, mapping.Obj(members...))
		}
		for i, v := range values {
			if got, want := v.JSON(), fmt.Sprintf(`{"i":%d,"v":{"i":%d,"list":[%d,{"x":"y"}]}}`, i, i, i); got != want {
				t.Errorf("it is %s, want %s", got, want)
			}
		}
		room.Clear()
	}
}

// Once it is warm, a room takes no memory but the text.
func TestRoom_takesNoMemoryOfItsOwn(t *testing.T) {
	var room mapping.Room
	text := []byte(`{"a":{"b":[1,2,{"c":"d"}]},"e":[{},{"f":1}]}`)
	read := func() {
		if _, err := room.ParseNested(text, 1); err != nil {
			t.Fatal(err)
		}
		room.Clear()
	}
	read()
	if n := testing.AllocsPerRun(100, read); n > 2 {
		t.Errorf("%v objects for a text", n)
	}
}
