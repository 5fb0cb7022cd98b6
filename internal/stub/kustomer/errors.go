package kustomer

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/deskstream/deskstream/internal/stub"
)

// Kustomer's errors come in three shapes. Two are documented, and where each of them
// belongs is not: that division is ours. One was recorded, for a member that is not
// allowed and for a lookup that finds nothing. In that one the status is a number.

var kustomerCodes = map[int]string{
	http.StatusBadRequest:            "bad_request",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "notfound",
	http.StatusConflict:              "conflict",
	http.StatusRequestEntityTooLarge: "payload_too_large",
	http.StatusTooManyRequests:       "rate_limit_exceeded",
}

func kustomerCode(status int) string {
	if code, ok := kustomerCodes[status]; ok {
		return code
	}
	return "internal"
}

func errorAnswer(status int, e map[string]any) stub.Answer {
	return stub.JSON(status, map[string]any{"errors": []any{e}})
}

// shortError is the documented shape with code and message: of tracking, and of
// everything that is no matter of one endpoint.
func shortError(status int, message string) stub.Answer {
	return errorAnswer(status, map[string]any{
		"code": kustomerCode(status), "message": message, "meta": map[string]any{},
	})
}

// longError is the documented shape of JSON:API, with the status as text: of the
// endpoints of customers. It has no source without a pointer.
func longError(status int, detail, pointer string) stub.Answer {
	e := map[string]any{
		"status": strconv.Itoa(status), "code": kustomerCode(status),
		"title": http.StatusText(status), "detail": detail,
	}
	if pointer != "" {
		e["source"] = map[string]any{"pointer": pointer}
	}
	return errorAnswer(status, e)
}

// notFound is the recorded answer to a lookup by a parameter that finds nobody.
func notFound(parameter string) stub.Answer {
	return errorAnswer(http.StatusNotFound, map[string]any{
		"status": http.StatusNotFound, "source": map[string]any{"parameter": parameter},
		"code": "notfound", "title": http.StatusText(http.StatusNotFound), "detail": "no such customer",
	})
}

// memberNotAllowed is the recorded answer to a body with a member that is not allowed.
// It was recorded for a custom attribute without suffix.
func memberNotAllowed(e *ruleError) stub.Answer {
	return errorAnswer(http.StatusBadRequest, map[string]any{
		"status": http.StatusBadRequest, "source": map[string]any{"parameter": e.member},
		"code": "badparam", "title": "Additional properties not allowed", "detail": "/properties" + e.path,
	})
}

func customerError(err error) stub.Answer {
	e, ok := errors.AsType[*ruleError](err)
	switch {
	case !ok:
		return longError(http.StatusBadRequest, err.Error(), "")
	case e.notAllowed:
		return memberNotAllowed(e)
	default:
		return longError(http.StatusBadRequest, e.message, "/data/attributes"+e.path)
	}
}

func trackingError(err error) stub.Answer {
	if e, ok := errors.AsType[*ruleError](err); ok && e.notAllowed {
		return memberNotAllowed(e)
	}
	return shortError(http.StatusBadRequest, err.Error())
}
