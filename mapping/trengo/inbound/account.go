package inbound

import (
	"cmp"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

func (r *Reader) agent(v mapping.Value, meta unified.Meta) unified.Object {
	name := cmp.Or(unified.Text(v, "full_name"), strings.TrimSpace(unified.Text(v, "first_name")+" "+unified.Text(v, "last_name")))
	return &unified.User{
		Meta: meta, Name: name, Email: unified.Text(v, "email"), Role: refOf(v, "role"), Active: active(v), TimeZone: unified.Text(v, "timezone"),
	}
}

// active is true for the one status that was seen, and unknown for others.
func active(v mapping.Value) *bool {
	if unified.Text(v, "status") == "ACTIVE" {
		return new(true)
	}
	return nil
}

func (r *Reader) role(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Role{Meta: meta, Name: unified.Text(v, "name")}
}

// team reads a team. Its members are documented for the calls that create one only.
func (r *Reader) team(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Team{
		Meta: meta, Name: unified.Text(v, "name"),
		UserIDs: unified.IDs(v, "user_ids"), ChannelIDs: unified.IDs(v, "channel_ids"),
	}
}

func (r *Reader) label(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Label{Meta: meta, Name: unified.Text(v, "name"), Color: unified.Text(v, "color"), Archived: unified.Flag(v, "archived")}
}

// fieldEntities are whose fields the types of custom fields are.
var fieldEntities = map[string]string{"CONTACT": "contact", "PROFILE": "account", "TICKET": "ticket"}

func (r *Reader) field(v mapping.Value, meta unified.Meta) unified.Object {
	f := &unified.Field{
		Meta: meta, Entity: cmp.Or(fieldEntities[unified.Text(v, "type")], unified.UnknownWord),
		Name: unified.Text(v, "identifier"), Title: unified.Text(v, "title", "name"), Type: unified.Text(v, "field_type"), Required: unified.Flag(v, "is_required"),
	}
	for _, item := range unified.Elements(v.Get("items")) {
		if option := cmp.Or(item.Str(), unified.Text(item, "name", "title")); option != "" {
			f.Options = append(f.Options, option)
		}
	}
	return f
}

// channel reads a channel. Its name is often null or the name of its type, so the title counts.
func (r *Reader) channel(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Channel{Meta: meta, Name: unified.Text(v, "title", "display_name", "name"), Type: unified.Text(v, "type"), Active: active(v)}
}

func (r *Reader) result(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Status{Meta: meta, Name: unified.Text(v, "name"), Kind: unified.ResultStatus}
}
