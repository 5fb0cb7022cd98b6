package trengo

// index finds contacts by three bytes of their text, so that a search among many
// contacts looks only at the few that share the rarest part of the term. A contact
// stays under the texts that it had and may be in a list twice: who searches
// compares the text and drops what repeats.
type index map[trigram][]*contact

type trigram [3]byte

func trigrams(text string) map[trigram]bool {
	set := make(map[trigram]bool, len(text))
	for i := 0; i+3 <= len(text); i++ {
		set[trigram([]byte(text[i:i+3]))] = true
	}
	return set
}

// add enters a contact whose text was old before.
func (x index) add(c *contact, old string) {
	known := trigrams(old)
	for t := range trigrams(c.indexed()) {
		if !known[t] {
			x[t] = append(x[t], c)
		}
	}
}

// candidates are the contacts that may contain the term; false when the term is too
// short to tell.
func (x index) candidates(term string) ([]*contact, bool) {
	if len(term) < 3 {
		return nil, false
	}
	rarest := x[trigram([]byte(term[:3]))]
	for i := 1; i+3 <= len(term); i++ {
		if list := x[trigram([]byte(term[i:i+3]))]; len(list) < len(rarest) {
			rarest = list
		}
	}
	return rarest, true
}
