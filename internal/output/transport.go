package output

import (
	"errors"
	"net/url"
)

// Transport returns why an HTTP request got no response, without its URL.
func Transport(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return err.Error()
}
