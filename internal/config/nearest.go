package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"
)

// looksLikeKey is what keys look like, also misspelled, and secrets do not.
var looksLikeKey = regexp.MustCompile(`^[A-Za-z]+([_-][A-Za-z]+)*$`)

// suggest returns the words for an unknown key of a block, and the known key of the block
// that was most likely meant, "" for none. A key that is known elsewhere is
// named with its place.
func suggest(key string, fields []field) (nearest, advice string) {
	subject := "unknown key"
	if looksLikeKey.MatchString(key) {
		subject = fmt.Sprintf("unknown key %q", key)
	}
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	if best := Nearest(key, keys); best != "" {
		return best, fmt.Sprintf("%s; did you mean %q?", subject, best)
	}
	if places := placesOf()[plain(key)]; len(places) > 0 {
		return "", fmt.Sprintf("%s here; did you mean %s?", subject, strings.Join(places, " or "))
	}
	return "", fmt.Sprintf("%s; known here are %s", subject, strings.Join(keys, ", "))
}

// Nearest returns the known word that was most likely meant by another one, "" if none is near.
func Nearest(word string, known []string) string {
	best, distance := "", maxDistance(word)+1
	for _, k := range known {
		n := editDistance(plain(word), plain(k))
		if len(word) >= minContained && strings.Contains(plain(k), plain(word)) {
			n = min(n, 1) // dedup for enable_dedup
		}
		if n < distance {
			best, distance = k, n
		}
	}
	return best
}

// minContained is how long a word is that may stand for a key which contains it.
const minContained = 4

// maxDistance is how far a misspelled key may be from the one that was meant.
func maxDistance(key string) int { return max(1, len(key)/3) }

// placesOf are the paths of all keys of the file, by what is left of a key by plain.
var placesOf = sync.OnceValue(func() map[string][]string {
	places := map[string][]string{}
	collectPlaces("", reflect.TypeFor[Config](), places)
	return places
})

func collectPlaces(path string, t reflect.Type, places map[string][]string) {
	for _, f := range fieldsOf(t) {
		at := join(path, f.key)
		places[plain(f.key)] = append(places[plain(f.key)], at)
		inner := f.typ
		if inner.Kind() == reflect.Slice {
			inner, at = inner.Elem(), at+"[]"
		}
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if isBlock(inner) {
			collectPlaces(at, inner, places)
		}
	}
}

// plain removes what people vary most: apiToken, api-token and api_token are alike.
func plain(key string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
}

// editDistance is the Levenshtein distance of two short texts, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
