package registry

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

// Where Apicurio speaks as Confluent's registry does, and where in its own way, which its
// versions 2 and 3 have in common.
const (
	ccompatPath = "/apis/ccompat/"
	nativePath  = "/apis/registry/v2"
)

// nativeClient is the client of Apicurio's own API beside an address, nil if the address
// is not Apicurio's.
func nativeClient(url string, opts []sr.ClientOpt) (*sr.Client, error) {
	base, _, ok := strings.Cut(url, ccompatPath)
	if !ok {
		return nil, nil //nolint:nilnil // there is none
	}
	return sr.NewClient(append(opts[:len(opts):len(opts)], sr.URLs(base+nativePath), sr.PreReq(func(req *http.Request) error {
		req.URL.RawQuery = "dereference=true" // with the schemas that it refers to in their places
		req.Header.Set("Accept", "*/*")
		return nil
	}))...)
}

// errNotApicurio is what an address is asked for that only Apicurio knows.
var errNotApicurio = errors.New("a globalId is Apicurio's, and this address is not below " + ccompatPath)

// nativeSchema asks for a schema by its globalId. Of which type it is Apicurio does not
// say: what is no Avro cannot be parsed.
func nativeSchema(ctx context.Context, at address, globalID uint64) (sr.Schema, error) {
	if at.native == nil {
		return sr.Schema{}, errNotApicurio
	}
	var text []byte
	err := at.native.Do(ctx, http.MethodGet, "/ids/globalIds/"+strconv.FormatUint(globalID, 10), nil, &text)
	return sr.Schema{Schema: string(text)}, err
}

// isNativeUnknown reports whether an answer is that of Apicurio's own API for what it
// does not have. A path that it does not know has another name.
func isNativeUnknown(body []byte) bool {
	var answer struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return false
	}
	return answer.Name == "ArtifactNotFoundException" || answer.Name == "ContentNotFoundException"
}

// hasNative reports whether an address is Apicurio's.
func (c *client) hasNative() bool {
	for _, at := range c.addresses {
		if at.native != nil {
			return true
		}
	}
	return false
}
