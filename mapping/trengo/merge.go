package trengo

// Merge returns a message that leaves Trengo as older and then newer would, with the warnings of
// newer. It reports false where one message cannot: when one of the two does anything but save a
// contact that is looked for first, or when they name the contact or its channel differently.
func Merge(older, newer Message) (Message, bool) {
	before, ok := older.saved()
	if !ok {
		return Message{}, false
	}
	after, ok := newer.saved()
	if !ok || !before.sameAs(after.Contact) {
		return Message{}, false
	}
	if after.Name == "" { // an event without a name leaves it as it is
		after.Name = before.Name
	}
	return Message{Steps: []Step{after}, Warnings: newer.Warnings}, true
}

// saved returns the contact that the message saves, false if it does anything else.
func (m Message) saved() (SaveContact, bool) {
	if len(m.Steps) != 1 {
		return SaveContact{}, false
	}
	save, ok := m.Steps[0].(SaveContact)
	return save, ok && save.Search
}

// sameAs reports whether two contacts are found, and would be created, by the same calls but for
// their names.
func (c Contact) sameAs(other Contact) bool {
	return c.ID.Text() == other.ID.Text() && c.Kind == other.Kind && c.Identifier == other.Identifier &&
		c.Channel.Kind() == other.Channel.Kind() && c.Channel.Text() == other.Channel.Text()
}
