package unified

// Ticket is a matter of a contact: a ticket or a conversation.
type Ticket struct {
	Meta

	Subject       string   `json:"subject,omitempty" doc:"Its subject."`
	Status        string   `json:"status,omitempty" doc:"open, pending (until a time), closed, spam or unknown."`
	StatusRaw     string   `json:"status_raw,omitempty" doc:"The desk's word for the status."`
	SubStatus     string   `json:"sub_status,omitempty" doc:"A finer status that the owner defined."`
	AssignedAt    Time     `json:"assigned_at,omitempty" doc:"When it was assigned last."`
	ClosedAt      Time     `json:"closed_at,omitempty" doc:"When it was closed last."`
	ClosedBy      string   `json:"closed_by,omitempty" doc:"The id of the user who closed it."`
	PendingUntil  Time     `json:"pending_until,omitempty" doc:"When a pending one opens again."`
	Result        *Ref     `json:"result,omitempty" doc:"How it ended."`
	Priority      string   `json:"priority,omitempty" doc:"urgent, high, normal, low or unknown."`
	PriorityRaw   string   `json:"priority_raw,omitempty" doc:"The desk's word for the priority."`
	Channel       *Ref     `json:"channel,omitempty" doc:"The channel that it came on."`
	Direction     string   `json:"direction,omitempty" doc:"in for one that the contact began, out for one that the desk began, or unknown."`
	ContactID     string   `json:"contact_id,omitempty" doc:"The contact that it is of."`
	AccountID     string   `json:"account_id,omitempty" doc:"The account that it is of."`
	UserIDs       []string `json:"user_ids,omitempty" doc:"The users that it is assigned to."`
	TeamIDs       []string `json:"team_ids,omitempty" doc:"The teams that it is assigned to."`
	Queue         *Ref     `json:"queue,omitempty" doc:"The queue that it waits in."`
	Labels        []Ref    `json:"labels,omitempty" doc:"Its labels."`
	Fields        Values   `json:"fields,omitempty" doc:"Custom fields."`
	ExternalID    string   `json:"external_id,omitempty" doc:"Its id in the owner's own systems."`
	LastMessageAt Time     `json:"last_message_at,omitempty" doc:"When the last message was sent."`
	Messages      *int     `json:"messages,omitempty" doc:"How many messages it has."`
}

// The words of Ticket.Status.
const (
	StatusOpen    = "open"
	StatusPending = "pending"
	StatusClosed  = "closed"
	StatusSpam    = "spam"
)

// The words of Ticket.Priority.
const (
	PriorityUrgent = "urgent"
	PriorityHigh   = "high"
	PriorityNormal = "normal"
	PriorityLow    = "low"
)

// The words of a direction.
const (
	In  = "in"
	Out = "out"
)

// Comment is a message or a note of a ticket.
type Comment struct {
	Meta

	Kind        string       `json:"kind" doc:"message, note or system."`
	Private     bool         `json:"private" doc:"Whether only agents see it."`
	Direction   string       `json:"direction,omitempty" doc:"in from the contact, out to it, or unknown; none for a note."`
	Author      *Actor       `json:"author,omitempty" doc:"Who wrote it."`
	TicketID    string       `json:"ticket_id,omitempty" doc:"The ticket that it is of."`
	ContactID   string       `json:"contact_id,omitempty" doc:"The contact that it is of."`
	Channel     *Ref         `json:"channel,omitempty" doc:"The channel that it was sent on."`
	Subject     string       `json:"subject,omitempty" doc:"Its subject, of an e-mail."`
	Body        string       `json:"body,omitempty" doc:"Its text, or the beginning of it where the desk gives no more."`
	HTML        string       `json:"html,omitempty" doc:"Its text as HTML."`
	SentAt      Time         `json:"sent_at,omitempty" doc:"When it was sent."`
	ExternalID  string       `json:"external_id,omitempty" doc:"Its id in the owner's own systems."`
	Attachments []Attachment `json:"attachments,omitempty" doc:"What is attached to it."`
}

// The words of Comment.Kind.
const (
	KindMessage = "message"
	KindNote    = "note"
	KindSystem  = "system"
)

// Attachment is a file of a comment: a link to it, not its content.
type Attachment struct {
	Meta

	CommentID string `json:"comment_id,omitempty" doc:"The comment that it is of."`
	TicketID  string `json:"ticket_id,omitempty" doc:"The ticket that it is of."`
	Name      string `json:"name,omitempty" doc:"The file's name."`
	Link      string `json:"link,omitempty" doc:"Where it can be fetched; it may expire."`
}

// Status is what a ticket can be or end as, where the owner defines it.
type Status struct {
	Meta

	Name string `json:"name,omitempty" doc:"The name that people see."`
	Kind string `json:"kind" doc:"result: how a ticket ended."`
}

// ResultStatus is the kind of a Status that says how tickets end.
const ResultStatus = "result"
